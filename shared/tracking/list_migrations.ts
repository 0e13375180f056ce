/** Pages of migrations, newest first, by keyset: each page costs the same, however deep it is. */
import type { RecordedRename } from "../facts/migration.ts";
import { Problem } from "../contract/problems.ts";
import type { ListMigrationsQuery } from "../contract/requests.ts";
import { literal } from "../sql/quoting.ts";
import { migrationsFromRows, PRESENT } from "./migrations.ts";

/** Where the next page begins: after this row. */
interface Cursor {
  requested_at: string;
  id: string;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TIMESTAMP = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?[+-](0\d|1[0-5]):[0-5]\d$/;

/**
 * Query for one page and one row more, which says whether there is a next page.
 *
 * @throws {Problem} `invalid_request` for a cursor that no page gave.
 */
export function migrationsPage(query: ListMigrationsQuery): string {
  const conditions = ["true"];
  if (query.status) conditions.push(`m.status = ${literal(query.status)}`);
  if (query.schema) conditions.push(`m.schema_name = ${literal(query.schema)}`);
  if (query.batch_id) conditions.push(`m.batch_id = ${literal(query.batch_id)}::uuid`);
  if (query.cursor !== undefined) {
    const { requested_at, id } = decodeCursor(query.cursor);
    conditions.push(
      `(m.requested_at, m.id) < (${literal(requested_at)}::timestamptz, ${literal(id)}::uuid)`,
    );
  }
  const branch = (more: string[]) =>
    `select m.* from public.sys_table_migrations m
     where ${[...conditions, ...more].join(" and ")}
     order by m.requested_at desc, m.id desc limit ${query.limit + 1}`;
  // Two ordered branches, one an index each, where one condition with OR would be sorted as a whole.
  const rows = query.table === undefined ? branch([]) : `
    (${branch([`m.old_name = ${literal(query.table)}`])})
    union all
    (${branch([`m.new_name = ${literal(query.table)}`, `m.old_name <> ${literal(query.table)}`])})
    order by requested_at desc, id desc limit ${query.limit + 1}`;
  return `
with page as (${rows})
select pg_catalog.to_jsonb(m) - 'plan' - 'fingerprint' as migration,
  m.fingerprint -> 'without_columns' as without_columns, ${PRESENT}
from page m order by m.requested_at desc, m.id desc`;
}

/** The page's rows as the plans need them, without the states that are kept for comparison. */
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

/** The opaque text that asks for the page after this row. */
export function encodeCursor(last: Cursor): string {
  return btoa(JSON.stringify([last.requested_at, last.id]))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function decodeCursor(text: string): Cursor {
  try {
    const [requested_at, id] = JSON.parse(atob(text.replaceAll("-", "+").replaceAll("_", "/")));
    if (isMoment(requested_at) && typeof id === "string" && UUID.test(id)) {
      return { requested_at, id };
    }
  } catch {
    // Not one of ours; told below.
  }
  const message = "not a cursor that list-migrations gave";
  throw new Problem("invalid_request", `"cursor" is not valid: ${message}`, {
    hint: "Send next_cursor of the page before, unchanged, or leave it out for the first page.",
    fields: { issues: [{ path: "cursor", message }] },
  });
}

/** Whether the server can read it: of the right form, and a day and an hour that there are. */
function isMoment(text: unknown): text is string {
  if (typeof text !== "string" || !TIMESTAMP.test(text)) return false;
  const local = text.slice(0, "2026-01-01T00:00:00".length);
  const time = Date.parse(`${local}Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(local);
}
