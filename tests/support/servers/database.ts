/** A fresh Supabase-like database with our migrations applied, for one test. */
import postgres from "postgres";
import type { DefaultPrivileges } from "../../../shared/local/supabase_like.ts";
import { hash, isChosen, sampled } from "../runner/sampled.ts";
import {
  connectToMaintain,
  serverUrl,
  templateOf,
  type TestServer,
  testServers,
  withMaintenance,
} from "./servers.ts";
import { needing, notTested } from "../runner/not_tested.ts";

/** How often the copy of a template is tried again while somebody else is copying it. */
const COPY_ATTEMPTS = 20;

/** What PostgREST does to run a request as a role. */
export interface ActAsOptions {
  /** The JWT's claims; `role` is always there. Default: no others. */
  claims?: Record<string, unknown>;
  /** Keep what was written. Default: false, it is rolled back. */
  commit?: boolean;
}

export interface TestDatabase {
  /** Major version of the server. */
  readonly version: number;
  readonly name: string;
  /** Connection string of the functions' role: postgres, or the member of it that TEST_ROLE names. */
  readonly url: string;
  /** Connection string as the superuser. */
  readonly adminUrl: string;
  /** Connections as role postgres (no superuser), owner of the database. */
  readonly sql: postgres.Sql;
  /** Connections as the superuser, for what a test has to prepare. */
  readonly admin: postgres.Sql;
  /**
   * Runs `work` in a transaction as `role`, with `request.jwt.claims` set, like PostgREST; with
   * the role's own timeouts not applied. Roles other than the API's are taken on by the superuser.
   */
  as<T>(
    role: string,
    work: (tx: postgres.TransactionSql) => Promise<T>,
    options?: ActAsOptions,
  ): Promise<T>;
  /** Connection string as any login role. */
  urlOf(role: string): string;
  /** More connections as role postgres, or as the `role` given; closed with the database. */
  // deno-lint-ignore ban-types
  connect(options?: postgres.Options<{}> & { role?: string }): postgres.Sql;
  /** Closes all connections and drops the database. */
  close(): Promise<void>;
}

export interface DatabaseTestOptions {
  /** Default privileges of the database. Default: `classic`. */
  defaultPrivileges?: DefaultPrivileges;
  /** On each of these major versions that runs, and on no other. Default: on one of those that run. */
  versions?: number[];
  /** On every server that runs: what is tested differs from version to version. Default: false. */
  everyVersion?: boolean;
  /** Why the test is skipped, or false. */
  ignore?: string | false;
  only?: boolean;
  sanitizeOps?: boolean;
  sanitizeResources?: boolean;
}

export interface DatabaseTestContext {
  db: TestDatabase;
  /** Deno's context, for steps. */
  test: Deno.TestContext;
}

type DatabaseTestBody = (t: DatabaseTestContext) => Promise<void> | void;

/**
 * Registers a test `[pg15] name` with a database of its own, dropped afterwards. It runs on one of the running
 * servers, which one its name decides, so that every other test runs on the other; or on each of them, where
 * the options say so or TEST_FULL is 1. A test for versions that do not run is named in the output.
 */
export function databaseTest(name: string, body: DatabaseTestBody): void;
export function databaseTest(
  name: string,
  options: DatabaseTestOptions,
  body: DatabaseTestBody,
): void;
export function databaseTest(
  name: string,
  second: DatabaseTestOptions | DatabaseTestBody,
  third?: DatabaseTestBody,
): void {
  const [options, body] = typeof second === "function" ? [{}, second] : [second, third!];
  const { defaultPrivileges, versions, everyVersion, ignore = false, ...rest } = options;
  const servers = testServers();
  if (servers.length === 0) {
    throw new Error("no database server is running for the tests; start them with npm test");
  }
  const everywhere = sampled(true, Boolean(everyVersion));
  const chosen = versions
    ? servers.filter(({ version }) => versions.includes(version))
    : everywhere
    ? servers
    : [servers[hash(name) % servers.length]];
  if (!isChosen(name)) return;
  if (chosen.length === 0) {
    notTested(`[pg${versions}] ${name}`, "no such server is running");
  }
  for (const server of chosen) {
    Deno.test({
      ...rest,
      ...needing(`[pg${server.version}] ${name}`, ignore),
      fn: async (test) => {
        const db = await createTestDatabase(server, defaultPrivileges);
        try {
          await body({ db, test });
        } finally {
          await db.close();
        }
      },
    });
  }
}

