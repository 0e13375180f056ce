/** Names that code puts together when it runs: of variables, in strings, in the catalog, of TG_TABLE_NAME. */
import { assertEquals } from "@std/assert";
import {
  referencesIn,
  type SqlSource,
  tableIndex,
} from "../../../shared/sql/references/table_references.ts";
import { column, table } from "../../support/catalog/handwritten_facts.ts";

const named = (name: string, oid: number, schema = "public") =>
  table(name, { oid, schema, columns: [column("id")] });

const TABLES = [
  named("jobs", 1),
  named("users", 2),
  named("jobs", 3, "app"),
  named("jobs_log", 4),
];
const INDEX = tableIndex(TABLES);

type Options = Partial<Omit<SqlSource, "text">>;

/** Like `public.jobs dynamic truncate`, once each. */
function uses(text: string, options: Options = {}): string[] {
  const found = referencesIn({
    language: "plpgsql",
    search_path: [],
    schema: "public",
    ...options,
    text,
  }, INDEX).map(({ table, certainty, code }) =>
    [`${table.schema}.${table.name}`, certainty === "named" ? "" : certainty, code ?? ""]
      .filter((part) => part !== "").join(" ")
  );
  return [...new Set(found)].sort();
}

/** Those that are certain, or would be run. */
const certain = (text: string, options?: Options) =>
  uses(text, options).filter((use) => !use.includes("possible"));

const PATHS = [null, [], ["public"], ["other"]];

Deno.test("SQL of a name that is not known refers to no table, whatever the search path", () => {
  for (const search_path of [null, [], ["public"], ["other", "public"]]) {
    const text = "begin execute 'select 1 from ' || anything; perform 1 from public.jobs; end";
    assertEquals(uses(text, { search_path }), ["public.jobs"]);
  }
});

Deno.test("a name in a variable is a reference if SQL is made with the variable, whatever the search path", () => {
  const loops = [
    "declare t text; begin foreach t in array array['jobs', 'users'] loop execute format('delete from public.%I', t); end loop; end",
    "declare t text; l text[] := array['users', 'jobs']; begin foreach t in array l loop execute 'delete from public.' || t; end loop; end",
    "declare t text; l text[] := '{jobs,\"users\"}'; begin foreach t in array l loop execute 'delete from public.' || quote_ident(t); end loop; end",
    "declare r record; begin for r in select * from (values ('jobs'), ('users')) v(n) loop execute format('delete from public.%I', r.n); end loop; end",
    "declare t text; begin for t in select unnest(array['jobs', 'users']) loop execute format('delete from %I.%I', 'public', t); end loop; end",
    "declare t text; begin for t in select unnest(string_to_array('jobs,users', ',')) loop execute format('delete from public.%s where true', t); end loop; end",
    "declare t text; begin for t in select table_name from information_schema.tables where table_schema = 'public' and table_name in ('jobs', 'users') loop execute format('delete from public.%I', t); end loop; end",
    "declare r record; begin for r in select n.s, n.t from (values ('public', 'jobs'), ('public', 'users')) n(s, t) loop execute format('delete from %I.%I', r.s, r.t); end loop; end",
    "declare t text; q text; begin foreach t in array array['public.jobs', 'public.users'] loop q := 'delete from ' || t; execute q; end loop; end",
    "declare n text; t text; begin n := case when true then 'jobs' else 'users' end; t := n; execute format('delete from public.%I', t); end",
    "declare a text; begin select 'jobs' into strict a; execute format('delete from public.%I', a); a := 'users'; execute format('delete from public.%I', a); end",
  ];
  for (const text of loops) {
    for (const search_path of PATHS) {
      const found = certain(text, { search_path }).filter((use) => use.endsWith(" dynamic"));
      assertEquals(found, ["public.jobs dynamic", "public.users dynamic"], text);
    }
  }
  const part = "declare t text := 'jobs'; begin execute format('truncate public.%I_log', t); end";
  assertEquals(certain(part), ["public.jobs_log dynamic truncate"]);
});

Deno.test("a variable with other names, or one that is not run, makes no reference certain", () => {
  for (
    const text of [
      "declare t text := 'other'; begin execute format('delete from public.%I', t); perform 'jobs'; end",
      "declare t text; k text := 'jobs'; begin execute format('delete from public.%I', t); end",
      "declare r record; begin for r in select * from queue where kind = 'jobs' loop execute format('delete from public.%I', r.part); end loop; end",
      "declare t text := 'jobs'; begin execute format('delete from other.%I', t); end",
      "declare t text := 'jobs'; begin raise notice '%', t; execute 'select 1'; end",
    ]
  ) assertEquals(certain(text), [], text);
});

Deno.test("a name in a string means the table of any schema, unless the string says which", () => {
  for (const search_path of PATHS) {
    assertEquals(
      uses("begin t := f('jobs'); execute q; end", { search_path }),
      ["app.jobs possible", "public.jobs possible"],
    );
    assertEquals(uses("begin t := f('app.jobs'); execute q; end", { search_path }), [
      "app.jobs possible",
    ]);
  }
});

