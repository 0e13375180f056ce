/** The server or the function's process dies in the middle, and nothing is half done. */
import { assert, assertEquals } from "@std/assert";
import {
  afterCriticalSection,
  isCriticalSection,
  proxied,
  ToAndFro,
} from "../../support/servers/broken_connections.ts";
import { startCuttingProxy } from "../../support/servers/cutting_proxy.ts";
import { databaseTest } from "../../support/servers/database.ts";
import { type FragileServer, withFragileServer } from "../../support/servers/fragile_server.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { startGatewayProcess } from "../../support/programs/gateway_process.ts";
import { quietly } from "../../support/quietly.ts";
import { testServers } from "../../support/servers/servers.ts";
import { functionBackends, holdLock, lockWaiter, until } from "../../support/waiting.ts";
import { slowTest } from "../../support/runner/sampled.ts";

const RENAME = { old_name: "experts", new_name: "expert_profiles" };

/** Tests on a server of their own, with `settings`, that may be crashed. */
function crashTest(
  name: string,
  settings: Record<string, string>,
  body: (server: FragileServer) => Promise<void>,
): void {
  for (const { version } of testServers()) {
    slowTest(
      `[pg${version}] ${name}`,
      () => quietly(() => withFragileServer(version, settings, body)),
    );
  }
}

crashTest(
  "a server that crashes while a rename waits for its lock has not renamed",
  {},
  async ({ db, crash }) => {
    await using functions = functionsFor(db.url);
    const operations = await ToAndFro.prepare(db, functions);
    for (const operation of ["rename", "rollback"] as const) {
      await holdLock(db, operations.renamed ? "expert_profiles" : "experts");
      const { body } = await operations.attemptDuring(async () => {
        await lockWaiter(db.sql, "AccessExclusiveLock");
        await crash();
      });
      assertEquals(body.code, "database_unavailable");
      await operations.secondTry(operation);
    }
  },
);

crashTest(
  "a rename that was committed before the server crashed is answered 200",
  {},
  async ({ db, crash }) => {
    await using through = await proxied(db);
    for (const operation of ["rename", "rollback"] as const) {
      through.proxy.judge = beforeTheAnswer(crash);
      assertEquals((await through.operations.attempt()).status, 200);
      await through.operations.secondTry(operation);
    }
  },
);

// With asynchronous commits a crash may take along what was committed a moment ago.
crashTest(
  "a rename whose commit the crash took along is not answered 200",
  { synchronous_commit: "off", wal_writer_delay: "10s" },
  async ({ db, crash }) => {
    await using through = await proxied(db);
    for (const operation of ["rename", "rollback"] as const) {
      await db.admin`checkpoint`;
      through.proxy.judge = beforeTheAnswer(crash);
      const { status, body } = await through.operations.attempt();
      assertEquals(status, 503);
      // It was asked what became of it, and knew.
      assert(!body.detail.includes("during the commit"), body.detail);
      through.proxy.judge = () => "forward";
      await through.operations.secondTry(operation);
    }
  },
);

databaseTest(
  "a function killed while it waits for its lock leaves nothing behind",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const operations = await ToAndFro.prepare(db, functions);
    await using gateway = await startGatewayProcess(db.url);
    const holder = await holdLock(db, "experts");
    const answer = gateway.post("rename", RENAME).catch(() => "no answer");
    await lockWaiter(db.sql, "AccessExclusiveLock");
    await gateway.kill();
    assertEquals(await answer, "no answer");
    await functions[Symbol.asyncDispose]();
    await until("its backend is gone", async () => (await functionBackends(db.sql)).length === 0);
    await operations.look();
    assertEquals(operations.renamed, false);
    await holder.release();
    await operations.secondTry("rename");
  },
);

databaseTest(
  "a function killed right after it sent the critical section has renamed",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const operations = await ToAndFro.prepare(db, functions);
    await using proxy = startCuttingProxy(Number(new URL(db.url).port));
    await using gateway = await startGatewayProcess(proxy.through(db.url));
    proxy.judge = async (message) => {
      if (isCriticalSection(message)) await gateway.kill();
      return "forward" as const;
    };
    const answer = await gateway.post("rename", RENAME).catch(() => "no answer");
    assertEquals(answer, "no answer");
    await until("it is renamed", async () => {
      const [{ done }] = await db.sql`select to_regclass('expert_profiles') is not null as done`;
      return done;
    });
    await operations.look();
    assert(operations.renamed);
    await operations.attempt();
  },
);

/** Does something when the critical section has been answered, before its sender knows. */
function beforeTheAnswer(work: () => Promise<void>) {
  const isAfter = afterCriticalSection();
  let done: Promise<void> | undefined;
  return async (message: Parameters<typeof isCriticalSection>[0]) => {
    if (isAfter(message) && message.from === "server" && done === undefined) {
      done = work();
      await done;
      return "cut" as const;
    }
    return "forward" as const;
  };
}
