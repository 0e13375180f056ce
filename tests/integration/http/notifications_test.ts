/** Notifications: of what, when, and to whom. How they are delivered is in deliveries_test.ts. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { backgroundEnded } from "../../../shared/notifications/background.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import { quietly } from "../../support/quietly.ts";
import { notifying, Receiver, verifySignature } from "../../support/http/receiver.ts";
import { post } from "../../support/http/requests.ts";
import { holdLock } from "../../support/waiting.ts";
import { OTHER_SECRET, SECRET } from "../../support/http/webhooks.ts";

const RENAME = { old_name: "experts", new_name: "expert_profiles" };

interface Notified {
  db: TestDatabase;
  functions: Functions;
  receiver: Receiver;
}

/** A test with a table `experts`, and a receiver of notifications. */
function notificationTest(
  name: string,
  body: (notified: Notified) => Promise<void>,
  register: typeof databaseTest = databaseTest,
) {
  register(name, async ({ db }) => {
    await using receiver = new Receiver();
    await using functions = functionsFor(db.url, notifying([receiver.url]));
    await db.sql`create table experts (id int primary key, name text default 'n')`;
    await body({ db, functions, receiver });
  });
}

const outbox = async (db: TestDatabase) =>
  (await db.sql`select type, host from table_rename.sys_table_migration_notifications
    order by event_id, receiver`).map(({ type }) => type);

/** Any DDL fails from now on, until `drop event trigger on_ddl`. */
const refuseDdl = (db: TestDatabase) =>
  db.admin.unsafe(`
    create function on_ddl() returns event_trigger language plpgsql as
      $$ begin raise exception 'not today'; end $$;
    create event trigger on_ddl on ddl_command_end execute function on_ddl()`).simple();

notificationTest(
  "each change is notified once, as it was made, signed, with who asked for it",
  async ({ db, functions, receiver }) => {
    const latest = async () => {
      await backgroundEnded();
      return receiver.received.at(-1)!;
    };
    const proposed = await functions.rename({ ...RENAME, mode: "propose" });
    const first = await latest();
    verifySignature(first);
    assertEquals(first.headers["content-type"], "application/json");
    assertEquals(first.notification.type, "migration.proposed");
    assertEquals(first.notification.data.migrations, proposed.migrations);
    const { batch_id } = proposed;
    assertEquals(first.notification.data.batch_id, batch_id);
    assertEquals(first.notification.data.actor, "key:default");

    const applied = await functions.rename({ batch_id: batch_id!, notes: "now" });
    assertEquals((await latest()).notification.data.migrations, applied.migrations);
    const [{ request_id, occurred_at }] = await db.sql`
      select request_id, occurred_at from table_rename.sys_table_migration_events order by id desc limit 1`;
    const { timestamp, data } = (await latest()).notification;
    assertEquals(new Date(timestamp), occurred_at);
    assertEquals([data.request_id, data.operation], [request_id, "rename"]);

    const [{ id: migration_id }] = applied.migrations;
    const back = await functions.rollback({ migration_id });
    assertEquals((await latest()).notification.data.migrations, back.migrations);

    // Notifications may overtake one another.
    const again = await functions.rename({ ...RENAME, mode: "propose" });
    await backgroundEnded();
    await functions.rollback({ batch_id: again.batch_id! });
    const withdrawn = (await latest()).notification;
    assert(withdrawn.type === "migration.rolled_back" && withdrawn.data.withdrawn);

    const { migrations: [last] } = await functions.rename(RENAME);
    await functions.refresh({ migration_id: last.id });
    await backgroundEnded();
    const end = await functions.finalize({ table: "experts", acknowledge: ["old_name_in_use"] });
    assertEquals((await latest()).notification.data.migrations, end.migrations);
    // Asked again, it is answered as done, and there is nothing to notify.
    await functions.finalize({ migration_id: last.id });
    await backgroundEnded();
    assertEquals(receiver.types, [
      "migration.proposed",
      "migration.applied",
      "migration.rolled_back",
      "migration.proposed",
      "migration.rolled_back",
      "migration.applied",
      "migration.finalized",
    ]);
    const ids = receiver.received.map(({ headers }) => headers["webhook-id"]);
    assertEquals(new Set(ids).size, ids.length);
    // No full stop, which stands between the parts that are signed.
    assert(ids.every((id) => /^msg_[0-9a-f]{32}_[0-9]+$/.test(id)), ids.join(" "));
    const all = receiver.received.map(({ text }) => text).join("\n");
    for (const part of ['"sql"', "create view", "fingerprint", db.url]) {
      assert(!all.includes(part), part);
    }
  },
  databaseTest,
);