Deno.test("a query of the catalog means the table of any schema, unless it says which", () => {
  const every = (code = "") => ["app.jobs", "public.jobs"].map((name) => name + code);
  const lookup = " catalog_lookup";
  const cases: [string, string[]][] = [
    ["select 1 from information_schema.tables where table_name = 'jobs'", every()],
    ["select 1 from pg_class where relname = 'jobs' and relkind = 'r'", every(lookup)],
    ["select 1 from pg_tables where tablename = 'jobs'", every(lookup)],
    ["select 1 from pg_stat_user_tables where relname = 'jobs'", every(lookup)],
    ["select 1 from pg_stat_all_indexes where relname = 'jobs'", every(lookup)],
    ["select 1 from pg_statio_user_tables where relname = 'jobs'", every(lookup)],
    ["select 1 from pg_indexes where tablename = 'jobs'", every(lookup)],
    ["select 1 from information_schema.table_constraints where table_name = 'jobs'", every(lookup)],
    ["select 1 from information_schema.role_table_grants where table_name = 'jobs'", every()],
    ["select 1 from pg_tables where schemaname = 'app' and tablename = 'jobs'", [
      `app.jobs${lookup}`,
    ]],
    ["select 1 from pg_tables where 'app' = schemaname and tablename = 'jobs'", [
      `app.jobs${lookup}`,
    ]],
    ["select 1 from pg_tables where schemaname = any (array['app']) and tablename = 'jobs'", [
      `app.jobs${lookup}`,
    ]],
    [
      "select 1 from pg_class where oid = 1 and relnamespace = 'app'::regnamespace and relname = 'jobs'",
      [
        "app.jobs",
      ],
    ],
    [
      "select 1 from pg_class c, pg_namespace n where n.nspname = 'other' and c.relname = 'jobs'",
      [],
    ],
    [
      "select 1 from pg_class c, pg_namespace n where n.nspname not in ('other') and c.relname = 'jobs'",
      every(),
    ],
    ["select 1 from pg_tables where schemaname || '.' || tablename = 'app.jobs'", [
      `app.jobs${lookup}`,
    ]],
    ["select 1 from pg_stat_activity where query = 'jobs'", []],
  ];
  for (const [text, expected] of cases) {
    for (const search_path of PATHS) {
      assertEquals(certain(text, { language: "sql", search_path }), expected, text);
      assertEquals(certain(`begin return exists (${text}); end`, { search_path }), expected, text);
    }
  }
  const loop =
    "declare t text; begin foreach t in array array['jobs'] loop if exists (select from information_schema.tables where table_name = t and table_schema = 'public') then null; end if; end loop; end";
  assertEquals(certain(loop), ["public.jobs"]);
  // The name is handed to the catalog by another part of the query.
  assertEquals(
    uses(
      "with n(t) as (values ('users')) select from pg_class where relname in (select t from n)",
      {
        language: "sql",
      },
    ),
    ["public.users possible"],
  );
});

Deno.test("a name that is put together and cast to an OID is read; one for reading comments has no code", () => {
  const cases: [string, string[]][] = [
    ["select format('%I.%I', 'public', 'jobs')::regclass", ["public.jobs catalog_lookup"]],
    ["select ('public.' || 'jobs')::regclass::oid", ["public.jobs"]],
    ["select ('public.' || 'jobs')::text::regclass", ["public.jobs catalog_lookup"]],
    ["select to_regclass(format('%I.%I', 'public', 'jobs'))", ["public.jobs catalog_lookup"]],
    ["select pg_table_size('public.' || 'jobs')", ["public.jobs relation_size"]],
    ["select obj_description('public.jobs'::regclass)", ["public.jobs"]],
    ["select obj_description('public.jobs'::regclass, 'pg_class')", ["public.jobs"]],
    ["select col_description(to_regclass('public.jobs'), 1)", ["public.jobs"]],
    ["select has_table_privilege('public.jobs'::regclass, 'select')", ["public.jobs"]],
  ];
  for (const [text, expected] of cases) {
    assertEquals(certain(text, { language: "sql" }), expected, text);
  }
  const variable = "declare t text := 'public.jobs'; begin return t::regclass; end";
  assertEquals(certain(variable), ["public.jobs catalog_lookup"]);
});

Deno.test("a name is noted as the argument of a routine that makes SQL of names, and nowhere else", () => {
  const index = tableIndex(TABLES, undefined, ["purge"]);
  const found = (text: string) =>
    referencesIn({ language: "plpgsql", search_path: [], schema: "public", text }, index)
      .map(({ table, code, detail, certainty }) =>
        `${table.schema}.${table.name} ${certainty} ${code} ${detail}`
      );
  const users = ["public.users possible name_as_argument purge"];
  assertEquals(found("begin perform purge('users', 30); end"), users);
  assertEquals(found("begin call app.purge(days => 1, name => 'public.users'); end"), users);
  assertEquals(found("begin perform * from purge(array['users']); end"), users);
  assertEquals(
    found(
      "declare t text; begin foreach t in array '{users}'::text[] loop perform purge(t); end loop; end",
    ),
    users,
  );
  assertEquals(found("begin perform jsonb_build_object('users', 1), other('users'); end"), []);
  assertEquals(found("begin perform purge('other'); end"), []);
});

