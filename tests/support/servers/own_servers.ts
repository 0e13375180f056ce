/** Servers of a test file's own, for what is counted by a whole server or set for it. */
import { join } from "node:path";
import type { PostgresBinaries, PostgresVersion } from "../../../shared/local/postgres/binaries.ts";
import { type PostgresServer, startPostgres } from "../../../shared/local/postgres/server.ts";
import { createSupabaseRoles, makeSupabaseLike } from "../../../shared/local/supabase_like.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { hash, isChosen, sampled } from "../runner/sampled.ts";
import { applyMigrations } from "./fragile_server.ts";
import { templateOf, type TestServer, withMaintenance } from "./servers.ts";

export interface OwnServerTest {
  db: TestDatabase;
  server: PostgresServer;
}

export interface OwnServers {
  /**
   * Registers a test on one of the servers, which one its name decides, or with TEST_FULL=1 on each of them, with a
   * database of its own; one runs after the other.
   */
  test(
    name: string,
    body: (t: OwnServerTest) => Promise<void>,
    options?: { versions?: PostgresVersion[] },
  ): void;
}

/**
 * Starts a server of each version with these settings before the tests of the file that calls it, and stops
 * them after the last one.
 *
 * @param programs Of the one version. Default: those that the project installs.
 */
export function ownServers(
  versions: PostgresVersion[],
  settings: Record<string, string> = {},
  programs?: PostgresBinaries,
): OwnServers {
  const running = new Map<PostgresVersion, { server: PostgresServer; description: TestServer }>();
  let folder: string | undefined;
  Deno.test.beforeAll(async () => {
    folder = await Deno.makeTempDir({ prefix: "rename-own-" });
    // The servers' user passes through.
    if (Deno.build.os !== "windows") await Deno.chmod(folder, 0o711);
    await Promise.all(versions.map(async (version) => {
      const server = await startPostgres({
        version,
        dir: join(folder!, `postgres-${version}`),
        durable: false,
        settings: { autovacuum_naptime: "1h", ...settings },
        programs,
      });
      const description = { version, port: server.port, password: server.password };
      running.set(version, { server, description });
      await makeTemplate(server, description);
    }));
  });
  Deno.test.afterAll(async () => {
    await Promise.all([...running.values()].map(({ server }) => server.stop("immediate")));
    if (folder !== undefined) await Deno.remove(folder, { recursive: true });
  });
  return {
    test(name, body, options = {}) {
      if (!isChosen(name)) return;
      for (const version of chosen(name, options.versions ?? versions)) {
        Deno.test(`[pg${version}] ${name}`, async () => {
          const { server, description } = running.get(version)!;
          const db = await createTestDatabase(description);
          try {
            await body({ db, server });
          } finally {
            await db.close();
          }
        });
      }
    },
  };
}

const chosen = (name: string, versions: PostgresVersion[]) =>
  sampled(versions, [versions[hash(name) % versions.length]]);

async function makeTemplate(server: PostgresServer, description: TestServer): Promise<void> {
  const template = templateOf("classic");
  await createSupabaseRoles(server);
  await withMaintenance(
    description,
    (sql) => sql`create database ${sql(template)} template template0 owner postgres`,
  );
  await makeSupabaseLike(server, template);
  await applyMigrations(server.url("postgres", template));
}
