/** The table of migrations: the SQL that writes and reads it. Nothing else touches it. */
import type {
  NameHolder,
  RecordedFingerprints,
  RecordedRename,
  RenamedIndex,
  TrackedRename,
} from "../facts/migration.ts";
import type { Migration } from "../contract/responses.ts";
import type { MigrationStatus, SelectionRequest } from "../contract/requests.ts";
import type { Fingerprint } from "../facts/fingerprint.ts";
import { jsonbLiteral, literal, nullableLiteral } from "../sql/quoting.ts";
import { notify, type Receiver } from "./notifications.ts";

/** A row as it is first written. */
export interface NewMigration {
  id: string;
  schema_name: string;
  old_name: string;
  new_name: string;
  table_oid: number;
  dependencies: Record<string, unknown>;
  plan: Record<string, unknown> & { indexes: RenamedIndex[] };
  fingerprint: { before: Fingerprint };
}

export interface NewBatch {
  batch_id: string;
  plan_hash: string;
  actor: string;
  notes: string | undefined;
  compatibility_view: boolean;
  /** A proposal is pending until it is applied or withdrawn. */
  status: "active" | "pending";
  migrations: NewMigration[];
}

/** A row as callers see it; what is kept for later comparison stays inside. */
const AS_JSON = "pg_catalog.to_jsonb(m) - 'plan' - 'fingerprint' as migration";

/**
 * Statement that records a batch, each row a moment later than the one before, so that lists keep
 * the order. It runs in the transaction of the rename, before the locks that
 * clients feel are taken: nobody sees it until the commit.
 */
export function insertBatch(batch: NewBatch): string {
  return `
insert into public.sys_table_migrations (
  id, batch_id, schema_name, old_name, new_name, status, table_oid, compatibility_view_created,
  dependencies, plan, plan_hash, fingerprint, requested_at, requested_by, migrated_at, migrated_by, notes)
select e.id, ${literal(batch.batch_id)}::uuid, e.schema_name, e.old_name, e.new_name, ${
    literal(batch.status)
  }, e.table_oid,
  ${batch.compatibility_view}, e.dependencies, e.plan, ${literal(batch.plan_hash)}, e.fingerprint,
  pg_catalog.clock_timestamp(), ${literal(batch.actor)}, ${
    batch.status === "active" ? "pg_catalog.now()" : "null"
  }, ${nullableLiteral(batch.status === "active" ? batch.actor : null)}, ${
    nullableLiteral(batch.notes)
  }
from pg_catalog.jsonb_to_recordset(${jsonbLiteral(batch.migrations)}) as e(
  id uuid, schema_name text, old_name text, new_name text, table_oid bigint,
  dependencies jsonb, plan jsonb, fingerprint jsonb)`;
}

/**
 * Statement that makes a proposal active, with what is known of its tables now. It runs in the transaction
 * of the rename, before the locks that clients feel are taken.
 */
export function activateBatch(
  batch: Pick<NewBatch, "batch_id" | "actor" | "notes" | "plan_hash" | "migrations">,
): string {
  return `
update public.sys_table_migrations m
set status = 'active', table_oid = e.table_oid, dependencies = e.dependencies, plan = e.plan,
  plan_hash = ${literal(batch.plan_hash)}, fingerprint = e.fingerprint,
  migrated_at = pg_catalog.now(), migrated_by = ${literal(batch.actor)},
  notes = coalesce(${nullableLiteral(batch.notes)}, m.notes)
from pg_catalog.jsonb_to_recordset(${jsonbLiteral(batch.migrations)}) as e(
  id uuid, table_oid bigint, dependencies jsonb, plan jsonb, fingerprint jsonb)
where m.id = e.id and m.status = 'pending'`;
}

/** Query for the rows of a batch in the order in which they were proposed, whatever their status. */
export function proposedBatch(batchId: string, lock: boolean): string {
  return `
select m.id, m.schema_name, m.old_name, m.new_name, m.status, m.compatibility_view_created,
  m.plan_hash, m.plan
from public.sys_table_migrations m
where m.batch_id = ${literal(batchId)}::uuid
order by m.requested_at, m.id${lock ? "\nfor update" : ""}`;
}

type Selection = Pick<SelectionRequest, "migration_id" | "batch_id" | "table" | "schema">;

/** What of a selection is pending; by table only where no active migration has the name. */
function isPending({ migration_id, batch_id, table, schema = "public" }: Selection): string {
  const named = (alias: string) =>
    `${alias}.schema_name = ${literal(schema)} and ${
      literal(table ?? "")
    } in (${alias}.old_name, ${alias}.new_name)`;
  const condition = migration_id !== undefined
    ? `m.id = ${literal(migration_id)}::uuid`
    : batch_id !== undefined
    ? `m.batch_id = ${literal(batch_id)}::uuid`
    : `${named("m")} and not exists (
        select from public.sys_table_migrations a where a.status = 'active' and ${named("a")})`;
  return `m.status = 'pending' and ${condition}`;
}

