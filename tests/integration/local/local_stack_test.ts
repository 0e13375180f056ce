/** `npm run serve` as its users meet it: started, stopped, killed, started again. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import postgres from "postgres";
import { databaseTest } from "../../support/servers/database.ts";
import {
  CAN_LIST_PROCESSES,
  descendants,
  listProcesses,
  waitUntilGone,
} from "../../support/programs/processes.ts";
import { type ServeProcess, withStacks } from "../../support/programs/serve_process.ts";
import { slowTest } from "../../support/runner/sampled.ts";

const ignore = !CAN_LIST_PROCESSES;

const READY = /curl (\S+)\/functions\/v1\/list-migrations -H "apikey: (sb_secret_\S+)"/;

async function ready(stack: ServeProcess) {
  const [, url, key] = await stack.waitFor(READY);
  const [, databaseUrl] = await stack.waitFor(/Database +(postgresql:\S+)/);
  return { url, key, databaseUrl };
}

/** The processes of the stack: below npm, and the database, which has a session of its own. */
function processesOf(stack: ServeProcess, dir: string) {
  const pids = new Set(descendants(stack.pid).map(({ pid }) => pid));
  return () => listProcesses().filter(({ pid, command }) => pids.has(pid) || command.includes(dir));
}

async function query(databaseUrl: string, text: string) {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  try {
    return await sql.unsafe(text);
  } finally {
    await sql.end();
  }
}

/** Kills the stack itself, as `kill -9` or the system's memory guard would. */
function killStack(dir: string, stack: ServeProcess, alsoKill: (command: string) => boolean) {
  const victims = [
    ...descendants(stack.pid),
    ...listProcesses().filter(({ command }) => command.includes(dir)),
  ].filter(({ command }) => command.includes("serve.ts") || alsoKill(command));
  assert(victims.length > 0, "there is a stack to kill");
  for (const pid of new Set(victims.map(({ pid }) => pid))) Deno.kill(pid, "SIGKILL");
}

slowTest(
  { name: "the stack answers, and a signal to npm alone ends all of it", ignore },
  () =>
    withStacks(async (dir, start) => {
      // The functions' login of another database is not used before this one.
      const stack = start({ RENAME_DB_URL: "postgresql://nobody:x@127.0.0.1:1/elsewhere" });
      const { url, key, databaseUrl } = await ready(stack);
      const list = await fetch(`${url}/functions/v1/list-migrations`, { headers: { apikey: key } });
      assertEquals([list.status, await list.json()], [200, { migrations: [], next_cursor: null }]);
      // The page, which a browser opens by the link.
      assertStringIncludes(await (await fetch(`${url}/`)).text(), "Open the link");
      const [, link] = await stack.waitFor(/Page +(\S+)/);
      const opened = await fetch(link, { redirect: "manual" });
      await opened.body?.cancel();
      assertEquals([opened.status, opened.headers.get("location")], [303, "/"]);
      const [row] = await query(databaseUrl, "SELECT current_user AS role");
      assertEquals(row.role, "postgres");

      const left = processesOf(stack, dir);
      assert(left().some(({ command }) => command.includes("postgres -D")), "a database runs");
      Deno.kill(stack.pid, "SIGTERM");
      assertEquals(await waitUntilGone(left), []);
      await stack.ended();
    }),
);

slowTest(
  { name: "Ctrl-C, a signal to every process of the terminal, ends all of it", ignore },
  () =>
    withStacks(async (dir, start) => {
      const stack = start();
      await ready(stack);
      const left = processesOf(stack, dir);
      for (const { pid } of descendants(stack.pid)) Deno.kill(pid, "SIGINT");
      assertEquals(await waitUntilGone(left), []);
      await stack.ended();
      assertMatch(stack.output, /stopping: SIGINT/);
    }),
);

slowTest(
  { name: "npm killed outright: the stack notices and ends", ignore },
  () =>
    withStacks(async (dir, start) => {
      const stack = start();
      await ready(stack);
      const left = processesOf(stack, dir);
      stack.kill("SIGKILL");
      assertEquals(await waitUntilGone(left), []);
      await stack.ended();
    }),
);

slowTest(
  { name: "after kill -9 the database ends, and data and key are there again", ignore },
  () =>
    withStacks(async (dir, start) => {
      const first = start();
      const before = await ready(first);
      await query(before.databaseUrl, "CREATE TABLE kept AS SELECT 42 AS answer");
      killStack(dir, first, () => false);
      await first.ended();
      const database = () => listProcesses().filter(({ command }) => command.includes(dir));
      assertEquals(await waitUntilGone(database), [], "the watchdog has stopped the database");

      const second = start();
      const after = await ready(second);
      assertEquals(after.key, before.key);
      const [row] = await query(after.databaseUrl, "SELECT answer FROM kept");
      assertEquals(row.answer, 42);
      second.kill("SIGTERM");
      await second.ended();
    }),
);

slowTest(
  { name: "a database left over by a killed run and watchdog is stopped first", ignore },
  () =>
    withStacks(async (dir, start) => {
      const first = start();
      await ready(first);
      killStack(dir, first, (command) => command.startsWith("/bin/sh -c trap"));
      await first.ended();
      assert(listProcesses().some(({ command }) => command.includes("postgres -D " + dir)));

      const second = start();
      const { databaseUrl } = await ready(second);
      assertMatch(second.output, /stopped the PostgreSQL server \(pid \d+\) that a killed run/);
      await query(databaseUrl, "SELECT 1");
      const left = processesOf(second, dir);
      second.kill("SIGTERM");
      assertEquals(await waitUntilGone(left), []);
      await second.ended();
    }),
);

slowTest(
  { name: "a taken port is named, with the variable that chooses another", ignore },
  () =>
    withStacks(async (dir, start) => {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const port = String((listener.addr as Deno.NetAddr).port);
      for (const variable of ["PORT", "PG_PORT"]) {
        const stack = start({ [variable]: port });
        const status = await stack.ended();
        assertEquals(status.code, 1);
        assertStringIncludes(
          stack.output,
          `port ${port} on 127.0.0.1 is already in use; choose another with ${variable}=`,
        );
      }
      assertEquals(listProcesses().filter(({ command }) => command.includes(dir)), []);
    }),
);

slowTest(
  { name: "a second stack on the same folder leaves the first one alone", ignore },
  () =>
    withStacks(async (_dir, start) => {
      const first = start();
      const { databaseUrl } = await ready(first);
      const second = start();
      assertEquals((await second.ended()).code, 1);
      assertStringIncludes(second.output, "in use by another run");
      await query(databaseUrl, "SELECT 1");
      first.kill("SIGTERM");
      await first.ended();
    }),
);

databaseTest(
  "a database that is named is used as it is, and its password is not printed",
  { versions: [17], ignore: ignore && "processes can be listed on Linux only" },
  ({ db }) =>
    withStacks(async (dir, start) => {
      await db.sql`DROP TABLE IF EXISTS public.sys_table_migrations CASCADE`;
      const stack = start({ SUPABASE_DB_URL: db.url });
      await stack.waitFor(READY);
      assertStringIncludes(stack.output, "run npm run migrate");
      assertEquals(stack.output.includes(new URL(db.url).password), false);
      const [{ there }] = await db
        .sql`SELECT to_regclass('public.sys_table_migrations') IS NOT NULL AS there`;
      assertEquals(there, false, "it is not migrated");
      const left = processesOf(stack, dir);
      assertEquals(left().filter(({ command }) => command.includes(dir)), [], "none is started");
      stack.kill("SIGTERM");
      assertEquals(await waitUntilGone(left), []);
      await stack.ended();
    }),
);
