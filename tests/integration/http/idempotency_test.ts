/** A request that comes again with its key does its work once, whatever happened to the first answer. */
import { assert, assertEquals, assertLess, assertNotEquals } from "@std/assert";
import {
  afterCriticalSection,
  cutOnce,
  isCriticalSection,
} from "../../support/servers/broken_connections.ts";
import { assertRecordAgrees } from "../../support/catalog/catalog_state.ts";
import { startCuttingProxy } from "../../support/servers/cutting_proxy.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { eventsOf } from "../../support/http/events.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import { startGatewayProcess } from "../../support/programs/gateway_process.ts";
import { installKiller, killAt, wasKilled } from "../../support/interruptions.ts";
import {
  assertRefused,
  backdate,
  type KeyedAnswer,
  postKeyed,
  recordedRequests,
  untilDone,
  workDone,
} from "../../support/http/keyed.ts";
import { quietly } from "../../support/quietly.ts";
import { loggedBy } from "../../support/http/silent_log.ts";
import { databaseState, stateDifferences } from "../../support/catalog/state.ts";
import { functionBackends, holdLock, lockWaiter, until } from "../../support/waiting.ts";
import { sampled } from "../../support/runner/sampled.ts";

const RENAME = { old_name: "experts", new_name: "expert_profiles" };

const makeTable = (db: TestDatabase) =>
  db.sql`create table experts (id int primary key, name text)`;

/** Fails unless the second answer is the first one's, marked as repeated. */
function assertReplay(first: KeyedAnswer, second: KeyedAnswer): void {
  assertEquals([second.status, second.replayed], [200, true], JSON.stringify(second.body));
  assertEquals(second.body, first.body);
  assertNotEquals(second.requestId, first.requestId);
}

// The same again ------------------------------------------------------------------------------------

databaseTest(
  "every operation that comes again with its key is answered as the first time, and done once",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await makeTable(db);
    const renamed = await postKeyed(functions, "rename", "k1", RENAME);
    assertEquals([renamed.status, renamed.replayed], [200, false], JSON.stringify(renamed.body));
    const id = renamed.body.migrations[0].id;
    const refreshed = await postKeyed(functions, "refresh", "k2", { migration_id: id });
    assertEquals([refreshed.status, refreshed.replayed], [200, false]);
    const rolledBack = await postKeyed(functions, "rollback", "k3", { migration_id: id });
    assertEquals([rolledBack.status, rolledBack.replayed], [200, false]);
    const before = await databaseState(db.sql);
    for (let again = 0; again < 3; again++) {
      assertReplay(renamed, await postKeyed(functions, "rename", "k1", RENAME));
      assertReplay(refreshed, await postKeyed(functions, "refresh", "k2", { migration_id: id }));
      assertReplay(rolledBack, await postKeyed(functions, "rollback", "k3", { migration_id: id }));
    }
    assertEquals(stateDifferences(before, await databaseState(db.sql)), []);
    // What is answered from the record leaves no event: nothing was done.
    assertEquals((await db.sql`select from table_rename.sys_table_migration_events`).length, 3);
    const rows = await recordedRequests(db.sql);
    assertEquals(rows.map((row) => [row.idempotency_key, row.operation, row.finished]), [
      ["key:default k1", "rename", true],
      ["key:default k2", "refresh", true],
      ["key:default k3", "rollback", true],
    ]);
  },
);

databaseTest(
  "a finalization that comes again with its key is answered as it was; under another key, as done",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await makeTable(db);
    const { batch_id } = await functions.rename(RENAME);
    const ended = { batch_id, quiet_for_days: 0 };
    const first = await postKeyed(functions, "finalize", "k1", ended);
    assertEquals([first.status, first.replayed], [200, false], JSON.stringify(first.body));
    assert(first.body.statements.length > 0);
    assertReplay(first, await postKeyed(functions, "finalize", "k1", ended));
    const other = await postKeyed(functions, "finalize", "k2", ended);
    assertEquals([other.status, other.replayed, other.body.statements], [200, false, []]);
    // What is answered without any change is recorded, too: the key is that request's from now on.
    assertReplay(other, await postKeyed(functions, "finalize", "k2", ended));
    assertRefused(
      await postKeyed(functions, "finalize", "k2", { table: "experts" }),
      "idempotency_key_reused",
    );
    assertEquals(await workDone(db.sql), { migrations: 1, events: 2 });
  },
);

