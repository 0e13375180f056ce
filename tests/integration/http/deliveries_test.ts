/** How notifications come to their receivers: tried again, by whoever is there, and never in anybody's way. */
import { assert, assertEquals, assertGreater, assertLess, assertNotEquals } from "@std/assert";
import { assertStringIncludes } from "@std/assert";
import { databaseAt, forgetDatabase } from "../../../shared/postgres/connection/database.ts";
import { backgroundEnded } from "../../../shared/notifications/background.ts";
import { deliverDue, type Recipients } from "../../../shared/notifications/deliver.ts";
import { closedPort, countConnections } from "../../support/servers/counting_listener.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { type Functions, functionsFor, SECRET_KEY } from "../../support/http/functions.ts";
import { leastPrivilege } from "../../support/servers/least_privilege.ts";
import { quietly } from "../../support/quietly.ts";
import {
  closingServer,
  notifying,
  Receiver,
  verifySignature,
} from "../../support/http/receiver.ts";
import { loggedBy } from "../../support/http/silent_log.ts";
import { holdLock } from "../../support/waiting.ts";

const RENAME = { old_name: "experts", new_name: "expert_profiles" };

const makeTable = (db: TestDatabase) => db.sql`create table experts (id int primary key)`;

/** Makes what is pending due now. */
const makeDue = (db: TestDatabase) =>
  db.sql`update table_rename.sys_table_migration_notifications set next_attempt_at = now()`;

/** Any request goes on with what is due. */
async function lookAgain(functions: Functions, db: TestDatabase): Promise<void> {
  await makeDue(db);
  await functions.list();
  await backgroundEnded();
}

const rowsOf = async (db: TestDatabase) => [
  ...await db.sql`
    select host, attempts, last_error, delivered_at is not null as delivered,
      given_up_at is not null as given_up,
      extract(epoch from next_attempt_at - last_attempt_at)::float8 as pause_s
    from table_rename.sys_table_migration_notifications order by event_id, host`,
];

const TIMES_OUT = "no answer within 0.2 s";

databaseTest(
  "a notification is tried again until its receiver takes it, with one id, signed anew each time",
  ({ db }) =>
    quietly(async () => {
      await using receiver = new Receiver();
      const settings = notifying([receiver.url], { timeoutMs: 200 });
      await using functions = functionsFor(db.url, settings);
      await makeTable(db);
      receiver.behaviour = 500;
      await functions.rename(RENAME);
      await backgroundEnded();
      const failures = ["answered 500"];
      // Not due yet: other requests leave it alone.
      await functions.list();
      await backgroundEnded();
      assertEquals(receiver.received.length, 1);
      for (const behaviour of ["redirect", "hang", 404, 204] as const) {
        failures.push((await rowsOf(db))[0].last_error);
        receiver.behaviour = behaviour;
        await lookAgain(functions, db);
        receiver.release();
      }
      assertEquals(failures.slice(1), [
        "answered 500",
        "answered 307, a redirect, which is not followed",
        TIMES_OUT,
        "answered 404",
      ]);
      const [{ attempts, delivered }] = await rowsOf(db);
      assertEquals([attempts, delivered], [5, true]);
      assertEquals(receiver.received.length, 5);
      const ids = new Set(receiver.received.map(({ headers }) => headers["webhook-id"]));
      assertEquals(ids.size, 1);
      assertEquals(new Set(receiver.received.map(({ text }) => text)).size, 1, "the same content");
      receiver.received.forEach((received) => verifySignature(received));
      await lookAgain(functions, db);
      assertEquals(receiver.received.length, 5, "what was taken does not come again");
    }),
);

databaseTest(
  "a receiver that closes the connection, or is not there, gets it when it comes back",
  ({ db }) =>
    quietly(async () => {
      const port = closedPort();
      const closing = closingServer();
      const url = `http://127.0.0.1:${port}/hooks/token-of-the-receiver`;
      await using functions = functionsFor(db.url, notifying([url, closing.url]));
      await makeTable(db);
      await functions.rename(RENAME);
      await backgroundEnded();
      assertEquals((await rowsOf(db)).map(({ last_error }) => last_error).sort(), [
        "the connection broke before an answer",
        "the connection failed",
      ]);
      closing.close();
      await using receiver = new Receiver(port);
      await lookAgain(functions, db);
      assertEquals(receiver.types, ["migration.applied"]);
      const { migrations: [migration], notifications } = await functions.list({
        include: "notifications",
      });
      const last_error = "the connection failed";
      assertEquals(migration.notifications, { delivered: 1, pending: 1, given_up: 0, last_error });
      const [gone, back] = notifications!.receivers.sort((a, b) => a.delivered - b.delivered);
      assertEquals([gone.pending, gone.last_error, gone.configured], [1, last_error, true]);
      assertEquals([back.delivered, back.last_error], [1, null]);
      assertEquals(
        notifications!.undelivered.map(({ type, state, attempts }) => [
          type,
          state,
          attempts,
        ]),
        [["migration.applied", "pending", 2]],
      );
    }),
);

