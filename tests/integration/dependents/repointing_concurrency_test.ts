/** What others do while a table goes back to its old name: nothing of it is lost, and nobody sees an error. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import { whileQuerying } from "../../support/programs/clients.ts";
import { installKiller, killAt, startReader } from "../../support/interruptions.ts";
import { post } from "../../support/http/requests.ts";
import { quietly } from "../../support/quiet.ts";
import { databaseState, stateDifferences } from "../../support/catalog/state.ts";
import { lockWaiter } from "../../support/waiting.ts";

const TABLES = `
  create table teams (id int primary key, name text);
  insert into teams values (1, 'red'), (2, 'blue');
  create table experts (id int primary key, name text not null default 'x', team_id int);
  insert into experts values (1, 'Ada', 1), (2, 'Bob', 2);
  create table log (id int, note text);`;

/** One of each kind. */
const BUILT = `
  create view on_it with (security_invoker) as select id, name from experts;
  create view above with (security_invoker) as select name from on_it;
  create materialized view totals as select team_id, count(*) as n from experts group by team_id;
  create unique index totals_key on totals (team_id);
  alter table teams enable row level security;
  create policy read on teams for select to anon using (exists (
    select from experts where experts.team_id = teams.id));
  create rule noted as on update to teams do also insert into log select id, name from experts;
  create function counted() returns bigint language sql stable
    begin atomic select count(*) from experts; end;
  create function title(experts) returns text language sql immutable as 'select upper($1.name)';
  alter table log alter column note set default title(row(1, 'default', 1)::experts);`;

/** Renamed, with everything built on the old name. */
async function renamed(db: TestDatabase, functions: Functions): Promise<void> {
  await functions.rename({ old_name: "experts", new_name: "expert_profiles" });
  await db.sql.unsafe(BUILT).simple();
}

const ACKNOWLEDGED = ["reads_as_owner"];

for (
  const [what, change, proof, expected] of [
    [
      "a view that is built",
      "create view late with (security_invoker) as select name from experts",
      "select string_agg(name, ' ' order by name) from late",
      "Ada Bob",
    ],
    [
      "a view on a materialized view that is built",
      "create view late as select n from totals",
      "select count(*) from late",
      "2",
    ],
    [
      "a function on the row type that is made",
      "create function late(experts) returns text language sql as 'select $1.name'",
      "select string_agg(late(e), ' ' order by id) from experts e",
      "Ada Bob",
    ],
    [
      "a view's new query",
      `create or replace view on_it with (security_invoker) as
         select id, lower(name) as name from experts`,
      "select string_agg(name, ' ' order by name) from on_it",
      "ada bob",
    ],
    [
      "a view's new option",
      "alter view on_it set (security_barrier = true)",
      "select reloptions::text from pg_class where relname = 'on_it'",
      "{security_invoker=true,security_barrier=true}",
    ],
    [
      "a policy's new condition",
      `alter policy read on teams using (exists (
         select from experts where experts.team_id = teams.id and name = 'Ada'))`,
      "select pg_get_expr(polqual, polrelid) ~ 'Ada' from pg_policy where polname = 'read'",
      "true",
    ],
    [
      "a rule's new action",
      "create or replace rule noted as on update to teams do also insert into log select 7, name from experts",
      "select pg_get_ruledef(oid) ~ '7' from pg_rewrite where rulename = 'noted'",
      "true",
    ],
    [
      "a routine's new body",
      `create or replace function counted() returns bigint language sql stable
         begin atomic select count(*) * 100 from experts; end`,
      "select counted()",
      "200",
    ],
    [
      "a routine's new text",
      `create or replace function title(experts) returns text language sql immutable
         as 'select lower($1.name)'`,
      "select title(e) from experts e where id = 1",
      "ada",
    ],
    [
      "a routine's new comment",
      "comment on function title(experts) is 'late'",
      "select obj_description('title(experts)'::regprocedure, 'pg_proc')",
      "late",
    ],
    [
      "a routine's revoked privilege",
      "revoke execute on function title(experts) from public",
      "select has_function_privilege('dashboard_user', 'title(experts)', 'execute')",
      "false",
    ],
    [
      "a default's new expression",
      "alter table log alter column note set default title(row(1, 'late', 1)::experts)",
      "insert into log values (1) returning note",
      "LATE",
    ],
    [
      "a materialized view's new index",
      "create index late on totals (n)",
      "select indexdef ~ 'totals' from pg_indexes where indexname = 'late'",
      "true",
    ],
    [
      "a materialized view's new privilege",
      "grant select on totals to dashboard_user",
      "select has_table_privilege('dashboard_user', 'totals', 'select')",
      "true",
    ],
    [
      "a materialized view's column's comment",
      "comment on column totals.n is 'late'",
      "select col_description('totals'::regclass, 2)",
      "late",
    ],
  ] as const
) {
  databaseTest(`${what} while a rollback waits for its locks is not lost`, async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(TABLES).simple();
    await renamed(db, functions);
    const reader = await startReader(db, "experts");
    const rollback = functions.rollback({
      table: "experts",
      lock_timeout_ms: 200,
      acknowledge: ACKNOWLEDGED,
    });
    await lockWaiter(db.sql, "AccessExclusiveLock");
    await db.sql.unsafe(change).simple();
    await reader.release();
    const answer = await rollback;
    assert(answer.verification?.passed, JSON.stringify(answer.verification, null, 2));
    const [row] = await db.sql.unsafe(proof);
    assertEquals(String(Object.values(row)[0]), expected);
  });
}

