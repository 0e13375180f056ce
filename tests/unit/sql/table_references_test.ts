/** References to tables, and what only looks like one. Each case is a source and its references, in its order. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import fc from "fast-check";
import type { RelationFacts } from "../../../shared/facts/facts.ts";
import { viewDefault } from "../../../shared/plan/view/column_defaults.ts";
import {
  referencesIn,
  type SqlSource,
  tableIndex,
  type TableReference,
} from "../../../shared/sql/references/table_references.ts";
import { column, table } from "../../support/catalog/handwritten_facts.ts";
import { statements } from "../../support/generated/generated_statements.ts";
import { sqlish } from "../../support/sqlish.ts";

let oid = 20_000;
const relation = (name: string, more: Partial<RelationFacts> = {}) =>
  table(name, {
    oid: oid++,
    columns: [column("id"), column("name"), column("number", { identity: "a" })],
    constraints: [{ name: `${name}_pkey`, definition: "PRIMARY KEY (id)" }],
    ...more,
  });

const TABLES = [
  relation("old"),
  relation("new"),
  relation("window"),
  relation("größe"),
  relation("Wörter und mehr"),
  relation("items", { schema: "app" }),
  relation("parents", { children: ["public.children"] }),
];
const INDEX = tableIndex(TABLES);

type Options = Partial<Omit<SqlSource, "text">>;

const read = (text: string, options: Options = {}): TableReference[] =>
  referencesIn({ language: "sql", search_path: null, schema: "public", ...options, text }, INDEX);

/** Like `public.old`, `public.old copy`, `app.items possible`. */
function shown({ table, certainty, code }: TableReference): string {
  return [`${table.schema}.${table.name}`, certainty === "named" ? "" : certainty, code ?? ""]
    .filter((part) => part !== "").join(" ");
}

type Case = [text: string, ...uses: string[]];

function check(cases: Case[], options: Options = {}): void {
  for (const [text, ...uses] of cases) {
    assertEquals(read(text, options).map(shown), uses, text);
  }
}

/** A function of PL/pgSQL around one statement. */
const body = (statement: string) => `declare v int; begin ${statement}; end`;

const OLD = "public.old";

Deno.test("a name is a reference wherever SQL has a relation", () => {
  check([
    ["select * from old", OLD],
    ["select * from old o, new n", OLD, "public.new"],
    ["select 1 from a, old", OLD],
    ["select 1 from a join old on true left join b using (x) natural join new", OLD, "public.new"],
    ["select 1 from a left outer join lateral (select 1 from old) o on o.x = a.x", OLD],
    ["select 1 from a where exists (select from old where old.id = a.id)", OLD],
    ["select (select max(id) from old), array(select id from new)", OLD, "public.new"],
    ["select 1 from (a cross join old)", OLD],
    ["select 1 from ((select id from old) union all (select id from new)) x", OLD, "public.new"],
    ["select 1 union select 2 from old except select 3 from new order by 1", OLD, "public.new"],
    ["select 1 from old* where true", OLD],
    ["select 1 from only (old)", OLD],
    ["select 1 from a where x is distinct from old", ...[]],
    ["select a is not distinct from b from old", OLD],
    ["select extract(year from old) , substring(old from 1 for 2), trim(both from old) from a"],
    ["insert into old values (1)", OLD],
    ["insert into old as o (id) select id from new returning o.id", OLD, "public.new"],
    ["insert into old (id, name) (select 1, 'x' from new)", OLD, "public.new"],
    ["insert into a select 1 from b join old on b.x = old.x on conflict do nothing", OLD],
    ["update old set name = (select name from new where new.id = old.id)", OLD, "public.new"],
    ["update a set x = o.x from old o where o.id = a.id", OLD],
    ["update only old o set name = 'x'", OLD],
    ["delete from old where id = 1", OLD],
    ["delete from a using old where old.id = a.id returning a.*", OLD],
    ["merge into a using old on a.id = old.id when matched then delete", OLD],
    ["with x as (delete from old returning *) insert into new select * from x", OLD, "public.new"],
    ["table old", OLD],
    ["values (1, (table old))", OLD],
    ["lock table old, new in share mode", OLD, "public.new"],
    ["explain (analyze, costs off) select * from old", OLD],
    ["explain analyze verbose delete from old", OLD],
    ["prepare p (int) as select * from old where id = $1", OLD],
    ["declare c cursor for select * from old", OLD],
    ["copy (select * from old) to stdout", OLD],
    ["create table x as select * from old", OLD],
    ["create or replace view v as with w as (select 1 from old) select * from w", OLD],
    ["create materialized view v as select * from old with no data", OLD],
    ["select * from old; select * from new;", OLD, "public.new"],
    ["select 1 from generate_series(1, (select count(*) from old)) g", OLD],
    ["select 1 from rows from (f((select 1 from old)), g()) with ordinality", OLD],
    ["select sum(x) filter (where y in (select id from old)) over (order by z) from a", OLD],
    ["select case when exists (select from old) then 1 else 2 end from a", OLD],
  ]);
});

