/** Kinds of relations and of names: what is renamed and comes back exactly, and what is refused, and how. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import postgres from "postgres";
import {
  databaseTest,
  type DatabaseTestOptions,
  type TestDatabase,
} from "../../support/servers/database.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import { testRoles } from "../../support/roles.ts";
import { catalogState, stateDifferences } from "../../support/catalog/state.ts";
import { nameNeedsQuotes } from "../../../shared/findings/new_name_findings.ts";

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

interface Move {
  schema?: string;
  old_name: string;
  new_name: string;
}

interface RoundTripOptions {
  /** Findings by code. Default: none. */
  findings?: string[];
  acknowledge?: string[];
  /** Run with `{t}` for each table's name; must give the same under both names. Default: reads all rows. */
  statements?: string[];
  /** Changes of the catalog that the server makes by itself and keeps. */
  except?: RegExp;
}

const READ = "select to_jsonb(array_agg(t order by t::text)) as rows, count(*) from {t} t";

/** Runs the statements on the table of this name, and takes back what they did. */
async function results(sql: postgres.Sql, schema: string, name: string, statements: string[]) {
  const found: unknown[] = [];
  const undo = new Error("undo");
  await sql.begin(async (tx) => {
    const t = `${quoted(schema)}.${quoted(name)}`;
    for (const statement of statements) {
      const result = await tx.unsafe(statement.replaceAll("{t}", () => t));
      found.push({ count: result.count, rows: [...result].map((row) => ({ ...row })) });
    }
    throw undo;
  }).catch((error) => {
    if (error !== undo) throw error;
  });
  return found;
}

/**
 * Renames the tables and back. Under both names the statements give what they gave before, both answers'
 * verifications pass, and afterwards the catalog is row by row what it was.
 */
async function roundTrip(
  db: TestDatabase,
  functions: Functions,
  moves: Move[],
  { findings = [], acknowledge = [], statements = [], except }: RoundTripOptions = {},
): Promise<void> {
  const tried = [READ, ...statements];
  const under = (name: "old_name" | "new_name") =>
    Promise.all(moves.map((move) => results(db.sql, move.schema ?? "public", move[name], tried)));
  const state = await catalogState(db.sql);
  const before = await under("old_name");
  const answer = await functions.rename({ renames: moves, acknowledge });
  assertEquals(answer.findings.map(({ code }) => code), findings);
  assert(answer.verification?.passed, JSON.stringify(answer.verification, null, 2));
  assertEquals(await under("old_name"), before, "through the old name");
  assertEquals(await under("new_name"), before, "through the new name");
  const back = await functions.rollback({ batch_id: answer.batch_id! });
  assert(back.verification?.passed, JSON.stringify(back.verification, null, 2));
  const changed = stateDifferences(state, await catalogState(db.sql));
  assertEquals(changed.filter((line) => !except?.test(line)), []);
  assertEquals(await under("old_name"), before, "after the rollback");
}

interface Given {
  db: TestDatabase;
  functions: Functions;
}

function kindTest(
  name: string,
  ddl: string,
  body: (given: Given) => Promise<void>,
  options: DatabaseTestOptions = {},
): void {
  databaseTest(name, options, async ({ db }) => {
    await using functions = functionsFor(db.url);
    if (ddl !== "") await db.sql.unsafe(ddl).simple();
    await body({ db, functions });
  });
}

/** A test that one table `old`, as `ddl` makes it, is renamed and comes back. */
function roundTripTest(name: string, ddl: string, options: RoundTripOptions = {}): void {
  kindTest(
    `${name} is renamed, works under both names, and comes back`,
    ddl,
    ({ db, functions }) =>
      roundTrip(db, functions, [{ old_name: "old", new_name: "newt" }], options),
  );
}

const INSERT = "insert into {t} (id) values (100), (101) returning *";
const WRITES = [
  INSERT,
  "update {t} set id = -id where id = 100 returning *",
  "delete from {t}",
  READ,
];

