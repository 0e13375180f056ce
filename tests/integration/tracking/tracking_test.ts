import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import { assertMatch, assertStringIncludes } from "@std/assert";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { holdInTurns, holdLock } from "../../support/waiting.ts";
import { isCriticalSection } from "../../support/servers/broken_connections.ts";
import { startCuttingProxy } from "../../support/servers/cutting_proxy.ts";
import { quietly } from "../../support/quietly.ts";
import { catalogState, stateDifferences } from "../../support/catalog/state.ts";
import { withChanges } from "../../../shared/facts/fingerprint.ts";
import { EXPERTS, renamedTests } from "../../support/renamed.ts";

const renamed = renamedTests(EXPERTS);

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** The tables, with a column of each. */
const COLUMNS = {
  sys_table_migrations: "notes",
  "table_rename.sys_table_migration_events": "actor",
  "table_rename.sys_table_migration_requests": "actor",
  "table_rename.sys_table_migration_usage": "sample",
  "table_rename.sys_table_migration_notifications": "host",
  "table_rename.sys_table_migration_verifications": "verified_by",
  "table_rename.sys_table_migration_uses": "repository",
};

const TABLES = Object.keys(COLUMNS);

const MIGRATIONS = new URL("../../../supabase/migrations/", import.meta.url);

async function applyMigrations(db: TestDatabase): Promise<void> {
  const files = (await Array.fromAsync(Deno.readDir(MIGRATIONS))).map(({ name }) => name).sort();
  for (const name of files) {
    await db.sql.unsafe(await Deno.readTextFile(new URL(name, MIGRATIONS))).simple();
  }
}

for (const defaultPrivileges of ["classic", "none"] as const) {
  databaseTest(
    `the tracking tables are closed to the API's users (${defaultPrivileges} default privileges)`,
    { defaultPrivileges },
    async ({ db }) => {
      await using functions = functionsFor(db.url);
      await db.sql`create table experts (id int)`;
      await functions.rename({ old_name: "experts", new_name: "expert_profiles" });
      for (const role of ["anon", "authenticated"]) {
        const [{ granted }] = await db.sql`
          select bool_or(has_table_privilege(${role}, t::regclass, p)) as granted
          from unnest(${TABLES}::text[]) t, unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE',
            'TRUNCATE', 'REFERENCES', 'TRIGGER']) p`;
        assertEquals(granted, false, role);
        for (const [table, column] of Object.entries(COLUMNS)) {
          for (
            const statement of [
              `select count(*) from ${table}`,
              `insert into ${table} default values`,
              `update ${table} set ${column} = default`,
              `delete from ${table}`,
              `truncate ${table}`,
            ]
          ) {
            const error = await assertRejects(() => db.as(role, (tx) => tx.unsafe(statement)));
            assertEquals((error as { code: string }).code, "42501", `${role}: ${statement}`);
          }
        }
        const [{ usage }] = await db.sql`select has_sequence_privilege(${role},
          'table_rename.sys_table_migration_events_id_seq', 'USAGE, SELECT, UPDATE') as usage`;
        assertEquals(usage, false);
      }
      const rows = await db.sql`
        select relname, relrowsecurity from pg_class where oid = any(${TABLES}::text[]::regclass[])`;
      assertEquals(rows.map((row) => row.relrowsecurity), TABLES.map(() => true));
      assertEquals((await db.sql`select from pg_policy`).length, 0);
    },
  );

  databaseTest(
    `the service role can read, and not write, what happened (${defaultPrivileges})`,
    { defaultPrivileges },
    async ({ db }) => {
      for (const table of TABLES.slice(0, 2)) {
        await db.as("service_role", (tx) => tx.unsafe(`select count(*) from ${table}`));
        for (const sql of [`delete from ${table}`, `truncate ${table}`]) {
          await assertRejects(() => db.as("service_role", (tx) => tx.unsafe(sql)));
        }
      }
    },
  );
}

databaseTest("applying the migrations again changes nothing", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql`create table experts (id int)`;
  await functions.rename({ old_name: "experts", new_name: "expert_profiles" });
  const before = await catalogState(db.admin);
  const rows = await functions.list();
  await applyMigrations(db);
  assertEquals(stateDifferences(before, await catalogState(db.admin)), []);
  assertEquals(await functions.list(), rows);
});

databaseTest("the migrations make the same from nothing", async ({ db }) => {
  const shape = async () =>
    (await db.sql`
      select c.relname, a.attname, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull,
        pg_get_expr(d.adbin, d.adrelid) as default, c.relacl::text
      from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
      left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
      where c.relname like 'sys_table_%' order by 1, a.attnum`).map((row) => ({ ...row }));
  const before = await shape();
  await db.sql.unsafe(`drop table ${TABLES.join(", ")}`).simple();
  await applyMigrations(db);
  assertEquals(await shape(), before);
});