Deno.test("a column, an alias, a label, a variable or a function of the name is no reference", () => {
  check([
    ["select old from a"],
    ["select old.id from a old"],
    ["select a.old, x as old from a order by old"],
    ["select old(1), public.old(2) from a"],
    ["select 1 from old(1) o"],
    ["select 1 from a as old (old) join b old2 using (old) where old.x = 1 group by old"],
    ["insert into a (old, new) values (1, 2)"],
    ["update a set old = 1, (new, x) = (2, 3) where old = 5"],
    ["select 1 from a order by old limit 1"],
    ["create table a (old int, new text)"],
    ["create index old on a (old)"],
    ["alter table a rename column x to old"],
    ["alter table a add column old int"],
    ["create function old(new int) returns int language sql as 'select new'"],
    ["drop function old"],
    ["drop index old"],
    ["grant select on schema old to new"],
    ["grant execute on function old to new"],
    ["grant old to new"],
    ["select 1 from a for update of old"],
    ["select interval '1 day' old, a.x::int old from a"],
    ["set search_path = old"],
    ["notify old"],
  ]);
});

Deno.test("a name in a comment or in a string is no reference", () => {
  check([
    ["select 1 -- from old\nfrom a"],
    ["select /* from old /* join old */ from old */ 1"],
    ["select 'select 1 from ' from a where b = 'old'"],
    ["select 'it''s from old' from a"],
    ["select E'\\' from old \\'' from a"],
    ["select $x$ from old $x$ from a"],
    ["comment on table a is 'like old'"],
  ]);
});

Deno.test("quotes and letters decide which table is meant", () => {
  check([
    ['select 1 from "old"', OLD],
    ["select 1 from OLD, Public.Old", OLD, OLD],
    ['select 1 from "Old", "OLD"'],
    ['select 1 from "PUBLIC".old, "public"."old"', OLD],
    ['select 1 from U&"\\006Fld"', OLD],
    ['select 1 from "window"', "public.window"],
    ["select 1 from größe, GRößE", "public.größe", "public.größe"],
    ["select 1 from GRÖßE"],
    ['select 1 from "Wörter und mehr" w', "public.Wörter und mehr"],
    ["select 1 from old_2, my_old, old$, olds"],
    ['select 1 from " old"'],
  ]);
});

Deno.test("a schema decides which table is meant", () => {
  check([
    ["select 1 from public.old", OLD],
    ["select 1 from other.old, app.old, old.old"],
    ["select 1 from mydb.public.old", OLD],
    ["select 1 from app.items, public.items", "app.items"],
    ["select public.old.id from public.old", OLD],
    ["select 1 from pg_temp.old"],
    ["select 1 from public . /* x */ old", OLD],
  ]);
});

Deno.test("without a schema, the search path decides: a routine's own, or else the caller's", () => {
  const text = "select 1 from old, items, new";
  const cases: [Options, ...string[]][] = [
    [{ search_path: [] }],
    [{ search_path: ["app"] }, "app.items"],
    [{ search_path: ["app", "public"] }, OLD, "app.items", "public.new"],
    [{ search_path: ["pg_catalog", "pg_temp"] }],
    // Nobody knows where a caller looks: public it is by default, elsewhere it may be.
    [{ search_path: null }, OLD, "app.items possible", "public.new"],
    [{ search_path: null, schema: null }, OLD, "app.items possible", "public.new"],
    [{ search_path: null, schema: "app" }, OLD, "app.items", "public.new"],
  ];
  for (const [options, ...uses] of cases) {
    assertEquals(read(text, options).map(shown), uses, JSON.stringify(options));
  }
});

Deno.test("of two tables of one name the first in the search path is meant", () => {
  const index = tableIndex([relation("twins"), relation("twins", { schema: "app" })]);
  const uses = (search_path: string[] | null) =>
    referencesIn({ language: "sql", text: "table twins", search_path, schema: "public" }, index)
      .map(shown);
  assertEquals(uses(["app", "public"]), ["app.twins"]);
  assertEquals(uses(["public", "app"]), ["public.twins"]);
  assertEquals(uses(null), ["public.twins", "app.twins possible"]);
});

Deno.test("a common table expression hides the table of its name where it is visible, and not before", () => {
  check([
    ["with old as (select 1) select * from old"],
    ["with old as (select 1) select * from public.old", OLD],
    ["with old as (select * from old) select * from old", OLD],
    ["with recursive old as (select 1 union select * from old) select * from old"],
    ["with recursive b as (select * from old), old as (select 1) select 1"],
    ["with b as (select * from old), old as (select 1) select * from old", OLD],
    ["with old as (select 1), b as (select * from old) select * from b"],
    ["select * from (with old as (select 1) select * from old) x, old", OLD],
    ["with old (a, b) as materialized (select 1, 2) select (select a from old)"],
    ["with x as (with old as (select 1) select * from old) select * from old", OLD],
    ["with old as (select 1) insert into a select * from old"],
    ["with recursive t as (select 1) search depth first by old set old select * from old", OLD],
    ["with old as (select 1) select 1; select * from old", OLD],
    // A type is none that WITH gives.
    ["with old as (select 1) select null::old from old", OLD],
  ]);
});

Deno.test("a temporary table hides the table of its name after it is created", () => {
  check([
    ["create temp table old (id int); insert into old values (1); select * from old"],
    ["insert into old values (1); create temporary table old as select 1; select * from old", OLD],
    ["create temp table old (id int); select * from public.old", OLD],
    ["create temp table old as select * from old; select * from old", OLD],
  ]);
});

Deno.test("a type in casts and definitions is a reference", () => {
  check([
    ["select null::old, x::public.old[], (y::other.old).id from a", OLD, OLD],
    ["select cast(x as old) from a", OLD],
    ["select * from jsonb_populate_record(null::old, $1)", OLD],
    ["select * from f() as t(x int, y old)", OLD],
    ["select x::text old from a"],
    ["create table a (x old, y old[])", OLD, OLD],
    ["create function f(x old, y int default 1) returns setof old language sql as ''", OLD, OLD],
  ]);
});