databaseTest(
  "the order of a body's fields, and who asked for whom, make no other request",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await makeTable(db);
    const first = await postKeyed(functions, "rename", "k", RENAME, { "x-actor": "ada" });
    const { old_name, new_name } = RENAME;
    const second = await postKeyed(functions, "rename", "k", { new_name, old_name }, {
      "x-actor": "bob",
    });
    assertReplay(first, second);
    assertEquals(first.body.migrations[0].migrated_by, "key:default ada");
  },
);

databaseTest(
  "a key with another body, or at another endpoint, is refused, and nothing is changed",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await makeTable(db);
    await db.sql`create table other (id int)`;
    const { body } = await postKeyed(functions, "rename", "k", RENAME);
    const before = await databaseState(db.sql);
    const others: [string, unknown][] = [
      ["rename", { old_name: "other", new_name: "another" }],
      ["rename", { ...RENAME, notes: "again" }],
      ["rename", { ...RENAME, mode: "apply" }],
      ["rollback", { migration_id: body.migrations[0].id }],
      ["rollback", { table: "experts" }],
      ["refresh", { migration_id: body.migrations[0].id }],
    ];
    for (const [name, body] of others) {
      const answer = await postKeyed(functions, name, "k", body);
      assertEquals(answer.status, 422);
      assertRefused(answer, "idempotency_key_reused");
      assert(answer.body.hint);
    }
    assertEquals(stateDifferences(before, await databaseState(db.sql)), []);
  },
);

databaseTest(
  "two callers that think of the same key do not get each other's answers",
  async ({ db }) => {
    const ci = "sb_secret_of_ci";
    await using functions = functionsFor(db.url, {
      secretKeys: { default: "sb_secret_of_the_tests", ci },
    });
    await makeTable(db);
    await db.sql`create table other (id int)`;
    const first = await postKeyed(functions, "rename", "deploy-42", RENAME);
    const second = await postKeyed(
      functions,
      "rename",
      "deploy-42",
      { old_name: "other", new_name: "another" },
      { apikey: ci },
    );
    assertEquals([first.status, second.status], [200, 200], JSON.stringify(second.body));
    assertEquals([first.replayed, second.replayed], [false, false]);
  },
);

databaseTest(
  "a refusal is not kept: once its cause is fixed, the same key does the work",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    assertRefused(await postKeyed(functions, "rename", "k", RENAME), "table_not_found");
    assertEquals((await recordedRequests(db.sql)).length, 0);
    await makeTable(db);
    await db.sql`create table expert_profiles (id int)`;
    assertRefused(await postKeyed(functions, "rename", "k", RENAME), "name_taken");
    await db.sql`drop table expert_profiles`;
    const done = await postKeyed(functions, "rename", "k", RENAME);
    assertEquals([done.status, done.replayed], [200, false]);
    assertReplay(done, await postKeyed(functions, "rename", "k", RENAME));
  },
);

databaseTest("a plan is made anew each time, and leaves its key to the change", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await makeTable(db);
  const plan = { ...RENAME, mode: "plan" };
  const first = await postKeyed(functions, "rename", "k", plan);
  await db.sql`alter table experts add column email text`;
  const second = await postKeyed(functions, "rename", "k", plan);
  assertEquals([first.replayed, second.replayed], [false, false]);
  assertNotEquals(first.body.plan_hash, second.body.plan_hash);
  assertEquals((await recordedRequests(db.sql)).length, 0);
  assertEquals((await postKeyed(functions, "rename", "k", RENAME)).status, 200);
});

databaseTest(
  "a stream of events that comes again says so, and ends with the same result",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await makeTable(db);
    const stream = async () => {
      const response = await functions.fetch("rename", {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "idempotency-key": "k",
          accept: "text/event-stream",
        },
        body: JSON.stringify(RENAME),
      });
      return await Array.fromAsync(eventsOf(response));
    };
    const first = await stream();
    const second = await stream();
    assertEquals(first.at(-1)?.event, "result");
    assertEquals(first.filter(({ data }) => data.phase === "replayed"), []);
    assertEquals(second.slice(-2).map(({ event, data }) => [event, data.phase]), [
      ["progress", "replayed"],
      ["result", undefined],
    ]);
    assertEquals(second.at(-1)?.data, first.at(-1)?.data);
    assertReplay(
      { status: 200, replayed: false, requestId: "", body: first.at(-1)?.data },
      await postKeyed(functions, "rename", "k", RENAME),
    );
    assertEquals(await workDone(db.sql), { migrations: 1, events: 1 });
  },
);

