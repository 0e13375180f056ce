/** Findings and evidence made of texts, without a database. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { TextFacts } from "../../../shared/facts/facts.ts";
import {
  findingsOfRename,
  readTextsOf,
  type RenamedTable,
} from "../../../shared/findings/rename_findings.ts";
import { namedIn } from "../../../shared/findings/removed_names.ts";
import {
  readTexts,
  type TextFindingOptions,
  textFindings,
} from "../../../shared/findings/text_findings.ts";
import type { NamedRelation } from "../../../shared/sql/parser/table_index.ts";
import { markedAsOwn } from "../../../shared/sql/own_statements.ts";
import { RULES } from "../../../shared/findings/text_rules.ts";
import { column, factsOf, SERVER_VERSION, table } from "../../support/catalog/handwritten_facts.ts";
import { routineText } from "../../support/text_facts.ts";

const OLD = table("old", {
  oid: 1,
  columns: [column("id"), column("name"), column("n", { identity: "d" })],
  constraints: [
    { name: "old_pkey", definition: "PRIMARY KEY (id)" },
    { name: "old_name_key", definition: 'UNIQUE (name, "N x")' },
    { name: "old_excl", definition: "EXCLUDE USING gist (during WITH &&)" },
  ],
});
const NEIGHBOUR = table("neighbour", { oid: 2, schema: "app" });

const statement = (query: string, more: Partial<TextFacts> = {}) =>
  routineText({
    kind: "statement",
    identity: "42",
    schema: null,
    text: query,
    calls: 7,
    role: "anon",
    ...more,
  });

const job = (command: string) =>
  routineText({ kind: "cron job", identity: "nightly", schema: null, text: command });

/** Texts read, and what is found in them. */
const findingsIn = (
  texts: TextFacts[],
  tables: NamedRelation[],
  version: number,
  options: TextFindingOptions = {},
) =>
  textFindings(
    readTexts(
      { texts, dynamic_sql_routines: [], same_named_relations: [] },
      tables,
      options.newNames,
    ),
    tables,
    version,
    options,
  );

const findings = (texts: TextFacts[], version = SERVER_VERSION) =>
  findingsIn(texts, [OLD, NEIGHBOUR], version);

/** Codes with their severities. */
const codes = (texts: TextFacts[], version?: number) =>
  findings(texts, version).map(({ code, severity }) => `${code} ${severity}`);

Deno.test("there is one finding for each text and code, with the tables and what the text says", () => {
  const found = findings([
    routineText({
      text: "truncate old; truncate app.neighbour; select ctid, xmin from old; truncate old",
    }),
    routineText({ identity: "public.g()", text: "truncate public.old" }),
  ]);
  assertEquals(found.map(({ code, object }) => [code, object]), [
    ["truncate", "public.f()"],
    ["system_columns", "public.f()"],
    ["truncate", "public.g()"],
  ]);
  assertMatch(
    found[0].message,
    /^The routine truncates "public"\."old", "app"\."neighbour"; .*: truncate old; /,
  );
  for (const { message, remedy } of found) {
    assert(message.length > 20 && remedy.endsWith("."), remedy);
  }
});

Deno.test("many tables of one finding are counted, not listed", () => {
  const many = Array.from({ length: 12 }, (_, n) => table(`t${n}`, { oid: 100 + n }));
  const all = many.map(({ name }) => name).join(", ");
  const [finding] = findingsIn([routineText({ text: `truncate ${all}` })], many, SERVER_VERSION);
  assertStringIncludes(finding.message, '"public"."t4" and 7 more');
});

