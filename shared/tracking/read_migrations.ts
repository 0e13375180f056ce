/** Reads the table of migrations; `migrations.ts` writes it. */
import type { MigrationStatus, SelectionRequest } from "../contract/requests.ts";
import type { Migration } from "../contract/responses.ts";
import { type Changes, type Fingerprint, withChanges } from "../facts/fingerprint.ts";
import type { NameHolder, RecordedRename, TrackedRename } from "../facts/migration.ts";
import { jsonbLiteral, literal } from "../sql/quoting.ts";
import { uuids } from "./events.ts";

/** A row as callers see it, without what is kept for later comparison. */
const AS_JSON = "to_jsonb(m) - 'plan' - 'fingerprint' as migration";

export type Selection = Pick<SelectionRequest, "migration_id" | "batch_id" | "table" | "schema">;

/** Query for the rows of a batch in the order of their proposal, whatever their status. */
export function proposedBatch(batchId: string, lock: boolean): string {
  return `
select m.id, m.schema_name, m.old_name, m.new_name, m.status, m.compatibility_view_created,
  m.plan_hash, m.plan
from public.sys_table_migrations m
where m.batch_id = ${literal(batchId)}::uuid
order by m.requested_at, m.id${lock ? "\nfor update" : ""}`;
}

/** Query for the rows of these ids, as callers see them. */
export function migrationsById(ids: string[]): string {
  return `
select ${AS_JSON} from public.sys_table_migrations m
where m.id in (${uuids(ids)})`;
}

/** Query for the last rows with this old or new name, except active ones, as callers see them. */
export function namedMigrations(schema: string, table: string): string {
  return `
select ${AS_JSON} from public.sys_table_migrations m
where m.schema_name = ${literal(schema)} and ${literal(table)} in (m.old_name, m.new_name)
  and m.status <> 'active'
order by m.requested_at desc, m.id desc
limit 20`;
}

/** Query for the old and new names of unfinished migrations. */
export function unfinishedNames(): string {
  return `
select m.schema_name as schema, e.name as table
from public.sys_table_migrations m, lateral (values (m.old_name), (m.new_name)) e(name)
where m.status in ('pending', 'active')
limit 10000`;
}

/**
 * Query for the names of the active renames of these schemas, or of all; the earliest first, which is the order in
 * which a table that was renamed several times got its names.
 */
export function activeRenames(schemas: string[] | undefined): string {
  const condition = schemas === undefined
    ? "true"
    : `m.schema_name in (select jsonb_array_elements_text(${jsonbLiteral(schemas)}))`;
  return `
select m.schema_name, m.old_name, m.new_name, m.compatibility_view_created
from public.sys_table_migrations m
where m.status = 'active' and ${condition}
order by m.migrated_at, m.requested_at, m.id`;
}

/** Reads rows as callers see them. */
export function migrationsFromRows(rows: Record<string, unknown>[]): Migration[] {
  return rows.map((row) => row.migration as Migration);
}

/**
 * Query for the unfinished migrations that use any of the names, as the plans need them.
 *
 * @param but A batch to leave out: the one that the request is about.
 */
export function trackedByNames(
  names: { schema: string; name: string }[],
  but: string | null = null,
): string {
  const ofOthers = but === null ? "true" : `m.batch_id <> ${literal(but)}::uuid`;
  return `
select m.id, m.schema_name, m.old_name, m.new_name, m.status, m.batch_id, m.requested_by,
  m.table_oid::float8 as table_oid,
  coalesce((
    -- In a copied database it has another OID than was recorded.
    select c.oid::bigint::float8
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where m.compatibility_view_created and c.relkind = 'v' and c.relname = m.old_name::name
      and n.nspname = m.schema_name::name
  ), m.view_oid::float8) as view_oid,
  m.status = 'active'
    and not exists (
      select from pg_class c where c.oid = m.table_oid::oid and c.relkind in ('r', 'p'))
    and not exists (
      select from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relname = m.new_name::name and n.nspname = m.schema_name::name) as table_gone
from public.sys_table_migrations m
where m.status in ('pending', 'active') and ${ofOthers} and exists (
  select from jsonb_to_recordset(${jsonbLiteral(names)}) as e(schema text, name text)
  where m.schema_name = e.schema and e.name in (m.old_name, m.new_name))`;
}

/** Query for all active and finalized migrations, as the plans need them: the names that tables have and had. */
export function standingMigrations(): string {
  return `
select m.id, m.schema_name, m.old_name, m.new_name, m.status,
  m.table_oid::float8 as table_oid, m.view_oid::float8 as view_oid
from public.sys_table_migrations m where m.status in ('active', 'finalized')
order by m.migrated_at`;
}

/** Reads the answer of `trackedByNames`. */
export const holdersFromRows = (rows: Record<string, unknown>[]) => rows as unknown as NameHolder[];

/** Reads the answer of `standingMigrations`. */
export const trackedFromRows = (rows: Record<string, unknown>[]) =>
  rows as unknown as TrackedRename[];

/** Columns about the recorded OIDs of the migration `m`: the name of the table, and whether the view is in its place. */
export const PRESENT = `(
    select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid = m.table_oid::oid and n.nspname = m.schema_name::name) as present_name,
  exists (
    select from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid = m.view_oid::oid and c.relkind = 'v' and c.relname = m.old_name::name
      and n.nspname = m.schema_name::name) as view_in_place`;

/** Query for the migrations that a request selects, newest first; those selected by table only in `statuses`. */
export function selectedMigrations(
  selection: Selection & { ids?: string[] },
  statuses: MigrationStatus[],
  lock: boolean,
): string {
  const { migration_id, batch_id, table, schema = "public", ids } = selection;
  const condition = ids !== undefined
    ? `m.id in (${uuids(ids)})`
    : migration_id !== undefined
    ? `m.id = ${literal(migration_id)}::uuid`
    : batch_id !== undefined
    ? `m.batch_id = ${literal(batch_id)}::uuid`
    : `m.schema_name = ${literal(schema)} and m.status in (${statuses.map(literal).join(", ")})
       and ${literal(table!)} in (m.old_name, m.new_name)`;
  return `
select m.id, m.schema_name, m.old_name, m.new_name, m.status, m.compatibility_view_created,
  m.table_oid::float8 as table_oid, m.view_oid::float8 as view_oid, m.fingerprint,
  ${PRESENT},
  coalesce(m.plan -> 'indexes', '[]') as indexes, coalesce(m.plan -> 'texts', '[]') as texts,
  coalesce((m.plan ->> 'in_history')::boolean, false) as in_history
from public.sys_table_migrations m
where ${condition}
order by m.migrated_at desc nulls last, m.id desc${lock ? "\nfor update" : ""}`;
}

/** States as they are recorded: by what differs from the one before the rename, or whole, as earlier versions did. */
interface StoredFingerprints {
  before: Fingerprint;
  after?: Changes | Fingerprint | null;
  view?: Changes | Fingerprint | null;
  without_columns?: string[];
}

const isChanges = (state: Changes | Fingerprint): state is Changes =>
  typeof state.changed === "object";

/** Reads the answer of `selectedMigrations`. */
export function recordedFromRows(rows: Record<string, unknown>[]): RecordedRename[] {
  return rows.map((row) => {
    const { before, after, view, without_columns = [] } = row.fingerprint as StoredFingerprints;
    const whole = (state: Changes | Fingerprint | null = null) =>
      state !== null && isChanges(state) ? withChanges(before, state) : state;
    const fingerprint = { before, after: whole(after), view: whole(view), without_columns };
    return { ...row, fingerprint } as unknown as RecordedRename;
  });
}
