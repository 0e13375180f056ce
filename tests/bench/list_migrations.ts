/** Pages of list-migrations among 100,000 migrations: the last one against the first. */
import { parseListMigrationsQuery } from "../../shared/contract/parse_requests.ts";
import { encodeCursor } from "../../shared/tracking/cursor.ts";
import { migrationsPage } from "../../shared/tracking/list_migrations.ts";
import type { TestDatabase } from "../support/servers/database.ts";
import { type Bench, type Measurement, ratioRow, type Row } from "./bench.ts";
import { median, shuffled, spread } from "./statistics.ts";

const COUNT = 100_000;
const LIMIT = 50;

const FILTERS: Record<string, Record<string, string>> = {
  "no filter": {},
  "status, common": { status: "rolled_back" },
  "status, rare": { status: "active" },
  "schema": { schema: "schema_3" },
  "table": { table: "table_7" },
  "batch": { batch_id: "00000000-0000-4000-8000-000000000042" },
  "status and schema": { status: "finalized", schema: "schema_3" },
  "status and table": { status: "rolled_back", table: "table_7" },
};

export const listPages: Measurement = {
  name: "list-migrations",
  title: "Pages of list-migrations among 100,000",
  run: (bench) =>
    bench.withDatabase(async (db) => {
      await fill(db);
      const rows: Row[] = [];
      for (const [name, filter] of Object.entries(FILTERS)) {
        bench.say(name);
        rows.push(await lastAgainstFirst(bench, db, name, filter));
      }
      return { rows };
    }),
};

/** A few are active, since a name can be on its way once only; batches are of a hundred. */
async function fill(db: TestDatabase): Promise<void> {
  await db.sql.unsafe(`
    insert into public.sys_table_migrations (batch_id, schema_name, old_name, new_name, status,
      plan_hash, requested_at, requested_by, migrated_at, rollback_at, finalized_at, dependencies, plan)
    select ('00000000-0000-4000-8000-' || lpad((i / 100)::text, 12, '0'))::uuid,
      'schema_' || i / 7 % 20,
      case when i % 100 = 0 then 'active_' || i else 'table_' || i % 50 end,
      'new_' || i,
      case when i % 100 = 0 then 'active' when i % 4 = 0 then 'finalized' else 'rolled_back' end,
      'sha256:' || repeat('0', 64), now() - i * interval '1 minute', 'bench',
      now(), now(), now(), '{"indexes": ["one", "two"]}', jsonb_build_object('sql', repeat('x', 500))
    from generate_series(1, ${COUNT}) i`);
  await db.admin.unsafe("vacuum analyze public.sys_table_migrations");
}

async function lastAgainstFirst(
  bench: Bench,
  db: TestDatabase,
  name: string,
  filter: Record<string, string>,
): Promise<Row> {
  const query = parseListMigrationsQuery({ ...filter, limit: String(LIMIT) });
  const cursor = await lastCursor(db, filter);
  const pages = {
    first: migrationsPage(query),
    last: migrationsPage(parseListMigrationsQuery({ ...filter, limit: String(LIMIT), cursor })),
  };
  const times = { first: [] as number[], last: [] as number[] };
  for (let round = -3; round < bench.rounds(100, 20); round++) {
    for (const page of shuffled(["first", "last"] as const)) {
      const started = performance.now();
      const rows = await db.sql.unsafe(pages[page]).simple();
      const took = performance.now() - started;
      if (rows.length < LIMIT) throw new Error(`the ${page} page has ${rows.length} rows only`);
      if (round >= 0) times[page].push(took);
    }
  }
  return ratioRow(
    `${name}: last page against first`,
    `${spread(times.last)} against ${spread(times.first)}`,
    median(times.last) / median(times.first),
    1.5,
  );
}

/** The cursor before the last full page, as the page before it gives it. */
async function lastCursor(db: TestDatabase, filter: Record<string, string>): Promise<string> {
  const names: Record<string, string> = {
    status: "status",
    schema: "schema_name",
    table: "old_name",
    batch_id: "batch_id::text",
  };
  const conditions = Object.entries(filter).map(([key, value]) => `${names[key]} = '${value}'`);
  const [row] = await db.sql.unsafe(`
    select to_jsonb(requested_at) #>> '{}' as requested_at, id::text as id
    from public.sys_table_migrations
    where ${["true", ...conditions].join(" and ")}
    order by requested_at, id offset ${LIMIT} limit 1`);
  return encodeCursor(row.requested_at, row.id);
}