Deno.test("PL/pgSQL: a table's name is a reference in declarations, and a variable elsewhere", () => {
  check([
    ["declare v old; begin end", OLD],
    ["declare v constant old := row(1); w old%rowtype; begin end", OLD, OLD],
    ["declare v public.old.name%type; w old.name%type := 'x'; begin end", OLD, OLD],
    ["declare v old[]; w old%type; begin end", OLD],
    ["declare old int; new old.id%type default 5; begin old := new; end", OLD],
    ["declare c cursor (x old) for select * from old; d refcursor; begin end", OLD, OLD],
    ["declare c no scroll cursor for select 1 from old for update; begin end", OLD],
    ["declare old alias for $1; begin return old; end"],
    ["declare a int := (select count(*) from old); begin end", OLD],
    ["declare a int; begin declare b old; begin null; end; end", OLD],
    ["declare v app.items%rowtype; begin end", "app.items"],
  ], { language: "plpgsql" });
});

Deno.test("PL/pgSQL: every statement that contains SQL is read", () => {
  check([
    [body("perform 1 from old"), OLD],
    [body("select id into strict v from old"), OLD],
    [body("select id from a into old")],
    [body("insert into old values (1) returning id into v"), OLD],
    [body("v := (select count(*) from old)"), OLD],
    [body("v := count(*) from old"), OLD],
    [body("v = old.id + 1")],
    [body("a.b[1].c := (select 1 from old)"), OLD],
    [
      body(
        "if exists (select from old) then null; elsif v in (select id from new) then null; end if",
      ),
      OLD,
      "public.new",
    ],
    [body("if case when v > 1 then true else false end then perform from old; end if"), OLD],
    [
      body("if not found then delete from old; else update new set name = 'x'; end if"),
      OLD,
      "public.new",
    ],
    [
      body("while exists (select from old) loop exit when (select true from new); end loop"),
      OLD,
      "public.new",
    ],
    [
      body("for r in select * from old where id > v loop delete from new; end loop"),
      OLD,
      "public.new",
    ],
    [body("for old, new in select 1, 2 from a loop null; end loop")],
    [body("for old in 1..10 loop null; end loop old")],
    [body("for i in reverse 10..(select 1 from old) by 2 loop null; end loop"), OLD],
    [body("foreach v in array (select array_agg(id) from old) loop null; end loop"), OLD],
    [
      body("case v when 1 then delete from old; when 2 then null; else delete from new; end case"),
      OLD,
      "public.new",
    ],
    [body("case when (select true from old) then null; end case"), OLD],
    [body("return query select * from old"), OLD],
    [body("return (select max(id) from old)"), OLD],
    [body("return next old")],
    [body("return old")],
    [body("open c for select * from old"), OLD],
    [body("open c(old)")],
    [body("fetch c into old; close c; get diagnostics v = row_count")],
    [body("raise exception 'delete from old' using hint = 'select from old'")],
    [body("raise notice '%', (select count(*) from old)"), OLD],
    [body("assert (select count(*) from old) > 0, 'no old'"), OLD],
    [body("call p((select 1 from old))"), OLD],
    [body("<<old>> for i in 1..2 loop continue old when true; end loop old")],
    [
      "#variable_conflict use_column\nbegin delete from old; exception when others then delete from new; end",
      OLD,
      "public.new",
    ],
    ["<<old>> begin begin perform from old; end; end old;", OLD],
    [body("select case when a then b end from old"), OLD],
    [body("with x as (select 1) select * from old, x"), OLD],
  ], { language: "plpgsql" });
});

Deno.test("NEW and OLD are records in a trigger function, even where tables have these names", () => {
  check([
    [body("if new.id <> old.id then new.name := old.name; end if; return new")],
    [body("insert into a select new.*; return old")],
    [body("insert into a values (old.id, new.id, (new).name)")],
    [body("select old.id, new.id into v from a where a.id = old.id")],
    [body("insert into old select new.*; return null"), OLD],
    [body("delete from new where new.id = old.id"), "public.new"],
    [body("update old set name = new.name where old.id = new.id"), OLD],
  ], { language: "plpgsql" });
});

