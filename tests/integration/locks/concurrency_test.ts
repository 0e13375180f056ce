import { assert, assertArrayIncludes, assertEquals, assertGreater } from "@std/assert";
import { assertLess, assertStringIncludes } from "@std/assert";
import type { ProblemBody } from "../../../shared/contract/problems.ts";
import type { Blocker, OperationAnswer } from "../../../shared/contract/responses.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import { installKiller, killAt, startReader, wasKilled } from "../../support/interruptions.ts";
import { quietly } from "../../support/quiet.ts";
import { catalogState, databaseState, stateDifferences } from "../../support/catalog/state.ts";
import { holdInTurns, lockWaiter, queuedWaiter, until } from "../../support/waiting.ts";

/** Endpoints as in so many isolates: each has connections of its own. */
function isolates(db: TestDatabase, count: number): Functions[] {
  return Array.from(
    { length: count },
    (_, n) => functionsFor(`${db.url}?keep_alive=${60 + n}`),
  );
}

type Outcome = OperationAnswer | ProblemBody;

async function post(functions: Functions, name: string, body: unknown): Promise<Outcome> {
  return await quietly(async () => {
    const response = await functions.fetch(name, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return await response.json();
  });
}

const succeeded = (outcome: Outcome): outcome is OperationAnswer => "statements" in outcome;
const codeOf = (outcome: Outcome) => succeeded(outcome) ? "succeeded" : outcome.code;

async function dispose(functions: Functions[]): Promise<void> {
  await Promise.all(functions.map((one) => one[Symbol.asyncDispose]()));
}

/** The relations of schema public that are not ours, by name. */
async function relations(db: TestDatabase): Promise<Record<string, string>> {
  const rows = await db.sql`select relname, relkind from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'v')
      and relname not like 'sys_table_%' order by 1`;
  return Object.fromEntries(rows.map(({ relname, relkind }) => [relname, relkind]));
}

// Several at once -----------------------------------------------------------------------------------

for (const count of [2, 8]) {
  databaseTest(`of ${count} simultaneous renames of one table one wins`, async ({ db }) => {
    const all = isolates(db, count);
    try {
      await db.sql`create table experts (id int primary key, name text)`;
      const outcomes = await Promise.all(all.map((functions) =>
        post(functions, "rename", {
          old_name: "experts",
          new_name: "expert_profiles",
          max_wait_ms: 5000,
        })
      ));
      const codes = outcomes.map(codeOf);
      assertEquals(codes.filter((code) => code === "succeeded").length, 1, codes.join());
      assertArrayIncludes(
        ["succeeded", "already_renamed", "table_not_found", "lock_not_acquired"],
        codes,
      );
      assert(outcomes.find(succeeded)!.verification?.passed);
      assertEquals(await relations(db), { expert_profiles: "r", experts: "v" });
    } finally {
      await dispose(all);
    }
  });
}

databaseTest("of simultaneous renames to different names one wins", async ({ db }) => {
  const all = isolates(db, 6);
  try {
    await db.sql`create table experts (id int primary key, name text)`;
    const outcomes = await Promise.all(
      all.map((functions, n) =>
        post(functions, "rename", {
          old_name: "experts",
          new_name: `name_${n}`,
          max_wait_ms: 20_000,
        })
      ),
    );
    const winners = outcomes.filter(succeeded);
    assertEquals(winners.length, 1, outcomes.map(codeOf).join());
    assertArrayIncludes(["succeeded", "already_renamed"], outcomes.map(codeOf));
    assertEquals(await relations(db), {
      experts: "v",
      [winners[0].migrations[0].new_name]: "r",
    });
  } finally {
    await dispose(all);
  }
});

databaseTest("of simultaneous renames to one name one wins", async ({ db }) => {
  const all = isolates(db, 4);
  try {
    await db.sql.unsafe(all.map((_, n) => `create table t${n} (id int)`).join(";")).simple();
    const outcomes = await Promise.all(
      all.map((functions, n) =>
        post(functions, "rename", { old_name: `t${n}`, new_name: "wanted", max_wait_ms: 20_000 })
      ),
    );
    assertEquals(outcomes.filter(succeeded).length, 1, outcomes.map(codeOf).join());
    assertArrayIncludes(["succeeded", "name_taken"], outcomes.map(codeOf));
    assertEquals((await db.sql`select from sys_table_migrations`).length, 1);
  } finally {
    await dispose(all);
  }
});

databaseTest("many requests at once in one isolate are all answered", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const names = Array.from({ length: 12 }, (_, n) => `t${n}`);
  await db.sql.unsafe(names.map((name) => `create table ${name} (id int)`).join(";")).simple();
  const outcomes = await Promise.all(
    names.map((old_name) =>
      post(functions, "rename", { old_name, new_name: `${old_name}_new`, max_wait_ms: 20_000 })
    ),
  );
  assertEquals(outcomes.map(codeOf), names.map(() => "succeeded"));
});