/** Query for the ids of what of a selection is pending. */
export function pendingIds(selection: Selection): string {
  return `
select m.id from public.sys_table_migrations m
where ${isPending(selection)}
order by m.requested_at, m.id`;
}

/** Statement that withdraws what of a selection is pending, and leaves its event, told to the receivers; answers the ids. */
export function withdrawPending(
  selection: Selection,
  by: { actor: string; requestId: string; notes: string | undefined },
  receivers: Receiver[] = [],
): string {
  return `
with withdrawn as (
  update public.sys_table_migrations m
  set status = 'rolled_back', rollback_at = pg_catalog.clock_timestamp(), rollback_by = ${
    literal(by.actor)
  },
    notes = coalesce(${nullableLiteral(by.notes)}, m.notes)
  where ${isPending(selection)}
  returning m.id, m.batch_id, m.requested_at
),
event as (
  insert into table_rename.sys_table_migration_events (
    request_id, operation, actor, outcome, batch_id, migration_ids, details)
  select ${literal(by.requestId)}::uuid, 'rollback', ${literal(by.actor)}, 'succeeded',
    pg_catalog.max(w.batch_id::text)::uuid, pg_catalog.array_agg(w.id order by w.requested_at, w.id),
    '{"withdrawn": true}'
  from withdrawn w
  having pg_catalog.count(*) > 0
  returning sys_table_migration_events.id
)${
    receivers.length === 0 ? "" : `,
told as (${notify("event", "migration.rolled_back", receivers)})`
  }
select w.id from withdrawn w order by w.requested_at, w.id`;
}

/** Statement for the critical section: the views exist now, note their OIDs and the time. */
export function noteViews(batchId: string): string {
  return `
update public.sys_table_migrations m
set view_oid = c.oid::bigint, migrated_at = pg_catalog.clock_timestamp()
from pg_catalog.pg_namespace n, pg_catalog.pg_class c
where m.batch_id = ${literal(batchId)}::uuid and m.status = 'active'
  and n.nspname = m.schema_name::name and c.relnamespace = n.oid and c.relname = m.old_name::name
  and c.relkind = 'v' and m.compatibility_view_created`;
}

/** Statement for the critical section: the migrations are rolled back. */
export function markRolledBack(ids: string[], actor: string, notes: string | undefined): string {
  return `
update public.sys_table_migrations m
set status = 'rolled_back', rollback_at = pg_catalog.clock_timestamp(), rollback_by = ${
    literal(actor)
  },
  notes = coalesce(${nullableLiteral(notes)}, m.notes)
where m.id in (${uuids(ids)}) and m.status = 'active'`;
}

/** Statement for the critical section: the migrations are finalized, their old names free. */
export function markFinalized(ids: string[], actor: string, notes: string | undefined): string {
  return `
update public.sys_table_migrations m
set status = 'finalized', finalized_at = pg_catalog.clock_timestamp(), finalized_by = ${
    literal(actor)
  },
  notes = coalesce(${nullableLiteral(notes)}, m.notes)
where m.id in (${uuids(ids)}) and m.status = 'active'`;
}

/**
 * Statement for the critical section: the view was made again and leaves these columns out. What was kept of
 * the view is about another one; it is kept anew after the commit.
 */
export function markRefreshed(id: string, without: string[], notes: string | undefined): string {
  return `
update public.sys_table_migrations m
set view_oid = c.oid::bigint, notes = coalesce(${nullableLiteral(notes)}, m.notes),
  fingerprint = (m.fingerprint - 'view')
    || pg_catalog.jsonb_build_object('without_columns', ${jsonbLiteral(without)})
from pg_catalog.pg_namespace n, pg_catalog.pg_class c
where m.id = ${literal(id)}::uuid and m.status = 'active'
  and n.nspname = m.schema_name::name and c.relnamespace = n.oid and c.relname = m.old_name::name
  and c.relkind = 'v'`;
}

/** Query for the rows of these ids, as callers see them. */
export function migrationsById(ids: string[]): string {
  return `
select ${AS_JSON} from public.sys_table_migrations m
where m.id in (${uuids(ids)})`;
}

/** Query for the last rows with this old or new name, as callers see them, whatever their status. */
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

/** Reads the answer of a query for rows as callers see them. */
export function migrationsFromRows(rows: Record<string, unknown>[]): Migration[] {
  return rows.map((row) => row.migration as Migration);
}

/**
 * Query for the unfinished migrations that touch any of the names, as the plans need them.
 *
 * @param but A batch that is left out, since it is the one that is asked for.
 */