Deno.test("SQL that EXECUTE runs is read as far as it is known", () => {
  check([
    [body("execute 'select * from old'"), `${OLD} dynamic`],
    [body("execute 'select * from \"old\" where id = $1' into v using new.id"), `${OLD} dynamic`],
    [body("execute $q$ select 'it''s' from old $q$"), `${OLD} dynamic`],
    [body("execute 'select * from ' || 'old'"), `${OLD} dynamic`],
    [body("execute 'select * from old_' || v")],
    [body("execute 'select * from old where id = ' || v || ' and true'"), `${OLD} dynamic`],
    [body("execute 'select * from old' || v"), `${OLD} possible`],
    [body("execute 'select * from ' || quote_ident('old') || ' x'"), `${OLD} dynamic`],
    [body("execute 'select * from ' || quote_ident('Old')")],
    [body("execute format('select * from %I', 'old')"), `${OLD} dynamic`],
    [body("execute format('select * from %I.%I', 'other', 'old')")],
    [
      body("execute format('select * from %2$I.%1$I where x = %3$L', 'old', 'public', v)"),
      `${OLD} dynamic`,
    ],
    [body("execute format('select * from %I.old', v)"), `${OLD} possible`],
    [body("execute format('select %s from %I', v, w)")],
    [body("execute format('select %L, ''from old'' from %I', 'old', w)")],
    [body("execute format('select 100%% from %s', 'old')"), `${OLD} dynamic`],
    [body("execute concat('delete from ', 'old')"), `${OLD} dynamic`],
    [body("execute v || ' from old where x'"), `${OLD} possible`],
    [body("execute v || 'delete from old'"), `${OLD} possible`],
    [body("q := 'delete from old'; execute q"), `${OLD} dynamic`],
    [body("q := ' join old on true '; execute 'select from a' || q"), `${OLD} possible`],
    [body("for r in execute 'select * from old' loop null; end loop"), `${OLD} dynamic`],
    [body("return query execute 'select * from old' using v"), `${OLD} dynamic`],
    [body("open c for execute 'select * from old'"), `${OLD} dynamic`],
    [body("t := 'old'; execute format('delete from %I', u)"), `${OLD} possible`],
    [body("execute 'do $x$ begin delete from old; end $x$'"), `${OLD} dynamic`],
    [body("execute 'select 1'; raise notice 'delete from old'")],
    [body("execute format('select 1') using (select 1 from old)"), OLD],
    [
      body("execute 'truncate ' || 'old, new'"),
      `${OLD} dynamic truncate`,
      "public.new dynamic truncate",
    ],
  ], { language: "plpgsql" });
});

Deno.test("a string is not taken for SQL or a name if nothing runs strings", () => {
  check([
    [body("v := 'old'")],
    [body("insert into a values ('deleted from old')")],
  ], { language: "plpgsql" });
  check([
    ["select 'old', 'from old' from a"],
    // Functions can run what they are given: crosstab, dblink, cron.schedule.
    ["select * from crosstab('select a, b, c from old order by 1')", `${OLD} possible`],
    ["select cron.schedule('x', '* * * * *', $$delete from old where true$$)", `${OLD} possible`],
  ]);
});

Deno.test("bodies of routines and DO blocks are read in their language", () => {
  check([
    ["do $$ begin delete from old; perform old.id from a old; end $$", OLD],
    ["do language plpgsql 'begin delete from old; end'", OLD],
    [
      "DO $do$ declare v old; begin execute 'truncate old'; end $do$;",
      OLD,
      `${OLD} dynamic truncate`,
    ],
    [
      "do language plperl $$ spi_exec_query('select * from old') $$",
      `${OLD} possible unparsed_text`,
    ],
    ["create function f() returns int language sql as $$ select 1 from old $$", OLD],
    [
      "create function f() returns int language sql begin atomic select 1 from old; select 2; end; table new",
      OLD,
      "public.new",
    ],
  ]);
});

Deno.test("a string that stands for a relation is read as a name", () => {
  check([
    ["select 'public.old'::regclass", `${OLD} catalog_lookup`],
    [
      "select 'Old'::regclass, regclass '\"old\"', cast('old' as regclass)",
      `${OLD} catalog_lookup`,
      `${OLD} catalog_lookup`,
      `${OLD} catalog_lookup`,
    ],
    ["select 'old'::regclass::text", OLD],
    ["select '\"Old\"'::regclass, 'other.old'::regclass, 'old'::text"],
    ["select to_regclass('public.old') is not null, to_regclass('old') is null", OLD, OLD],
    ["select to_regclass('old')::oid", `${OLD} catalog_lookup`],
    ["select has_table_privilege('anon', 'public.old', 'select')", OLD],
    ["select pg_get_serial_sequence('old', 'id')", `${OLD} serial_sequence_lookup`],
    [
      "select setval(pg_get_serial_sequence('public.old', 'id'), max(id)) from old",
      `${OLD} serial_sequence_lookup`,
      OLD,
    ],
    [
      "select pg_total_relation_size('old'), pg_table_size('old'::regclass)",
      `${OLD} relation_size`,
      `${OLD} relation_size`,
    ],
    ["select nextval('old'), f('old')"],
  ]);
});

Deno.test("queries of the catalog are reported only if their answer is different for a view", () => {
  check([
    [
      "select 1 from pg_tables where schemaname = 'public' and tablename = 'old'",
      `${OLD} catalog_lookup`,
    ],
    ["select 1 from pg_catalog.pg_indexes where tablename = 'old'", `${OLD} catalog_lookup`],
    ["select 1 from pg_class where relname = 'old' and relkind = 'r'", `${OLD} catalog_lookup`],
    ["select 1 from pg_class where relname = 'old'", OLD],
    ["select 1 from information_schema.tables where table_name = 'old'", OLD],
    [
      "select 1 from information_schema.tables where table_name = 'old' and table_type = 'BASE TABLE'",
      `${OLD} catalog_lookup`,
    ],
    [
      "select column_default from information_schema.columns where table_name = 'items' and table_schema = 'app'",
      "app.items catalog_lookup",
    ],
    [
      "select 1 from information_schema.columns where table_name = 'old' and column_name = 'x'",
      OLD,
    ],
    ["select 1 from my.pg_tables where tablename = 'old'"],
    ["select 1 from tables where name = 'old'"],
  ]);
});

