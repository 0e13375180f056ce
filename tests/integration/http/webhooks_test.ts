/** Signed webhooks at the endpoints: who is let in, how often, and what is left of those who are not. */
import { assert, assertEquals, assertFalse } from "@std/assert";
import { forgetDatabase } from "../../../shared/postgres/connection/database.ts";
import { readWebhookSecrets } from "../../../shared/http/webhooks/webhook_secrets.ts";
import { listFunctions } from "../../../shared/local/functions/function_list.ts";
import { countConnections } from "../../support/servers/counting_listener.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { eventsOf } from "../../support/http/events.ts";
import { type Functions, functionsFor, SECRET_KEY } from "../../support/http/functions.ts";
import { recordedRequests, workDone } from "../../support/http/keyed.ts";
import { loggedBy } from "../../support/http/silent_log.ts";
import { databaseState, stateDifferences } from "../../support/catalog/state.ts";
import {
  type Delivery,
  nowInSeconds,
  OTHER_SECRET,
  SECRET,
  signedHeaders,
} from "../../support/http/webhooks.ts";

const RENAME = { old_name: "experts", new_name: "expert_profiles" };

const webhooks = readWebhookSecrets(`ci=whsec_${SECRET} bot=whsec_${OTHER_SECRET}`);

const functionsOf = (db: TestDatabase) => functionsFor(db.url, { webhooks });

const makeTable = (db: TestDatabase) =>
  db.sql`create table experts (id int primary key, name text)`;

interface Answer {
  status: number;
  replayed: boolean;
  // deno-lint-ignore no-explicit-any -- an operation's answer or a problem document
  body: any;
}

interface Sent extends Omit<Delivery, "body"> {
  body?: unknown;
  /** Instead of the headers of a right delivery, or beside them. */
  headers?: Record<string, string>;
}

/** Delivers a body with a right signature, and no key. */
async function deliver(
  functions: Functions,
  endpoint: string,
  { body = RENAME, headers = {}, ...delivery }: Sent = {},
): Promise<Answer> {
  const text = JSON.stringify(body);
  const response = await functions.fetch(endpoint, {
    method: "POST",
    headers: { apikey: "", ...await signedHeaders({ ...delivery, body: text }), ...headers },
    body: text,
  });
  return {
    status: response.status,
    replayed: response.headers.get("idempotency-replayed") === "true",
    body: await response.json(),
  };
}

function assertRefused(reason: string, { status, body }: Answer): void {
  assertEquals(
    [status, body.code, body.reason],
    [401, "unauthorized", reason],
    JSON.stringify(body),
  );
  assert(body.hint);
}

/** The events of refused webhooks. */
const refusals = async (db: TestDatabase) =>
  await db.sql`
    select actor, outcome, problem_code, details, details ->> 'reason' as reason
    from table_rename.sys_table_migration_events where operation = 'webhook' order by id`;

databaseTest(
  "every endpoint that changes something takes signed webhooks, and records who sent them",
  async ({ db }) => {
    await using functions = functionsOf(db);
    await makeTable(db);
    const renamed = await deliver(functions, "rename", { id: "m1" });
    assertEquals(renamed.status, 200, JSON.stringify(renamed.body));
    assertEquals(renamed.body.migrations[0].migrated_by, "webhook:ci");
    const migration_id = renamed.body.migrations[0].id;
    const refreshed = await deliver(functions, "refresh", { id: "m2", body: { migration_id } });
    assertEquals(refreshed.status, 200, JSON.stringify(refreshed.body));
    const rolledBack = await deliver(functions, "rollback", {
      id: "m3",
      secret: OTHER_SECRET,
      body: { migration_id },
      headers: { "x-actor": "nightly" },
    });
    assertEquals(rolledBack.body.migrations[0].rollback_by, "webhook:bot nightly");
    const { body: { batch_id } } = await deliver(functions, "rename", { id: "m4" });
    const finalized = await deliver(functions, "finalize", {
      id: "m5",
      body: { batch_id, quiet_for_days: 0 },
    });
    assertEquals(finalized.body.migrations[0].finalized_by, "webhook:ci");
    const events = await db
      .sql`select operation, actor from table_rename.sys_table_migration_events order by id`;
    assertEquals(events.map(({ operation, actor }) => [operation, actor]), [
      ["rename", "webhook:ci"],
      ["refresh", "webhook:ci"],
      ["rollback", "webhook:bot nightly"],
      ["rename", "webhook:ci"],
      ["finalize", "webhook:ci"],
    ]);
  },
);

/** POST endpoints that change no table. */
const HARMLESS = ["verify", "report-uses"];

