/** Old names in SQL, written anew: what is changed, how little of it, and what is left to a person. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { RelationFacts } from "../../../shared/facts/facts.ts";
import { rewriteReferences } from "../../../shared/sql/references/rewrite_references.ts";
import {
  referencesIn,
  type SqlSource,
  tableIndex,
} from "../../../shared/sql/references/table_references.ts";
import { statements } from "../../support/generated/generated_statements.ts";
import { column, table } from "../../support/catalog/handwritten_facts.ts";

const relation = (oid: number, name: string, more: Partial<RelationFacts> = {}) =>
  table(name, {
    oid,
    columns: [column("id"), column("name"), column("number", { identity: "a" })],
    constraints: [{ name: `${name}_pkey`, definition: "PRIMARY KEY (id)" }],
    ...more,
  });

const TABLES = [
  relation(1, "old"),
  relation(2, "user docs"),
  relation(3, "items", { schema: "app" }),
  relation(4, "kept"),
  relation(5, "same", { schema: "same" }),
  relation(6, "short"),
];
const NEW_NAMES = new Map([[1, "new"], [2, "documents"], [3, "Goods"], [5, "other"], [6, "it's"]]);
const INDEX = tableIndex(TABLES, NEW_NAMES);

type Options = Partial<Omit<SqlSource, "text">> & { variables?: string[] };

function rewrite(text: string, { variables, ...options }: Options = {}) {
  const source = { language: "sql", search_path: null, schema: "public", ...options, text };
  return rewriteReferences(source, INDEX, variables);
}

/** Each case is a source and what becomes of it; a source alone is left as it is, and has nothing unsure. */
function check(cases: [text: string, expected?: string][], options?: Options): void {
  for (const [text, expected = text] of cases) {
    const { text: found, unsure } = rewrite(text, options);
    assertEquals({ found, unsure: unsure.length }, { found: expected, unsure: 0 }, text);
  }
}

function checkUnsure(texts: string[], options?: Options): void {
  for (const text of texts) {
    const { text: found, unsure } = rewrite(text, options);
    assertEquals({ found, unsure: unsure.length > 0 }, { found: text, unsure: true }, text);
  }
}

const body = (statement: string) => `declare v int; begin ${statement}; end`;

Deno.test("a new name is written as the string needs it that it comes into", () => {
  check([
    ["select * from short", `select * from "it's"`],
    ["select 'short'::regclass", `select '"it''s"'::regclass`],
    ["do 'begin perform 1 from short; end'", `do 'begin perform 1 from "it''s"; end'`],
    ["do $$begin perform 1 from short; end$$", `do $$begin perform 1 from "it's"; end$$`],
  ]);
});

Deno.test("a name gets the new one in its place, and nothing else moves", () => {
  check([
    ["select * from old", "select * from new"],
    [
      "select  *\n\tfrom /* of old */ old -- old\n;",
      "select  *\n\tfrom /* of old */ new -- old\n;",
    ],
    ["select * from public.old", "select * from public.new"],
    ['select * from "public" . "old"', 'select * from "public" . new'],
    ["select * from postgres.public.old", "select * from postgres.public.new"],
    ['select * from "user docs" d', "select * from documents d"],
    ["select * from app.items i", 'select * from app."Goods" i'],
    ["insert into old (id) select id from kept", "insert into new (id) select id from kept"],
    ["update only old o set name = 'old'", "update only new o set name = 'old'"],
    ["delete from old where id = 1", "delete from new where id = 1"],
    ["truncate old, kept", "truncate new, kept"],
    ["lock table old in share mode", "lock table new in share mode"],
    ["table old", "table new"],
    ["copy old to stdout", "copy new to stdout"],
    ["select 1::old, cast(null as public.old[])", "select 1::new, cast(null as public.new[])"],
    ["alter table old disable trigger all", "alter table new disable trigger all"],
    ["comment on column old.name is 'of old'", "comment on column new.name is 'of old'"],
    ["select * from same.same s", "select * from same.other s"],
    ["select 1 from kept"],
    ["select old from kept"],
    ["with old as (select 1) select * from old"],
  ]);
});