roundTripTest(
  "a table with everything on it",
  `create table other (id int primary key);
   create table old (
     id int generated always as identity primary key,
     n serial,
     code text collate "C" unique not null default 'a''b' check (code <> ''),
     big text default repeat('x', 3),
     twice int generated always as (n * 2) stored,
     ref int references other on delete cascade deferrable,
     span int4range, exclude using gist (span with &&));
   insert into other values (1);
   insert into old (code, ref) values ('a', 1), ('b', null);
   create table child (old_id int references old);
   create index on old (n) where n > 0;
   create unique index on old (lower(code)) include (n);
   create index on old using gin (to_tsvector('simple', code));
   create statistics old_stats on n, code from old;
   alter table old alter big set storage external, alter big set compression pglz,
     alter n set statistics 500, alter n set (n_distinct = 5), alter code set not null;
   alter table old set (fillfactor = 70, autovacuum_enabled = false);
   alter table old replica identity full;
   alter table old cluster on old_pkey;
   create function touch() returns trigger language plpgsql as 'begin return new; end';
   create trigger touch before update on old for each row execute function touch();
   create rule also as on delete to old do also select 1;
   alter table old enable row level security;
   alter table old force row level security;
   create policy p on old using (n > 0) with check (true);
   create view on_old as select * from old;
   create materialized view of_old as select count(*) from old;
   comment on table old is 'it''s "the" \\ table $check$';
   comment on column old.code is E'line\\nbreak ''quote'' \\\\ $body$';
   comment on constraint old_pkey on old is 'key';
   comment on index old_pkey is 'index';
   comment on trigger touch on old is 'trigger';
   comment on policy p on old is 'policy';
   grant select on old to public;
   grant update (code) on old to anon`,
  { statements: ["update {t} set code = code || '!' returning *", READ] },
);

roundTripTest(
  "a partitioned table",
  `create table old (id int, region text default 'eu', primary key (id, region)) partition by list (region);
   create table part_eu partition of old for values in ('eu') partition by range (id);
   create table part_eu_1 partition of part_eu for values from (0) to (1000);
   create table part_eu_0 partition of part_eu default;
   create table part_us partition of old for values in ('us');
   create index on old (region);
   insert into old values (1), (2); insert into old values (3, 'us')`,
  { statements: WRITES },
);

roundTripTest(
  "a partition",
  `create table whole (id int, region text default 'eu', primary key (id, region)) partition by list (region);
   create table old partition of whole (region default 'us') for values in ('us');
   create table rest partition of whole default;
   insert into whole values (1), (2); insert into whole values (3, 'us')`,
  { statements: WRITES, findings: ["partition_exposed"] },
);

roundTripTest(
  "a partition that is partitioned",
  `create table whole (id int, r int default 0) partition by list (r);
   create table old partition of whole for values in (0) partition by hash (id);
   create table h0 partition of old for values with (modulus 2, remainder 0);
   create table h1 partition of old for values with (modulus 2, remainder 1);
   insert into whole values (1), (2), (3)`,
  { statements: WRITES, findings: ["partition_exposed"] },
);

roundTripTest(
  "an inheritance parent",
  `create table old (id int primary key, v text default 'v');
   create table child_a (extra int) inherits (old);
   create table child_b () inherits (child_a, old);
   insert into old values (1); insert into child_a values (2, 'a', 3); insert into child_b values (4)`,
  { statements: WRITES },
);

roundTripTest(
  "an inheritance child of two parents",
  `create table a (id int, v text default 'a'); create table b (id int not null, w text default 'b');
   create table old (v text default 'c', own int default 3) inherits (a, b);
   create table grandchild () inherits (old);
   insert into old values (1); insert into grandchild values (2)`,
  { statements: WRITES },
);

for (
  const [what, ddl] of [
    ["never had columns", "create table old ()"],
    ["has no columns any more", "create table old (id int); alter table old drop id"],
  ]
) {
  kindTest(
    `a table that ${what} is renamed and comes back; its view can be read and deleted from`,
    `${ddl}; insert into old default values; insert into old default values`,
    async ({ db, functions }) => {
      const statements = [
        "select from {t}",
        "select * from {t}",
        "delete from {t}",
        "select from {t}",
      ];
      const findings = ["no_columns"];
      await roundTrip(db, functions, [{ old_name: "old", new_name: "newt" }], {
        statements,
        findings,
      });
      await functions.rename({ old_name: "old", new_name: "newt" });
      // A view without columns has none to insert into: loud, and the new name works.
      const error = await assertRejects(
        () => db.sql`insert into old default values`,
        postgres.PostgresError,
      );
      assertEquals(error.code, "55000");
      await db.sql`insert into newt default values`;
    },
  );
}

