/** Starts a server for the tests, with the templates that test databases are copied from. */
import postgres from "postgres";
import { migrate } from "../../../shared/local/migrate.ts";
import type { PostgresVersion } from "../../../shared/local/postgres/binaries.ts";
import { type PostgresServer, startPostgres } from "../../../shared/local/postgres/server.ts";
import { createSupabaseRoles, makeSupabaseLike } from "../../../shared/local/supabase_like.ts";
import { templateOf, type TestServer, withMaintenance } from "./servers.ts";

/** Starts the server of `version` in the folder `dir`. Templates are made apart. */
export function startTestServer(version: PostgresVersion, dir: string): Promise<PostgresServer> {
  return startPostgres({
    version,
    dir,
    durable: false,
    settings: {
      max_connections: "300",
      autovacuum_naptime: "1h",
      // Tests that run at the same time share it, and must not push out each other's statements.
      "pg_stat_statements.max": "20000",
    },
  });
}

/** Makes the two templates, Supabase-like and migrated, and closes them to connections. */
export async function prepareTemplates(server: PostgresServer): Promise<TestServer> {
  const description = {
    version: server.version,
    port: server.port,
    password: server.password,
  };
  await createSupabaseRoles(server);
  // Whoever maintains the databases takes the statements of one that is dropped out of it.
  await withMaintenance(
    description,
    (sql) => sql`CREATE EXTENSION IF NOT EXISTS pg_stat_statements`,
  );
  await Promise.all((["classic", "none"] as const).map(async (style) => {
    const name = templateOf(style);
    await withMaintenance(
      description,
      (sql) => sql`CREATE DATABASE ${sql(name)} TEMPLATE template0 OWNER postgres`,
    );
    await makeSupabaseLike(server, name, style);
    await migrate(server.url("postgres", name));
    // Nobody can be connected to it while it is copied.
    await withMaintenance(
      description,
      (sql: postgres.Sql) => sql`ALTER DATABASE ${sql(name)} ALLOW_CONNECTIONS false`,
    );
  }));
  return description;
}