Deno.test("where columns are qualified by the old name, it stays as an alias", () => {
  check([
    [
      "select old.id from old where old.name = 'x'",
      "select old.id from new as old where old.name = 'x'",
    ],
    ["select old from old", "select old from new as old"],
    [
      "update old set name = k.name from kept k where k.id = old.id",
      "update new as old set name = k.name from kept k where k.id = old.id",
    ],
    [
      "delete from old using kept where kept.id = old.id",
      "delete from new as old using kept where kept.id = old.id",
    ],
    [
      "insert into old (id) values (1) on conflict (id) do update set name = old.name",
      "insert into new as old (id) values (1) on conflict (id) do update set name = old.name",
    ],
    [
      "insert into old as o values (1) on conflict (id) do update set name = o.name",
      "insert into new as o values (1) on conflict (id) do update set name = o.name",
    ],
    ["select id from old for update of old", "select id from new as old for update of old"],
    [
      "select old.* from only (old) tablesample system (1)",
      "select old.* from only (new) as old tablesample system (1)",
    ],
    [
      'select "user docs".id from "user docs"',
      'select "user docs".id from documents as "user docs"',
    ],
    [
      "select 1 from kept join old on old.id = kept.id",
      "select 1 from kept join new as old on old.id = kept.id",
    ],
  ]);
});

Deno.test("a name that the source uses for something else is qualified, so that it cannot hide the table", () => {
  check([
    [
      "with new as (select 1) select * from old",
      "with new as (select 1) select * from public.new as old",
    ],
    ["select new.id from old, kept new", "select new.id from public.new as old, kept new"],
    ["select 'new' from public.old", "select 'new' from public.new as old"],
    ["select * from old -- new", "select * from new -- new"],
  ]);
  check([["select * from old", "select * from public.new as old"]], { variables: ["new"] });
});

Deno.test("PL/pgSQL: statements, types of variables, loops and the like", () => {
  check([
    [body("perform 1 from old"), body("perform 1 from new")],
    [
      "declare r old%rowtype; n public.old.name%type; begin for r in select * from old loop null; end loop; end",
      "declare r new%rowtype; n public.new.name%type; begin for r in select * from new loop null; end loop; end",
    ],
    [body("return query select o.id from old o"), body("return query select o.id from new o")],
    [
      body("if exists (select from old) then v := (select max(old.id) from old); end if"),
      body(
        "if exists (select from new as old) then v := (select max(old.id) from new as old); end if",
      ),
    ],
    [body("raise notice 'old %', v"), body("raise notice 'old %', v")],
  ], { language: "plpgsql" });
});

Deno.test("names in strings that the server reads as a relation's", () => {
  check([
    ["select 'old'::regclass", "select 'new'::regclass"],
    ["select to_regclass('public.old')", "select to_regclass('public.new')"],
    ["select pg_relation_size('app.items')", "select pg_relation_size('app.\"Goods\"')"],
    ["select pg_get_serial_sequence('old', 'id')", "select pg_get_serial_sequence('new', 'id')"],
    ["select has_table_privilege('old', 'select')", "select has_table_privilege('new', 'select')"],
    ["do $x$ begin perform 1 from old; end $x$", "do $x$ begin perform 1 from new; end $x$"],
  ]);
});

Deno.test("all of a source or nothing: what is not certain is left to a person", () => {
  checkUnsure([
    "select * from old; select f('select * from old')",
    "select public.old.id from public.old",
    "table old order by old.id",
    "select * from old where ( ",
  ]);
  checkUnsure([
    body("execute 'select * from old'"),
    body("execute format('select * from %I', 'old')"),
  ], {
    language: "plpgsql",
  });
  checkUnsure(["select from old"], { language: "plv8" });
  // Another schema's table, if the caller's search path has it.
  checkUnsure(["select * from items"], { schema: "public" });
});

Deno.test("whatever the statement: the new one does the same with the same tables, and the way back is exact", () => {
  const relations = [relation(1, "entries"), relation(2, "others")];
  const there = tableIndex(relations, new Map([[1, "people"], [2, "Rest"]]));
  const renamed = [relation(1, "people"), relation(2, "Rest")];
  const gone = tableIndex(relations);
  let changed = 0;
  fc.assert(
    fc.property(statements, (text) => {
      const source = { language: "sql", search_path: null, schema: "public", text };
      const result = rewriteReferences(source, there);
      if (result.unsure.length > 0 || result.edits.length === 0) {
        return assertEquals(result.text, text);
      }
      changed++;
      const after = { ...source, text: result.text };
      assertEquals(referencesIn(after, gone).map(({ code }) => code), [], result.text);
      const codes = (one: SqlSource, names: typeof relations) =>
        referencesIn(one, tableIndex(names)).map(({ table, code }) => [table.oid, code]);
      assertEquals(codes(after, renamed), codes(source, relations), result.text);
    }),
    { numRuns: 500 },
  );
  // Most statements are changed, or the property says nothing.
  assertEquals(changed > 200, true, `${changed} of 500 were changed`);
});
