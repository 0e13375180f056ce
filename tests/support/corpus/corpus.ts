/**
 * The corpus: real schemas that we did not write (of stripe-sync-engine, graphile-worker and pg-boss, each made
 * by its own code) and three of our own in tests/corpus/, side by side in one database.
 */
import { runMigrations } from "graphile-worker";
import PgBoss from "pg-boss";
import type postgres from "postgres";
import type { Rename } from "../../../shared/contract/requests.ts";
import { type Build, build, BUILDS } from "./corpus_built.ts";
import type { TestDatabase } from "../servers/database.ts";
import { createStripeSchema, STRIPE_SCHEMA } from "./stripe_schema.ts";

/** Schemas of the corpus, by the name that tests give each. */
export const CORPUS_SCHEMAS = {
  stripe: STRIPE_SCHEMA,
  graphileWorker: "graphile_worker",
  pgBoss: "pgboss",
  multiTenant: "public",
  telemetry: "telemetry",
  ledger: "Old Ledger",
} as const;

/** Queues of pg-boss; each has a partition of its own table. */
export const QUEUES = ["welcome-mail", "invoices"];

export interface CorpusTable {
  schema: string;
  name: string;
}

/** Makes all schemas of the corpus, with rows in most of their tables. */
export async function createCorpus(db: TestDatabase): Promise<void> {
  // The files begin transactions and set a search path, so a session of their own.
  const sql = db.connect({ max: 1 });
  try {
    await createStripeSchema(sql);
    await createGraphileWorkerSchema(db.url, sql);
    await createPgBossSchema(sql);
    for (const name of ["multi_tenant", "telemetry", "ledger"]) {
      await sql.unsafe(await corpusFile(name)).simple();
    }
    // As on a hosted project, some of it belongs to the platform's roles.
    await db.admin.unsafe(await corpusFile("multi_tenant.admin")).simple();
    await sql.unsafe(await corpusFile("multi_tenant.rows")).simple();
  } finally {
    await sql.end();
  }
}

async function createGraphileWorkerSchema(url: string, sql: postgres.Sql): Promise<void> {
  await runMigrations({ connectionString: url });
  await sql.unsafe(`
    select graphile_worker.add_job('greet', '{"n": 1}', queue_name => 'greetings');
    select graphile_worker.add_job('greet', '{"n": 2}', job_key => 'only one');
    insert into graphile_worker._private_known_crontabs (identifier, known_since) values ('tidy', now())`)
    .simple();
}

async function createPgBossSchema(sql: postgres.Sql): Promise<void> {
  await sql.unsafe(PgBoss.getConstructionPlans(CORPUS_SCHEMAS.pgBoss)).simple();
  for (const queue of QUEUES) {
    await sql`select pgboss.create_queue(${queue}, '{"policy": "standard"}')`;
    await sql`insert into pgboss.job (name, data) values (${queue}, '{"n": 1}')`;
  }
  await sql`insert into pgboss.schedule (name, cron) values (${QUEUES[0]}, '* * * * *')`;
}

const corpusFile = (name: string) =>
  Deno.readTextFile(new URL(`../../corpus/${name}.sql`, import.meta.url));

/** The tables of the corpus that can be renamed, sorted by schema and name. */
export async function corpusTables(db: TestDatabase): Promise<CorpusTable[]> {
  const schemas = Object.values(CORPUS_SCHEMAS);
  return await db.sql<CorpusTable[]>`
    select n.nspname as schema, c.relname as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any(${schemas}) and c.relkind in ('r', 'p')
      and c.relname not like 'sys\\_table\\_migration%'
    order by n.nspname collate "C", c.relname collate "C"`;
}

/** The schema in which tests build on the tables. */
export const BUILT_SCHEMA = "built";

/** The package's tables are many and alike: on each of them some kinds of things are built, in turn. */
function kindsFor({ schema }: CorpusTable, place: number): Build[] {
  const ours = [CORPUS_SCHEMAS.multiTenant, CORPUS_SCHEMAS.telemetry, CORPUS_SCHEMAS.ledger];
  if (ours.some((own) => own === schema)) return [...BUILDS];
  return BUILDS.filter((_, n) => n % 4 === place % 4);
}

/** Statements that build on a table, or on whatever has its name now. */
export async function buildsOn(db: TestDatabase, tables: CorpusTable[]): Promise<string[]> {
  const columns = await db.sql<{ key: string; names: string[] }[]>`
    select n.nspname || '.' || c.relname as key, array_agg(a.attname::text order by a.attnum) as names
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where n.nspname = any(${Object.values(CORPUS_SCHEMAS)}) and c.relkind in ('r', 'p', 'v')
      and a.atttypid not in (
        select t.oid from pg_type t where t.typname in ('json', 'jsonb') or t.typtype = 'c')
    group by 1`;
  const columnsOf = new Map(columns.map(({ key, names }) => [key, names]));
  return tables.map((table, place) =>
    build(
      { ...table, columns: columnsOf.get(`${table.schema}.${table.name}`)! },
      BUILT_SCHEMA,
      `b${place}`,
      kindsFor(table, place),
    )
  );
}

/** What is put before each table's name when all are renamed. */
export const PREFIX = "new_";

/** A table's new name: with the prefix, and no longer than an identifier can be. */
export function renameOf({ schema, name }: CorpusTable): Rename {
  const longest = 63 - PREFIX.length;
  const fits = new TextEncoder().encode(name).length <= longest;
  return { schema, old_name: name, new_name: PREFIX + (fits ? name : name.slice(-longest)) };
}