roundTripTest(
  "a table without primary key, with equal rows",
  "create table old (id int, v text); insert into old values (1, 'a'), (1, 'a'), (null, null)",
  { statements: [...WRITES, "delete from {t} where v is null returning *"] },
);

roundTripTest(
  "an unlogged table",
  "create unlogged table old (id int generated by default as identity); insert into old values (1)",
  { statements: WRITES },
);

roundTripTest(
  "a typed table",
  `create type kind as (id int, v text, w numeric(5, 2));
   create table old of kind (primary key (id), v with options default 'v' not null);
   insert into old values (1)`,
  { statements: WRITES },
);

roundTripTest(
  "a table with dropped columns",
  `create table old (gone int, id int, gone_too text default 'x', v text default 'v', last int);
   insert into old values (1, 2, 'a', 'b', 3);
   alter table old drop gone, drop gone_too, drop last, add late text default 'late',
     add later int generated always as (id + 1) stored`,
  { statements: WRITES },
);

roundTripTest(
  "a table with 200 columns",
  `create table old (id int primary key, ${
    Array.from(
      { length: 199 },
      (_, n) => `column_${n} ${n % 3 ? "int" : "text"} default ${n}`,
    ).join(", ")
  });
   insert into old (id) values (1)`,
  { statements: WRITES },
);

const ODD_DEFAULTS = [
  "text default ''",
  "text default E'tab\\t newline\\n quote'' backslash\\\\ dollar$check$ $$ $1 {} %s %I'",
  'text default $tag$it\'s "so" \\n$tag$',
  "text default U&'\\00fc\\+01F600'",
  "text collate \"C\" default 'c' || upper('d')",
  'text default ("current_user"())',
  "bytea default '\\x00ff'",
  "timestamptz default '2001-02-03 04:05:06+07'",
  "timestamp(3) default '-infinity'",
  "interval day to second(2) default '1 day 02:03:04.567'",
  "date default '0044-03-15 BC'",
  "money default 12.34",
  "bit(5) default b'10101'",
  "bit varying(5) default x'f'",
  "\"char\" default 'q'",
  "char(3) default 'x'",
  "varchar(4) default 'abcd'",
  "numeric default 'NaN'",
  "numeric(30, 5) default 12345678901234567890.12345",
  "float8 default '-Infinity'",
  "real default 1e-30",
  "bigint default -9223372036854775808",
  "int[] default '{{1,2},{3,NULL}}'",
  "text[] default array['a\"b', 'c,d', null, '', 'NULL']",
  'jsonb default \'{"k": "it\'\'s", "n": [1, null]}\'',
  "json default '{\"a\":  1}'",
  "xml default '<a b=\"c\"/>'",
  "point default '(1,2)'",
  "inet default '10.0.0.1/8'",
  "uuid default '00000000-0000-0000-0000-000000000001'",
  "tsvector default 'a:1 b:2'",
  "int4multirange default '{[1,3), [5,8)}'",
  "regclass default 'pg_class'",
  "int default (case when true then -1 else 2 end)",
  "boolean default (not false)",
  "int default length('select')",
  'odd."it\'s a domain" default 3',
  'odd."it\'s a domain"',
  "odd.\"it's a domain\"[] default '{1}'",
  "odd.\"an Enum\" default 'a''b'",
  "odd.\"a Row\" default row(1, 'x''\"y')",
  "text default odd.\"fun'ction\"('it''s')",
];

roundTripTest(
  "a table with odd types and odder defaults",
  `create schema odd;
   create domain odd."it's a domain" as int default 5 check (value > 0);
   create type odd."an Enum" as enum ('a''b', 'c"d', '\\e');
   create type odd."a Row" as ("a b" int, "c""d" text);
   create function odd."fun'ction"(text) returns text language sql immutable as 'select $1';
   create table old (id int primary key, ${
    // The server may be built without libxml.
    ODD_DEFAULTS.filter((type) => !type.startsWith("xml")).map((type, n) => `c${n} ${type}`)
      .join(", ")});
   insert into old (id) values (1)`,
  {
    statements: [
      INSERT,
      `update {t} set ${
        ODD_DEFAULTS.slice(0, -1).map((_, n) => `c${n} = default`).join(", ")
      } returning *`,
    ],
  },
);