Deno.test("what fails is breaking in routines, jobs and recorded statements, definitions only where they run again", () => {
  assertEquals(codes([routineText({ text: "truncate old" })]), ["truncate breaking"]);
  assertEquals(codes([job("truncate old")]), ["truncate breaking", "cron_mentions info"]);
  assertEquals(codes([statement("truncate old")]), ["truncate breaking"]);
  for (
    const ddl of [
      "alter table old add column if not exists x int",
      "comment on table old is 'x'",
    ]
  ) {
    assertEquals(codes([routineText({ text: ddl })]), ["ddl_on_old_name breaking"]);
    assertEquals(codes([job(ddl)]), ["ddl_on_old_name breaking", "cron_mentions info"]);
    assertEquals(codes([statement(ddl, { calls: 1 })]), []);
    assertEquals(codes([statement(ddl, { calls: 2 })]), ["ddl_on_old_name breaking"]);
  }
  assertEquals(codes([routineText({ text: "revoke select on old from anon" })]), [
    "privileges_on_old_name warning",
  ]);
  const recorded: [query: string, found: string][] = [
    ["revoke select on old from anon", "privileges_on_old_name warning"],
    ["create table x as select ctid from old", "system_columns breaking"],
    [" -- x\n/* y */ CREATE index if not exists x on old (name)", "ddl_on_old_name breaking"],
    ["alter table old add column if not exists x int", "ddl_on_old_name breaking"],
    ["alter table old alter column name set default 'x'", "ddl_on_view_only warning"],
    ["do $$ begin truncate old; end $$", "truncate breaking"],
    ["do language plpgsql $$ begin execute 'truncate old'; end $$", "truncate breaking"],
    ["drop table if exists old", "ddl_on_old_name breaking"],
    // Somebody has undone these in between, as when migrations are tried.
    ["create index x on old (name)", "ddl_on_old_name warning"],
    ["alter table old add column x int", "ddl_on_old_name warning"],
    ["alter table old enable row level security", "ddl_on_old_name breaking"],
    [
      "create or replace trigger t before insert on old for each row execute function f()",
      "ddl_on_old_name breaking",
    ],
    [
      "create trigger t before insert on old for each row execute function f()",
      "ddl_on_old_name warning",
    ],
    ["drop table old", "ddl_on_old_name warning"],
    ["reindex (verbose) table concurrently old", "ddl_on_old_name breaking"],
    ["cluster old using old_pkey", "ddl_on_old_name breaking"],
    ["cluster old_pkey on old", "ddl_on_old_name breaking"],
  ];
  for (const [query, found] of recorded) {
    assertEquals(codes([statement(query, { calls: 1 })]), [], query);
    assertEquals(codes([statement(query, { calls: 2 })]), [found], query);
  }
  assertEquals(codes([statement("do $$ begin delete from old; end $$")]), []);
  assertEquals(codes([statement("alter table old disable trigger all")]), [
    "disable_trigger warning",
  ]);
  assertEquals(codes([routineText({ text: "alter table old disable trigger all" })]), [
    "disable_trigger breaking",
  ]);
});

Deno.test("a recorded copy out of the table is a warning, a copy into it is breaking", () => {
  assertEquals(codes([statement("COPY public.old (id) TO stdout")]), ["copy warning"]);
  assertEquals(codes([statement("copy old from stdin")]), ["copy breaking"]);
  assertEquals(codes([routineText({ text: "copy old to '/tmp/x'" })]), ["copy breaking"]);
  // The worst of them.
  assertEquals(codes([statement("copy old to stdout; copy old from stdin")]), ["copy breaking"]);
  const [{ message }] = findings([statement("copy old to stdout; copy old from stdin")]);
  assertStringIncludes(message, "copies into");
});

Deno.test("MERGE is no finding where the server can do it to a view", () => {
  const merge = routineText({
    text: "merge into old using app.neighbour on true when matched then delete",
  });
  assertEquals(codes([merge], 160_004), ["merge breaking"]);
  assertEquals(codes([merge], 170_000), []);
});