databaseTest(
  "while a secret is replaced, a receiver with either verifies",
  async ({ db }) => {
    await using receiver = new Receiver();
    const settings = notifying([receiver.url], { secrets: [SECRET, OTHER_SECRET] });
    await using functions = functionsFor(db.url, settings);
    await db.sql`create table experts (id int)`;
    await functions.rename(RENAME);
    await backgroundEnded();
    const [received] = receiver.received;
    assertEquals(received.headers["webhook-signature"].split(" ").length, 2);
    verifySignature(received, SECRET);
    verifySignature(received, OTHER_SECRET);
  },
);

notificationTest(
  "a notification says how its migrations were then, however late it is sent",
  async ({ db, functions, receiver }) => {
    // Without a secret to sign with, nothing is sent yet.
    await using silent = functionsFor(db.url, notifying([receiver.url], { secrets: [] }));
    const proposed = await quietly(() => silent.rename({ ...RENAME, mode: "propose" }));
    const applied = await silent.rename({ batch_id: proposed.batch_id! });
    const back = await silent.rollback({ migration_id: applied.migrations[0].id });
    await backgroundEnded();
    assertEquals(receiver.types, []);
    const { notifications } = await silent.list({ include: "notifications" });
    assertStringIncludes(notifications!.settings_errors[0], "RENAME_NOTIFY_SECRET");
    await functions.list();
    await backgroundEnded();
    const sent = new Map(
      receiver.received.map(({ notification: { type, data } }) => [type, data.migrations]),
    );
    assertEquals(sent.get("migration.proposed"), proposed.migrations);
    assertEquals(sent.get("migration.applied"), applied.migrations);
    assertEquals(sent.get("migration.rolled_back"), back.migrations);
  },
);

notificationTest(
  "a change that comes to nothing is not notified as a change: its failure is notified, once",
  ({ db, functions, receiver }) =>
    quietly(async () => {
      await refuseDdl(db);
      const { body } = await post(functions, "rename", RENAME);
      assertEquals(body.code, "forbidden");
      assertEquals(await outbox(db), ["migration.failed"]);
      await backgroundEnded();
      const [{ notification }] = receiver.received;
      assert(notification.type === "migration.failed");
      assertEquals(notification.data.problem, { code: "forbidden", title: "Not allowed" });
      assertEquals(notification.data.requested, {
        renames: [{ schema: "public", ...RENAME }],
        renames_total: 1,
      });
      assertEquals(notification.data.migrations, []);

      // Whoever tries again when notified, and fails again, is not notified again.
      await post(functions, "rename", RENAME);
      assertEquals(await outbox(db), ["migration.failed"]);
      // Something else is.
      await db.sql`create table teams (id int)`.catch(() => {});
      await db.admin`drop event trigger on_ddl`;
      await db.sql`create table teams (id int)`;
      await db.admin`create event trigger on_ddl on ddl_command_end execute function on_ddl()`;
      await post(functions, "rename", { old_name: "teams", new_name: "groups" });
      assertEquals(await outbox(db), ["migration.failed", "migration.failed"]);
      await db
        .sql`update table_rename.sys_table_migration_events set occurred_at = now() - interval '11 min'`;
      await post(functions, "rename", RENAME);
      assertEquals((await outbox(db)).length, 3);
    }),
  databaseTest,
);

notificationTest(
  "locks that could not be acquired are notified; what is refused beforehand is reported to its caller alone",
  ({ db, functions, receiver }) =>
    quietly(async () => {
      const id = crypto.randomUUID();
      await functions.refused("table_not_found", "rename", { old_name: "nobody", new_name: "x" });
      await functions.refused("invalid_request", "rename", { old_name: "experts" });
      await functions.refused("migration_not_found", "rollback", { migration_id: id });
      await functions.refused("plan_changed", "rename", {
        ...RENAME,
        expected_plan_hash: `sha256:${"0".repeat(64)}`,
      });
      await functions.rename({ ...RENAME, mode: "plan" });
      assertEquals(await outbox(db), []);
      const holder = await holdLock(db, "experts");
      const options = { lock_timeout_ms: 1, max_wait_ms: 50 };
      await functions.refused("lock_not_acquired", "rename", { ...RENAME, ...options });
      await holder.release();
      await backgroundEnded();
      const [{ notification }] = receiver.received;
      assert(notification.type === "migration.failed");
      assertEquals(notification.data.problem.code, "lock_not_acquired");
      assertEquals(receiver.received.length, 1);
    }),
);

