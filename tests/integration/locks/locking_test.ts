/** A rename waits for its locks without keeping anybody else waiting, and says who is in the way. */
import { assert, assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import { startCuttingProxy, type Verdict } from "../../support/servers/cutting_proxy.ts";
import { databaseTest } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { whileQuerying } from "../../support/programs/clients.ts";
import { post } from "../../support/http/requests.ts";
import {
  functionBackends,
  holdInTurns,
  holdLock,
  lockWaiter,
  until,
} from "../../support/waiting.ts";

const RENAME = { old_name: "experts", new_name: "expert_profiles" };
const EXPERTS = `create table experts (id int primary key, name text default 'x');
  insert into experts select n from generate_series(1, 10) n`;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

databaseTest(
  "a rename waits until the blocker has left, and is done at its first attempt",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(EXPERTS).simple();
    const holder = await holdLock(db, "experts");
    const answer = functions.rename({ ...RENAME, lock_timeout_ms: 20 });
    await lockWaiter(db.sql, "AccessExclusiveLock");
    await pause(1_000);
    await holder.release();
    const { lock, verification } = await answer;
    assertEquals(lock!.attempts, 1);
    assertGreater(lock!.waited_ms, 500);
    assert(verification!.passed);
  },
);

databaseTest("a rename that cannot have its lock says who has it", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(EXPERTS).simple();
  const holder = await holdLock(db, "experts");
  const started = Date.now();
  const { status, body } = await post(functions, "rename", {
    ...RENAME,
    lock_timeout_ms: 100,
    max_wait_ms: 2_500,
  });
  assertEquals([status, body.code], [423, "lock_not_acquired"]);
  assertEquals(body.attempts, 0);
  assertLess(Math.abs(body.waited_ms - (Date.now() - started)), 500);
  assertEquals(body.blockers.length, 1, JSON.stringify(body.blockers));
  const [blocker] = body.blockers;
  assertEquals(blocker.pid, holder.pid);
  assertEquals(blocker.role, "postgres");
  assertEquals(blocker.application_name, "long_reader");
  assertEquals(blocker.state, "idle in transaction");
  assertLess(Math.abs(Date.parse(blocker.since) - started), 5_000);
  // As old as when it was last looked at, which is before the last attempt.
  assertGreater(blocker.age_ms, 0);
  assertLess(blocker.age_ms, Date.now() - Date.parse(blocker.since) + 1);
  assertEquals(blocker.query.length, 200);
  assertMatch(blocker.query, /^lock table experts in access share mode/);
  await holder.release();
});

databaseTest("a rename that may not wait names the blocker, too", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(EXPERTS).simple();
  const holder = await holdLock(db, "experts");
  const { body } = await post(functions, "rename", {
    ...RENAME,
    lock_timeout_ms: 1,
    max_wait_ms: 0,
  });
  assertEquals([body.code, body.attempts], ["lock_not_acquired", 0]);
  assertEquals(body.blockers.map(({ pid }: { pid: number }) => pid), [holder.pid]);
  await holder.release();
});

for (const operation of ["rename", "rollback"] as const) {
  databaseTest(
    `readers do not stall behind a ${operation} that waits for a long transaction`,
    async ({ db }) => {
      await using functions = functionsFor(db.url);
      await db.sql.unsafe(EXPERTS).simple();
      const table = operation === "rename" ? "experts" : "expert_profiles";
      if (operation === "rollback") await functions.rename(RENAME);
      const holder = await holdLock(db, table);
      const stall = await whileQuerying(db, ["select * from experts where id = 1"], async () => {
        const options = { lock_timeout_ms: 10_000 };
        const answer = operation === "rename"
          ? functions.rename({ ...RENAME, ...options })
          : functions.rollback({ table: "experts", ...options });
        await pause(2_000);
        await holder.release();
        await answer;
      });
      // Far below the two seconds that the reader in front takes; a busy machine adds its own.
      assertLess(stall.longestMs, 500);
      assertGreater(stall.rounds, 10);
    },
  );
}

databaseTest(
  "no client deadlocks with a rollback, however long its lock timeout",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`${EXPERTS}; create table notes (expert int references experts)`).simple();
    // The foreign key locks the table, then the query the view: the opposite of the rollback's order.
    const transaction = `begin; insert into notes values (1); select pg_sleep(0.02);
      select from experts; commit`;
    const stall = await whileQuerying(db, [transaction], async () => {
      for (let times = 0; times < 4; times++) {
        await functions.rename(RENAME);
        await functions.rollback({ table: "experts", lock_timeout_ms: 10_000 });
      }
    });
    assertGreater(stall.rounds, 4);
  },
);

databaseTest("clients read and write while a rename waits for a vacuum", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(EXPERTS).simple();
  const holder = await holdLock(db, "experts", "share update exclusive", "vacuum");
  const statements = [
    "select * from experts where id = 1",
    "update experts set name = 'y' where id = 2",
  ];
  const stall = await whileQuerying(db, statements, async () => {
    const answer = functions.rename(RENAME);
    await lockWaiter(db.sql, "ShareUpdateExclusiveLock");
    await pause(1_500);
    await holder.release();
    await answer;
  });
  assertLess(stall.longestMs, 700);
  assertGreater(stall.rounds, 50);
});

databaseTest(
  "a batch with one table that is held for long holds up no reader of the others",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`${EXPERTS}; create table later (id int)`).simple();
    const holder = await holdLock(db, "later");
    const renames = [RENAME, { old_name: "later", new_name: "latest" }];
    const stall = await whileQuerying(db, ["select * from experts where id = 1"], async () => {
      const { body } = await post(functions, "rename", {
        renames,
        lock_timeout_ms: 5_000,
        max_wait_ms: 4_000,
      });
      assertEquals(body.code, "lock_not_acquired");
      assertEquals(body.attempts, 0);
      assertEquals(body.blockers.map(({ pid }: { pid: number }) => pid), [holder.pid]);
    });
    // Who queued behind the holder would make them wait for seconds.
    assertLess(stall.longestMs, 2_000);
    await holder.release();
  },
);

