/**
 * The running PostgreSQL servers that tests/run.ts hands to the tests through the environment:
 * `TEST_PG_15`, `TEST_PG_17`, … hold JSON, see TestServer.
 */
import postgres from "postgres";
import type { DefaultPrivileges } from "../../../shared/local/supabase_like.ts";

export interface TestServer {
  version: number;
  port: number;
  /** Of every login role. */
  password: string;
}

/** All versions that can be run, by environment variable. */
const VERSIONS = [15, 17, 18];

/** The servers that are running, oldest version first. Empty for `npm test -- --unit`. */
export function testServers(): TestServer[] {
  return VERSIONS.flatMap((version) => {
    const text = Deno.env.get(variableOf(version));
    return text ? [JSON.parse(text) as TestServer] : [];
  });
}

/** The name of the environment variable that describes the server of `version`. */
export function variableOf(version: number): string {
  return `TEST_PG_${version}`;
}

/** The prepared database that test databases with these default privileges are copied from. */
export function templateOf(defaultPrivileges: DefaultPrivileges): string {
  return `template_${defaultPrivileges}`;
}

/** Connection string of `role` to `database`. */
export function serverUrl(server: TestServer, role: string, database: string): string {
  return `postgresql://${role}:${server.password}@127.0.0.1:${server.port}/${database}`;
}

/** A superuser's connection to the maintenance database; the caller ends it. */
export const connectToMaintain = (server: TestServer): postgres.Sql =>
  postgres(serverUrl(server, "supabase_admin", "postgres"), {
    max: 1,
    fetch_types: false,
    onnotice: () => {},
  });

/** Runs `work` with a superuser's connection to the maintenance database. */
export async function withMaintenance<T>(
  server: TestServer,
  work: (sql: postgres.Sql) => Promise<T>,
): Promise<T> {
  const sql = connectToMaintain(server);
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