Deno.test("every endpoint says whether it changes something, and with that whether it takes webhooks", async () => {
  for (const { name, entrypoint } of await listFunctions(new URL("../../../", import.meta.url))) {
    const { definition } = await import(entrypoint.href);
    const changes = definition.method === "POST" && !HARMLESS.includes(name);
    assertEquals(definition.changes ?? false, changes, name);
  }
});

databaseTest("an endpoint that changes nothing takes no webhooks", async ({ db }) => {
  await using functions = functionsOf(db);
  for (const endpoint of ["list-migrations", "table-aliases"]) {
    const headers = { ...await signedHeaders(), apikey: SECRET_KEY };
    const response = await functions.fetch(endpoint, { headers });
    assertRefused("not_accepted", {
      status: response.status,
      replayed: false,
      body: await response.json(),
    });
  }
});

databaseTest(
  "a sender that repeats a webhook, signed anew or not, gets the answer that was recorded",
  async ({ db }) => {
    await using functions = functionsOf(db);
    await makeTable(db);
    const timestamp = nowInSeconds() - 60;
    const first = await deliver(functions, "rename", { id: "m", timestamp });
    assertEquals([first.status, first.replayed], [200, false], JSON.stringify(first.body));
    for (const later of [0, 0, 20, 60]) {
      const again = await deliver(functions, "rename", { id: "m", timestamp: timestamp + later });
      assertEquals([again.status, again.replayed], [200, true]);
      assertEquals(again.body, first.body);
    }
    assertEquals(await workDone(db.sql), { migrations: 1, events: 1 });
  },
);

databaseTest(
  "a signed id with another body is the sender's mistake, and the answer says so",
  async ({ db }) => {
    await using functions = functionsOf(db);
    await makeTable(db);
    await deliver(functions, "rename", { id: "m" });
    const other = await deliver(functions, "rename", {
      id: "m",
      body: { old_name: "a", new_name: "b" },
    });
    assertEquals([other.status, other.body.code], [422, "idempotency_key_reused"]);
    // Another sender's message with the same id is another message.
    const bots = await deliver(functions, "rename", {
      id: "m",
      secret: OTHER_SECRET,
      body: { old_name: "a", new_name: "b" },
    });
    assertEquals([bots.status, bots.body.code], [404, "table_not_found"]);
  },
);

databaseTest(
  "a message that was delivered to one endpoint is refused at every other, and that is noticed",
  async ({ db }) => {
    await using functions = functionsOf(db);
    await makeTable(db);
    const { body } = await deliver(functions, "rename", { id: "m1" });
    const migration_id = body.migrations[0].id;
    const message = { id: "m2", body: { migration_id }, timestamp: nowInSeconds() };
    assertEquals((await deliver(functions, "refresh", message)).status, 200);
    const before = await databaseState(db.sql);
    for (let n = 0; n < 3; n++) {
      assertRefused("replayed", await deliver(functions, "rollback", message));
    }
    assertEquals(stateDifferences(before, await databaseState(db.sql)), []);
    const [noted, ...more] = await refusals(db);
    assertEquals(more, []);
    // One event for all three: whoever has a message cannot fill the table with it.
    const events = await db.sql`
      select from table_rename.sys_table_migration_events where problem_code = 'unauthorized'`;
    assertEquals(events.length, 1);
    assertEquals([noted.actor, noted.outcome, noted.problem_code], [
      "webhook:ci",
      "refused",
      "unauthorized",
    ]);
    assertEquals(noted.details, { reason: "replayed", endpoint: "rollback", webhook_id: "m2" });
  },
);

databaseTest(
  "a message that was refused works for its sender, who signs it anew, and for nobody who only has it",
  async ({ db }) => {
    await using functions = functionsOf(db);
    const timestamp = nowInSeconds() - 100;
    const refused = await deliver(functions, "rename", { id: "m", timestamp });
    assertEquals([refused.status, refused.body.code], [404, "table_not_found"]);
    await makeTable(db);
    const before = await databaseState(db.sql);
    assertRefused("replayed", await deliver(functions, "rename", { id: "m", timestamp }));
    assertRefused(
      "replayed",
      await deliver(functions, "rename", { id: "m", timestamp: timestamp - 1 }),
    );
    assertRefused(
      "replayed",
      await deliver(functions, "rollback", { id: "m", body: { table: "experts" } }),
    );
    assertEquals(stateDifferences(before, await databaseState(db.sql)), []);
    const retried = await deliver(functions, "rename", { id: "m", timestamp: timestamp + 1 });
    assertEquals([retried.status, retried.replayed], [200, false], JSON.stringify(retried.body));
    assertEquals((await recordedRequests(db.sql)).map(({ made, finished }) => [made, finished]), [
      [true, true],
    ]);
  },
);

