/** Many requests and few connections: who waits for locks keeps nobody else waiting. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { eventsOf } from "../../support/http/events.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import { post } from "../../support/http/requests.ts";
import { functionBackends, holdLock, until } from "../../support/waiting.ts";

/** More than there are connections, and as many as there are connections for changes. */
const TABLES = ["a", "b", "c", "d", "e"];
const TWO = ["a", "b"];

/** The tables are blocked by clients for as long as `work` runs, with a rename of each that waits. */
async function behindWaitingRenames(
  db: TestDatabase,
  functions: Functions,
  tables: string[],
  options: Record<string, unknown>,
  work: () => Promise<void>,
): Promise<number[]> {
  for (const name of tables) await db.sql.unsafe(`create table ${name} (id int primary key)`);
  const holders = await Promise.all(tables.map((name) => holdLock(db, name)));
  const waiting = new Set<string>();
  const renames = tables.map(async (name) => {
    const response = await functions.fetch("rename", {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify({
        old_name: name,
        new_name: `${name}_2`,
        max_wait_ms: 60_000,
        ...options,
      }),
    });
    let status = 0;
    for await (const { event, data } of eventsOf(response)) {
      if (data.phase === "waiting") waiting.add(name);
      if (event === "result") status = 200;
      if (event === "problem") status = data.status;
    }
    return status;
  });
  // For a lock, or in the statement that makes the view.
  await until("the renames wait", async () => {
    const making = await functionBackends(db.sql);
    return waiting.size >= 2 ||
      making.filter(({ query }) => query.includes("create view")).length >= 2;
  });
  try {
    await work();
  } finally {
    await Promise.all(holders.map((holder) => holder.release()));
  }
  return await Promise.all(renames);
}

databaseTest(
  "behind renames that wait for locks everything else is answered at once, and then they are done",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe("create table free (id int primary key); create table other (id int)");
    const statuses = await behindWaitingRenames(db, functions, TABLES, {}, async () => {
      const asked: [string, () => Promise<{ status: number }>][] = [
        ["analyze", () => functions.fetch("analyze", { query: "?table=free" })],
        ["list", () => functions.fetch("list-migrations", { query: "?include=usage,drift" })],
        [
          "plan",
          () => post(functions, "rename", { old_name: "free", new_name: "free_2", mode: "plan" }),
        ],
        [
          "rename",
          () =>
            post(functions, "rename", { old_name: "free", new_name: "free_2", max_wait_ms: 8_000 }),
        ],
        ["rollback", () => post(functions, "rollback", { table: "free", max_wait_ms: 8_000 })],
      ];
      for (const [name, ask] of asked) {
        const started = performance.now();
        const response = await ask();
        const took = performance.now() - started;
        assertEquals(response.status, 200, name);
        if (response instanceof Response) await response.body?.cancel();
        // Far below the minute that the renames before it wait; a busy machine adds its own.
        assertLess(took, 10_000, `${name} took ${took} ms`);
      }
      // The write after the commit of one, and the locks of the other, which means the same migration.
      const both = await Promise.all(
        Array.from(
          { length: 4 },
          () =>
            post(functions, "rename", { old_name: "other", new_name: "other_2" })
              .then(() => post(functions, "rollback", { table: "other" })),
        ),
      );
      assert(both.every(({ status }) => status < 500), JSON.stringify(both.map((b) => b.body)));
    });
    assertEquals(statuses, TABLES.map(() => 200));
    assertLess((await functionBackends(db.sql)).length, 5);
  },
);

databaseTest(
  "a request that waits for its turn says so, and waits no longer than it may",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe("create table free (id int primary key)");
    // Changes that look for holders give their connections away; those that run a statement cannot.
    await db.admin.unsafe(`
      create function slow() returns event_trigger language plpgsql as
        $$ begin perform pg_sleep(4) where current_query() ~ '"[ab]"'; end $$;
      create event trigger slow on ddl_command_end when tag in ('CREATE VIEW')
        execute function slow()`).simple();
    const slow = { max_wait_ms: 20_000 };
    const statuses = await behindWaitingRenames(db, functions, TWO, slow, async () => {
      const started = performance.now();
      const { status, body } = await post(functions, "rename", {
        old_name: "free",
        new_name: "free_2",
        max_wait_ms: 0,
      });
      assertEquals([status, body.code, body.attempts], [423, "lock_not_acquired", 0]);
      assert(body.hint.includes("max_wait_ms"), body.hint);
      assertLess(performance.now() - started, 2_500);
      const response = await functions.fetch("rename", {
        method: "POST",
        headers: { "content-type": "application/json", accept: "text/event-stream" },
        body: JSON.stringify({ old_name: "free", new_name: "free_2", max_wait_ms: 15_000 }),
      });
      const events = await Array.fromAsync(eventsOf(response));
      const phases = new Set(events.map(({ event, data }) => data.phase ?? event));
      assertEquals([...phases], ["queued", "preparing", "locking", "verifying", "result"]);
      const queued = events.filter(({ data }) => data.phase === "queued");
      assert(queued.length > 1 && queued.at(-1)!.data.waited_ms > 500, JSON.stringify(queued));
    });
    assertEquals(statuses, TWO.map(() => 200));
  },
);