databaseTest(
  "the pauses between attempts double up to an hour, and are not the same for all",
  async ({ db }) => {
    await using functions = functionsFor(db.url, notifying(["http://127.0.0.1:9/hooks"]));
    await makeTable(db);
    await quietly(() => functions.rename(RENAME));
    await quietly(backgroundEnded);
    const pauses: number[] = [(await rowsOf(db))[0].pause_s];
    for (let attempt = 2; attempt <= 10; attempt++) {
      await quietly(() => lookAgain(functions, db));
      pauses.push((await rowsOf(db))[0].pause_s);
    }
    pauses.forEach((pause, index) => {
      const whole = Math.min(3_600, 30 * 2 ** index);
      assertGreater(pause, whole * 0.499, String(pauses));
      assertLess(pause, whole * 1.001, String(pauses));
    });
    const shares = pauses.map((pause, index) => pause / Math.min(3_600, 30 * 2 ** index));
    assertGreater(Math.max(...shares) - Math.min(...shares), 0.01, "no jitter");
  },
);

databaseTest(
  "what was not delivered within 24 hours is given up, and listed",
  ({ db }) =>
    quietly(async () => {
      await using receiver = new Receiver();
      await using functions = functionsFor(db.url, notifying([receiver.url]));
      await makeTable(db);
      receiver.behaviour = 503;
      const { migrations: [{ id }] } = await functions.rename(RENAME);
      await functions.rollback({ migration_id: id });
      await backgroundEnded();
      const age = (hours: number) =>
        db.sql`update table_rename.sys_table_migration_notifications
          set created_at = now() - make_interval(hours => ${hours})
          where type = 'migration.applied'`;
      await age(23);
      await lookAgain(functions, db);
      assertEquals((await rowsOf(db)).map(({ attempts }) => attempts), [2, 2]);
      await age(25);
      receiver.behaviour = 204;
      // At the look, before anything was done about it, it counts as given up already.
      const { migrations: [migration], notifications } = await functions.list({
        include: "notifications",
      });
      assertEquals(migration.notifications?.given_up, 1);
      const [, given] = notifications!.undelivered;
      assertEquals([given.type, given.state, given.last_error, given.next_attempt_at], [
        "migration.applied",
        "given_up",
        "answered 503",
        null,
      ]);
      await lookAgain(functions, db);
      assertEquals((await rowsOf(db)).map(({ delivered, given_up }) => [delivered, given_up]), [
        [false, true],
        [true, false],
      ]);
      // Long over, it is deleted; what nobody looked at for as long is given up first.
      await db.sql`update table_rename.sys_table_migration_notifications
        set given_up_at = now() - interval '31 days' where type = 'migration.applied'`;
      await db.sql`update table_rename.sys_table_migration_notifications
        set created_at = now() - interval '32 days', delivered_at = null
        where type = 'migration.rolled_back'`;
      await lookAgain(functions, db);
      assertEquals((await rowsOf(db)).map(({ given_up }) => given_up), [true]);
    }),
);

databaseTest(
  "a receiver that says that it is gone is not asked again",
  ({ db }) =>
    quietly(async () => {
      await using receiver = new Receiver();
      await using functions = functionsFor(db.url, notifying([receiver.url]));
      await makeTable(db);
      receiver.behaviour = 410;
      await functions.rename(RENAME);
      await backgroundEnded();
      await lookAgain(functions, db);
      assertEquals(receiver.received.length, 1);
      assertEquals((await rowsOf(db))[0].given_up, true);
    }),
);

databaseTest(
  "a receiver that does not answer keeps no caller waiting",
  async ({ db }) => {
    await using receiver = new Receiver();
    await using functions = functionsFor(db.url, notifying([receiver.url]));
    await makeTable(db);
    receiver.behaviour = "hang";
    const { migrations: [{ id }] } = await functions.rename(RENAME);
    await receiver.arrival();
    // Answered while the receiver still keeps the first notification waiting; so are these.
    await functions.list();
    await functions.rollback({ migration_id: id });
    await receiver.arrival();
    await functions.refused("migration_not_found", "rollback", {
      migration_id: crypto.randomUUID(),
    });
    const stream = await functions.fetch("rename", {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify(RENAME),
    });
    assertStringIncludes(await stream.text(), "event: result");
    await receiver.arrival();
    assertEquals((await rowsOf(db)).map(({ delivered }) => delivered), [false, false, false]);
    receiver.release();
    await backgroundEnded();
    assertEquals((await rowsOf(db)).map(({ delivered }) => delivered), [true, true, true]);
  },
);