databaseTest("the tables refuse what cannot be", async ({ db }) => {
  const insert = (values: Record<string, string | null>) =>
    db.sql`insert into sys_table_migrations ${
      db.sql({
        batch_id: crypto.randomUUID(),
        schema_name: "public",
        old_name: "a",
        new_name: "b",
        plan_hash: "",
        requested_by: "",
        ...values,
      })
    }`;
  const now = new Date().toISOString();
  await assertRejects(() => insert({ status: "done" }), Error, "status_check");
  await assertRejects(() => insert({ status: "active" }), Error, "times_check");
  await assertRejects(() => insert({ status: "rolled_back" }), Error, "times_check");
  await assertRejects(() => insert({ status: "finalized" }), Error, "times_check");
  await insert({ status: "active", migrated_at: now });
  await assertRejects(() => insert({ status: "pending" }), Error, "old_name_key");
  await assertRejects(() => insert({ status: "pending", old_name: "c" }), Error, "new_name_key");
  await insert({ status: "pending", schema_name: "other" });
  for (let n = 0; n < 3; n++) await insert({ status: "rolled_back", rollback_at: now });
  const event = (outcome: string, problem_code: string | null) =>
    db.sql`insert into table_rename.sys_table_migration_events (request_id, operation, actor, outcome, problem_code)
      values (gen_random_uuid(), 'rename', 'test', ${outcome}, ${problem_code})`;
  await assertRejects(() => event("maybe", null), Error, "outcome_check");
  await assertRejects(() => event("succeeded", "internal"), Error, "problem_check");
  await assertRejects(() => event("refused", null), Error, "problem_check");
});

databaseTest(
  "every request that changes or tries to change something leaves an event",
  async ({ db }) => {
    await using functions = functionsFor(db.url, {
      serviceRoleKey: "service-role-key-of-the-tests",
    });
    await db.sql`create table experts (id int)`;
    const { batch_id, migrations } = await functions.rename({
      old_name: "experts",
      new_name: "expert_profiles",
    });
    const ids = migrations.map(({ id }) => id);
    await functions.refused("already_renamed", "rename", {
      old_name: "experts",
      new_name: "other",
    });
    await functions.refused("table_not_found", "rename", {
      old_name: "nothing",
      new_name: "other",
    });
    await functions.refused("migration_not_found", "rollback", { table: "nothing" });
    await functions.rollback({ batch_id: batch_id! });
    await functions.refused("not_active", "rollback", { migration_id: ids[0] });
    const events = await db.sql`select * from table_rename.sys_table_migration_events order by id`;
    assertEquals(events.map((e) => [e.operation, e.outcome, e.problem_code]), [
      ["rename", "succeeded", null],
      ["rename", "refused", "already_renamed"],
      ["rename", "refused", "table_not_found"],
      ["rollback", "refused", "migration_not_found"],
      ["rollback", "succeeded", null],
      ["rollback", "refused", "not_active"],
    ]);
    assertEquals(events.map((e) => e.migration_ids), [ids, [], [], [], ids, []]);
    assertEquals([events[0].batch_id, events[4].batch_id], [batch_id, batch_id]);
    for (const event of [events[0], events[4]]) {
      assertEquals(event.lock_attempts, 1);
      assertGreater(event.lock_held_ms, 0);
      assert(event.lock_waited_ms >= 0);
    }
    assertEquals(events[1].details.renames[0].new_name, "other");
    assert(events.every((e) => e.actor === "key:default"));
  },
);

databaseTest("plans, lists and broken requests leave no event", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql`create table experts (id int)`;
  await functions.rename({ old_name: "experts", new_name: "other", mode: "plan" });
  await functions.refused("table_not_found", "rename", {
    old_name: "nothing",
    new_name: "other",
    mode: "plan",
  });
  await functions.refused("invalid_request", "rename", { old_name: "experts" });
  await functions.refused("invalid_request", "rollback", {});
  await functions.list();
  assertEquals((await db.sql`select from table_rename.sys_table_migration_events`).length, 0);
});

databaseTest("an event carries the id that the answer carried", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const response = await functions.fetch("rename", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ old_name: "nothing", new_name: "other" }),
  });
  await response.body?.cancel();
  const [event] = await db.sql`select request_id from table_rename.sys_table_migration_events`;
  assertEquals(response.headers.get("x-request-id"), event.request_id);
});