Deno.test("statements that a view refuses have their codes", () => {
  check([
    [
      "insert into old values (1) on conflict on constraint old_pkey do nothing",
      OLD,
      `${OLD} on_conflict_on_constraint`,
    ],
    [
      "insert into old values (1) on conflict (id) where x > 1 do update set name = excluded.name where old.id > 1",
      OLD,
    ],
    ["insert into a select * from old on conflict on constraint a_key do nothing", OLD],
    [
      "merge into old o using a on a.id = o.id when matched then update set name = a.name when not matched then insert values (1)",
      `${OLD} merge`,
      OLD,
    ],
    ["truncate old", `${OLD} truncate`],
    ["truncate table only a, public.old, b restart identity cascade", `${OLD} truncate`],
    ["copy old from stdin", `${OLD} copy`],
    ["copy public.old (id, name) to stdout with (format csv)", `${OLD} copy`],
    ["copy a from '/tmp/old'"],
    ["select * from old tablesample system (10)", `${OLD} tablesample`],
    [
      "select * from old o tablesample bernoulli (1) repeatable (2) join a on true",
      `${OLD} tablesample`,
    ],
    ["update old set name = 'x' where current of c", OLD, `${OLD} where_current_of`],
    ["delete from old where current of c", OLD, `${OLD} where_current_of`],
    ["update old set number = default, name = default", OLD, `${OLD} set_default`],
    ["update old o set (name, number) = ('x', default) where true", OLD, `${OLD} set_default`],
    ["update old set (name, number) = row(default, 1)", OLD],
    ["update old set (name, number) = row('x', default)", OLD, `${OLD} set_default`],
    ["update a set number = default from old", OLD],
    ["insert into old (number) values (default)", OLD],
    [
      "insert into old values (1) on conflict (id) do update set number = default",
      OLD,
      `${OLD} set_default`,
    ],
    [
      "merge into old using a on true when matched then update set number = default",
      `${OLD} merge`,
      OLD,
      `${OLD} set_default`,
    ],
  ]);
});

Deno.test("ONLY counts if the table has children", () => {
  check([
    ["select 1 from only parents", "public.parents", "public.parents only"],
    ["select 1 from only (public.parents) p", "public.parents", "public.parents only"],
    ["update only parents set name = 'x'", "public.parents", "public.parents only"],
    ["delete from only parents", "public.parents", "public.parents only"],
    ["select 1 from only old", OLD],
    ["select only from parents", "public.parents"],
  ]);
});

Deno.test("system columns are those of the table that they are qualified with, or else of the innermost", () => {
  const system = `${OLD} system_columns`;
  check([
    ["select ctid from old", system, OLD],
    ["select old.xmin, o.ctid from old o", system, OLD],
    ["select old.xmin from old", system, OLD],
    ["select public.old.tableoid::regclass from old", system, OLD],
    ["select other.old.ctid from old", OLD],
    ["delete from old where ctid in (select ctid from old limit 5)", OLD, system, system, OLD],
    ["delete from old a using old b where a.ctid < b.ctid", OLD, OLD, system, system],
    ["select ctid from a where exists (select from old)", OLD],
    ["select (select ctid from a limit 1) from old", OLD],
    ["select (select ctid) from old", system, OLD],
    // Of a JOIN, system columns are seen with a qualifier only.
    ["select o.ctid from old o join a on true", system, OLD],
    ["select (select ctid from a join b on true) from old", system, OLD],
    ["select (select ctid from a, b) from old", OLD],
    ["select (select ctid from old join b on true) from a", OLD],
    ["select a.ctid from a, old", OLD],
    ["select ctid from (select 1 as ctid) x where id in (select id from old)", OLD],
    [
      "insert into old values (1) on conflict (id) do update set name = 'x' returning (xmax = 0) as fresh",
      OLD,
      system,
    ],
    ["insert into old select ctid from a", OLD],
    ["update old set name = 'x' where xmin = $1 returning id", OLD, system],
    ["select 1 as ctid, st_xmin(g) xmin, a.xmax from old, a", OLD],
    ["with old as (select ctid from a) select ctid from old"],
    ["select old.name from old where x = 'ctid'", OLD],
  ]);
});

Deno.test("grouping by the key alone counts if other columns are used outside aggregates", () => {
  const dependent: string[] = [
    "select id, name from old group by id",
    "select old.*, count(*) from old join a on a.x = old.id group by old.id",
    "select * from old group by id",
    "select o.name, sum(l.x) from old o left join lines l on l.o = o.id group by o.id, l.y",
    "select name, count(*) from old join lines l on l.o = old.id group by old.id",
    "select o.id, upper(o.name) as name from old o group by 1",
    "select id as key, name from old group by key",
    "select to_jsonb(o) from old o group by o.id",
    "select id from old group by id having name > 'a'",
    "select id from old group by id order by lower(name)",
    "select id, sum(count(*)) over (partition by name) from old group by id",
    "select o.id, (select max(x) from lines l where l.name = o.name) from old o group by o.id",
    "select id, lower(name), name || 'x' from old group by id, lower(name)",
    "select id, sum(number) over () from old group by id",
    "select distinct on (id) id, name n from old group by (id)",
    "select id, name from old group by id, rollup (number)",
    "select id, case when name = 'x' then 1 else 2 end from old group by id",
    "with w as (select id, name from old group by id) select * from w",
  ];
  for (const text of dependent) {
    const codes = read(text).flatMap(({ code }) => code ?? []);
    assertEquals(codes, ["group_by_primary_key"], text);
  }
  const independent: string[] = [
    "select id, count(*) from old group by id",
    "select id, name from old group by id, name",
    "select id, name, number from old group by 1, 2, number",
    "select name, count(*) from old group by name",
    "select id, max(name), string_agg(name, ',' order by number) from old group by id",
    "select id, count(*) filter (where name = 'x') from old group by id",
    "select id, percentile_cont(0.5) within group (order by number) from old group by id",
    "select id, my_aggregate(distinct name), jsonb_agg(old) from old group by id",
    "select id, lower(name) from old group by id, lower( NAME )",
    "select id, lower(name) as small from old group by id, small order by small",
    "select id, 1 name from old group by id",
    "select id, count(*) as name from old group by id order by name",
    "select o.id, l.name from old o join lines l on true group by o.id, l.name",
    "select o.id, (select max(name) from lines) from old o group by o.id",
    "select id, sum(number) * 2 from old group by id",
    "select id, name from a group by id",
    "select id, grouping(id) from old group by rollup (id)",
    "select 'name' from old group by id",
    "select id, name from old",
  ];
  for (const text of independent) {
    const codes = read(text).flatMap(({ code }) => code ?? []);
    assertEquals(codes, [], text);
  }
});

