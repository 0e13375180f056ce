/** Pages of migrations, newest first, by keyset pagination: every page costs the same. */
import type { RecordedRename } from "../facts/migration.ts";
import type { ListMigrationsQuery } from "../contract/requests.ts";
import { literal } from "../sql/quoting.ts";
import { decodeCursor } from "./cursor.ts";
import { migrationsFromRows, PRESENT } from "./read_migrations.ts";
import { USES_IN_CODE } from "./uses_in_code.ts";
import { LAST_VERIFIED } from "./verifications.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Query for one page and one more row, which shows whether there is a next page.
 *
 * @throws {Problem} `invalid_request` for a cursor that is not one of ours.
 */
export function migrationsPage(query: ListMigrationsQuery): string {
  const conditions = ["true"];
  if (query.id) conditions.push(`m.id = ${literal(query.id)}::uuid`);
  if (query.status) conditions.push(`m.status = ${literal(query.status)}`);
  if (query.schema) conditions.push(`m.schema_name = ${literal(query.schema)}`);
  if (query.batch_id) conditions.push(`m.batch_id = ${literal(query.batch_id)}::uuid`);
  if (query.cursor !== undefined) {
    const { time, id } = decodeCursor(query.cursor, "list-migrations", UUID);
    conditions.push(
      `(m.requested_at, m.id) < (${literal(time)}::timestamptz, ${literal(id)}::uuid)`,
    );
  }
  const limit = query.limit + 1;
  const rowsWhere = (...more: string[]) => `
  select m.* from public.sys_table_migrations m
  where ${[...conditions, ...more].join(" and ")}
  order by m.requested_at desc, m.id desc limit ${limit}`;
  let rows = rowsWhere();
  if (query.table !== undefined) {
    const name = literal(query.table);
    // Each branch reads an index in order; one condition with OR would sort all rows.
    rows = `
  (${rowsWhere(`m.old_name = ${name}`)})
  union all
  (${rowsWhere(`m.new_name = ${name}`, `m.old_name <> ${name}`)})
  order by requested_at desc, id desc limit ${limit}`;
  }
  const more = query.include.flatMap((name) => name in INCLUDED ? [` || ${INCLUDED[name]}`] : [])
    .join("");
  return `
with page as (${rows})
select to_jsonb(m) - 'plan' - 'fingerprint'${more} as migration,
  m.fingerprint -> 'without_columns' as without_columns, ${PRESENT}
from page m order by m.requested_at desc, m.id desc`;
}

/** What is read with the page; the rest of `include` needs a look at the database. */
const INCLUDED: Record<string, string> = {
  plan: `jsonb_build_object('plan', jsonb_build_object(
  'statements', coalesce(m.plan -> 'statements', '[]'),
  'acknowledged', coalesce(m.plan #> '{request,acknowledge}', '[]')))`,
  verification: `jsonb_build_object('last_verified', ${LAST_VERIFIED})`,
  uses_in_code: `jsonb_build_object('uses_in_code', ${USES_IN_CODE})`,
};

/** The page's rows as the plans need them, without the recorded states. */
export function recordedWithPage(rows: Record<string, unknown>[]): RecordedRename[] {
  return migrationsFromRows(rows).map((migration, index) => ({
    ...migration,
    present_name: rows[index].present_name as string | null,
    view_in_place: Boolean(rows[index].view_in_place),
    indexes: [],
    fingerprint: {
      before: {},
      after: null,
      view: null,
      without_columns: (rows[index].without_columns ?? []) as string[],
    },
  }));
}