databaseTest("many refused requests at once in one isolate are all answered", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql`create table experts (id int)`;
  const reader = await startReader(db, "experts");
  const outcomes = await Promise.all(Array.from({ length: 6 }, (_, n) =>
    post(functions, "rename", {
      old_name: "experts",
      new_name: `name_${n}`,
      max_wait_ms: 300,
      lock_timeout_ms: 20,
    })));
  await reader.release();
  assertEquals(outcomes.map(codeOf), outcomes.map(() => "lock_not_acquired"));
});

databaseTest("a rename and a rollback at once leave one consistent state", async ({ db }) => {
  const [one, other] = isolates(db, 2);
  try {
    await db.sql`create table a (id int primary key, name text)`;
    for (let round = 0; round < 5; round++) {
      await one.rename({ old_name: "a", new_name: "b" });
      const outcomes = await Promise.all([
        post(one, "rename", { old_name: "b", new_name: "c", max_wait_ms: 5000 }),
        post(other, "rollback", { table: "a", max_wait_ms: 5000 }),
      ]);
      const [renamed, rolledBack] = outcomes.map(codeOf);
      const now = await relations(db);
      if (renamed === "succeeded") {
        assertEquals(now, { a: "v", b: "v", c: "r" });
        assertEquals(rolledBack, "drifted");
        await one.rollback({ table: "c" });
        await one.rollback({ table: "b" });
      } else {
        assertEquals([renamed, rolledBack], ["table_not_found", "succeeded"]);
        assertEquals(now, { a: "r" });
      }
      assertEquals(await relations(db), { a: "r" });
    }
  } finally {
    await dispose([one, other]);
  }
});

databaseTest("of simultaneous rollbacks of one rename one wins", async ({ db }) => {
  const all = isolates(db, 4);
  try {
    await db.sql`create table a (id int primary key)`;
    const { migrations } = await all[0].rename({ old_name: "a", new_name: "b" });
    const outcomes = await Promise.all(
      all.map((functions) =>
        post(functions, "rollback", { migration_id: migrations[0].id, max_wait_ms: 5000 })
      ),
    );
    assertEquals(outcomes.filter(succeeded).length, 1, outcomes.map(codeOf).join());
    assertArrayIncludes(["succeeded", "not_active"], outcomes.map(codeOf));
    assertEquals(await relations(db), { a: "r" });
  } finally {
    await dispose(all);
  }
});

databaseTest("overlapping batches in any order: no deadlock, no half batch", async ({ db }) => {
  const all = isolates(db, 5);
  try {
    const names = Array.from({ length: 8 }, (_, n) => `t${n}`);
    await db.sql.unsafe(
      names.map((name) => `create table ${name} (id int primary key)`).join(";"),
    ).simple();
    const batch = (n: number) => {
      const some = names.slice(n % 3, 5 + n % 4);
      const ordered = n % 2 ? some.toReversed() : some;
      return ordered.map((old_name) => ({ old_name, new_name: `b${n}_${old_name}` }));
    };
    const outcomes = await Promise.all(
      all.map((functions, n) =>
        post(functions, "rename", { renames: batch(n), max_wait_ms: 10_000 })
      ),
    );
    assertEquals(outcomes.filter(succeeded).length, 1, outcomes.map(codeOf).join());
    assertArrayIncludes(["succeeded", "already_renamed"], outcomes.map(codeOf));
    const winner = outcomes.findIndex(succeeded);
    const renamed = batch(winner);
    const now = await relations(db);
    for (const { old_name, new_name } of renamed) {
      assertEquals([now[old_name], now[new_name]], ["v", "r"]);
    }
    assertEquals(Object.keys(now).length, names.length + renamed.length);
  } finally {
    await dispose(all);
  }
});