Deno.test("key words and columns of the same name are distinguished in GROUP BY", () => {
  const columns = ["id", "year", "date", "last", "time", "zone", "made"].map((name) =>
    column(name)
  );
  const index = tableIndex([relation("dated", { columns })]);
  const codes = (text: string) =>
    referencesIn({ language: "sql", text, search_path: null, schema: null }, index)
      .flatMap(({ code }) => code ?? []);
  for (
    const items of [
      "extract(year from max(made))",
      "date '2026-01-01'",
      "max(made) at time zone 'utc'",
      "count(*) from dated group by id order by id nulls last --",
    ]
  ) assertEquals(codes(`select id, ${items} from dated group by id`), [], items);
  for (const item of ["extract(year from made)", "date", "made at time zone 'utc'", "last"]) {
    assertEquals(
      codes(`select id, ${item} from dated group by id`),
      ["group_by_primary_key"],
      item,
    );
  }
});

Deno.test("a key that other columns cannot depend on does not count in GROUP BY", () => {
  const uses = (definition: string) => {
    const index = tableIndex([relation("keyed", { constraints: [{ name: "k", definition }] })]);
    const text = "select id, number, name from keyed group by id, number";
    return referencesIn({ language: "sql", text, search_path: null, schema: null }, index)
      .flatMap(({ code }) => code ?? []);
  };
  assertEquals(uses("PRIMARY KEY (id)"), ["group_by_primary_key"]);
  assertEquals(uses("PRIMARY KEY (id, number) INCLUDE (name)"), ["group_by_primary_key"]);
  assertEquals(uses("PRIMARY KEY (id) DEFERRABLE"), []);
  assertEquals(uses("UNIQUE (id)"), []);
  assertEquals(uses("PRIMARY KEY (name)"), []);
});

Deno.test("a view refuses SET column = DEFAULT for the columns that have no default on it", () => {
  for (const identity of ["", "a", "d"] as const) {
    for (const generated of ["", "s", "v"] as const) {
      for (const without_usage of [null, [], ["anon"]]) {
        const identity_sequence = without_usage &&
          { quoted: "s", next: "nextval('s')", with_usage: [], without_usage };
        const one = column("c", { identity, generated, identity_sequence });
        const [{ computedColumns }] = tableIndex([relation("t", { columns: [one] })]).byOid
          .values();
        const isComputed = identity !== "" || generated !== "";
        assertEquals(computedColumns.has("c"), isComputed && viewDefault(one) === null);
      }
    }
  }
});

Deno.test("definitions: what is refused for a view and what is done to the view alone have different codes", () => {
  const [refused, viewOnly] = [`${OLD} ddl_on_old_name`, `${OLD} ddl_on_view_only`];
  const privileges = `${OLD} privileges_on_old_name`;
  const trigger = `${OLD} disable_trigger`;
  check([
    ["alter table old add column x int", refused],
    [
      "alter table if exists only public.old drop column x, alter column y type int",
      refused,
      refused,
    ],
    ["alter table old alter column x set default 1", viewOnly],
    ["alter table old alter x drop default, alter y set not null", viewOnly, refused],
    ["alter table old rename to newer", viewOnly],
    ["alter table old rename column a to b", viewOnly],
    ["alter table old rename constraint a to b", refused],
    ["alter table old owner to x", viewOnly],
    ["alter table old set schema app", viewOnly],
    ["alter table old set (fillfactor = 70)", refused],
    ["alter table old enable row level security", refused],
    ["alter table old disable trigger all", trigger],
    ["alter table old enable always trigger x", trigger],
    ["alter table a attach partition old for values in (1)", refused],
    ["alter table a detach partition old", refused],
    ["alter table a inherit old", refused],
    ["alter table a add constraint f foreign key (x) references old (id)", refused],
    ["alter table a add column old int references new", "public.new ddl_on_old_name"],
    ["drop table if exists a, old cascade", refused],
    [
      "create table a (x int references old, like old including all)",
      refused,
      `${OLD} create_table_like`,
    ],
    ["create table a () inherits (b, old)", refused],
    ["create table a partition of old for values in (1)", refused],
    ["create table if not exists old (id int)", OLD],
    [
      "create unique index concurrently if not exists i on only old (lower(name)) where id > 1",
      refused,
    ],
    ["create index on old using gin (name)", refused],
    ["create statistics s on a, b from old", refused],
    ["create policy p on old for select using (id in (select id from new))", refused, "public.new"],
    ["alter policy p on old using (true)", refused],
    ["drop policy p on old", refused],
    ["drop policy if exists p on old", viewOnly],
    [
      "create trigger t before insert or update of old on old for each row execute function f()",
      refused,
    ],
    ["create trigger t after insert on old execute function f()", viewOnly],
    [
      "create trigger t after insert on old referencing new table as n execute function f()",
      refused,
    ],
    [
      "create constraint trigger t after insert on a from old for each row execute function f()",
      refused,
    ],
    ["drop trigger if exists t on old", viewOnly],
    ["drop trigger t on old", refused],
    [
      "create rule r as on insert to old do also insert into new values (1)",
      viewOnly,
      "public.new",
    ],
    ["create rule r as on insert to a do (delete from old; delete from new)", OLD, "public.new"],
    ["comment on table old is 'x'", refused],
    ["comment on column old.name is 'x'", viewOnly],
    ["comment on column public.old.name is 'x'", viewOnly],
    ["comment on constraint c on old is 'x'", refused],
    ["security label for x on table old is 'y'", refused],
    ["alter publication p add table old, a", refused],
    ["create publication p for table a, only old", refused],
    ["alter sequence s owned by old.id", viewOnly],
    ["cluster old using i", refused],
    ["reindex (verbose) table concurrently old", refused],
    ["reindex index old"],
    ["vacuum (analyze, verbose) old", `${OLD} maintenance_skipped`],
    ["vacuum full verbose analyze a, old (id, name)", `${OLD} maintenance_skipped`],
    ["analyze old", `${OLD} maintenance_skipped`],
    ["vacuum"],
    ["grant select, insert (id) on old, a to anon", privileges],
    ["grant all on table public.old to anon with grant option", privileges],
    ["revoke grant option for select on old from anon cascade", privileges],
    ["grant usage on sequence old to anon"],
    ["grant select on all tables in schema old to anon"],
    ["alter default privileges grant select on tables to old"],
  ]);
});