/** Makes a database on `server`; the caller closes it. */
export async function createTestDatabase(
  server: TestServer,
  defaultPrivileges: DefaultPrivileges = "classic",
): Promise<TestDatabase> {
  const name = `test_${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`;
  const ownRole = Deno.env.get("TEST_ROLE");
  if (ownRole) await makeMember(server, ownRole);
  // One connection for the whole test: to start one takes the server several times as long as what it is for.
  const maintenance = connectToMaintain(server);
  await copyTemplate(maintenance, name, templateOf(defaultPrivileges));

  const urlOf = (role: string) => serverUrl(server, role, name);
  const clients: postgres.Sql[] = [];
  const connect: TestDatabase["connect"] = ({ role = "postgres", ...options } = {}) => {
    const client = postgres(urlOf(role), { max: 5, onnotice: () => {}, ...options });
    clients.push(client);
    return client;
  };
  const sql = connect();
  const admin = connect({ role: "supabase_admin" });
  const api = connect({ role: "authenticator" });

  return {
    version: server.version,
    name,
    url: urlOf(ownRole || "postgres"),
    adminUrl: urlOf("supabase_admin"),
    sql,
    admin,
    as: (role, work, options) => actAs(API_ROLES.has(role) ? api : admin, role, work, options),
    urlOf,
    connect,
    async close() {
      await Promise.all(clients.map((client) => client.end({ timeout: 1 })));
      await forgetStatements(maintenance, name);
      await maintenance`DROP DATABASE IF EXISTS ${maintenance(name)} WITH (FORCE)`;
      await maintenance.end({ timeout: 5 });
    },
  };
}

/**
 * Takes the database's statements out of pg_stat_statements. It keeps a limited number for the whole server, and
 * those of a dropped database would push out those of a test that still runs.
 */
async function forgetStatements(maintenance: postgres.Sql, database: string): Promise<void> {
  await maintenance`
    SELECT pg_stat_statements_reset(0::oid, oid, 0) FROM pg_database
    WHERE datname = ${database}`.catch(() => {/* Not on a server that is a test's own. */});
}

const API_ROLES = new Set(["anon", "authenticated", "service_role"]);

async function actAs<T>(
  client: postgres.Sql,
  role: string,
  work: (tx: postgres.TransactionSql) => Promise<T>,
  { claims = {}, commit = false }: ActAsOptions = {},
): Promise<T> {
  const rollback = new Error("rolled back on purpose");
  let result: T;
  try {
    await client.begin(async (tx) => {
      const settings = JSON.stringify({ role, ...claims });
      await tx`SELECT set_config('request.jwt.claims', ${settings}, true),
        set_config('role', ${role}, true)`;
      result = await work(tx);
      if (!commit) throw rollback;
    });
  } catch (error) {
    if (error !== rollback) throw error;
  }
  return result!;
}

/** A login that is a member of postgres and has nothing of its own; it stays until the server goes. */
async function makeMember(server: TestServer, role: string): Promise<void> {
  await withMaintenance(server, async (sql) => {
    await sql.begin(async (tx) => {
      await tx`select pg_advisory_xact_lock(4217)`;
      if ((await tx`select from pg_roles where rolname = ${role}`).length > 0) return;
      await tx`create role ${tx(role)} login`;
      await tx.unsafe(`alter role "${role}" password '${server.password}'`);
      await tx`grant postgres to ${tx(role)}`;
    });
  });
}

async function copyTemplate(
  maintenance: postgres.Sql,
  name: string,
  template: string,
): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      await maintenance`CREATE DATABASE ${maintenance(name)} TEMPLATE ${maintenance(template)}
        OWNER postgres STRATEGY file_copy`;
      return;
    } catch (error) {
      // object_in_use: the template has a visitor, such as an autovacuum worker
      const busy = error instanceof postgres.PostgresError && error.code === "55006";
      if (!busy || attempt === COPY_ATTEMPTS) {
        await maintenance.end({ timeout: 5 });
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 50 * Math.random() + 25));
    }
  }
}