roundTripTest(
  "a table in a publication of logical replication",
  `create table old (id int primary key, v text); insert into old values (1);
   create publication feed for table old (id, v) where (id > 0)`,
  { statements: WRITES, findings: ["publication_name_change"] },
);

kindTest(
  "a table that Realtime publishes is refused until that is acknowledged, and stays published",
  `create table old (id int primary key);
   alter publication supabase_realtime add table old`,
  async ({ db, functions }) => {
    const move = { old_name: "old", new_name: "newt" };
    const problem = await functions.refused("breaking_findings", "rename", move);
    assertEquals(problem.status, 409);
    const [finding] = problem.findings as { code: string; severity: string; object: string }[];
    assertEquals(
      [finding.code, finding.severity, finding.object],
      ["realtime_publication", "breaking", '"public"."old"'],
    );
    await functions.refused("breaking_findings", "rename", { ...move, acknowledge: ["other"] });
    await roundTrip(db, functions, [move], {
      acknowledge: ["realtime_publication"],
      findings: ["realtime_publication"],
    });
    await functions.rename({ ...move, acknowledge: ["realtime_publication"] });
    const published = await db.sql`
      select tablename from pg_publication_tables where pubname = 'supabase_realtime'`;
    assertEquals(published.map(({ tablename }) => tablename), ["newt"]);
  },
);

kindTest(
  "publications of whole schemas and of all tables count too",
  "create table old (id int primary key)",
  async ({ db, functions }) => {
    await db.admin.unsafe(`create publication of_all for all tables;
      create publication of_schema for tables in schema public`).simple();
    const move = { old_name: "old", new_name: "newt" };
    const plan = await functions.rename({ ...move, mode: "plan" });
    assertEquals(plan.findings.map(({ code }) => code), ["publication_name_change"]);
    assert(plan.findings[0].message.includes("(of_all, of_schema)"), plan.findings[0].message);
    await roundTrip(db, functions, [move], { findings: ["publication_name_change"] });
  },
);

kindTest(
  "a partition is published under its own name where its parent is, unless through the root",
  `create table whole (id int primary key) partition by range (id);
   create table old partition of whole for values from (0) to (10);
   insert into whole values (1);
   create publication feed for table whole;
   create publication rooted for table whole with (publish_via_partition_root = true);
   alter publication supabase_realtime add table whole`,
  async ({ db, functions }) => {
    const move = { old_name: "old", new_name: "newt" };
    await functions.refused("breaking_findings", "rename", move);
    const plan = await functions.rename({ ...move, mode: "plan" });
    const [warning] = plan.findings.filter(({ code }) => code === "publication_name_change");
    assert(warning.message.includes("(feed)"), warning.message);
    await roundTrip(db, functions, [move], {
      acknowledge: ["realtime_publication"],
      findings: ["realtime_publication", "publication_name_change", "partition_exposed"],
    });
  },
);

const HOSTILE_NAMES = [
  "select",
  "Mixed Case",
  ' lead and trail "',
  '"',
  '""quoted""',
  "it's",
  "$check$",
  "$body$; drop table students; --",
  "a\\b\\",
  "E'\\'' || 'x",
  "line\nbreak\r\n\ttab",
  "a.b",
  "%I %s %L",
  "{t} ${x} $1 ?",
  "/* comment",
  "-- comment",
  "ünïcödé ☃",
  "😀".repeat(15) + "abc",
  "名前",
  "x".repeat(63),
  "ü".repeat(31) + "u",
  "public",
  "pg catalog",
  "null",
  "0",
  "\u0001\u007f",
  "\u200bzero width\ufeff",
];