Deno.test("what may be the case is a warning that says so", () => {
  const found = findings([
    routineText({
      language: "plpgsql",
      text: "begin execute v || ' old'; execute 'truncate old' || v; end",
    }),
    routineText({ text: "truncate neighbour" }),
  ]);
  assertEquals(found.map(({ code, severity }) => `${code} ${severity}`), [
    "truncate warning",
    "truncate warning",
  ]);
  for (const { message } of found) assertStringIncludes(message, "perhaps truncates");
});

Deno.test("a recorded statement says how often it ran and as whom", () => {
  const message = (more: Partial<TextFacts>) =>
    findings([statement("truncate old", more)])[0].message;
  assertStringIncludes(message({}), "The statement, run 7 times as anon, truncates");
  assertStringIncludes(message({ calls: 1, role: "app" }), "run once as app,");
  assertEquals(findings([statement("truncate old")])[0].object, "statement 42");
});

Deno.test("the remedy for ON CONFLICT ON CONSTRAINT has the columns to name instead, where there are any", () => {
  const remedy = (constraint: string) =>
    findings([
      routineText({
        text: `insert into old values (1) on conflict on constraint ${constraint} do nothing`,
      }),
    ])[0].remedy;
  assertStringIncludes(remedy("old_pkey"), "ON CONFLICT (id)");
  assertStringIncludes(remedy("old_name_key"), 'ON CONFLICT (name, "N x")');
  assertStringIncludes(remedy("old_excl"), "use ON CONFLICT DO NOTHING");
});

Deno.test("routines of the platform, foreign keys' checks and this tool's own statements have no findings", () => {
  assertEquals(codes([routineText({ schema: "auth", text: "truncate public.old" })]), []);
  assertEquals(codes([routineText({ schema: "pg_toast", text: "truncate public.old" })]), []);
  assertEquals(
    codes([
      statement("update sys_table_migrations set x = 1 where ctid in (select ctid from old)"),
    ]),
    [],
  );
  assertEquals(codes([statement("prepare table_rename_x as select ctid from old")]), []);
  assertEquals(codes([statement(markedAsOwn("alter table old rename to x"))]), []);
  const check =
    'SELECT 1 FROM ONLY "public"."old" x WHERE "id" OPERATOR(pg_catalog.=) $1 FOR KEY SHARE OF x';
  assertEquals(
    findingsIn([statement(check)], [{ ...OLD, children: ["x"] }], SERVER_VERSION),
    [],
  );
  // What an application sends by way of the Data API is qualified, too.
  const api = 'WITH x AS (SELECT ctid FROM "public"."old") SELECT pg_catalog.count(y) FROM x y';
  assertEquals(codes([statement(api)]), ["system_columns breaking"]);
});

Deno.test("a recorded statement that is cut is no text that cannot be read", () => {
  assertEquals(codes([statement("select ctid from old where name in ('a', 'b")]), [
    "system_columns breaking",
  ]);
  assertEquals(codes([statement("select 1 from old where name in ('a', 'b")]), []);
  assertEquals(codes([routineText({ text: "select 1 from old where name in ('a', 'b" })]), [
    "unparsed_text warning",
  ]);
});

Deno.test("without a view, what names the old name and runs again is breaking", () => {
  const without = (texts: TextFacts[]) =>
    findingsIn(texts, [OLD], SERVER_VERSION, { hasView: false }).map(({ code, severity }) =>
      `${code} ${severity}`
    );
  assertEquals(without([routineText({ text: "select ctid from old" })]), [
    "old_name_gone breaking",
  ]);
  assertEquals(without([job("delete from old")]), ["old_name_gone breaking"]);
  assertEquals(without([statement("delete from old")]), []);
  assertEquals(without([routineText({ language: "plv8", text: "old" })]), [
    "old_name_gone warning",
  ]);
  assertEquals(
    without([
      routineText({
        language: "plpgsql",
        trigger_of: [1],
        text: "begin return tg_table_name; end",
      }),
    ]),
    ["tg_table_name warning"],
  );
});

