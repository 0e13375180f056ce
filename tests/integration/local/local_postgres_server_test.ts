/** The embedded server by itself: its folder, its port, and what a killed run leaves behind. */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import postgres from "postgres";
import { findFreePort, PortInUseError } from "../../../shared/local/port.ts";
import {
  type PostgresOptions,
  type PostgresServer,
  startPostgres,
  SUPERUSER,
} from "../../../shared/local/postgres/server.ts";

const IS_ROOT = Deno.build.os !== "windows" && Deno.uid() === 0;

async function withFolder(work: (dir: string) => Promise<void>, mode = 0o711): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "rename-postgres-" });
  if (Deno.build.os !== "windows") await Deno.chmod(dir, mode);
  try {
    await work(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function withServer(
  options: Partial<PostgresOptions> & { dir: string },
  work: (server: PostgresServer) => Promise<void>,
): Promise<void> {
  const server = await startPostgres({ version: 17, durable: false, ...options });
  try {
    await work(server);
  } finally {
    await server.stop();
  }
}

async function query(url: string, text: string) {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return await sql.unsafe(text);
  } finally {
    await sql.end();
  }
}

Deno.test("a server listens on the loopback interface only and wants its password", () =>
  withFolder((dir) =>
    withServer({ dir, settings: { work_mem: "5MB" } }, async (server) => {
      const url = server.url(SUPERUSER, "postgres");
      const settings = await query(
        url,
        `SELECT string_agg(name || '=' || setting, ' ' ORDER BY name COLLATE "C") AS all FROM pg_settings
         WHERE name IN ('listen_addresses', 'unix_socket_directories', 'wal_level', 'work_mem',
           'fsync', 'server_encoding', 'TimeZone')`,
      );
      assertEquals(
        settings[0].all,
        "TimeZone=UTC fsync=off listen_addresses=127.0.0.1 server_encoding=UTF8 " +
          "unix_socket_directories= wal_level=logical work_mem=5120",
      );
      const wrong = url.replace(server.password, "guess");
      const error = await assertRejects(() => query(wrong, "SELECT 1"), postgres.PostgresError);
      assertEquals(error.code, "28P01");
    })
  ));

Deno.test("stopped and started again, on another port, a server has its data", () =>
  withFolder(async (dir) => {
    let password = "";
    await withServer({ dir }, async (server) => {
      password = server.password;
      await query(server.url(SUPERUSER, "postgres"), "CREATE TABLE kept (a int)");
      await server.stop();
      await server.stop();
    });
    const port = await findFreePort();
    await withServer({ dir, port }, async (server) => {
      assertEquals([server.port, server.password], [port, password]);
      await query(server.url(SUPERUSER, "postgres"), "SELECT a FROM kept");
    });
  }));

Deno.test("a pid file of a process that is another one by now does not keep it from starting", () =>
  withFolder(async (dir) => {
    await withServer({ dir }, () => Promise.resolve());
    const pidFile = join(dir, "data", "postmaster.pid");
    await Deno.writeTextFile(pidFile, `${Deno.pid}\n${join(dir, "data")}\n0\n1\n`);
    const notices: string[] = [];
    await withServer({ dir, notice: (message) => notices.push(message) }, async (server) => {
      await query(server.url(SUPERUSER, "postgres"), "SELECT 1");
    });
    assertEquals(notices, [`removed the stale ${pidFile} of a killed run`]);
  }));

Deno.test("a cluster whose making was cut short is made anew", () =>
  withFolder(async (dir) => {
    await Deno.mkdir(join(dir, "data.new", "base"), { recursive: true });
    await withServer({ dir }, async (server) => {
      await query(server.url(SUPERUSER, "postgres"), "SELECT 1");
    });
  }));

Deno.test("a taken port is refused by number, and nothing is left running", () =>
  withFolder(async (dir) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    const start = () => startPostgres({ version: 17, dir, port, durable: false });
    const error = await assertRejects(start, PortInUseError);
    assertEquals(error.port, port);
    // Its folder is free again.
    await withServer({ dir }, () => Promise.resolve());
  }));

Deno.test("a folder in use, and one of another version, are refused", () =>
  withFolder((dir) =>
    withServer({ dir }, async (server) => {
      const start = (version: 15 | 17) => () => startPostgres({ version, dir, durable: false });
      await assertRejects(start(17), Error, "in use by another run");
      await query(server.url(SUPERUSER, "postgres"), "SELECT 1");
      await server.stop();
      await assertRejects(start(15), Error, "holds data of PostgreSQL 17, not 15");
    })
  ));

Deno.test("a setting that the server refuses is reported in the server's own words", () =>
  withFolder(async (dir) => {
    const start = () =>
      startPostgres({ version: 17, dir, durable: false, settings: { wal_level: "some" } });
    await assertRejects(start, Error, 'invalid value for parameter "wal_level"');
  }));

Deno.test({
  name: "in a folder that its user cannot reach, the server gets a stand-in that it can",
  ignore: !IS_ROOT,
  fn: () =>
    withFolder(async (parent) => {
      const dir = join(parent, "data");
      const notices: string[] = [];
      let standIn = "";
      await withServer({ dir, notice: (message) => notices.push(message) }, async (server) => {
        standIn = server.dir;
        assertNotEquals(standIn, dir);
        await query(server.url(SUPERUSER, "postgres"), "CREATE TABLE kept (a int)");
      });
      try {
        assertEquals(notices.length, 1);
        assert(notices[0].includes(dir) && notices[0].includes(standIn), notices[0]);
        assertEquals((await Deno.stat(standIn)).mode! & 0o777, 0o700);
        await withServer({ dir }, async (server) => {
          assertEquals(server.dir, standIn);
          await query(server.url(SUPERUSER, "postgres"), "SELECT a FROM kept");
        });
      } finally {
        await Deno.remove(standIn, { recursive: true });
      }
    }, 0o700),
});