notificationTest(
  "a verification that fails after the commit is notified beside the change",
  async ({ db, functions, receiver }) => {
    // At the commit, after everything that the rename looks at before it.
    await db.sql.unsafe(`
      create function take_away() returns trigger language plpgsql as
        $$ begin revoke select on public.experts from anon; return null; end $$;
      create constraint trigger at_commit after update on sys_table_migrations
        deferrable initially deferred for each row when (new.view_oid is not null)
        execute function take_away()`).simple();
    const answer = await functions.rename(RENAME);
    assertEquals(answer.verification?.passed, false);
    await backgroundEnded();
    assertEquals(receiver.types.sort(), ["migration.applied", "migration.verification_failed"]);
    const failure = receiver.received.map(({ notification }) => notification)
      .find((one) => one.type === "migration.verification_failed")!;
    assertEquals(failure.data.after, "rename");
    assertEquals(failure.data.batch_id, answer.batch_id);
    assertEquals(failure.data.migrations[0].id, answer.migrations[0].id);
    const failed = answer.verification!.checks.filter(({ passed }) => !passed);
    assertEquals(failure.data.failed_checks, failed.map(({ name }) => name));
  },
);

notificationTest(
  "a change that is committed is not notified as failed, whatever happens to its answer",
  ({ db, functions, receiver }) =>
    quietly(async () => {
      // The record is gone from the moment of the commit.
      await db.sql.unsafe(`
        create function hide() returns trigger language plpgsql as
          $$ begin alter table public.sys_table_migrations rename to hidden; return null; end $$;
        create constraint trigger at_commit after insert on table_rename.sys_table_migration_events
          deferrable initially deferred for each row when (new.outcome = 'succeeded')
          execute function hide()`).simple();
      await functions.refused("database_unavailable", "rename", RENAME);
      await backgroundEnded();
      await db.sql`drop trigger at_commit on table_rename.sys_table_migration_events`;
      await db.sql`alter table hidden rename to sys_table_migrations`;
      await functions.list();
      await backgroundEnded();
      assertEquals(receiver.types.sort(), ["migration.applied", "migration.verification_failed"]);
      const [{ count }] = await db
        .sql`select count(*)::int from table_rename.sys_table_migration_events
        where operation = 'rename' and outcome = 'failed'`;
      assertEquals(count, 0, "an event says that a change failed which was made");
    }),
);

notificationTest(
  "verify notifies what fails, and a receiver that verifies again causes no endless loop",
  async ({ db, functions, receiver }) => {
    const { migrations: [{ id }] } = await functions.rename(RENAME);
    await functions.verify({ migration_id: id, checks: ["reads"] });
    await backgroundEnded();
    await db.sql`revoke select on experts from anon`;
    // Notified of a failure, the receiver looks for itself.
    let looked = 0;
    receiver.behaviour = async ({ notification }) => {
      if (notification.type === "migration.verification_failed") {
        looked++;
        await functions.verify({ migration_id: id, checks: ["reads"] });
      }
      return 204;
    };
    await functions.verify({ migration_id: id, checks: ["reads"] });
    await backgroundEnded();
    assertEquals(looked, 1);
    assertEquals(receiver.types, ["migration.applied", "migration.verification_failed"]);
    const { notification } = receiver.received[1];
    assert(notification.type === "migration.verification_failed");
    assertEquals(notification.data.failed_checks, ["reads"]);
    assertEquals([notification.data.after, notification.data.operation], [null, "verify"]);
  },
);

notificationTest(
  "drift is notified where list-migrations finds it, each kind once until the view is refreshed",
  async ({ db, functions, receiver }) => {
    const { migrations: [{ id }] } = await functions.rename(RENAME);
    const look = async () => {
      await functions.list({ include: "drift" });
      await backgroundEnded();
      return receiver.received.slice(1).map(({ notification }) =>
        notification.type === "migration.drift_detected"
          ? notification.data.drift.map(({ migration_id, code }) => [migration_id, code])
          : notification.type
      );
    };
    assertEquals(await look(), []);
    await db.sql`alter table expert_profiles add column note text`;
    // Two that look at the same moment notify once: neither has done so when the other looks.
    await db.sql.unsafe(`
      create function slowly() returns trigger language plpgsql as
        $$ begin perform pg_sleep(0.25); return new; end $$;
      create trigger slowly before insert on table_rename.sys_table_migration_events for each row
        when (new.operation = 'drift') execute function slowly()`).simple();
    await Promise.all([functions.list({ include: "drift" }), functions.list({ include: "drift" })]);
    await db.sql`drop trigger slowly on table_rename.sys_table_migration_events`;
    const first = [[id, "view_columns_differ"]];
    assertEquals(await look(), [first]);
    await db.sql`revoke select on experts from anon`;
    const second = [[id, "table_wider_than_view"]];
    assertEquals(await look(), [first, second]);
    assertEquals(await look(), [first, second]);
    await functions.refresh({ migration_id: id, acknowledge: ["view_grants_changed"] });
    await db.sql`alter table expert_profiles add column more text`;
    assertEquals(await look(), [first, second, first]);
    assertEquals(receiver.received.at(-1)!.notification.data.migrations[0].id, id);
  },
);