databaseTest("batches and rollbacks over the same tables at once end whole", async ({ db }) => {
  const all = isolates(db, 4);
  try {
    const names = ["t0", "t1", "t2", "t3"];
    await db.sql.unsafe(
      names.map((name) => `create table ${name} (id int primary key)`).join(";"),
    ).simple();
    const allowed = [
      ...["succeeded", "already_renamed", "migration_not_found", "not_active", "drifted"],
      ...["table_not_found", "name_taken", "lock_not_acquired"],
    ];
    await Promise.all(all.map(async (functions, n) => {
      for (let round = 0; round < 4; round++) {
        const ordered = n % 2 ? names.toReversed() : names;
        const renamed = await post(functions, "rename", {
          renames: ordered.map((old_name) => ({ old_name, new_name: `${old_name}_new` })),
          max_wait_ms: 3000,
        });
        assertArrayIncludes(allowed, [codeOf(renamed)]);
        if (!succeeded(renamed)) continue;
        const back = await post(functions, "rollback", { batch_id: renamed.batch_id });
        assertEquals(codeOf(back), "succeeded");
      }
    }));
    assertEquals(await relations(db), { t0: "r", t1: "r", t2: "r", t3: "r" });
    const left = await db.sql`select from sys_table_migrations where status <> 'rolled_back'`;
    assertEquals(left.length, 0);
  } finally {
    await dispose(all);
  }
});

// Readers -------------------------------------------------------------------------------------------

databaseTest("a reader that stays is named, and nothing is changed", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql`create table experts (id int primary key)`;
  const before = await databaseState(db.admin);
  const reader = await startReader(db, "public.experts");
  const problem = await functions.refused("lock_not_acquired", "rename", {
    old_name: "experts",
    new_name: "expert_profiles",
    max_wait_ms: 2_000,
    lock_timeout_ms: 50,
  });
  assertEquals(problem.status, 423);
  assertEquals(problem.attempts, 0);
  assertGreater(problem.waited_ms as number, 100);
  assertLess(problem.waited_ms as number, 10_000);
  const blockers = problem.blockers as Blocker[];
  assertEquals(blockers.length, 1);
  const [blocker] = blockers;
  assertEquals(blocker.pid, reader.pid);
  assertEquals(blocker.role, "postgres");
  assertEquals(blocker.application_name, "slow report");
  assertEquals(blocker.state, "idle in transaction");
  assertStringIncludes(blocker.query!, "from public.experts");
  assert(Date.parse(blocker.since!) > Date.now() - 60_000);
  assertEquals(stateDifferences(before, await databaseState(db.admin)), []);

  const [event] = await db.sql`select * from table_rename.sys_table_migration_events`;
  assertEquals(
    [event.operation, event.outcome, event.problem_code],
    ["rename", "refused", "lock_not_acquired"],
  );
  assertEquals(event.lock_attempts, problem.attempts);
  assertEquals(event.lock_waited_ms, problem.waited_ms);
  await reader.release();
  assert((await functions.rename({ old_name: "experts", new_name: "expert_profiles" })).lock);
});

databaseTest("a reader of the old name keeps a rollback waiting, and is named", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql`create table experts (id int primary key)`;
  await functions.rename({ old_name: "experts", new_name: "expert_profiles" });
  const before = await databaseState(db.admin);
  const reader = await startReader(db, "public.experts");
  const problem = await functions.refused("lock_not_acquired", "rollback", {
    table: "experts",
    max_wait_ms: 300,
    lock_timeout_ms: 40,
  });
  assertEquals((problem.blockers as Blocker[]).map(({ pid }) => pid), [reader.pid]);
  assertEquals(stateDifferences(before, await databaseState(db.admin)), []);
  await reader.release();
  await functions.rollback({ table: "experts" });
});

