/** Whoever asks for events hears where the work is while it goes on, and then what JSON would say. */
import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { operationAnswer } from "../../../shared/contract/responses.ts";
import { databaseTest } from "../../support/servers/database.ts";
import { eventsOf, type ReceivedEvent } from "../../support/http/events.ts";
import { type Functions, functionsFor, PUBLISHABLE_KEY } from "../../support/http/functions.ts";
import { startGatewayProcess } from "../../support/programs/gateway_process.ts";
import { quietly } from "../../support/quietly.ts";
import { post } from "../../support/http/requests.ts";
import { holdLock } from "../../support/waiting.ts";

const RENAME = { old_name: "experts", new_name: "expert_profiles" };

/** Posts and takes all events; the answer must be a stream. */
async function stream(functions: Functions, name: string, body: unknown): Promise<ReceivedEvent[]> {
  const response = await functions.fetch(name, {
    method: "POST",
    headers: { "content-type": "application/json", "accept": "text/event-stream" },
    body: JSON.stringify(body),
  });
  assertEquals(response.status, 200);
  assertMatch(response.headers.get("content-type")!, /^text\/event-stream/);
  assertMatch(response.headers.get("x-request-id")!, /^[0-9a-f-]{36}$/);
  return await Array.fromAsync(eventsOf(response));
}

const phases = (events: ReceivedEvent[]) =>
  events.map(({ event, data }) => event === "progress" ? data.phase : event);

databaseTest(
  "a rename and a rollback report their phases and end with their result",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql`create table experts (id int)`;
    const renamed = await stream(functions, "rename", RENAME);
    assertEquals(phases(renamed), ["preparing", "locking", "verifying", "result"]);
    assertEquals(renamed[1].data.attempt, 1);
    const answer = operationAnswer.parse(renamed.at(-1)!.data);
    assert(answer.verification!.passed);

    const back = await stream(functions, "rollback", { migration_id: answer.migrations[0].id });
    assertEquals(phases(back), ["preparing", "locking", "verifying", "result"]);
    assert(operationAnswer.parse(back.at(-1)!.data).verification!.passed);
  },
);

databaseTest("the last event is the body that the JSON answer would be", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql`create table experts (id int)`;
  const plan = { ...RENAME, mode: "plan" };
  assertEquals(
    (await stream(functions, "rename", plan)).at(-1)!.data,
    (await post(functions, "rename", plan)).body,
  );
  await quietly(async () => {
    const missing = { ...RENAME, old_name: "nobody" };
    const refused = await stream(functions, "rename", missing);
    assertEquals(phases(refused).filter((phase) => phase !== "preparing"), ["problem"]);
    const { status, body } = await post(functions, "rename", missing);
    assertEquals([status, body], [404, refused.at(-1)!.data]);
  });
  const streamed = (await stream(functions, "rename", RENAME)).at(-1)!.data;
  await functions.rollback({ migration_id: streamed.migrations[0].id });
  const { body } = await post(functions, "rename", RENAME);
  assertEquals(Object.keys(streamed), Object.keys(body));
  assertEquals(streamed.statements, body.statements);
  assertEquals(streamed.plan_hash, body.plan_hash);
});

for (const operation of ["rename", "rollback"] as const) {
  databaseTest(
    `a ${operation} that waits reports at once who blocks it, over the network`,
    async ({ db }) => {
      await using gateway = await startGatewayProcess(db.url);
      await db.sql`create table experts (id int)`;
      if (operation === "rollback") await gateway.post("rename", RENAME);
      const holder = await holdLock(db, operation === "rename" ? "experts" : "expert_profiles");
      const response = await gateway.fetch(
        operation,
        operation === "rename" ? RENAME : { table: "experts" },
        { headers: { accept: "text/event-stream" }, signal: AbortSignal.timeout(15_000) },
      );
      const events: ReceivedEvent[] = [];
      let released = Infinity;
      for await (const event of eventsOf(response)) {
        events.push(event);
        const waits = events.filter(({ data }) => data.phase === "waiting").length;
        // Were the events kept back to the end, the blocker would never leave.
        if (waits >= 3 && released === Infinity) {
          released = event.at;
          await holder.release();
        }
      }
      const before = events.filter(({ at }) => at <= released);
      const attempts = events.filter(({ data }) => data.phase === "locking");
      assertEquals(attempts.map(({ data }) => data.attempt), attempts.map((_, index) => index + 1));
      const waiting = before.find(({ data }) => data.phase === "waiting")!;
      assertEquals(waiting.data.blockers[0].pid, holder.pid);
      assertEquals(waiting.data.blockers[0].application_name, "long_reader");
      assertGreater(waiting.data.waited_ms, 0);
      assertEquals(events.at(-1)!.event, "result");
      assertEquals(events.at(-1)!.data.lock.attempts, attempts.length);
      assertEquals(events.filter(({ event }) => event !== "progress").length, 1);
    },
  );
}

databaseTest(
  "a lock that cannot be acquired is a problem with its blockers at the end of the stream",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql`create table experts (id int)`;
    const holder = await holdLock(db, "experts");
    const events = await quietly(() =>
      stream(functions, "rename", { ...RENAME, lock_timeout_ms: 100, max_wait_ms: 400 })
    );
    const { event, data } = events.at(-1)!;
    assertEquals([event, data.status, data.code], ["problem", 423, "lock_not_acquired"]);
    assertEquals(data.blockers[0].pid, holder.pid);
    await holder.release();
  },
);

databaseTest(
  "who may not call, or calls wrongly, gets a plain problem document",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const cases: [number, string, Record<string, string>, string][] = [
      [401, "unauthorized", { apikey: "nonsense" }, JSON.stringify(RENAME)],
      [403, "forbidden", { apikey: PUBLISHABLE_KEY }, JSON.stringify(RENAME)],
      [400, "invalid_json", {}, "{"],
      [400, "invalid_request", {}, JSON.stringify({ ...RENAME, colour: "red" })],
      [415, "unsupported_media_type", { "content-type": "text/plain" }, "x"],
    ];
    for (const [status, code, headers, body] of cases) {
      const response = await functions.fetch("rename", {
        method: "POST",
        headers: { "content-type": "application/json", "accept": "text/event-stream", ...headers },
        body,
      });
      assertEquals(response.status, status);
      assertMatch(response.headers.get("content-type")!, /^application\/problem\+json/);
      assertEquals((await response.json()).code, code);
    }
  },
);