databaseTest("a key that is no name of anything is only a key", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const keys = ["';drop/**/table/**/experts;--", "\\", "$$", "k\\'", "%s", "{}", '"'];
  await makeTable(db);
  for (const key of keys) {
    const renamed = await postKeyed(functions, "rename", key, RENAME);
    assertReplay(renamed, await postKeyed(functions, "rename", key, RENAME));
    await functions.rollback({ batch_id: renamed.body.batch_id });
  }
  assertEquals(
    (await recordedRequests(db.sql)).map((row) => row.idempotency_key),
    keys.map((key) => `key:default ${key}`),
  );
});

// At the same time ----------------------------------------------------------------------------------

/** Endpoints as in so many isolates: each has connections of its own. */
const isolates = (db: TestDatabase, count: number): Functions[] =>
  Array.from({ length: count }, (_, n) => functionsFor(`${db.url}?keep_alive=${60 + n}`));

for (const count of [1, 5]) {
  databaseTest(
    `of fifty simultaneous requests with one key, in ${count} isolates, one does the work, and all are answered alike`,
    async ({ db }) => {
      const all = isolates(db, count);
      try {
        await makeTable(db);
        const first = await Promise.all(
          Array.from({ length: 50 }, (_, n) => postKeyed(all[n % count], "rename", "k", RENAME)),
        );
        const done = first.filter(({ status }) => status === 200);
        assert(done.length > 0);
        for (const answer of first) {
          if (answer.status !== 200) assertRefused(answer, "request_in_progress");
        }
        assertEquals(done.filter(({ replayed }) => !replayed).length, 1);
        for (const { body } of done) assertEquals(body, done[0].body);
        assertEquals(await workDone(db.sql), { migrations: 1, events: 1 });
        assertEquals((await db.sql`select from table_rename.sys_table_migration_events`).length, 1);
        // Whoever was asked to come again gets the answer, too: at the same time or not.
        const second = await Promise.all(
          Array.from({ length: 50 }, (_, n) => postKeyed(all[n % count], "rename", "k", RENAME)),
        );
        for (const answer of second) {
          assertEquals([answer.status, answer.replayed], [200, true], JSON.stringify(answer.body));
          assertEquals(answer.body, done[0].body);
        }
        assertEquals(await workDone(db.sql), { migrations: 1, events: 1 });
        await assertRecordAgrees(db.sql, 1);
      } finally {
        await Promise.all(all.map((one) => one[Symbol.asyncDispose]()));
      }
    },
  );
}

databaseTest(
  "a twin of a request that is still at work is refused at once with that reason, and answered afterwards",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await using elsewhere = functionsFor(`${db.url}?keep_alive=60`);
    await makeTable(db);
    const holder = await holdLock(db, "experts");
    const first = postKeyed(functions, "rename", "k", RENAME);
    await lockWaiter(db.sql, "AccessExclusiveLock");
    const started = performance.now();
    const twin = await postKeyed(elsewhere, "rename", "k", RENAME);
    assertLess(performance.now() - started, 5_000);
    assertEquals(twin.status, 409);
    assertRefused(twin, "request_in_progress");
    // Another key is in nobody's way but the table's.
    assertEquals(
      (await postKeyed(elsewhere, "rename", "k2", { ...RENAME, max_wait_ms: 0 })).status,
      423,
    );
    await holder.release();
    assertEquals((await first).status, 200);
    assertReplay(await first, await postKeyed(elsewhere, "rename", "k", RENAME));
  },
);

databaseTest(
  "a twin that comes between the commit and the answer waits for that answer, and makes none of its own",
  async ({ db }) => {
    await using proxy = startCuttingProxy(Number(new URL(db.url).port));
    await using functions = functionsFor(proxy.through(db.url));
    await using elsewhere = functionsFor(db.url);
    await makeTable(db);
    const committed = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const isAfter = afterCriticalSection();
    proxy.judge = async (message) => {
      if (isAfter(message) && message.from === "client") {
        committed.resolve();
        await goOn.promise;
      }
      return "forward" as const;
    };
    const first = postKeyed(functions, "rename", "k", RENAME);
    await committed.promise;
    assertRefused(await postKeyed(elsewhere, "rename", "k", RENAME), "request_in_progress");
    goOn.resolve();
    assertEquals((await first).status, 200);
    assertReplay(await first, await postKeyed(elsewhere, "rename", "k", RENAME));
  },
);