Deno.test("a source in another language may refer to every table that it mentions as a word", () => {
  const possible = `${OLD} possible unparsed_text`;
  check([
    ["plv8.execute('select * from old')", possible],
    ["// Old and new", possible, "public.new possible unparsed_text"],
    ["older, cold, old_2, old$, $old"],
    ["x = 'Wörter und mehr'", "public.Wörter und mehr possible unparsed_text"],
    ["größe + 1, größer", "public.größe possible unparsed_text"],
  ], { language: "plv8" });
  check([["old"]], { language: "c" });
  check([["old"]], { language: "internal" });
});

Deno.test("a source with a syntax error may refer to what it mentions", () => {
  const possible = `${OLD} possible unparsed_text`;
  check([
    ["select 1 from a where x = 'unfinished from old", possible],
    ["select 1 from a /* from old", possible],
    ["select (1 from old", possible],
    ["select 1) from old", OLD, possible],
    ["select 'unfinished from a"],
  ]);
});

Deno.test("a trigger function is judged by what it does with its table's name", () => {
  const details = (text: string, newName?: string) => {
    const index = tableIndex(TABLES, newName ? new Map([[TABLES[0].oid, newName]]) : undefined);
    return referencesIn({
      language: "plpgsql",
      text: body(text),
      search_path: null,
      schema: "public",
      trigger_of: [TABLES[0].oid],
    }, index).filter(({ code }) => code === "tg_table_name").map(({ table, detail }) =>
      `${table.name} ${detail}`
    );
  };
  const compares = ["old compares"];
  const uses = ["old uses"];
  assertEquals(details("insert into log values (tg_table_name)"), uses);
  assertEquals(details("insert into log values (TG_RELNAME, tg_relid::regclass)"), uses);
  assertEquals(details("if TG_TABLE_NAME = 'old' then null; end if"), compares);
  assertEquals(details("if tg_table_name in ('a', 'old') then null; end if"), compares);
  assertEquals(
    details("case tg_table_name when 'a' then null; when 'old' then null; end case"),
    compares,
  );
  assertEquals(details("if tg_table_name = any (array['old', 'new']) then null; end if"), compares);
  assertEquals(
    details("if tg_table_schema || '.' || tg_table_name = 'public.old' then null; end if"),
    compares,
  );
  assertEquals(details("if upper(tg_table_name) = 'OLD' then null; end if"), compares);
  assertEquals(details("if tg_relid = 'public.old'::regclass then null; end if"), compares);
  assertEquals(details("if tg_relid = 'public.new'::regclass then null; end if"), []);
  assertEquals(details("if tg_table_name = 'new' then null; end if"), uses);
  assertEquals(details("perform pg_notify('old', tg_table_name)"), uses);
  assertEquals(details("if old.name = 'old' then return old; end if"), []);
  assertEquals(details("v := tg_argv[0]; w := tg_op; x := tg_name"), []);
  assertEquals(details("-- tg_table_name = 'old'\nnull"), []);
  assertEquals(details("v := 'tg_table_name'"), []);
  assertEquals(details("if tg_table_name like 'ol%' then null; end if"), ["old pattern"]);
  assertEquals(details("if tg_table_name !~ '^(old|a)' then null; end if"), ["old pattern"]);
  assertEquals(details("if tg_table_name like 'x%' then null; end if"), uses);

  // Once the new name is decided, what knows both of them is none the worse for the rename.
  assertEquals(details("if tg_table_name in ('old', 'aged') then null; end if", "aged"), uses);
  assertEquals(details("if tg_table_name in ('old', 'aged') then null; end if", "other"), compares);
  assertEquals(details("if tg_table_name like 'ol%' then null; end if", "older"), uses);
  assertEquals(details("if tg_table_name like 'ol%' then null; end if", "aged"), compares);
  assertEquals(details("if tg_table_name ~ '(?i' then null; end if", "aged"), uses);
});