databaseTest("what was read of the tables is kept over attempts", async ({ db }) => {
  await using proxy = startCuttingProxy(Number(new URL(db.url).port));
  await using functions = functionsFor(proxy.through(db.url));
  await db.sql.unsafe(EXPERTS).simple();
  let [facts, sections] = [0, 0];
  proxy.judge = ({ type, text }) => {
    if (type === "Q" && text.includes("::text as facts")) facts++;
    if (type === "Q" && text.includes("in access exclusive mode")) sections++;
    return "forward";
  };
  const holder = await holdInTurns(db, "experts");
  const answer = functions.rename({ ...RENAME, lock_timeout_ms: 10 });
  await until("three attempts", () => Promise.resolve(sections >= 3));
  assertEquals(facts, 1);
  await holder.release();
  await answer;
});

databaseTest("a column added while the rename waits is in the view", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(EXPERTS).simple();
  const holder = await holdLock(db, "experts", "access exclusive", "other migration");
  await holder.sql`alter table experts add column email text default 'e'`;
  const answer = functions.rename(RENAME);
  await lockWaiter(db.sql, "ShareUpdateExclusiveLock");
  await holder.release();
  assert((await answer).verification!.passed);
  assertEquals((await db.sql`select email from experts where id = 1`)[0].email, "e");
});

databaseTest("a privilege granted while the rename waits is on the view", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(`${EXPERTS}; revoke all on experts from anon`).simple();
  const holder = await holdLock(db, "experts");
  const answer = functions.rename({ ...RENAME, lock_timeout_ms: 20 });
  await lockWaiter(db.sql, "AccessExclusiveLock");
  await db.sql`grant select on experts to anon`;
  await holder.release();
  assert((await answer).verification!.passed);
  assertEquals((await db.as("anon", (tx) => tx`select id from experts`)).length, 10);
});

databaseTest(
  "a table that another session renames first is not found, and nothing else is renamed",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(EXPERTS).simple();
    const holder = await holdLock(db, "experts", "access exclusive");
    await holder.sql`alter table experts rename to elsewhere`;
    const answer = post(functions, "rename", RENAME);
    await lockWaiter(db.sql, "ShareUpdateExclusiveLock");
    await holder.release();
    assertEquals((await answer).body.code, "table_not_found");
  },
);

databaseTest(
  "of two renames of one table at the same time one is done and the other says so",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(EXPERTS).simple();
    const answers = await Promise.all([
      post(functions, "rename", RENAME),
      post(functions, "rename", { ...RENAME, new_name: "specialists" }),
    ]);
    const codes = answers.map(({ body }) => body.code ?? "done").sort();
    assertEquals(codes, ["already_renamed", "done"]);
  },
);

databaseTest(
  "more requests wait at the same time than the function has connections",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const names = ["a", "b", "c", "d", "e", "f"];
    for (const name of names) await db.sql.unsafe(`create table ${name} (id int)`);
    const holders = await Promise.all(names.map((name) => holdLock(db, name)));
    const answers = names.map((name) =>
      post(functions, "rename", { old_name: name, new_name: `${name}_2`, max_wait_ms: 20_000 })
    );
    await pause(1_000);
    await Promise.all(holders.map((holder) => holder.release()));
    assertEquals((await Promise.all(answers)).map(({ status }) => status), names.map(() => 200));
    assertLess((await functionBackends(db.sql)).length, 5);
  },
);

databaseTest(
  "a rename that cannot write its record says who keeps it from that",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(EXPERTS).simple();
    const holder = await holdLock(db, "sys_table_migrations", "share");
    const { status, body } = await post(functions, "rename", { ...RENAME, max_wait_ms: 800 });
    await holder.release();
    assertEquals([status, body.code], [423, "lock_not_acquired"]);
    assertEquals(body.blockers.map(({ pid }: { pid: number }) => pid), [holder.pid]);
  },
);

databaseTest(
  "the time of COMMIT is in held_ms, however long large messages are on their way",
  async ({ db }) => {
    await using proxy = startCuttingProxy(Number(new URL(db.url).port));
    // So slow a network that the batch's rows take longer than COMMIT.
    const KILOBYTES_PER_MS = 1;
    proxy.judge = async ({ from, text }): Promise<Verdict> => {
      if (from === "client") await pause(text.length / 1_000 / KILOBYTES_PER_MS);
      return "forward";
    };
    await using functions = functionsFor(proxy.through(db.url));
    const names = Array.from({ length: 60 }, (_, number) => `t${number}`);
    await db.sql.unsafe(names.map((name) => `create table ${name} (id int)`).join(";")).simple();
    await db.admin.unsafe(`
      create function slow() returns trigger language plpgsql
        as 'begin perform pg_sleep(0.1); return null; end';
      create constraint trigger slow after insert on table_rename.sys_table_migration_events
        deferrable initially deferred for each row execute function slow()`).simple();
    const { lock } = await functions.rename({
      renames: names.map((name) => ({ old_name: name, new_name: `renamed_${name}` })),
    });
    const [{ before_commit }] = await db.sql`
      select lock_held_ms as before_commit from table_rename.sys_table_migration_events`;
    assertGreater(lock!.held_ms, before_commit + 70);
    assertLess(lock!.held_ms, before_commit + 300);
  },
);