databaseTest(
  "hostile names of schemas, tables and columns are names like any other",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const moves: Required<Move>[] = [];
    for (const name of HOSTILE_NAMES) {
      const t = quoted(name);
      if (name !== "public") await db.sql.unsafe(`create schema ${t}`);
      await db.sql.unsafe(`
        create table ${t}.${t} (
          id int primary key, ${t} text default '${name.replaceAll("'", "''")}',
          constraint ${t} check (${t} <> 'no'));
        insert into ${t}.${t} values (1);
        comment on table ${t}.${t} is 'c';
        comment on column ${t}.${t}.${t} is 'd';
        revoke all on ${t}.${t} from anon;
        grant insert (${t}) on ${t}.${t} to anon`).simple();
      // As long as the old one, to the byte, but for the shortest.
      moves.push({
        schema: name,
        old_name: name,
        new_name: name.length === 1
          ? name + "'"
          : name.slice(0, -1) + (name.endsWith("z") ? "y" : "z"),
      });
    }
    const findings = moves.flatMap(({ schema, old_name, new_name }) =>
      nameNeedsQuotes({ schema, name: old_name }, new_name).map(({ code }) => code)
    );
    assert(findings.length > 10);
    await roundTrip(db, functions, moves, { statements: [INSERT], findings });
    // One at a time too, the names the other way round.
    for (const { schema, old_name, new_name } of moves.slice(0, 6)) {
      const there = await functions.rename({ schema, old_name, new_name });
      assert(there.verification?.passed);
      const back = await functions.rollback({ schema, table: new_name });
      assert(back.verification?.passed);
    }
  },
);

kindTest(
  "tables whose names differ only as the catalog's own types do not get in each other's way",
  `create table old (id int); insert into old values (1);
   create table neighbour (id int);
   create type _other as enum ('a')`,
  async ({ db, functions }) => {
    // _neighbour is the name of an array type, which the server moves out of the way, for good; that of
    // "other" would be called _other.
    const except = /^pg_type .*"typcategory": "A"/;
    for (const new_name of ["_neighbour", "_old", "other"]) {
      await roundTrip(db, functions, [{ old_name: "old", new_name }], { except });
    }
  },
);

kindTest(
  "in a batch each table keeps its own state, also where tables refer to each other",
  `create schema shop;
   create table a (id int primary key); create table b (id int primary key references a);
   create table shop.a (id int primary key references b); alter table a add foreign key (id) references a;
   insert into a values (1); insert into b values (1); insert into shop.a values (1)`,
  async ({ db, functions }) => {
    await roundTrip(db, functions, [
      { old_name: "a", new_name: "a_new" },
      { schema: "shop", old_name: "a", new_name: "b" },
      { old_name: "b", new_name: "b_new" },
    ]);
  },
);

kindTest(
  "a plan changes nothing, and is what an apply then does",
  "create table old (id int primary key, v text default 'v'); comment on table old is 'c'",
  async ({ db, functions }) => {
    const state = await catalogState(db.sql);
    const move = { old_name: "old", new_name: "newt" };
    const plan = await functions.rename({ ...move, mode: "plan" });
    assertEquals(stateDifferences(state, await catalogState(db.sql)), []);
    const done = await functions.rename({ ...move, expected_plan_hash: plan.plan_hash });
    assertEquals(done.statements, plan.statements);
    await functions.rollback({ batch_id: done.batch_id! });
    await functions.refused("plan_changed", "rename", {
      ...move,
      expected_plan_hash: plan.plan_hash.replace(/.$/, (last) => last === "0" ? "1" : "0"),
    });
  },
);

type Refusal = [move: Partial<Move>, code: string, status: number, detail: RegExp];

/** Refusals: the endpoint answers with the code, says why, and nothing is changed. */
async function refusals(
  { db, functions }: Given,
  cases: Refusal[],
): Promise<void> {
  const state = await catalogState(db.sql);
  for (const [move, code, status, detail] of cases) {
    for (const mode of ["apply", "plan"]) {
      const problem = await functions.refused(code, "rename", { new_name: "newt", ...move, mode });
      assertEquals(problem.status, status, JSON.stringify(problem));
      assert(detail.test(problem.detail), problem.detail);
      assert(problem.hint, "a hint says what to do");
    }
  }
  assertEquals(stateDifferences(state, await catalogState(db.sql)), []);
  assertEquals((await functions.list()).migrations, []);
}