databaseTest("a reader that goes in time lets the rename succeed", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql`create table experts (id int primary key)`;
  const reader = await startReader(db, "experts");
  const renaming = functions.rename({
    old_name: "experts",
    new_name: "expert_profiles",
    lock_timeout_ms: 50,
    max_wait_ms: 20_000,
  });
  // Not before it was seen waiting: the machine may be slow.
  await lockWaiter(db.sql, "AccessExclusiveLock");
  await new Promise((resolve) => setTimeout(resolve, 400));
  await reader.release();
  const { lock, verification } = await renaming;
  assert(verification?.passed);
  assertEquals(lock!.attempts, 1);
  assertGreater(lock!.waited_ms, 300);
  const [event] = await db.sql`select * from table_rename.sys_table_migration_events`;
  assertEquals([event.outcome, event.lock_attempts], ["succeeded", lock!.attempts]);
  assertGreater(event.lock_held_ms, 0);
});

databaseTest("a grant made while a rename waits is on the view too", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe("create table experts (id int primary key); revoke all on experts from anon")
    .simple();
  const reader = await startReader(db, "experts");
  const body = { old_name: "experts", new_name: "expert_profiles", lock_timeout_ms: 30 };
  const { plan_hash } = await functions.rename({ ...body, mode: "plan" });
  const renaming = functions.rename(body);
  const expecting = post(functions, "rename", { ...body, expected_plan_hash: plan_hash });
  await new Promise((resolve) => setTimeout(resolve, 200));
  // GRANT waits for none of the locks that a rename holds by then.
  await db.sql`grant insert on experts to anon`;
  await reader.release();
  const outcomes = await Promise.all([renaming, expecting]);
  assert(outcomes[0].verification?.passed);
  assertArrayIncludes(["plan_changed", "already_renamed"], [codeOf(outcomes[1])]);
  for (const name of ["experts", "expert_profiles"]) {
    const [{ granted }] = await db
      .sql`select has_table_privilege('anon', ${name}, 'INSERT') as granted`;
    assert(granted, name);
  }
});

databaseTest("a name that is taken while a rename waits is reported", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql`create table experts (id int primary key)`;
  const reader = await startReader(db, "experts");
  const renaming = post(functions, "rename", {
    old_name: "experts",
    new_name: "expert_profiles",
    lock_timeout_ms: 30,
  });
  await new Promise((resolve) => setTimeout(resolve, 200));
  await db.sql`create table expert_profiles (id int)`;
  await reader.release();
  assertEquals(codeOf(await renaming), "name_taken");
  assertEquals(await relations(db), { expert_profiles: "r", experts: "r" });
});

databaseTest("what is built on a view while its rollback waits follows, too", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql`create table experts (id int primary key)`;
  await functions.rename({ old_name: "experts", new_name: "expert_profiles" });
  const reader = await startReader(db, "experts");
  const rollback = post(functions, "rollback", { table: "experts", lock_timeout_ms: 30 });
  await new Promise((resolve) => setTimeout(resolve, 200));
  await db.sql`create view on_it as select id from experts`;
  await reader.release();
  assertEquals(codeOf(await rollback), "succeeded");
  assertEquals(await relations(db), { experts: "r", on_it: "v" });
  await db.sql`insert into experts values (1)`;
  assertEquals((await db.sql`select id from on_it`).length, 1);
});

databaseTest("one busy table of a batch holds nobody up on the others", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe("create table a (id int); create table b (id int); create table c (id int)")
    .simple();
  const reader = await startReader(db, "c");
  const before = await databaseState(db.admin);
  const problem = await functions.refused("lock_not_acquired", "rename", {
    renames: ["a", "b", "c"].map((old_name) => ({ old_name, new_name: `${old_name}_new` })),
    max_wait_ms: 300,
  });
  assertEquals((problem.blockers as Blocker[]).map(({ pid }) => pid), [reader.pid]);
  assertEquals(stateDifferences(before, await databaseState(db.admin)), []);
  await reader.release();
});

