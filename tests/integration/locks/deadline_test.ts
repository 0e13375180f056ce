/** A request ends before its time is up, or with its caller, and has changed nothing then. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { assertRecordAgrees, catalogState } from "../../support/catalog/catalog_state.ts";
import { isCriticalSection } from "../../support/servers/broken_connections.ts";
import { startCuttingProxy } from "../../support/servers/cutting_proxy.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { startGatewayProcess } from "../../support/programs/gateway_process.ts";
import { quietly } from "../../support/quietly.ts";
import { post } from "../../support/http/requests.ts";
import { functionBackends, holdLock, lockWaiter, until } from "../../support/waiting.ts";

const RENAME = { old_name: "experts", new_name: "expert_profiles" };

const never = () => new Promise<never>(() => {});

/** Runs `work`, and what it does has changed nothing. */
async function unchanged(db: TestDatabase, work: () => Promise<void>): Promise<void> {
  const before = await catalogState(db.sql);
  await quietly(work);
  assertEquals(await catalogState(db.sql), before);
  await assertRecordAgrees(db.sql, 0);
}

for (const mode of ["access share", "share update exclusive"]) {
  databaseTest(
    `a rename that waits behind ${mode} ends at its deadline and says who had the lock`,
    async ({ db }) => {
      await using functions = functionsFor(db.url, { deadlineMs: 3_000 });
      await db.sql`create table experts (id int)`;
      const holder = await holdLock(db, "experts", mode);
      await unchanged(db, async () => {
        const started = performance.now();
        const { status, body } = await post(functions, "rename", RENAME);
        assertEquals([status, body.code], [504, "deadline_exceeded"], JSON.stringify(body));
        assertLess(performance.now() - started, 3_500);
        assertEquals(body.blockers[0].pid, holder.pid);
        assertEquals(body.attempts > 0, mode !== "access share");
      });
      await holder.release();
      await functions.rename(RENAME);
    },
  );
}

databaseTest("a rename without time does nothing", async ({ db }) => {
  await using functions = functionsFor(db.url, { deadlineMs: 1 });
  await db.sql`create table experts (id int)`;
  await unchanged(db, async () => {
    const { status, body } = await post(functions, "rename", RENAME);
    assertEquals([status, body.code], [504, "deadline_exceeded"]);
  });
});

databaseTest(
  "a rename whose connection falls silent while it prepares ends soon after its deadline",
  async ({ db }) => {
    await using proxy = startCuttingProxy(Number(new URL(db.url).port));
    await using functions = functionsFor(proxy.through(db.url), { deadlineMs: 1_000 });
    await db.sql`create table experts (id int)`;
    let silent = false;
    proxy.judge = ({ connection, from, text }) => {
      if (text.includes("in share update exclusive mode")) silent = true;
      return silent && connection === 1 && from === "server" ? never() : "forward";
    };
    await unchanged(db, async () => {
      const started = performance.now();
      const { status, body } = await post(functions, "rename", RENAME);
      assertEquals([status, body.code], [504, "deadline_exceeded"]);
      assertLess(performance.now() - started, 5_000);
    });
  },
);

databaseTest(
  "a rename whose connection falls silent after its last message is answered 200",
  async ({ db }) => {
    await using proxy = startCuttingProxy(Number(new URL(db.url).port));
    await using functions = functionsFor(proxy.through(db.url), { deadlineMs: 5_000 });
    await db.sql`create table experts (id int)`;
    let silent = false;
    proxy.judge = (message) => {
      if (isCriticalSection(message)) silent = true;
      return silent && message.connection === 1 && message.from === "server" ? never() : "forward";
    };
    const { status, body } = await post(functions, "rename", RENAME);
    assertEquals(status, 200, JSON.stringify(body));
    await assertRecordAgrees(db.sql, 1);
  },
);

databaseTest("RENAME_DEADLINE_MS sets the deadline of the deployed function", async ({ db }) => {
  await using gateway = await startGatewayProcess(db.url, { RENAME_DEADLINE_MS: "2500" });
  await db.sql`create table experts (id int)`;
  const holder = await holdLock(db, "experts");
  await unchanged(db, async () => {
    const { status, body } = await gateway.post("rename", RENAME);
    assertEquals([status, body.code], [504, "deadline_exceeded"]);
  });
  await holder.release();
});

for (const [what, mode] of [["prepares", "share update exclusive"], ["waits", "access share"]]) {
  for (const accept of ["application/json", "text/event-stream"]) {
    databaseTest(
      `a caller of ${accept} who leaves while the rename ${what} takes it along`,
      async ({ db }) => {
        await using gateway = await startGatewayProcess(db.url);
        await db.sql`create table experts (id int)`;
        const holder = await holdLock(db, "experts", mode);
        await unchanged(db, async () => {
          const leaving = new AbortController();
          const answer = gateway.fetch("rename", RENAME, {
            headers: { accept },
            signal: leaving.signal,
          }).then((response) => response.text()).catch(() => "gone");
          await lockWaiter(
            db.sql,
            mode === "access share" ? "AccessExclusiveLock" : "ShareUpdateExclusiveLock",
          );
          leaving.abort();
          assertEquals(await answer, "gone");
          await until(
            "nothing is at work any more",
            async () => (await functionBackends(db.sql)).every(({ state }) => state === "idle"),
            10_000,
          );
          await holder.release();
        });
        const events = () =>
          db.sql`
        select outcome, problem_code from table_rename.sys_table_migration_events order by id desc limit 1`;
        await until("it left its event", async () => (await events()).length > 0, 10_000);
        const [event] = await events();
        assertEquals({ ...event }, { outcome: "failed", problem_code: "deadline_exceeded" });
      },
    );
  }
}

databaseTest(
  "a caller who leaves when the last message is sent does not stop the rename",
  async ({ db }) => {
    await using proxy = startCuttingProxy(Number(new URL(db.url).port));
    await using gateway = await startGatewayProcess(proxy.through(db.url));
    await db.sql`create table experts (id int)`;
    const leaving = new AbortController();
    proxy.judge = async (message) => {
      if (isCriticalSection(message)) {
        leaving.abort();
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      return "forward" as const;
    };
    const answer = await gateway.fetch("rename", RENAME, { signal: leaving.signal })
      .then(() => "answered", () => "gone");
    assertEquals(answer, "gone");
    const [event] = await until("it is recorded", async () => {
      const rows = await db.sql`select outcome from table_rename.sys_table_migration_events`;
      return rows.length > 0 && rows;
    });
    assertEquals(event.outcome, "succeeded");
    await assertRecordAgrees(db.sql, 1);
    assert((await catalogState(db.sql)).includes("expert_profiles"));
  },
);