notificationTest(
  "an old name that shows rows it must not is notified whatever the list was asked for",
  async ({ db, functions, receiver }) => {
    await db.sql`revoke all on experts from anon`;
    await db.sql`grant select (id) on experts to anon`;
    const { migrations: [{ id }] } = await functions.rename(RENAME);
    await backgroundEnded();
    await db.sql`alter table expert_profiles enable row level security`;
    await functions.list();
    await functions.list({ include: "drift" });
    await backgroundEnded();
    assertEquals(receiver.types, ["migration.applied", "migration.drift_detected"]);
    const { notification } = receiver.received[1];
    assert(notification.type === "migration.drift_detected");
    const object = "public.experts";
    assertEquals(notification.data.drift, [
      { migration_id: id, code: "row_security_bypassed", object },
    ]);
  },
);

databaseTest("without a receiver the outbox stays empty", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql`create table experts (id int)`;
  const { migrations: [{ id }] } = await functions.rename(RENAME);
  await db.sql`revoke select on experts from anon`;
  await functions.list({ include: "drift" });
  await functions.verify({ migration_id: id, checks: ["reads"] });
  await functions.rollback({ migration_id: id, acknowledge: ["view_grants_changed"] });
  assertEquals(await outbox(db), []);
  const operations = await db
    .sql`select operation from table_rename.sys_table_migration_events order by id`;
  assertEquals(operations.map(({ operation }) => operation), ["rename", "rollback"]);
});

notificationTest(
  "a large batch is one notification, of its first hundred migrations; its drift is reported by the hundred",
  async ({ db, functions, receiver }) => {
    const names = Array.from({ length: 120 }, (_, index) => `t${index}`);
    await db.sql.unsafe(names.map((name) => `create table ${name} (id int)`).join(";")).simple();
    const { migrations } = await functions.rename({
      renames: names.map((name) => ({ old_name: name, new_name: `new_${name}` })),
    });
    await backgroundEnded();
    const [{ notification: { data } }, ...more] = receiver.received;
    assertEquals(more.length, 0);
    assertEquals(data.migrations_total, 120);
    assertEquals(data.migrations.map(({ id }) => id), migrations.slice(0, 100).map(({ id }) => id));

    // Drift of all of them is reported by the hundred.
    await db.sql.unsafe(names.map((name) => `alter table new_${name} add a int`).join(";"))
      .simple();
    const found: string[][] = [];
    for (let look = 0; look < 3; look++) {
      await functions.list({ include: "drift", limit: 200 });
      await backgroundEnded();
    }
    for (const { notification } of receiver.received.slice(1)) {
      assert(notification.type === "migration.drift_detected");
      found.push(notification.data.drift.map(({ migration_id }) => migration_id));
      assertEquals(notification.data.migrations_total, found.at(-1)!.length);
    }
    assertEquals(found.map(({ length }) => length), [100, 20]);
    assertEquals(new Set(found.flat()), new Set(migrations.map(({ id }) => id)));
  },
);

notificationTest(
  "with tracking tables from before the outbox changes are refused clearly, and looking works",
  ({ db, functions }) =>
    quietly(async () => {
      const { migrations: [{ id }] } = await functions.rename(RENAME);
      await backgroundEnded();
      await db.sql`drop table table_rename.sys_table_migration_notifications`;
      const problem = await functions.refused("database_unavailable", "rollback", {
        migration_id: id,
      });
      assertStringIncludes(problem.hint!, "supabase/migrations");
      await functions.list({ include: "drift,usage" });
      await functions.verify({ migration_id: id, checks: ["reads"] });
      const list = await functions.fetch("list-migrations", { query: "?include=notifications" });
      assertEquals((await list.json()).code, "database_unavailable");
      // What must not wait is recorded all the same.
      await db.sql`alter view experts set (security_invoker = false)`;
      await db.sql`alter table expert_profiles enable row level security`;
      await functions.list();
      const drift = await db.sql`
        select details ->> 'code' as code from table_rename.sys_table_migration_events where operation = 'drift'`;
      assertEquals([...drift], [{ code: "row_security_bypassed" }]);
      await db.sql`alter view experts set (security_invoker = true)`;
      await db.sql`alter table expert_profiles disable row level security`;
      // Without receivers nothing needs the outbox.
      await using unheard = functionsFor(db.url);
      await unheard.rollback({ migration_id: id });
      const [{ count }] = await db
        .sql`select count(*)::int from table_rename.sys_table_migration_events
        where problem_code = 'database_unavailable'`;
      assertEquals(count, 1, "the refusal left its event");
    }),
);