export function trackedByNames(
  names: { schema: string; name: string }[],
  but: string | null = null,
): string {
  return `
select m.id, m.schema_name, m.old_name, m.new_name, m.status,
  m.batch_id, m.requested_by, m.table_oid::float8 as table_oid, coalesce((
    -- In a copied database it has another OID than was recorded.
    select c.oid::bigint::float8
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where m.compatibility_view_created and c.relkind = 'v' and c.relname = m.old_name::name
      and n.nspname = m.schema_name::name), m.view_oid::float8) as view_oid,
  m.status = 'active' and not exists (
    select from pg_catalog.pg_class c where c.oid = m.table_oid::pg_catalog.oid and c.relkind in ('r', 'p'))
  and not exists (
    select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relname = m.new_name::name and n.nspname = m.schema_name::name) as table_gone
from public.sys_table_migrations m
where m.status in ('pending', 'active')${
    but === null ? "" : ` and m.batch_id <> ${literal(but)}::uuid`
  } and exists (
  select from pg_catalog.jsonb_to_recordset(${jsonbLiteral(names)}) as e(schema text, name text)
  where m.schema_name = e.schema and e.name in (m.old_name, m.new_name))`;
}

/**
 * Query for all migrations whose new names stand, active and finalized, as the plans need them: names that
 * tables have now and had before.
 */
export function standingMigrations(): string {
  return `
select m.id, m.schema_name, m.old_name, m.new_name, m.status,
  m.table_oid::float8 as table_oid, m.view_oid::float8 as view_oid
from public.sys_table_migrations m where m.status in ('active', 'finalized')
order by m.migrated_at`;
}

/** Reads the answer of `trackedByNames`. */
export function holdersFromRows(rows: Record<string, unknown>[]): NameHolder[] {
  return rows as unknown as NameHolder[];
}

export function trackedFromRows(rows: Record<string, unknown>[]): TrackedRename[] {
  return rows as unknown as TrackedRename[];
}

/** Columns for what has the recorded OIDs of the migration `m`: the table's name, and whether the view is in its place. */
export const PRESENT = `(
    select c.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.oid = m.table_oid::pg_catalog.oid and n.nspname = m.schema_name::name) as present_name,
  exists (
    select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.oid = m.view_oid::pg_catalog.oid and c.relkind = 'v' and c.relname = m.old_name::name
      and n.nspname = m.schema_name::name) as view_in_place`;

/**
 * Query for the migrations that a request selects, newest first: by id or batch whatever their status, by
 * table only those of `statuses`.
 */
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
  coalesce(m.plan -> 'indexes', '[]') as indexes,
  coalesce((m.plan ->> 'in_history')::boolean, false) as in_history
from public.sys_table_migrations m
where ${condition}
order by m.migrated_at desc nulls last, m.id desc${lock ? "\nfor update" : ""}`;
}

/** Reads the answer of `selectedMigrations`. */
export function recordedFromRows(rows: Record<string, unknown>[]): RecordedRename[] {
  return rows.map((row) => {
    const recorded = row as unknown as RecordedRename;
    const { before, after = null, view = null, without_columns = [] } = recorded.fingerprint as
      & Partial<RecordedFingerprints>
      & { before: Fingerprint };
    return { ...recorded, fingerprint: { before, after, view, without_columns } };
  });
}

/** Statement that brings records up to date that were made in another database: OIDs, and what is told by OIDs. */
export function moveRecords(
  records: Pick<RecordedRename, "id" | "table_oid" | "view_oid" | "indexes" | "fingerprint">[],
): string {
  const rows = records.map(({ id, table_oid, view_oid, indexes, fingerprint }) => ({
    id,
    table_oid,
    view_oid,
    indexes,
    view: fingerprint.view,
  }));
  return `
update public.sys_table_migrations m
set table_oid = e.table_oid, view_oid = e.view_oid,
  plan = m.plan || pg_catalog.jsonb_build_object('indexes', e.indexes),
  fingerprint = m.fingerprint || pg_catalog.jsonb_build_object('view', e.view)
from pg_catalog.jsonb_to_recordset(${jsonbLiteral(rows)}) as e(
  id uuid, table_oid bigint, view_oid bigint, indexes jsonb, view jsonb)
where m.id = e.id and m.status = 'active'`;
}

/** Statement that keeps the states after a rename beside the one before it. */
export function keepFingerprints(prints: KeptState[]): string {
  return `
update public.sys_table_migrations m
set fingerprint = m.fingerprint || pg_catalog.jsonb_build_object('after', e.after, 'view', e.view)
from pg_catalog.jsonb_to_recordset(${jsonbLiteral(prints)}) as e(id uuid, after jsonb, view jsonb)
where m.id = e.id and m.id in (
  select free.id from public.sys_table_migrations free
  where free.id in (${uuids(prints.map(({ id }) => id))})
  order by free.id for no key update skip locked)
returning m.id`;
}

/** The states after a change: of the table, and of the view where there is one. */
export interface KeptState {
  id: string;
  after: Fingerprint | null;
  view: Fingerprint | null;
}

const uuids = (ids: string[]) => ids.map((id) => `${literal(id)}::uuid`).join(", ");