databaseTest("nobody waits for longer than the lock timeout behind a reader", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql`create table experts (id int primary key)`;
  const reader = await startReader(db, "experts");
  await db.sql`create table untouched (id int)`;
  let over = false;
  // What a busy machine does to any query is no fault of the rename's.
  const longest = { experts: 0, untouched: 0 };
  const clients = [1, 2, 3].map(async () => {
    const client = db.connect({ max: 1 });
    while (!over) {
      for (const table of ["untouched", "experts"] as const) {
        const start = performance.now();
        await client`select count(*) from ${client(table)}`;
        longest[table] = Math.max(longest[table], performance.now() - start);
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await client.end();
  });
  await functions.refused("lock_not_acquired", "rename", {
    old_name: "experts",
    new_name: "expert_profiles",
    lock_timeout_ms: 100,
    max_wait_ms: 1_500,
  });
  over = true;
  await Promise.all([...clients, reader.release()]);
  assertLess(longest.experts, longest.untouched + 100 + 300);
});

databaseTest("other DDL on the table is waited for, or named", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql`create table experts (id int primary key)`;
  const client = db.connect({ max: 1 });
  const renaming = await client.begin(async (tx) => {
    await tx`alter table experts add column name text`;
    await functions.refused("lock_not_acquired", "rename", {
      old_name: "experts",
      new_name: "expert_profiles",
      max_wait_ms: 200,
    });
    const renaming = functions.rename({ old_name: "experts", new_name: "expert_profiles" });
    await new Promise((resolve) => setTimeout(resolve, 150));
    return { renaming };
  });
  assert((await renaming.renaming).verification?.passed);
  assertEquals((await db.sql`select name from experts`).length, 0);
});

databaseTest(
  "a table that another session renames meanwhile is not renamed twice",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql`create table experts (id int primary key)`;
    const client = db.connect({ max: 1 });
    const { outcome } = await client.begin(async (tx) => {
      await tx.unsafe(`alter table experts rename to taken;
      create view experts as select id from taken`).simple();
      const outcome = post(functions, "rename", {
        old_name: "experts",
        new_name: "expert_profiles",
        max_wait_ms: 5000,
      });
      await new Promise((resolve) => setTimeout(resolve, 150));
      return { outcome };
    });
    assertEquals(codeOf(await outcome), "unsupported_relation");
    assertEquals(await relations(db), { experts: "v", taken: "r" });
  },
);

databaseTest("work on the old name goes on without errors while it is renamed", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql`create table experts (id int primary key generated always as identity, n int)`;
  let over = false;
  let written = 0;
  const errors: string[] = [];
  const clients = [true, false, true].map(async (prepare) => {
    const client = db.connect({ max: 1, prepare });
    while (!over) {
      try {
        await client`insert into experts (n) values (1)`;
        written++;
        await client`select sum(n) from experts`;
      } catch (error) {
        errors.push(String(error));
      }
    }
    await client.end();
  });
  for (let round = 0; round < 5; round++) {
    await functions.rename({ old_name: "experts", new_name: "expert_profiles" });
    await functions.rollback({ table: "experts" });
  }
  over = true;
  await Promise.all(clients);
  assertEquals(errors, []);
  assertEquals((await db.sql`select count(*)::int as n from experts`)[0].n, written);
});

// Killed --------------------------------------------------------------------------------------------

/** With one of each kind of statement that a critical section has. */
const TABLE = `
  create table experts (id int primary key generated always as identity, name text default 'x');
  comment on table experts is 'people';
  revoke all on experts from anon;
  grant select on experts to authenticated with grant option;
  set role authenticated; grant select on experts to anon; reset role;
  grant insert (name) on experts to anon;
  create table other (id int)`;

const RENAME = {
  renames: [
    { old_name: "experts", new_name: "expert_profiles" },
    { old_name: "other", new_name: "others" },
  ],
};