Deno.test("an analysis has the findings of a rename whose name is not decided", () => {
  const texts = [
    routineText({ text: "truncate old; truncate app.neighbour" }),
    routineText({
      identity: "public.g()",
      language: "plpgsql",
      trigger_of: [1],
      text: "begin return tg_table_name like 'o%'; end",
    }),
  ];
  const facts = { ...factsOf([OLD, NEIGHBOUR]), texts };
  const view = { owner: OLD.owner, replaced: [] } as never;
  const found = (one: RenamedTable) => findingsOfRename([one], facts, readTextsOf([one], facts));
  const of = (facts_: typeof OLD, newName: string | null) =>
    found({ facts: facts_, newName, view })
      .map(({ code, severity, object }) => `${code} ${severity} ${object}`);
  assertEquals(of(OLD, null), ["truncate breaking public.f()", "tg_table_name warning public.g()"]);
  assertEquals(of(NEIGHBOUR, null), ["truncate breaking public.f()"]);
  assertEquals(of(OLD, "aged"), [
    "truncate breaking public.f()",
    "tg_table_name breaking public.g()",
  ]);
  const [{ message }] = found({ facts: NEIGHBOUR, newName: null, view });
  assert(!message.includes('"public"."old"'), message);
});

Deno.test("evidence: which texts name the old name, once each, and how sure that is", () => {
  const named = (texts: TextFacts[]) =>
    namedIn({ texts, dynamic_sql_routines: [], same_named_relations: [] }, [OLD, {
      schema: "app",
      name: "neighbour",
    }])
      .map(({ kind, identity, table, certainty }) => `${kind} ${identity} ${table} ${certainty}`);
  assertEquals(
    named([
      routineText({ text: "select 1 from old; delete from old; select 1 from app.neighbour" }),
      routineText({
        identity: "public.g()",
        language: "plpgsql",
        text: "begin execute 'table old'; end",
      }),
      routineText({
        identity: "public.h()",
        language: "plpgsql",
        text: "begin execute v || 'old'; end",
      }),
      routineText({
        identity: "public.i()",
        language: "plpgsql",
        text: "begin execute v || 'old'; perform from old; end",
      }),
      routineText({ identity: "public.j()", text: "select 1 -- from old" }),
      routineText({ identity: "public.k()", language: "plv8", text: "old()" }),
      job("delete from old"),
      statement("select * from old"),
      statement("create view v as select * from old", { identity: "43", calls: 1 }),
    ]),
    [
      'routine public.f() "public"."old" named',
      'routine public.f() "app"."neighbour" named',
      'routine public.g() "public"."old" dynamic',
      'routine public.h() "public"."old" possible',
      'routine public.i() "public"."old" named',
      'routine public.k() "public"."old" possible',
      'cron job nightly "public"."old" named',
      'statement 42 "public"."old" named',
    ],
  );
  // A trigger function that compares the name of its table has nothing to do with the view.
  const trigger = "begin if tg_table_name = 'old' then return old; end if; end";
  assertEquals(named([routineText({ language: "plpgsql", trigger_of: [1], text: trigger })]), []);
  const texts = [routineText({ text: "delete\n from old" })];
  assertEquals(
    namedIn({ texts, dynamic_sql_routines: [], same_named_relations: [] }, [OLD])[0].excerpt,
    "delete from old",
  );
});

Deno.test("every code says what happens and what to do", () => {
  for (const [code, { does, remedy }] of Object.entries(RULES)) {
    for (const newName of [null, "aged"]) {
      for (const detail of ["", "id", "from", "to", "compares", "uses", "xmax", "ctid"]) {
        const subject = {
          text: routineText({}),
          tables: '"public"."old"',
          first: OLD,
          newName,
          detail,
        };
        assert(does(subject).length > 10 && !/undefined|null/.test(does(subject)), code);
        assert(/^[A-Z].*\.$/.test(remedy(subject)), remedy(subject));
      }
    }
  }
});