// Broken off ----------------------------------------------------------------------------------------

databaseTest(
  "whatever step a request dies at, its key is recorded if and only if its change is committed",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await makeTable(db);
    await installKiller(db);
    let renamed = 0;
    for (let step = 1;; step++) {
      await killAt(db, step);
      const key = `k${step}`;
      const { status } = await quietly(() => postKeyed(functions, "rename", key, RENAME));
      const killed = await wasKilled(db);
      await killAt(db, 0);
      const [{ there }] = await db.sql`select to_regclass('expert_profiles') is not null as there`;
      const rows = (await recordedRequests(db.sql)).filter((row) =>
        row.idempotency_key === `key:default ${key}`
      );
      assertEquals(rows.map(({ made }) => made), there ? [true] : [], `killed at step ${step}`);
      const again = await untilDone(functions, "rename", key, RENAME);
      assertEquals(again.body.migrations[0].status, "active");
      assertEquals(again.replayed, there);
      await functions.rollback({ batch_id: again.body.batch_id });
      renamed++;
      assertEquals((await workDone(db.sql)).migrations, renamed);
      if (!killed) {
        assertEquals(status, 200);
        break;
      }
      assert(step < 60);
    }
    assert(renamed > 8, `only ${renamed} steps`);
  },
);

/** Another one on each version. */
const CLIENT_STRIDE = sampled(1, 4);
const SERVER_STRIDE = sampled(1, 32);

for (
  const [verdict, side, where, stride] of [
    ["cut", "client", "before any message of the client", CLIENT_STRIDE],
    ["cut after", "client", "after any message of the client", CLIENT_STRIDE],
    ["cut after", "server", "after messages of the server", SERVER_STRIDE],
  ] as const
) {
  databaseTest(
    `a request that is cut off ${where}, and repeated with its key, is done once and answered as it was`,
    async ({ db }) => {
      await using proxy = startCuttingProxy(Number(new URL(db.url).port));
      await using functions = functionsFor(proxy.through(db.url));
      await makeTable(db);
      // Connected beforehand, so that the messages have the same numbers each time.
      await functions.list();
      let done = 0;
      let number = 1 + db.version % stride;
      for (;; number += stride) {
        const key = `k${number}`;
        proxy.reset();
        proxy.judge = cutOnce(
          verdict,
          (message) => message.from === side && message.number === number,
        );
        const first = await quietly(() => postKeyed(functions, "rename", key, RENAME));
        const { cuts } = proxy;
        proxy.judge = () => "forward";
        // Where its end was lost, too, the request counts as ended only later.
        if (first.status !== 200) await backdate(db.sql, "11 seconds");
        const second = await untilDone(functions, "rename", key, RENAME);
        if (first.status === 200) assertReplay(first, second);
        done++;
        assertEquals(await workDone(db.sql), { migrations: done, events: 2 * done - 1 });
        assert(second.body.verification.passed, JSON.stringify(second.body.verification));
        assert(second.body.lock.held_ms > 0 && second.body.statements.length > 0);
        await assertRecordAgrees(db.sql, 1);
        await functions.rollback({ batch_id: second.body.batch_id });
        if (cuts === 0) break;
      }
      assert(number > 15, `only ${number} messages`);
    },
  );
}

const STATUS = { rename: "active", rollback: "rolled_back", finalize: "finalized" } as const;