Deno.test("a trigger function in another language compares its table's name if it contains it in quotes", () => {
  const details = (text: string, newName?: string) => {
    const index = tableIndex(TABLES, newName ? new Map([[TABLES[0].oid, newName]]) : undefined);
    const trigger_of = [TABLES[0].oid];
    return referencesIn(
      { language: "plv8", text, search_path: null, schema: "public", trigger_of },
      index,
    )
      .filter(({ code }) => code === "tg_table_name").map(({ detail }) => detail);
  };
  assertEquals(details("if (TG_TABLE_NAME === 'old') return NEW;"), ["compares"]);
  assertEquals(details('if TD["table_name"] in ("old", "aged"): pass'), ["compares"]);
  assertEquals(details('if TD["table_name"] in ("old", "aged"): pass', "aged"), ["uses"]);
  assertEquals(details("log($_TD->{relname})"), ["uses"]);
  assertEquals(details("return OLD; // old"), []);
});

Deno.test("a function that is no trigger function of the table has its own TG_TABLE_NAME", () => {
  const text = body("if tg_table_name = 'old' then delete from old; end if");
  const options = { language: "plpgsql", trigger_of: [TABLES[1].oid, 1] };
  assertEquals(read(text, options).map(shown), ["public.new tg_table_name", OLD]);
});

Deno.test("a reference has its place, and what surrounds it on one line of 120 characters", () => {
  const [use] = read("select 1,\n\t 2\n  from   old\n where true");
  assertEquals([use.at, use.excerpt], [23, "select 1, 2 from old where true"]);
  const long = `select ${"a, ".repeat(100)}b from old where ${"x and ".repeat(100)} true`;
  const [inside] = read(long);
  assertEquals(inside.at, long.indexOf("old"));
  assertEquals([...inside.excerpt].length, 120);
  assert(/^….*from old where.*…$/.test(inside.excerpt), inside.excerpt);
  const nested = body("execute $q$ delete from old $q$");
  assertEquals(read(nested, { language: "plpgsql" })[0].at, nested.indexOf("old "));
  const escaped = body("execute 'delete from a where b = ''x''; delete from old'");
  assertEquals(read(escaped, { language: "plpgsql" })[0].at, escaped.indexOf("'delete"));
  assertEquals(
    read("select '😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀' from old")[0].excerpt
      .isWellFormed(),
    true,
  );
});

Deno.test("any text is read to its end in every language", () => {
  const index = tableIndex([...TABLES, relation("%"), relation("'"), relation(" ")]);
  const known = new Set(index.byOid.keys());
  let found = 0;
  fc.assert(
    fc.property(
      sqlish,
      fc.constantFrom("sql", "plpgsql", "plv8"),
      (text, language) => {
        const options = { search_path: null, schema: null, trigger_of: [TABLES[0].oid] };
        for (const use of referencesIn({ language, text, ...options }, index)) {
          found++;
          assert(known.has(use.table.oid));
          assert(use.at >= 0 && use.at <= text.length, text);
          assert([...use.excerpt].length <= 120);
        }
      },
    ),
    { numRuns: 3_000 },
  );
  assertGreater(found, 100);
});

Deno.test("brackets are read to their end, however deep", () => {
  for (const [open, close] of [["(", ")"], ["[", "]"], ["(select ", ")"], ["case when ", " end"]]) {
    const text = `select ${open.repeat(5_000)}1${close.repeat(5_000)} from old`;
    for (const language of ["sql", "plpgsql"]) {
      assertGreater(read(text, { language }).length, 0, text);
    }
  }
});

Deno.test("each source finds its own of a thousand tables", () => {
  const many = Array.from({ length: 1_000 }, (_, n) => relation(`table_${n}`));
  const index = tableIndex(many);
  for (const n of [0, 7, 999]) {
    const text = `begin ${
      "perform 1 from another where x = 'y';\n".repeat(50)
    } delete from table_${n}; end`;
    const uses = referencesIn(
      { language: "plpgsql", text, search_path: null, schema: null },
      index,
    );
    assertEquals(uses.map(({ table }) => table.name), [`table_${n}`]);
  }
});

Deno.test("a statement has the same references by itself, in PL/pgSQL and in EXECUTE", () => {
  const index = tableIndex([relation("entries"), relation("others")]);
  const codes = (language: string, text: string) =>
    referencesIn({ language, text, search_path: null, schema: null }, index)
      .map(({ table, code }) => `${table.name} ${code}`);
  let found = 0;
  fc.assert(
    fc.property(statements, (statement) => {
      const expected = codes("sql", statement);
      found += expected.length;
      assertEquals(codes("plpgsql", `begin if a then ${statement}; end if; end`), expected);
      assertEquals(codes("sql", `do $q$ begin ${statement}; end $q$`), expected);
      if (/^(select|with|insert|update|delete)/.test(statement)) {
        const loop = `for r in ${statement} loop null; end loop`;
        assertEquals(codes("plpgsql", `declare r record; begin ${loop}; end`), expected);
      }
      // A string that is a table's name may be put into a statement, where there is an EXECUTE.
      const withoutNames = statement.replaceAll("'entries'", "'e'");
      assertEquals(
        codes(
          "plpgsql",
          `begin execute $q$${withoutNames.replaceAll("$$", "$x$")}$q$ using a; end`,
        ),
        codes("sql", withoutNames),
      );
    }),
    { numRuns: 500 },
  );
  assertGreater(found, 300);
});
