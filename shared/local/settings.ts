/** The local stack's settings in the environment. */
import { POSTGRES_VERSIONS, type PostgresVersion } from "./postgres/binaries.ts";
import { stateFolder } from "./state_folder.ts";

export interface StackSettings {
  /** PORT: the gateway's; 0: a free one. Default 54321. */
  port: number;
  /** SUPABASE_DB_URL: an existing database to use. Default: an embedded one. */
  databaseUrl?: string;
  /** PG_VERSION: major version of the embedded database. Default 17. */
  postgresVersion: PostgresVersion;
  /** PG_PORT: port of the embedded database; 0: a free one. Default 54322. */
  postgresPort: number;
  /** READ_ONLY: whether the page changes nothing. Default: false. */
  readOnly?: boolean;
  /** LOCAL_DIR: where the embedded database and the keys are kept. Default: .local in the repository. */
  dir: string;
}

/**
 * Reads the settings; empty variables count as not set.
 *
 * @throws {Error} a value that cannot be used; the message names the variable
 */
export function readSettings(get: (name: string) => string | undefined): StackSettings {
  const version = Number(get("PG_VERSION") || 17) as PostgresVersion;
  if (!POSTGRES_VERSIONS.includes(version)) {
    throw new Error(`PG_VERSION can be ${POSTGRES_VERSIONS.join(", ")}, not ${get("PG_VERSION")}`);
  }
  const databaseUrl = get("SUPABASE_DB_URL");
  return {
    port: readPort("PORT", get("PORT"), 54321),
    ...(databaseUrl && { databaseUrl }),
    postgresVersion: version,
    postgresPort: readPort("PG_PORT", get("PG_PORT"), 54322),
    readOnly: ["1", "true"].includes(get("READ_ONLY") ?? ""),
    dir: stateFolder(get),
  };
}

function readPort(variable: string, value: string | undefined, fallback: number): number {
  if (!value) return fallback;
  const port = /^\d+$/.test(value) ? Number(value) : NaN;
  if (!(port <= 65535)) throw new Error(`${variable} should be a port, 0 to 65535, not ${value}`);
  return port;
}