for (
  const [what, headers, actor] of [
    ["a secret key", {}, /^key:default$/],
    ["x-actor behind it", { "x-actor": " jane\u00e9 " }, /^key:default jane/],
    ["a long x-actor, cut", { "x-actor": "x".repeat(5000) }, /^key:default x{200}$/],
    ["the service role", {
      apikey: "service-role-key-of-the-tests",
      "x-actor": "it's; drop table experts",
    }, /^service_role it's; drop table experts$/],
  ] as const
) {
  databaseTest(`who renamed is recorded: ${what}`, async ({ db }) => {
    await using functions = functionsFor(db.url, {
      serviceRoleKey: "service-role-key-of-the-tests",
    });
    await db.sql`create table experts (id int)`;
    for (
      const [name, body] of [
        ["rename", { old_name: "experts", new_name: "expert_profiles" }],
        ["rollback", { table: "experts" }],
      ] as const
    ) {
      const response = await functions.fetch(name, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      assertEquals(response.status, 200, await response.text());
    }
    const { migrations: [migration] } = await functions.list();
    assertMatch(migration.requested_by, actor);
    assertMatch(migration.migrated_by!, actor);
    assertMatch(migration.rollback_by!, actor);
    for (const event of await db.sql`select actor from table_rename.sys_table_migration_events`) {
      assertMatch(event.actor, actor);
    }
  });
}

databaseTest("a migration is recorded with its times, plan and dependencies", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(`
    create table teams (id int primary key);
    create table experts (id serial primary key, team int constraint of_team references teams);
    create view names as select id from experts`).simple();
  const [{ before }] = await db.sql`select clock_timestamp() as before`;
  const answer = await functions.rename({ old_name: "experts", new_name: "expert_profiles" });
  const [row] = await db.sql`select *, clock_timestamp() as after from sys_table_migrations`;
  assert(before <= row.requested_at && row.requested_at <= row.migrated_at);
  assert(row.migrated_at <= row.after);
  assertEquals(row.plan_hash, answer.plan_hash);
  const statements = answer.statements.map(({ sql }) => sql);
  for (const { sql } of row.plan.statements) assert(statements.includes(sql), sql);
  assertEquals(row.dependencies.foreign_keys, ["of_team"]);
  assertEquals(row.dependencies.views, ["public.names"]);
  assertEquals(Object.keys(row.fingerprint).sort(), ["after", "before", "view"]);
  const [oids] = await db.sql`select 'expert_profiles'::regclass::oid::int as table_oid,
    'experts'::regclass::oid::int as view_oid`;
  assertEquals([row.table_oid, row.view_oid].map(Number), [oids.table_oid, oids.view_oid]);
  await functions.rollback({ table: "experts" });
  const { migrations: [migration] } = await functions.list();
  assert(migration.rollback_at! > migration.migrated_at!);
});

renamed("states that an earlier version recorded whole count like those of today", async (
  { db, functions, migration },
) => {
  const [{ prints }] = await db.sql`select fingerprint as prints from sys_table_migrations`;
  assertEquals(Object.keys(prints.after), ["changed", "without"]);
  const states = { after: prints.after, view: prints.view };
  for (const state of ["after", "view"] as const) {
    const whole = withChanges(prints.before, states[state]);
    await db.sql`
      update sys_table_migrations
      set fingerprint = jsonb_set(fingerprint, ${[state]}, ${db.sql.json(whole)})`;
  }
  await db.sql`alter table expert_profiles add column since int`;
  await db.sql`grant select (name) on experts to anon`;
  await functions.refused("breaking_findings", "finalize", { migration_id: migration.id });
  await db.sql`revoke select (name) on experts from anon`;
  const { verification } = await functions.rollback({ migration_id: migration.id });
  assert(verification?.passed);
  const kept = verification.checks.find(({ name }) => name.startsWith("changes that others made"));
  assertEquals(kept?.differences?.map(({ object }) => object), [
    '"public"."experts": column order',
    '"public"."experts": column since',
  ]);
});

databaseTest(
  "the rows of a batch are recorded in its order, with the OIDs of its tables and indexes",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const names = ["one", 'two "quoted"', "three $rows$ \\n", "four '::jsonb"];
    for (const name of names) await db.sql`create table ${db.sql(name)} (id int primary key)`;
    const renames = names.map((name) => ({ old_name: name, new_name: `${name} renamed` }));
    await functions.rename({ renames, rename_indexes: true });
    const rows = await db.sql`
      select m.old_name, m.new_name, m.table_oid = t.oid as table, i ->> 'to' as index,
        (i ->> 'oid')::oid = x.oid as of_index
      from sys_table_migrations m
      join pg_class t on t.relname = m.new_name
      cross join jsonb_array_elements(m.plan -> 'indexes') i
      join pg_class x on x.relname = i ->> 'to'
      order by m.requested_at`;
    assertEquals(
      rows.map((row) => ({ ...row })),
      names.map((name) => ({
        old_name: name,
        new_name: `${name} renamed`,
        table: true,
        index: `${name} renamed_pkey`,
        of_index: true,
      })),
    );
  },
);