for (const name of ["rename", "rollback", "finalize"] as const) {
  databaseTest(
    `a ${name} whose outcome was not known is answered as recorded when it is repeated`,
    async ({ db }) => {
      await using proxy = startCuttingProxy(Number(new URL(db.url).port));
      await using functions = functionsFor(proxy.through(db.url), { deadlineMs: 3_000 });
      await using direct = functionsFor(db.url);
      await makeTable(db);
      if (name !== "rename") await direct.rename(RENAME);
      const body = {
        ...name === "rename" ? RENAME : { table: "experts" },
        ...name === "finalize" && { quiet_for_days: 0 },
      };
      let sent = false;
      // From the critical section on nothing comes back any more, and nobody can be asked.
      proxy.judge = (message) => {
        if (sent) return "cut";
        sent = isCriticalSection(message);
        return sent ? "cut after" : "forward";
      };
      const first = await quietly(() => postKeyed(functions, name, "k", body));
      assertRefused(first, "database_unavailable");
      assert(first.body.detail.includes("during the commit"), first.body.detail);
      await backdate(db.sql, "11 seconds");
      const second = await untilDone(direct, name, "k", body);
      assertEquals(second.replayed, true);
      assertEquals(second.body.migrations[0].status, STATUS[name]);
      assert(second.body.verification.passed, JSON.stringify(second.body.verification));
      const [event] = await db.sql`
      select lock_attempts as attempts, lock_waited_ms as waited_ms, lock_held_ms as held_ms
      from table_rename.sys_table_migration_events where operation = ${name} and outcome = 'succeeded'`;
      assertEquals(second.body.lock, { ...event });
      assertReplay(second, await postKeyed(direct, name, "k", body));
    },
  );
}

databaseTest(
  "a function that is killed between commit and answer is answered for by the next attempt",
  async ({ db }) => {
    await using proxy = startCuttingProxy(Number(new URL(db.url).port));
    await using gateway = await startGatewayProcess(proxy.through(db.url));
    await using functions = functionsFor(db.url);
    await makeTable(db);
    const isAfter = afterCriticalSection();
    proxy.judge = async (message) => {
      if (isAfter(message) && message.from === "server") await gateway.kill();
      return "forward" as const;
    };
    const answer = await gateway.fetch("rename", RENAME, { headers: { "idempotency-key": "k" } })
      .catch(() => "no answer");
    assertEquals(answer, "no answer");
    await until("its backends are gone", async () => (await functionBackends(db.sql)).length === 0);
    // At first it may still be at work, for all that anybody can know.
    assertRefused(await postKeyed(functions, "rename", "k", RENAME), "request_in_progress");
    const done = await untilDone(functions, "rename", "k", RENAME);
    assertEquals(done.replayed, true);
    assertEquals(done.body.migrations[0].status, "active");
    assert(done.body.verification.passed, JSON.stringify(done.body.verification));
    assert(done.body.lock.held_ms > 0);
    assertEquals(await workDone(db.sql), { migrations: 1, events: 1 });
    assertReplay(done, await postKeyed(functions, "rename", "k", RENAME));
  },
);

/** Renames with a key, and takes away what was kept of it after the commit. */
async function renameAndLoseAnswer(db: TestDatabase, functions: Functions): Promise<KeyedAnswer> {
  await makeTable(db);
  const answer = await postKeyed(functions, "rename", "k", RENAME);
  assertEquals(answer.status, 200);
  await db.sql`
    update table_rename.sys_table_migration_requests set finished_at = null, response_status = null,
      response_body = response_body - array['migrations', 'lock', 'verification']`;
  await backdate(db.sql, "11 seconds");
  return answer;
}

databaseTest(
  "an answer that is given later has all that the first one had, and looks again whether it is so",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const first = await renameAndLoseAnswer(db, functions);
    const second = await postKeyed(functions, "rename", "k", RENAME);
    assertEquals([second.status, second.replayed], [200, true]);
    const { verification, lock, ...rest } = second.body;
    const { verification: _, lock: __, ...expected } = first.body;
    assertEquals(rest, expected);
    assertEquals(Object.keys(second.body).sort(), Object.keys(first.body).sort());
    assert(verification.passed && lock.attempts === 1);
    assert(
      verification.checks.every(({ name }: { name: string }) =>
        name.startsWith("looked at again later:")
      ),
    );
  },
);

for (
  const [what, change, says] of [
    ["its view was dropped", "drop view experts", /experts/],
    ["its table was renamed", "alter table expert_profiles rename to others", /expert_profiles/],
    ["its view has other rights", "alter view experts set (security_invoker = false)", /experts/],
  ] as const
) {
  databaseTest(
    `an answer that is given later says where it is no longer so: ${what}`,
    async ({ db }) => {
      await using functions = functionsFor(db.url);
      await renameAndLoseAnswer(db, functions);
      await db.sql.unsafe(change);
      const { status, body } = await postKeyed(functions, "rename", "k", RENAME);
      assertEquals([status, body.verification.passed], [200, false]);
      assert(says.test(JSON.stringify(body.verification.checks)));
    },
  );
}