/** What the trigger function of public.jobs does with its table's name. */
function details(text: string, newNames: Record<number, string> = {}): string[] {
  const index = tableIndex(
    TABLES,
    new Map(Object.entries(newNames).map(([k, v]) => [Number(k), v])),
  );
  return referencesIn({
    language: "plpgsql",
    search_path: null,
    schema: "public",
    text: `declare t text; begin ${text}; end`,
    trigger_of: [1],
  }, index).filter(({ code }) => code === "tg_table_name").map(({ detail }) => detail!);
}

Deno.test("a relation that is named after TG_TABLE_NAME is not found by the new name", () => {
  for (
    const text of [
      "execute format('insert into %I.%I select $1.*', tg_table_schema, tg_table_name || '_history') using new",
      "execute 'insert into ' || tg_table_name || '_history select $1.*' using new",
      "execute format('insert into %I_history values (1)', tg_relname)",
      "execute format('insert into audit.%I values (1)', tg_table_name)",
      "t := tg_table_name || '_history'; execute format('delete from %I', t)",
      "t := 'history_' || tg_relid::regclass; execute 'delete from ' || quote_ident(t)",
      "t := tg_table_name; execute format('delete from history.%I', t)",
      "t := replace(tg_table_name, 'o', 'a'); execute format('delete from %I', t)",
      "execute format('delete from %I', left(lower(tg_table_name), 3) || 's')",
      "t := nextval(tg_table_name || '_id_seq')",
      "t := nextval(format('%I.%I_id_seq', tg_table_schema, tg_table_name)::regclass)",
      "perform to_regclass(tg_table_name || '_history')",
    ]
  ) assertEquals(details(text, { 1: "tasks" }), ["relation"], text);
  for (
    const text of [
      "execute format('select count(*) from %I.%I', tg_table_schema, tg_table_name)",
      "execute format('select count(*) from public.%I', tg_table_name)",
      "execute 'select count(*) from ' || tg_relid::regclass",
      "execute format('insert into log values (%L)', tg_table_name)",
      "execute 'insert into log values ($1)' using tg_table_name",
      "insert into log values (tg_table_name || '_x')",
      "t := pg_get_serial_sequence(tg_table_name, 'id')",
    ]
  ) assertEquals(details(text, { 1: "tasks" }), ["uses"], text);
});

Deno.test("what is renamed in the same way is found, and so is what the source has both names of", () => {
  const text = "execute format('insert into %I values (1)', tg_table_name || '_log')";
  assertEquals(details(text), ["relation"]);
  assertEquals(details(text, { 1: "tasks" }), ["relation"]);
  assertEquals(details(text, { 1: "tasks", 4: "task_log" }), ["relation"]);
  assertEquals(details(text, { 1: "tasks", 4: "tasks_log" }), ["uses"]);
  const mapped =
    "t := case tg_table_name when 'tasks' then 'jobs' else tg_table_name end; execute format('insert into %I_log values (1)', t)";
  assertEquals(details(mapped, { 1: "tasks" }), ["uses"]);
});

Deno.test("rows that are looked up by TG_TABLE_NAME are not found by the new name", () => {
  for (
    const text of [
      "t := (select x from settings where table_name = tg_table_name)",
      "select x into t from settings s where s.table_schema = tg_table_schema and s.name in (tg_table_name, '*')",
      "if exists (select from tracked where lower(name) = lower(tg_relname)) then null; end if",
      "select x into t from a join settings s on s.name = tg_table_name",
      "update counters set n = n + 1 where name = tg_table_name",
      "delete from queue where kind = tg_table_schema || '.' || tg_table_name",
      "insert into counters values (tg_table_name, 1) on conflict (name) do update set n = 2",
      "execute 'select x from settings where name = $1' into t using tg_table_name",
      "execute format('select x from settings where name = %L', tg_table_name) into t",
      "t := tg_table_name; select x into v from settings where name = t",
      "for r in select * from settings where name = tg_relid::regclass::text loop null; end loop",
    ]
  ) assertEquals(details(text, { 1: "tasks" }), ["lookup"], text);
  for (
    const text of [
      "select column_name into t from information_schema.columns where table_name = tg_table_name",
      "select relkind into t from pg_class c where c.relname = tg_table_name",
      "select tg_table_name into t from settings where name = 'x'",
      "select x into t from settings where rel = tg_table_name::regclass",
      "select key into t from jsonb_each(to_jsonb(new)) where key = tg_table_name",
      "insert into counters values (tg_table_name, 1) on conflict do nothing",
    ]
  ) assertEquals(details(text, { 1: "tasks" }), ["uses"], text);
});

Deno.test("channels and settings that are named after the table have other names after the rename", () => {
  assertEquals(details("perform pg_notify(tg_table_name || '_changed', 'x')"), ["channel"]);
  assertEquals(details("t := current_setting('audit.' || tg_table_name)"), ["setting"]);
  assertEquals(details("perform pg_notify('changed', tg_table_name)"), ["uses"]);
});