kindTest(
  "what is no table is refused, and named for what it is",
  `create table t (id int primary key);
   create view v as select * from t;
   create materialized view m as select * from t;
   create sequence s;
   create index i on t (id);
   create type c as (a int);
   create table p (id int) partition by range (id); create index pi on p (id);
   create type e as enum ('a');
   create function f() returns int language sql as 'select 1'`,
  async (given) => {
    await given.db.admin.unsafe(`
      create foreign data wrapper nowhere;
      create server nowhere foreign data wrapper nowhere;
      create foreign table f1 (a int) server nowhere;
      create foreign table f2 (a int) server nowhere;
      alter foreign table f2 owner to postgres`).simple();
    const refused = (
      old_name: string,
      what: RegExp,
    ): Refusal => [{ old_name }, "unsupported_relation", 422, what];
    await refusals(given, [
      refused("v", /is a view, not a table/),
      refused("m", /is a materialized view/),
      refused("f1", /is a foreign table/),
      refused("f2", /is a foreign table/),
      refused("s", /is a sequence/),
      refused("i", /is an index/),
      refused("pi", /is a partitioned index/),
      refused("t_pkey", /is an index/),
      refused("c", /is a composite type/),
      [{ old_name: "e" }, "table_not_found", 404, /no table "public"."e"/],
      [{ old_name: "f" }, "table_not_found", 404, /no table "public"."f"/],
      [{ old_name: "nothing" }, "table_not_found", 404, /no table "public"."nothing"/],
      [{ schema: "nowhere", old_name: "t" }, "table_not_found", 404, /no table "nowhere"."t"/],
      [{ old_name: "T" }, "table_not_found", 404, /no table "public"."T"/],
    ]);
  },
);

kindTest(
  "what belongs to the platform, to extensions or to this tool is refused",
  "create table member (id int); create temporary table scratch (id int)",
  async (given) => {
    await given.db.admin.unsafe(`alter extension pgcrypto add table public.member`);
    const session = given.db.connect({ max: 1 });
    await session`create temporary table scratch (id int)`;
    const [{ schema }] = await session`select pg_my_temp_schema()::regnamespace::text as schema`;
    const protectedSchema = (
      schema: string,
      old_name: string,
    ): Refusal => [
      { schema, old_name },
      "protected_schema",
      403,
      /belongs to PostgreSQL or the platform/,
    ];
    await refusals(given, [
      [{ old_name: "member" }, "extension_owned", 403, /belongs to the extension "pgcrypto"/],
      protectedSchema("auth", "users"),
      protectedSchema("storage", "objects"),
      protectedSchema("realtime", "messages"),
      protectedSchema("vault", "secrets"),
      protectedSchema("extensions", "pg_stat_statements"),
      protectedSchema("graphql_public", "x"),
      protectedSchema("supabase_migrations", "schema_migrations"),
      protectedSchema("pg_catalog", "pg_class"),
      protectedSchema("pg_toast", "pg_toast_1"),
      protectedSchema("information_schema", "sql_features"),
      protectedSchema(schema, "scratch"),
      protectedSchema("pg_temp", "scratch"),
      [{ old_name: "sys_table_migrations" }, "protected_schema", 403, /tracking tables/],
      [{ old_name: "sys_table_migration_events" }, "protected_schema", 403, /tracking tables/],
      [
        { old_name: "x", new_name: "sys_table_migration_requests" },
        "protected_schema",
        403,
        /tracking tables/,
      ],
    ]);
  },
);

databaseTest("tables of others, and schemas closed to creation, are refused", async ({ db }) => {
  await using role = await testRoles(db, "other", "creator");
  await using functions = functionsFor(db.url);
  await db.admin.unsafe(`
    create schema closed;
    grant usage, create on schema closed to postgres;
    create table of_admin (id int);
    revoke all on of_admin from public, anon, authenticated, service_role, postgres;
    create table of_other (id int); alter table of_other owner to ${role.other};
    grant all on of_other to postgres;
    create table of_creator (id int); alter table of_creator owner to ${role.creator}`).simple();
  await db.sql`create table closed.mine (id int)`;
  await db.admin.unsafe("revoke create on schema closed from postgres").simple();
  if (db.version >= 16) {
    // What a role with CREATEROLE gets of the roles it makes: ADMIN, without INHERIT or SET.
    await db.admin.unsafe(
      `grant ${role.creator} to postgres with admin true, inherit false, set false`,
    );
  }
  await refusals({ db, functions }, [
    [{ old_name: "of_admin" }, "not_table_owner", 403, /belongs to the role "supabase_admin"/],
    [{ old_name: "of_other" }, "not_table_owner", 403, /belongs to the role "test_.*_other"/],
    [{ old_name: "of_creator" }, "not_table_owner", 403, /belongs to the role "test_.*_creator"/],
    [{ schema: "closed", old_name: "mine" }, "forbidden", 403, /in the schema "closed"/],
  ]);
});

