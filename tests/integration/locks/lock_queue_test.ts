/** A change looks who holds locks before it queues for its own: nobody waits behind a transaction that may last. */
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { whileQuerying } from "../../support/programs/clients.ts";
import { databaseTest } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { leastPrivilege } from "../../support/servers/least_privilege.ts";
import { post } from "../../support/http/requests.ts";
import { holdLock, lockWaiter } from "../../support/waiting.ts";

const RENAME = { old_name: "experts", new_name: "expert_profiles" };
const EXPERTS = "create table experts (id int primary key, name text default 'x')";

/** Longer than transactions that are queued for, in milliseconds. */
const OLD_MS = 80;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

const pids = (blockers: { pid: number }[]) => blockers.map(({ pid }) => pid);

for (const operation of ["rename", "rollback", "finalize", "refresh"]) {
  databaseTest(
    `a ${operation} requests no lock behind a long transaction, and is done when that has ended`,
    async ({ db }) => {
      await using functions = functionsFor(db.url);
      await db.sql.unsafe(EXPERTS);
      const renamed = operation === "rename" ? null : await functions.rename(RENAME);
      // Another column's type makes the refresh exchange the view.
      if (operation === "refresh") {
        await db.sql`alter table expert_profiles rename column name to title`;
      }
      const holder = await holdLock(db, "experts");
      await pause(OLD_MS);
      const body = renamed === null ? RENAME : {
        migration_id: renamed.migrations[0].id,
        acknowledge: ["usage_unknown", "old_name_in_use"],
      };
      const options = operation === "finalize" ? { quiet_for_days: 0 } : {};
      const { status, body: refused } = await post(functions, operation, {
        ...body,
        ...options,
        max_wait_ms: 300,
      });
      assertEquals([status, refused.code], [423, "lock_not_acquired"], JSON.stringify(refused));
      assertEquals([refused.attempts, pids(refused.blockers)], [0, [holder.pid]]);

      const answer = post(functions, operation, { ...body, ...options });
      await lockWaiter(db.sql, "AccessExclusiveLock");
      await pause(100);
      await holder.release();
      const { body: { lock } } = await answer;
      // An attempt before the end would have failed.
      assertEquals(lock.attempts, 1);
      assertGreater(lock.waited_ms, 100);
      assert(!("holders_visible" in lock));
    },
  );
}

databaseTest(
  "what an old name's dependants or a batch's last table are used for is waited for, too",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`${EXPERTS}; create table teams (id int)`).simple();
    const holder = await holdLock(db, "teams");
    await pause(OLD_MS);
    const renames = [RENAME, { old_name: "teams", new_name: "crews" }];
    const batch = await post(functions, "rename", { renames, max_wait_ms: 200 });
    assertEquals([batch.body.attempts, pids(batch.body.blockers)], [0, [holder.pid]]);
    await holder.release();

    await functions.rename(RENAME);
    await db.sql.unsafe("create view reports as select name, now() from experts").simple();
    const reader = await holdLock(db, "reports");
    await reader.sql`rollback`;
    await reader.sql`begin`;
    const [{ pid }] = await reader.sql`select pg_backend_pid() as pid`;
    // On the view alone, as a statement has it that is planned.
    await reader.sql`comment on view reports is 'x'`;
    await pause(OLD_MS);
    const rollback = await post(functions, "rollback", { table: "experts", max_wait_ms: 200 });
    assertEquals([rollback.body.attempts, pids(rollback.body.blockers)], [0, [pid]]);
    await reader.release();
  },
);

databaseTest(
  "a login that sees no other's age waits for what was there before it, and the answer says so",
  async ({ db }) => {
    await using login = await leastPrivilege(db);
    await db.sql.unsafe(EXPERTS);
    await login.handOver("experts");
    await db.sql.unsafe(`revoke pg_read_all_stats, pg_monitor from ${login.renamer};
      grant usage, create on schema public to ${login.owner}`).simple();
    await using functions = functionsFor(login.url);
    const holder = await holdLock(db, "experts");
    const { body } = await post(functions, "rename", { ...RENAME, max_wait_ms: 200 });
    assertEquals([body.code, body.attempts], ["lock_not_acquired", 0], JSON.stringify(body));
    assertEquals([pids(body.blockers), body.holders_visible], [[holder.pid], false]);
    const answer = functions.rename(RENAME);
    await lockWaiter(db.sql, "AccessExclusiveLock");
    await holder.release();
    const { lock } = await answer;
    assertEquals([lock!.attempts, lock!.holders_visible], [1, false]);
  },
);

databaseTest(
  "a batch gets its locks while eight clients have short transactions on its tables, in the order of their names",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const names = Array.from({ length: 20 }, (_, index) => `busy_${10 + index}`);
    await db.sql.unsafe(names.map((name) => `create table ${name} (id int)`).join(";")).simple();
    const renames = names.map((name) => ({ old_name: name, new_name: `${name}_new` }));
    // Reads alone, since writes in any order would deadlock with each other.
    const transactions = Array.from({ length: 8 }, (_, client) => {
      // In one order, as transactions have it that do not deadlock with each other.
      const places = Array.from(
        { length: 5 },
        (_, step) => (client * 7 + step * 11) % names.length,
      );
      const reads = places.sort((a, b) => a - b).map((place) => `select from ${names[place]}`);
      return `begin; ${reads.join("; select pg_sleep(0.002); ")}; commit`;
    });
    const attempts: number[] = [];
    const work = async () => {
      for (let times = 0; times < 3; times++) {
        const { batch_id, lock } = await functions.rename({ renames });
        const back = await functions.rollback({ batch_id: batch_id! });
        attempts.push(lock!.attempts, back.lock!.attempts);
      }
    };
    let over: (() => void) | undefined;
    const untilOver = new Promise<void>((resolve) => over = resolve);
    const clients = transactions.map((sql) => whileQuerying(db, [sql], () => untilOver));
    try {
      await work();
    } finally {
      over!();
    }
    // A client's error is thrown here.
    const stalls = await Promise.all(clients);
    assert(stalls.every(({ rounds }) => rounds > 5));
    assertLess(attempts.toSorted((a, b) => a - b)[3], 8, `attempts: ${attempts}`);
  },
);