/** The same database by another name, so that another pool is made for it, as by another isolate. */
const elsewhere = (url: string) => url.replace("127.0.0.1", "localhost");

databaseTest(
  "isolates that deliver at the same time take each notification once",
  async ({ db }) => {
    await using receiver = new Receiver();
    const { notify } = notifying([receiver.url]);
    const urls = [db.url, elsewhere(db.url)];
    assertNotEquals(urls[0], urls[1]);
    await db.sql`
    with event as (
      insert into table_rename.sys_table_migration_events (request_id, operation, actor, outcome)
      select gen_random_uuid(), 'rename', 'somebody', 'succeeded' from generate_series(1, 60)
      returning id)
    insert into table_rename.sys_table_migration_notifications (event_id, receiver, host, type)
    select id, 'key', '', 'migration.applied' from event`;
    const recipients: Recipients = {
      ...notify!,
      receivers: [{ key: "key", host: "", url: new URL(receiver.url) }],
    };
    const failed = (message: string) => assert(false, message);
    const isolates = urls.map((url) => databaseAt(url));
    // Each takes ten at a time, in the middle of which the others come.
    for (let round = 0; round < 3; round++) {
      await Promise.all(
        [...isolates, ...isolates].map((database) => deliverDue(database, recipients, failed)),
      );
    }
    await Promise.all(urls.map(forgetDatabase));
    const ids = receiver.received.map(({ headers }) => headers["webhook-id"]);
    assertEquals([ids.length, new Set(ids).size], [60, 60]);
    assertEquals((await rowsOf(db)).map(({ attempts }) => attempts), Array(60).fill(1));
  },
);

databaseTest(
  "what an isolate took and did not bring to its end is delivered by a later request, with the same id",
  async ({ db }) => {
    await using receiver = new Receiver();
    await using functions = functionsFor(db.url, notifying([receiver.url]));
    await makeTable(db);
    await functions.rename(RENAME);
    await backgroundEnded();
    // As if the isolate had ended between the receiver's answer and its note of it.
    await db.sql`update table_rename.sys_table_migration_notifications set delivered_at = null`;
    await functions.list();
    await backgroundEnded();
    assertEquals(receiver.received.length, 1, "it is not due before its time");
    await lookAgain(functions, db);
    const ids = receiver.received.map(({ headers }) => headers["webhook-id"]);
    assertEquals([ids.length, new Set(ids).size], [2, 1]);
  },
);

databaseTest(
  "only receivers that the settings name now are notified, and of a URL only its host is kept",
  async ({ db }) => {
    await using one = new Receiver();
    await using two = new Receiver();
    await using before = functionsFor(db.url, notifying([one.url, two.url], { secrets: [] }));
    await makeTable(db);
    await quietly(() => before.rename(RENAME));
    await backgroundEnded();
    await using after = functionsFor(db.url, notifying([two.url]));
    await lookAgain(after, db);
    assertEquals([one.received.length, two.received.length], [0, 1]);
    const { notifications } = await after.list({ include: "notifications" });
    const hosts = notifications!.receivers.map(({ host, configured }) => [host, configured]);
    assertEquals(
      hosts.sort(),
      [[`127.0.0.1:${one.port}`, false], [`127.0.0.1:${two.port}`, true]].sort(),
    );
    const kept = await db
      .sql`select n::text as row from table_rename.sys_table_migration_notifications n`;
    assert(kept.every(({ row }) => !row.includes("token-of")), JSON.stringify(kept));
  },
);

databaseTest("what failed is logged without URL, secret or body", async ({ db }) => {
  const url = `http://127.0.0.1:${closedPort()}/hooks/token-of-the-receiver?key=of-the-receiver`;
  await using functions = functionsFor(db.url, notifying([url]));
  await makeTable(db);
  const lines = await loggedBy(async () => {
    await functions.rename(RENAME);
    await backgroundEnded();
  });
  const { message, host, type, attempt, reason } = JSON.parse(lines[0]);
  assertEquals([message, type, attempt, reason], [
    "a notification was not delivered",
    "migration.applied",
    1,
    "the connection failed",
  ]);
  assertEquals(host, new URL(url).host);
  assertEquals(lines.length, 1);
  assert(!lines[0].includes("of-the-receiver"), lines[0]);
});