databaseTest(
  "of many tables, read in groups, each has its own states in its record",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const numbers = Array.from({ length: 251 }, (_, number) => number);
    await db.sql.unsafe(numbers.map((n) => `create table t${n} (c${n} int)`).join(";")).simple();
    const { verification } = await functions.rename({
      renames: numbers.map((n) => ({ old_name: `t${n}`, new_name: `renamed_${n}` })),
    });
    assert(verification?.passed);
    const rows = await db.sql`
      select m.old_name, m.fingerprint -> 'before' ->> 'column order' as before,
        m.fingerprint -> 'after' = '{"changed": {}, "without": []}' as after,
        m.fingerprint #>> '{view,changed,kind}' as view
      from sys_table_migrations m
      order by m.requested_at`;
    assertEquals(
      rows.map((row) => ({ ...row })),
      numbers.map((n) => ({ old_name: `t${n}`, before: `c${n}`, after: true, view: "v" })),
    );
  },
);

databaseTest(
  "where some of many tables cannot be verified, nothing goes on after the answer",
  async ({ db }) => {
    await using proxy = startCuttingProxy(Number(new URL(db.url).port));
    await using functions = functionsFor(proxy.through(db.url));
    const numbers = Array.from({ length: 300 }, (_, number) => number);
    await db.sql.unsafe(numbers.map((n) => `create table t${n} (id int)`).join(";")).simple();
    let committed = false;
    proxy.judge = async (message) => {
      const { from, text } = message;
      if (from !== "client") return "forward";
      const first = committed && text.includes('"t0"');
      if (committed && text.includes('"t299"')) await pause(6_500);
      committed ||= isCriticalSection(message);
      return first ? "cut" : "forward";
    };
    const kept = async () => {
      const [{ count }] = await db.sql`
        select count(*)::int from sys_table_migrations where fingerprint ? 'after'`;
      return count;
    };
    await quietly(() =>
      functions.rename({
        renames: numbers.map((n) => ({ old_name: `t${n}`, new_name: `renamed_${n}` })),
      })
    );
    const atAnswer = await kept();
    const [{ last }] = await db.sql`
      select statements[cardinality(statements)] as last
      from supabase_migrations.schema_migrations where name like 'rename_%'`;
    assertEquals((last.match(/"after"/g) ?? []).length, atAnswer);
    await pause(3_000);
    assertEquals(await kept(), atAnswer);
  },
);

databaseTest("a request that gave up says in its event how long it waited", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql`create table experts (id int)`;
  const holder = await holdInTurns(db, "experts");
  const problem = await functions.refused("lock_not_acquired", "rename", {
    old_name: "experts",
    new_name: "expert_profiles",
    max_wait_ms: 1_500,
    lock_timeout_ms: 5,
  });
  await holder.release();
  const [event] = await db.sql`select * from table_rename.sys_table_migration_events`;
  assertEquals([event.lock_attempts, event.lock_waited_ms], [problem.attempts, problem.waited_ms]);
  assertEquals(event.lock_held_ms, 0);
  assertStringIncludes(problem.detail, `${problem.attempts} attempts`);
});

databaseTest(
  "a trigger of one's own on the events runs once a change, when it is made, and for none that is given up",
  { versions: [15, 17] },
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`
      create table experts (id int);
      create sequence runs;
      create function on_event() returns trigger language plpgsql as $$
      begin
        perform nextval('public.runs');
        perform count(*) from public.expert_profiles;
        return null;
      end $$;
      create trigger on_event after insert on table_rename.sys_table_migration_events
        for each row when (new.outcome = 'succeeded') execute function on_event()`).simple();
    const runs = async () => (await db.sql`select is_called, last_value::int from runs`)[0];
    const rename = { old_name: "experts", new_name: "expert_profiles" };
    const holder = await holdLock(db, "experts");
    await functions.refused("lock_not_acquired", "rename", { ...rename, max_wait_ms: 100 });
    await holder.release();
    assertEquals(await runs(), { is_called: false, last_value: 1 });
    await functions.rename(rename);
    assertEquals(await runs(), { is_called: true, last_value: 1 });
  },
);

databaseTest(
  "before its locks a change writes its record once on trial, which takes an id and leaves nothing",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql`create table experts (id int)`;
    const recorded = async () => [
      ...await db
        .sql`select id::int, operation, outcome from table_rename.sys_table_migration_events order by id`,
    ];
    await functions.rename({ old_name: "experts", new_name: "expert_profiles" });
    await functions.refresh({ table: "experts" });
    await functions.rollback({ table: "experts" });
    assertEquals(
      await recorded(),
      ["rename", "refresh", "rollback"].map((operation, n) => (
        { id: 2 * (n + 1), operation, outcome: "succeeded" }
      )),
    );
  },
);