databaseTest(
  "a rename or rollback that is killed at any statement changes nothing",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(TABLE).simple();
    await installKiller(db);
    const original = await catalogState(db.admin);

    const killedEverywhere = async (name: string, body: unknown) => {
      for (let step = 1;; step++) {
        const before = await databaseState(db.admin);
        await killAt(db, step);
        const outcome = await post(functions, name, body);
        if (succeeded(outcome)) return { answer: outcome, steps: step };
        assertEquals(outcome.code, "database_unavailable", `step ${step}: ${outcome.detail}`);
        assert(await wasKilled(db));
        assertEquals(stateDifferences(before, await databaseState(db.admin)), [], `step ${step}`);
        const [event] = await db.sql`
        select * from table_rename.sys_table_migration_events order by id desc limit 1`;
        assertEquals(
          [event.operation, event.outcome, event.problem_code],
          [name, "failed", "database_unavailable"],
        );
        assert(step < 100);
      }
    };
    const renamed = await killedEverywhere("rename", RENAME);
    assertGreater(renamed.steps, 12);
    assertEquals(await relations(db), {
      expert_profiles: "r",
      experts: "v",
      other: "v",
      others: "r",
    });
    // What was killed last was the verification, when the rename was done: that is made again.
    assert(renamed.answer.verification?.passed);
    const back = await killedEverywhere("rollback", { batch_id: renamed.answer.batch_id });
    assertGreater(back.steps, 6);
    assert(back.answer.verification?.passed, JSON.stringify(back.answer.verification));
    const catalog = await catalogState(db.admin);
    assertEquals(stateDifferences(original, catalog), []);
  },
);

databaseTest(
  "a rename that is killed while it waits for its lock changes nothing",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(TABLE).simple();
    const before = await databaseState(db.admin);
    const reader = await holdInTurns(db, "experts");
    const outcome = post(functions, "rename", { ...RENAME, lock_timeout_ms: 5000 });
    await db.admin`select pg_terminate_backend(${await queuedWaiter(db.admin)})`;
    assertEquals(codeOf(await outcome), "database_unavailable");
    await reader.release();
    assertEquals(stateDifferences(before, await databaseState(db.admin)), []);
    assert((await functions.rename(RENAME)).verification?.passed);
  },
);

databaseTest("connections that are all killed between requests are replaced", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(TABLE).simple();
  await functions.list();
  await functions.rename({ ...RENAME, mode: "plan" });
  await db.admin`select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'table-rename' and datname = ${db.name}`;
  assert((await functions.rename(RENAME)).verification?.passed);
});

// Refused by the database ---------------------------------------------------------------------------

databaseTest("an event trigger that raises is reported, and nothing is changed", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(TABLE).simple();
  await db.admin.unsafe(`
    create function public.no_ddl() returns event_trigger language plpgsql as
      $$ begin raise exception 'no schema changes on Fridays'; end $$;
    create event trigger no_ddl on ddl_command_end when tag in ('CREATE VIEW', 'DROP VIEW')
      execute function public.no_ddl();`).simple();
  const before = await databaseState(db.admin);
  const problem = await functions.refused("forbidden", "rename", RENAME);
  assertEquals(problem.status, 403);
  assertStringIncludes(problem.detail, "no schema changes on Fridays");
  assertStringIncludes(problem.hint!, "event trigger");
  assertEquals(stateDifferences(before, await databaseState(db.admin)), []);
  const [event] = await db.sql`select * from table_rename.sys_table_migration_events`;
  assertEquals([event.outcome, event.problem_code], ["refused", "forbidden"]);

  await db.admin`alter event trigger no_ddl disable`;
  const { batch_id } = await functions.rename(RENAME);
  await db.admin`alter event trigger no_ddl enable`;
  const renamed = await databaseState(db.admin);
  await functions.refused("forbidden", "rollback", { batch_id });
  assertEquals(stateDifferences(renamed, await databaseState(db.admin)), []);
});

databaseTest("a cancelled statement is reported, and nothing is changed", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(TABLE).simple();
  const before = await databaseState(db.admin);
  const reader = await holdInTurns(db, "experts");
  const outcome = post(functions, "rename", { ...RENAME, lock_timeout_ms: 5000 });
  let settled = false;
  outcome.finally(() => settled = true);
  // Again and again: an attempt may end before it is cancelled.
  await until("the attempt was cancelled", async () => {
    await db.admin`
      select pg_cancel_backend(l.pid) from pg_locks l join pg_stat_activity a using (pid)
      where not l.granted and l.mode = 'AccessExclusiveLock' and a.datname = ${db.name}
        and a.application_name = 'table-rename'`;
    return settled;
  });
  assertEquals(codeOf(await outcome), "deadline_exceeded");
  await reader.release();
  assertEquals(stateDifferences(before, await databaseState(db.admin)), []);
});