kindTest(
  "a new name that is taken is refused, and the answer says by what",
  `create table old (id int primary key);
   create table a_table (id int);
   create table a_partitioned (id int) partition by range (id);
   create view a_view as select 1 as a;
   create materialized view a_matview as select 1 as a;
   create sequence a_sequence;
   create index an_index on a_table (id);
   create type a_composite as (a int);
   create type an_enum as enum ('a');
   create type a_range as range (subtype = int4, multirange_type_name = a_multirange);
   create domain a_domain as int`,
  async (given) => {
    await given.db.admin`create type a_shell`;
    const takers: [name: string, kind: string][] = [
      ["a_table", "a table"],
      ["a_partitioned", "a partitioned table"],
      ["a_view", "a view"],
      ["a_matview", "a materialized view"],
      ["a_sequence", "a sequence"],
      ["an_index", "an index"],
      ["old_pkey", "an index"],
      ["a_composite", "a composite type"],
      ["an_enum", "an enum type"],
      ["a_range", "a range type"],
      ["a_multirange", "a multirange type"],
      ["a_domain", "a domain"],
      ["a_shell", "a pseudo-type"],
    ];
    const state = await catalogState(given.db.sql);
    for (const [name, kind] of takers) {
      const problem = await given.functions.refused("name_taken", "rename", {
        old_name: "old",
        new_name: name,
      });
      assertEquals(problem.status, 409);
      const { owner: _, ...taker } = problem.taken_by as Record<string, string>;
      assertEquals(taker, { schema: "public", name, kind });
      assert(problem.detail.includes(`"public"."${name}" is taken by ${kind}`), problem.detail);
    }
    assertEquals(stateDifferences(state, await catalogState(given.db.sql)), []);
  },
);

kindTest(
  "names that active renames hold are refused to others: the view's, and the table's new one",
  "create table a (id int); create table c (id int)",
  async ({ db, functions }) => {
    const { migrations: [{ id }] } = await functions.rename({ old_name: "a", new_name: "b" });
    const state = await catalogState(db.sql);
    const byView = await functions.refused("name_taken", "rename", {
      old_name: "c",
      new_name: "a",
    });
    assertEquals(
      (byView.taken_by as { kind: string }).kind,
      'the compatibility view of "public"."b"',
    );
    assertEquals(byView.migration_id, id);
    const byTable = await functions.refused("name_taken", "rename", {
      old_name: "c",
      new_name: "b",
    });
    assertEquals((byTable.taken_by as { kind: string }).kind, "a table");
    const again = await functions.refused("already_renamed", "rename", {
      old_name: "a",
      new_name: "d",
    });
    assertEquals(again.migration_id, id);
    const back = await functions.refused("name_taken", "rename", { old_name: "b", new_name: "a" });
    assertEquals(back.migration_id, id);
    assertEquals(stateDifferences(state, await catalogState(db.sql)), []);
  },
);

kindTest(
  "a batch that uses a name twice, or renames to the same name, is no valid request",
  "create table a (id int); create table b (id int)",
  async ({ db, functions }) => {
    const state = await catalogState(db.sql);
    const move = (old_name: string, new_name: string) => ({ old_name, new_name });
    for (
      const renames of [
        [move("a", "b"), move("b", "c")],
        [move("a", "b"), move("b", "a")],
        [move("a", "c"), move("b", "c")],
        [move("a", "c"), move("a", "d")],
        [move("a", "a")],
      ]
    ) {
      const problem = await functions.refused("invalid_request", "rename", { renames });
      assertEquals(problem.status, 400);
    }
    assertEquals(stateDifferences(state, await catalogState(db.sql)), []);
  },
);

kindTest(
  "one table of a batch that cannot be renamed stops the whole batch",
  "create table a (id int); create view v as select 1 as x",
  async ({ db, functions }) => {
    const state = await catalogState(db.sql);
    await functions.refused("unsupported_relation", "rename", {
      renames: [{ old_name: "a", new_name: "b" }, { old_name: "v", new_name: "w" }],
    });
    assertEquals(stateDifferences(state, await catalogState(db.sql)), []);
    assertEquals((await functions.list()).migrations, []);
  },
);