databaseTest("a plan that is asked for by a webhook changes and keeps nothing", async ({ db }) => {
  await using functions = functionsOf(db);
  await makeTable(db);
  const body = { ...RENAME, mode: "plan" };
  for (let n = 0; n < 2; n++) {
    const { status, replayed } = await deliver(functions, "rename", { id: "m", body });
    assertEquals([status, replayed], [200, false]);
  }
  assertEquals((await recordedRequests(db.sql)).length, 0);
});

databaseTest("twenty deliveries of one webhook at once do its work once", async ({ db }) => {
  await using functions = functionsOf(db);
  await makeTable(db);
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => deliver(functions, "rename", { id: "m" })),
  );
  const done = answers.filter(({ status }) => status === 200);
  for (const { status, body } of answers) {
    assert(status === 200 || body.code === "request_in_progress", JSON.stringify(body));
  }
  for (const { body } of done) assertEquals(body, done[0].body);
  assertEquals(await workDone(db.sql), { migrations: 1, events: 1 });
});

databaseTest(
  "a webhook may ask for a stream of events, and its refusal comes in it",
  async ({ db }) => {
    await using functions = functionsOf(db);
    await makeTable(db);
    const stream = async (endpoint: string, id: string, body: unknown) => {
      const text = JSON.stringify(body);
      const response = await functions.fetch(endpoint, {
        method: "POST",
        headers: {
          apikey: "",
          accept: "text/event-stream",
          ...await signedHeaders({ id, body: text }),
        },
        body: text,
      });
      return (await Array.fromAsync(eventsOf(response))).at(-1)!;
    };
    assertEquals((await stream("rename", "m", RENAME)).event, "result");
    const { event, data } = await stream("rollback", "m", { table: "experts" });
    assertEquals([event, data.reason], ["problem", "replayed"]);
    assertEquals((await refusals(db)).map(({ reason }) => reason), ["replayed"]);
  },
);

// Refused -------------------------------------------------------------------------------------------

/** Deliveries that nobody signed who may, each with its reason. */
const FORGERIES: [string, Sent][] = [
  ["wrong_signature", { secret: btoa("x".repeat(32)) }],
  ["wrong_signature", { headers: { "webhook-signature": "v1,AAAA" } }],
  ["wrong_signature", { headers: { "webhook-id": "another" } }],
  ["stale", { timestamp: 1_700_000_000 }],
  ["stale", { timestamp: nowInSeconds() + 3_600 }],
  ["malformed", { headers: { "webhook-signature": "" } }],
  ["malformed", { headers: { "webhook-id": "a.b" } }],
  ["malformed", { headers: { "webhook-timestamp": "now" } }],
  // A right key beside it makes nothing right.
  ["wrong_signature", { secret: btoa("x".repeat(32)), headers: { apikey: SECRET_KEY } }],
];

databaseTest(
  "a wrong, missing or stale signature is 401, changes nothing and leaves an event for its reason",
  async ({ db }) => {
    await using functions = functionsOf(db);
    await makeTable(db);
    const before = await databaseState(db.sql);
    for (const endpoint of ["rename", "rollback", "refresh"]) {
      for (const [reason, sent] of FORGERIES) {
        assertRefused(reason, await deliver(functions, endpoint, sent));
      }
    }
    assertEquals(stateDifferences(before, await databaseState(db.sql)), []);
    const events = await refusals(db);
    assertEquals(events.map(({ reason }) => reason), ["wrong_signature", "stale", "malformed"]);
    for (const { actor, outcome, problem_code, details } of events) {
      assertEquals([actor, outcome, problem_code], ["webhook", "refused", "unauthorized"]);
      assertEquals(details.endpoint, "rename");
    }
    assertEquals((await recordedRequests(db.sql)).length, 0);
  },
);

databaseTest(
  "however many forgeries come, and to however many isolates, the events of them stay few",
  async ({ db }) => {
    const flood = async (count: number) => {
      // Each is a new isolate: it knows nothing of what others have noted.
      for (let n = 0; n < count; n++) {
        const url = `${db.url}?keep_alive=${60 + n}`;
        await using functions = functionsFor(url, { webhooks });
        for (let again = 0; again < 3; again++) {
          assertRefused("stale", await deliver(functions, "rename", { timestamp: 1_700_000_000 }));
        }
      }
    };
    await flood(3);
    assertEquals((await refusals(db)).length, 1);
    // A minute later there may be one more.
    const minuteLater = () =>
      db.sql`update table_rename.sys_table_migration_events set occurred_at = occurred_at - interval '61 seconds'`;
    await minuteLater();
    await flood(2);
    assertEquals((await refusals(db)).length, 2);
    // A hundred a day for each reason, and no more.
    await db.sql`
    insert into table_rename.sys_table_migration_events
      (request_id, operation, actor, outcome, problem_code, details, occurred_at)
    select gen_random_uuid(), 'webhook', 'webhook', 'refused', 'unauthorized', '{"reason":"stale"}',
      now() - n * interval '2 minutes' from generate_series(1, 97) n`;
    await minuteLater();
    await flood(1);
    assertEquals((await refusals(db)).length, 100);
    await minuteLater();
    await flood(2);
    assertEquals((await refusals(db)).length, 100);
    await using functions = functionsOf(db);
    assertRefused(
      "malformed",
      await deliver(functions, "rename", { headers: { "webhook-id": "." } }),
    );
    assertEquals((await refusals(db)).length, 101);
  },
);

