/** Backends, statements and roles that do not behave: nothing half done, and answers that say so. */
import { assert, assertEquals, assertGreater, assertLess, assertStringIncludes } from "@std/assert";
import { ToAndFro } from "../../support/servers/broken_connections.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { quietly } from "../../support/quietly.ts";
import {
  functionBackends,
  holdInTurns,
  holdLock,
  lockWaiter,
  queuedWaiter,
  until,
} from "../../support/waiting.ts";

const OPERATIONS = ["rename", "rollback"] as const;

/** The table that is locked by others: it has another name once it is renamed. */
const tableOf = (operations: ToAndFro) => operations.renamed ? "expert_profiles" : "experts";

/** What the database does at each DDL command, until `drop event trigger on_ddl`. */
async function onDdl(db: TestDatabase, action: string): Promise<void> {
  await db.admin.unsafe(`
    create function on_ddl() returns event_trigger language plpgsql as $$ begin ${action}; end $$;
    create event trigger on_ddl on ddl_command_end execute function on_ddl()`).simple();
}

for (const operation of OPERATIONS) {
  const fault = (
    name: string,
    work: (operations: ToAndFro, db: TestDatabase) => Promise<void>,
    deadlineMs = 140_000,
  ) =>
    databaseTest(`a ${operation} ${name}`, ({ db }) =>
      quietly(async () => {
        await using functions = functionsFor(db.url, { deadlineMs });
        const operations = await ToAndFro.prepare(db, functions);
        if (operations.next !== operation) await operations.attempt();
        await work(operations, db);
        await operations.secondTry(operation);
      }));

  fault("whose backend is terminated while it prepares changes nothing", async (operations, db) => {
    const holder = await holdLock(db, tableOf(operations), "share update exclusive");
    const answer = operations.attempt();
    const pid = await lockWaiter(db.sql, "ShareUpdateExclusiveLock");
    await db.admin`select pg_terminate_backend(${pid})`;
    assertEquals((await answer).body.code, "database_unavailable");
    await holder.release();
  });

  fault(
    "whose backend is terminated in the critical section changes nothing",
    async (operations, db) => {
      const holder = await holdInTurns(db, tableOf(operations));
      const answer = operations.attempt({ lock_timeout_ms: 5_000 });
      const pid = await queuedWaiter(db.sql);
      await db.admin`select pg_terminate_backend(${pid})`;
      assertEquals((await answer).body.code, "database_unavailable");
      await holder.release();
    },
  );

  fault(
    "whose backend is terminated between two attempts changes nothing",
    async (operations, db) => {
      const holder = await holdInTurns(db, tableOf(operations));
      const answer = operations.attempt({ lock_timeout_ms: 1 });
      const pid = await until("it sleeps in its transaction", async () => {
        const backends = await functionBackends(db.sql);
        return backends.find(({ state, query }) =>
          state === "idle in transaction" && query.startsWith("rollback to savepoint")
        )?.pid;
      });
      await db.admin`select pg_terminate_backend(${pid})`;
      assertEquals((await answer).body.code, "database_unavailable");
      await holder.release();
    },
  );

  fault(
    "on a full disk changes nothing and says that a resource is out",
    async (operations, db) => {
      await onDdl(db, "raise exception 'could not extend file' using errcode = '53100'");
      const { body } = await operations.attempt();
      assertEquals(body.code, "database_unavailable");
      assertStringIncludes(body.detail, "could not extend file");
      await db.admin`drop event trigger on_ddl`;
    },
  );

  fault(
    "on a database that became read-only changes nothing and says so",
    async (operations, db) => {
      await db.admin.unsafe(`alter database ${db.name} set default_transaction_read_only = on`);
      await operations.functions[Symbol.asyncDispose]();
      const { body } = await operations.attempt();
      assertEquals(body.code, "database_unavailable");
      assertStringIncludes(body.detail, "read-only");
      await db.admin.unsafe(`alter database ${db.name} reset default_transaction_read_only`);
      await operations.functions[Symbol.asyncDispose]();
    },
  );

  fault(
    "that an event trigger refuses changes nothing and says what it said",
    async (operations, db) => {
      await onDdl(db, "raise exception 'no DDL on Fridays'");
      const { status, body } = await operations.attempt();
      assertEquals([status, body.code], [403, "forbidden"]);
      assertStringIncludes(body.detail, "no DDL on Fridays");
      await db.admin`drop event trigger on_ddl`;
    },
  );

  fault("with a statement that does not end is stopped at the deadline", async (operations, db) => {
    await onDdl(db, "perform pg_sleep(30)");
    const started = performance.now();
    const { status, body } = await operations.attempt();
    assertEquals([status, body.code], [504, "deadline_exceeded"]);
    assertLess(performance.now() - started, 10_000);
    await db.admin`drop event trigger on_ddl`;
  }, 2_500);

  databaseTest(`a ${operation} does not depend on the timeouts of its role`, async ({ db }) => {
    const settings: Record<string, string> = {
      statement_timeout: "150ms",
      lock_timeout: "5ms",
      idle_in_transaction_session_timeout: "5ms",
      default_transaction_isolation: "serializable",
      synchronous_commit: "off",
      ...(db.version >= 17 && { transaction_timeout: "150ms" }),
    };
    await using functions = functionsFor(db.url);
    const operations = await ToAndFro.prepare(db, functions);
    if (operations.next !== operation) await operations.attempt();
    const holder = await holdLock(db, tableOf(operations));
    for (const [name, value] of Object.entries(settings)) {
      await db.admin.unsafe(
        `alter role postgres in database ${db.name} set ${name} = '${value}'`,
      );
    }
    await onDdl(db, "perform pg_sleep(0.2)");
    await functions[Symbol.asyncDispose]();
    const answer = operations.attempt();
    await lockWaiter(db.sql, "AccessExclusiveLock");
    await new Promise((resolve) => setTimeout(resolve, 600));
    await holder.release();
    const { status, body } = await answer;
    assertEquals(status, 200, JSON.stringify(body));
    assertGreater(body.lock.waited_ms, 500);
    assert(body.verification.passed, JSON.stringify(body.verification));
  });
}