databaseTest(
  "an answer that is given later, when all was rolled back, says that it was",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const { body: { batch_id } } = await renameAndLoseAnswer(db, functions);
    await functions.rollback({ batch_id });
    const { status, body } = await postKeyed(functions, "rename", "k", RENAME);
    assertEquals([status, body.migrations[0].status], [200, "rolled_back"]);
    assert(body.verification.passed, JSON.stringify(body.verification));
  },
);

databaseTest(
  "an answer that cannot be kept is given all the same, and another one later",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await makeTable(db);
    await db.sql.unsafe(`
    create function refuse() returns trigger language plpgsql as
      $$ begin raise exception 'no room'; end $$;
    create trigger refuse before update on table_rename.sys_table_migration_requests
      for each row execute function refuse()`).simple();
    let first: KeyedAnswer;
    const logged = await loggedBy(async () => {
      first = await postKeyed(functions, "rename", "k", RENAME);
    });
    assertEquals([first!.status, first!.replayed], [200, false]);
    assert(logged.some((line) => line.includes("could not be kept")), logged.join());
    await db.sql`drop trigger refuse on table_rename.sys_table_migration_requests`;
    await backdate(db.sql, "11 seconds");
    const second = await postKeyed(functions, "rename", "k", RENAME);
    assertEquals([second.status, second.replayed], [200, true]);
    assertEquals(second.body.migrations, first!.body.migrations);
  },
);

// Kept for a time -----------------------------------------------------------------------------------

databaseTest("a key is forgotten after its time, and means a new request then", async ({ db }) => {
  await using functions = functionsFor(db.url, { idempotencyDays: 2 });
  await makeTable(db);
  const first = await postKeyed(functions, "rename", "k", RENAME);
  await backdate(db.sql, "47 hours");
  assertReplay(first, await postKeyed(functions, "rename", "k", RENAME));
  await backdate(db.sql, "2 hours");
  // Whoever still kept it would answer that all is done.
  assertRefused(await postKeyed(functions, "rename", "k", RENAME), "already_renamed");
  await functions.rollback({ batch_id: first.body.batch_id });
  const second = await postKeyed(functions, "rename", "k", RENAME);
  assertEquals([second.status, second.replayed], [200, false]);
  assertReplay(second, await postKeyed(functions, "rename", "k", RENAME));
  assertEquals((await recordedRequests(db.sql)).length, 1);
});

databaseTest(
  "what is past its time is deleted in passing, some at a time, the oldest first",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await makeTable(db);
    await db.sql`
    insert into table_rename.sys_table_migration_requests
      (idempotency_key, operation, actor, body_hash, created_at, finished_at, response_body)
    select 'key:default old ' || n, 'rename', 'key:default', '', now() - (6 + n) * interval '1 day',
      now(), '{}'
    from generate_series(0, 250) n`;
    const { body } = await postKeyed(functions, "rename", "k1", RENAME);
    const left = async () =>
      (await db.sql`
      select substr(idempotency_key, 17)::int as n from table_rename.sys_table_migration_requests
      where idempotency_key like '% old %' order by 1`).map(({ n }) => n);
    assertEquals(await left(), Array.from({ length: 151 }, (_, n) => n));
    await postKeyed(functions, "rollback", "k2", { batch_id: body.batch_id });
    assertEquals(await left(), Array.from({ length: 51 }, (_, n) => n));
    const again = await postKeyed(functions, "rename", "k3", RENAME);
    // What is within its time stays.
    assertEquals(await left(), [0]);
    assertReplay(again, await postKeyed(functions, "rename", "k3", RENAME));
  },
);

databaseTest(
  "tracking tables that are older than the functions are reported, and only keys need the new ones",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await makeTable(db);
    await db.sql`alter table table_rename.sys_table_migration_requests drop column request_id`;
    await quietly(async () => {
      const answer = await postKeyed(functions, "rename", "k", RENAME);
      assertRefused(answer, "database_unavailable");
      assert(answer.body.hint.includes("db push"), answer.body.hint);
    });
    await functions.rename(RENAME);
  },
);