databaseTest(
  "private addresses are not even connected to, unless that is allowed",
  ({ db }) =>
    quietly(async () => {
      using listener = countConnections();
      const { port } = new URL(listener.url.replace("postgresql:", "http:"));
      await makeTable(db);
      // Allowed when it was written, and no longer.
      const allowed = notifying([`http://localhost:${port}/`, `http://127.0.0.1:${port}/`]);
      const notify = { ...allowed.notify!, allowPrivate: false };
      await using functions = functionsFor(db.url, { notify });
      await functions.rename(RENAME);
      await backgroundEnded();
      assertEquals((await rowsOf(db)).map(({ last_error }) => last_error), [
        "the address is private",
        "the name is local",
      ]);
      assertEquals(listener.connections, 0);
    }),
);

databaseTest(
  "a notification that leads back to the functions ends there",
  ({ db }) =>
    quietly(async () => {
      await makeTable(db);
      let asked = 0;
      // A relay that passes everything on to the functions, with a key that opens them.
      const relay: Deno.HttpServer<Deno.NetAddr> = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: () => {} },
        async (request) => {
          asked++;
          const headers = { ...Object.fromEntries(request.headers), apikey: SECRET_KEY };
          const own = ["webhook-id", "webhook-timestamp", "webhook-signature"];
          own.forEach((name) => delete (headers as Record<string, string>)[name]);
          const answer = await functions.fetch("rename", {
            method: "POST",
            headers,
            // Even as the body of a rename that would fail once more.
            body: JSON.stringify({ ...RENAME, lock_timeout_ms: 1, max_wait_ms: 20 }),
          });
          return new Response(await answer.text(), { status: answer.status });
        },
      );
      await using functions = functionsFor(
        db.url,
        notifying([`http://127.0.0.1:${relay.addr.port}/`]),
      );
      const holder = await holdLock(db, "experts");
      const options = { lock_timeout_ms: 1, max_wait_ms: 20 };
      await functions.refused("lock_not_acquired", "rename", { ...RENAME, ...options });
      await backgroundEnded();
      await holder.release();
      const [{ count }] = await db
        .sql`select count(*)::int from table_rename.sys_table_migration_events`;
      assertEquals([asked, count], [1, 1]);
      assertEquals((await rowsOf(db))[0].last_error, "answered 400");
      await relay.shutdown();
    }),
);

databaseTest(
  "a receiver that tries again whenever it is notified of a failure does not go on for ever",
  ({ db }) =>
    quietly(async () => {
      await makeTable(db);
      await using receiver = new Receiver();
      await using functions = functionsFor(db.url, notifying([receiver.url]));
      const body = { ...RENAME, lock_timeout_ms: 1, max_wait_ms: 20 };
      let tries = 0;
      receiver.behaviour = async () => {
        tries++;
        await functions.refused("lock_not_acquired", "rename", body);
        return 204;
      };
      const holder = await holdLock(db, "experts");
      await functions.refused("lock_not_acquired", "rename", body);
      await backgroundEnded();
      await holder.release();
      assertEquals([tries, receiver.types.length], [1, 1]);
    }),
);

databaseTest("a caller without a key starts no delivery", async ({ db }) => {
  await using receiver = new Receiver();
  await using functions = functionsFor(db.url, notifying([receiver.url]));
  await using silent = functionsFor(db.url, notifying([receiver.url], { secrets: [] }));
  await makeTable(db);
  await quietly(() => silent.rename(RENAME));
  await functions.fetch("list-migrations", { headers: { apikey: "wrong" } });
  await backgroundEnded();
  assertEquals(receiver.received.length, 0);
  await functions.fetch("list-migrations");
  await backgroundEnded();
  assertEquals(receiver.received.length, 1);
});

databaseTest("another login than postgres notifies and delivers alike", async ({ db }) => {
  await makeTable(db);
  await using login = await leastPrivilege(db);
  await login.handOver("experts");
  await using receiver = new Receiver();
  await using functions = functionsFor(login.url, notifying([receiver.url]));
  const { migrations: [{ id }] } = await functions.rename(RENAME);
  await db.sql`alter table expert_profiles add column note text`;
  await functions.list({ include: "drift,notifications" });
  await functions.rollback({ migration_id: id });
  await backgroundEnded();
  await db.sql`update table_rename.sys_table_migration_notifications
    set delivered_at = delivered_at - interval '31 days'`;
  await functions.list();
  await backgroundEnded();
  assertEquals(receiver.types.sort(), [
    "migration.applied",
    "migration.drift_detected",
    "migration.rolled_back",
  ]);
  assertEquals((await rowsOf(db)).length, 0, "what is long over was deleted");
});