Deno.test("an isolate asks the database for an event once a minute at most, however often anybody calls", async () => {
  using listener = countConnections();
  await using functions = functionsFor(listener.url, { webhooks });
  const logged = await loggedBy(async () => {
    for (let n = 0; n < 20; n++) {
      assertRefused("stale", await deliver(functions, "rename", { timestamp: 1_700_000_000 }));
    }
  });
  assertEquals(listener.connections, 1);
  // That it could not be written is in the log instead; without the password.
  assertEquals(logged.length, 1);
  assertFalse(logged[0].includes("secret-of-the-database"));
});

Deno.test("a database that does not answer holds up a refusal no longer than two seconds", async () => {
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = silent.addr as Deno.NetAddr;
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres?sslmode=disable`;
  const accepted = silent.accept();
  const functions = functionsFor(url, { webhooks });
  await loggedBy(async () => {
    const started = performance.now();
    assertRefused("stale", await deliver(functions, "rename", { timestamp: 1_700_000_000 }));
    assert(performance.now() - started < 4_000);
    (await accepted).close();
    silent.close();
    await new Promise((resolve) => setTimeout(resolve, 100));
  });
  await forgetDatabase(url);
});

Deno.test("where nobody may send webhooks, nothing is sent to the database about those who try", async () => {
  using listener = countConnections();
  await using functions = functionsFor(listener.url);
  assertRefused("not_accepted", await deliver(functions, "rename"));
  assertEquals(listener.connections, 0);
});

databaseTest(
  "a setting that cannot be read is logged without its text, and lets nobody in",
  async ({ db }) => {
    const text = `whsec_too_short ci=whsec_${SECRET}`;
    await using functions = functionsFor(db.url, { webhooks: readWebhookSecrets(text) });
    const logged = await loggedBy(async () => {
      assertRefused(
        "wrong_signature",
        await deliver(functions, "rename", { secret: OTHER_SECRET }),
      );
    });
    assert(logged.some((line) => line.includes("RENAME_WEBHOOK_SECRET")), logged.join());
    assertFalse(logged.join().includes("too_short") || logged.join().includes(SECRET));
    assertEquals((await deliver(functions, "rename")).body.code, "table_not_found");
  },
);

databaseTest("no secret and no signature is in any answer, event or record", async ({ db }) => {
  await using functions = functionsOf(db);
  await makeTable(db);
  const secrets = [SECRET, OTHER_SECRET];
  const answers: Answer[] = [];
  const logged = await loggedBy(async () => {
    for (const [, sent] of FORGERIES) answers.push(await deliver(functions, "rename", sent));
    answers.push(await deliver(functions, "rename", { id: "m" }));
    answers.push(await deliver(functions, "rollback", { id: "m", body: { table: "experts" } }));
  });
  const headers = await signedHeaders({ id: "m", body: JSON.stringify(RENAME) });
  secrets.push(headers["webhook-signature"].slice(3));
  const [kept] = await db.sql`
    select (select json_agg(e) from table_rename.sys_table_migration_events e)::text
      || (select json_agg(r) from table_rename.sys_table_migration_requests r)::text as text`;
  const all = JSON.stringify(answers) + logged.join() + kept.text;
  for (const secret of secrets) assertFalse(all.includes(secret));
});

databaseTest(
  "a body over the limit is refused before it is believed, and one that is no JSON after",
  async ({ db }) => {
    await using functions = functionsOf(db);
    const send = async (body: string, headers: Record<string, string> = {}) => {
      const response = await functions.fetch("rename", {
        method: "POST",
        headers: { apikey: "", ...await signedHeaders({ body }), ...headers },
        body,
      });
      return (await response.json()).code;
    };
    assertEquals(await send(" ".repeat(1_048_577)), "body_too_large");
    assertEquals(await send("{"), "invalid_json");
    assertEquals(await send(""), "invalid_json");
    assertEquals(await send("{}", { "content-type": "text/plain" }), "unsupported_media_type");
    assertEquals(await send("{}"), "invalid_request");
    assertEquals(await send("{", { "webhook-signature": "v1,x" }), "unauthorized");
    assertEquals(await send(JSON.stringify(RENAME), { "idempotency-key": "k" }), "invalid_request");
  },
);
