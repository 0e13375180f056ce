/** A server of a test's own, which may crash. */
import { join } from "node:path";
import postgres from "postgres";
import type { PostgresVersion } from "../../../shared/local/postgres/binaries.ts";
import { startPostgres } from "../../../shared/local/postgres/server.ts";
import { createSupabaseRoles, makeSupabaseLike } from "../../../shared/local/supabase_like.ts";
import { startCuttingProxy } from "./cutting_proxy.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { templateOf, withMaintenance } from "./servers.ts";

export interface FragileServer {
  /** A Supabase-like database with the tracking tables. */
  db: TestDatabase;
  /** Ends the server as a crash does, and starts it again, to be found where it was. */
  crash(): Promise<void>;
}

/** Starts a server, not one of those that the tests share, for as long as `work` runs. */
export async function withFragileServer(
  version: number,
  settings: Record<string, string>,
  work: (server: FragileServer) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "rename-crash-" });
  // The server's user passes through.
  if (Deno.build.os !== "windows") await Deno.chmod(folder, 0o711);
  const options = {
    version: version as PostgresVersion,
    dir: join(folder, "postgres"),
    // A server that crashes loses nothing by that; the machine does not crash.
    durable: false,
    settings: { synchronous_commit: "on", ...settings },
  };
  let server = await startPostgres(options);
  // Somebody else may take the port while the server is down.
  const proxy = startCuttingProxy(server.port);
  try {
    const description = { version, port: proxy.port, password: server.password };
    const template = templateOf("classic");
    await createSupabaseRoles(server);
    await withMaintenance(
      description,
      (sql) => sql`create database ${sql(template)} template template0 owner postgres`,
    );
    await makeSupabaseLike(server, template);
    await applyMigrations(server.url("postgres", template));
    const db = await createTestDatabase(description);
    await work({
      db,
      crash: async () => {
        await server.stop("immediate");
        server = await startPostgres(options);
        proxy.target = server.port;
      },
    });
    await db.close();
  } finally {
    await proxy[Symbol.asyncDispose]();
    await server.stop("immediate");
    await Deno.remove(folder, { recursive: true });
  }
}

/** Applies our migrations as they are, without the CLI. */
export async function applyMigrations(url: string): Promise<void> {
  const folder = new URL("../../../supabase/migrations/", import.meta.url);
  const files = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  for (const file of files) {
    await sql.unsafe(await Deno.readTextFile(new URL(file, folder))).simple();
  }
  await sql.end();
}