databaseTest(
  "a privilege that is revoked on the view while its rollback waits is reported",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`${TABLES} grant select on experts to anon`).simple();
    await renamed(db, functions);
    const reader = await startReader(db, "experts");
    const rollback = quietly(() =>
      post(functions, "rollback", {
        table: "experts",
        lock_timeout_ms: 200,
        acknowledge: ACKNOWLEDGED,
      })
    );
    await lockWaiter(db.sql, "AccessExclusiveLock");
    await db.sql`revoke select on experts from anon`;
    await reader.release();
    const { body } = await rollback;
    assertEquals(body.code, "breaking_findings");
    assert(body.findings.some(({ code }: { code: string }) => code === "view_grants_changed"));
  },
);

databaseTest(
  "a plan is not carried out once something else is built on the view",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(TABLES).simple();
    await renamed(db, functions);
    const { plan_hash } = await functions.rollback({
      table: "experts",
      mode: "plan",
      acknowledge: ACKNOWLEDGED,
    });
    await db.sql`create view late with (security_invoker) as select name from experts`;
    await functions.refused("plan_changed", "rollback", {
      table: "experts",
      acknowledge: ACKNOWLEDGED,
      expected_plan_hash: plan_hash,
    });
  },
);

databaseTest(
  "a dependant that somebody uses for long is waited for without any lock",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(TABLES).simple();
    await renamed(db, functions);
    // It reads the log, which the rollback needs, and neither the view nor the table.
    const reader = await startReader(db, "log");
    const rollback = functions.rollback({ table: "experts", acknowledge: ACKNOWLEDGED });
    const stall = await whileQuerying(
      db,
      ["select name from experts", "select * from on_it"],
      async () => {
        await lockWaiter(db.sql, "AccessExclusiveLock");
        await new Promise((resolve) => setTimeout(resolve, 1_200));
      },
    );
    await reader.release();
    const { lock } = await rollback;
    assertGreater(lock!.waited_ms, 1_000);
    assertEquals(lock!.attempts, 1);
    assert(stall.longestMs < 150, `${stall.longestMs} ms`);
  },
);

databaseTest(
  "clients of what is built on the view see no error while it goes",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`${TABLES} grant select on teams to anon`).simple();
    const statements = [
      "select name from experts where id = 1",
      "select * from on_it",
      "select a.name from above a join on_it o using (name)",
      "select n from totals where team_id = 1",
      "select count(*) from teams",
      "update teams set name = 'red' where id = 1",
      "insert into log (id) values (3)",
      "insert into experts values (3, 'Cyd', 1) on conflict (id) do update set name = excluded.name",
    ];
    for (let round = 0; round < 4; round++) {
      await renamed(db, functions);
      const asAnon = db.connect({ max: 1, connection: { options: "-c role=anon" } });
      const anon = (async () => {
        for (let n = 0; n < 60; n++) {
          await asAnon`select count(*) from teams`;
          await new Promise((resolve) => setTimeout(resolve, 3));
        }
        await asAnon.end();
      })();
      // A client that runs one statement has it prepared, and locks one thing at a time.
      const { rounds } = await statements.reduceRight(
        (work, statement) => async () => {
          const stall = await whileQuerying(db, [statement], async () => {
            await work();
          });
          return stall;
        },
        async () => {
          await new Promise((resolve) => setTimeout(resolve, 60));
          const answer = await functions.rollback({ table: "experts", acknowledge: ACKNOWLEDGED });
          assert(answer.verification?.passed);
          await new Promise((resolve) => setTimeout(resolve, 60));
          return { longestMs: 0, rounds: 1 };
        },
      )();
      assertGreater(rounds, 5);
      await anon;
      await db.sql.unsafe(`
      drop rule noted on teams; drop policy read on teams; drop materialized view totals;
      drop view above, on_it; alter table log alter column note drop default;
      drop function counted(), title(experts); delete from experts where id = 3`).simple();
    }
  },
);

databaseTest(
  "a rollback and a finalize that die at any step leave everything as it was",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(TABLES).simple();
    await renamed(db, functions);
    await installKiller(db);
    for (const operation of ["rollback", "finalize"]) {
      if (operation === "finalize") {
        await killAt(db, 0);
        await functions.rename({ old_name: "teams", new_name: "groups" });
        await db.sql.unsafe(`
        create view on_teams with (security_invoker) as select * from teams;
        create materialized view counted as select count(*) as n from teams;
        create function label(teams) returns text language sql immutable as 'select $1.name'`)
          .simple();
      }
      const table = operation === "rollback" ? "experts" : "teams";
      for (let step = 1;; step++) {
        const before = await databaseState(db.admin);
        await killAt(db, step);
        const now = operation === "finalize" ? { quiet_for_days: 0 } : {};
        const acknowledge = [...ACKNOWLEDGED, "old_name_in_use"];
        const { status, body } = await quietly(() =>
          post(functions, operation, { table, acknowledge, ...now })
        );
        if (status === 200) {
          assertGreater(step, 20);
          break;
        }
        assertEquals(body.code, "database_unavailable", `step ${step}: ${body.detail}`);
        assertEquals(stateDifferences(before, await databaseState(db.admin)), [], `step ${step}`);
      }
    }
    await killAt(db, 0);
    assertEquals((await db.sql`select * from above`).length, 2);
    assertEquals((await db.sql`select label(g) from groups g where id = 1`)[0].label, "red");
  },
);
