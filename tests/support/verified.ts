/** Verifying a rename in a test: that it passes or fails for a reason, and that nothing has changed by it. */
import { assert, assertEquals } from "@std/assert";
import type postgres from "postgres";
import type { VerifyInput } from "../../shared/contract/requests.ts";
import type {
  Migration,
  VerifyAnswer,
  VerifyCheck,
  VerifyFailure,
} from "../../shared/contract/responses.ts";
import type { Settings } from "../../shared/http/settings.ts";
import { databaseTest, type DatabaseTestOptions, type TestDatabase } from "./servers/database.ts";
import { type Functions, functionsFor } from "./http/functions.ts";
import { databaseState, stateDifferences } from "./catalog/state.ts";

export interface Verified {
  db: TestDatabase;
  functions: Functions;
  migration: Migration;
  /** Verifies, and makes sure that nothing but the sequences that it names has changed. */
  verify(more?: Partial<VerifyInput>): Promise<VerifyAnswer>;
  /** Verifies with one check alone. */
  check(name: CheckName, more?: Partial<VerifyInput>): Promise<VerifyCheck>;
  /** The same, and is sure that it passed, for something that was tried. */
  passes(name: CheckName, more?: Partial<VerifyInput>): Promise<VerifyCheck>;
  /** The same, and is sure that it failed. */
  fails(name: CheckName, more?: Partial<VerifyInput>): Promise<VerifyFailure[]>;
}

export type CheckName = NonNullable<VerifyInput["checks"]>[number];

export interface VerifyTestOptions extends DatabaseTestOptions {
  /** Schema of the table. Default: public. */
  schema?: string;
  acknowledge?: string[];
  settings?: (db: TestDatabase) => Partial<Settings>;
}

/** A test that begins with the table `experts` of the schema given as SQL renamed to `expert_profiles`. */
export function verifyTest(
  name: string,
  schemaSql: string,
  body: (verified: Verified) => Promise<void>,
  { schema = "public", acknowledge, settings, ...options }: VerifyTestOptions = {},
): void {
  databaseTest(name, options, async ({ db }) => {
    await using functions = functionsFor(db.url, settings?.(db));
    await db.sql.unsafe(schemaSql).simple();
    const { migrations: [migration] } = await functions.rename({
      schema,
      old_name: "experts",
      new_name: "expert_profiles",
      acknowledge,
    });
    await body(verifying(db, functions, migration));
  });
}

/** What a test does with a migration that is active. */
export function verifying(
  db: TestDatabase,
  functions: Functions,
  migration: Migration,
): Verified {
  const verify: Verified["verify"] = async (more) => {
    const before = await everything(db);
    const answer = await functions.verify({ migration_id: migration.id, ...more });
    const named = new Set(sequencesIn(answer).map(({ sequence }) => sequence));
    const after = await everything(db);
    const changed = stateDifferences(before, after).filter((line) =>
      ![...named].some((name) => line.startsWith(`sequence ${name}:`)) &&
      // That it was verified is recorded.
      !line.startsWith("rows of table_rename.sys_table_migration_verifications:")
    );
    assertEquals(changed, []);
    assertEquals(answer.passed, answer.checks.every(({ passed }) => passed));
    for (const { passed, failures } of answer.checks) assertEquals(passed, failures.length === 0);
    return answer;
  };
  const check: Verified["check"] = async (name, more) => {
    const { checks: [found] } = await verify({ checks: [name], ...more });
    assertEquals(found.name, name);
    return found;
  };
  return {
    db,
    functions,
    migration,
    verify,
    check,
    passes: async (name, more) => {
      const found = await check(name, more);
      assert(found.passed && !found.skipped, JSON.stringify(found, null, 2));
      return found;
    },
    fails: async (name, more) => {
      const { passed, failures, detail } = await check(name, more);
      assert(!passed, detail);
      return failures;
    },
  };
}

/** The sequences that a check of writes names. */
export const sequencesIn = (
  { checks }: VerifyAnswer,
): { sequence: string; from: number | null; to: number }[] =>
  checks.flatMap(({ figures }) => figures?.sequences as [] ?? []);

/** Catalog, records, events, rows of every table of users, and where sequences stand. */
async function everything({ admin }: TestDatabase): Promise<Record<string, string>> {
  const tables = await admin`
    select format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and c.oid >= 16384 and n.nspname !~ '^pg_'`;
  return {
    ...await databaseState(admin),
    ...await rowsOf(admin, tables.map(({ name }) => name as string)),
    ...await sequences(admin),
  };
}

/** Drift that must not wait for somebody to ask has an event of its own. */
const EVENTS = "sys_table_migration_events";

/** Rows with the transactions that made them, so that one which was written anew is another. */
async function rowsOf(sql: postgres.Sql, tables: string[]): Promise<Record<string, string>> {
  const parts = tables.map((name) =>
    `select 'rows of ' || '${name.replaceAll("'", "''")}' as key,
       count(*) || ' ' || coalesce(sum(hashtextextended(t.xmin::text || t::text, 0)::numeric), 0) as row
     from ${name} t${name.endsWith(`.${EVENTS}`) ? " where operation <> 'drift'" : ""}`
  );
  const rows = await sql.unsafe(parts.join("\nunion all\n"));
  return Object.fromEntries(rows.map(({ key, row }) => [key, row]));
}

async function sequences(sql: postgres.Sql): Promise<Record<string, string>> {
  const rows = await sql`
    select format('sequence %I.%I', schemaname, sequencename) as key,
      coalesce(last_value::text, 'unused') as row
    from pg_sequences where sequencename <> ${`${EVENTS}_id_seq`}`;
  return Object.fromEntries(rows.map(({ key, row }) => [key, row]));
}
