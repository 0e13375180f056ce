/** Writes the table of migrations; `read_migrations.ts` reads it, and nothing else touches it. */
import type { MigrationStatus } from "../contract/requests.ts";
import { changesFrom, type Fingerprint } from "../facts/fingerprint.ts";
import type { RecordedRename, RenamedIndex, RewrittenText } from "../facts/migration.ts";
import {
  dollarQuoted,
  jsonbLiteral,
  largeJsonb,
  literal,
  nullableLiteral,
} from "../sql/quoting.ts";
import { uuids } from "./events.ts";
import { insertNotifications, type Receiver } from "./notifications.ts";
import type { Selection } from "./read_migrations.ts";

/** Setting of the transaction: the rows of a batch, one JSON text. */
const ROWS = "table_rename.rows";

/** SQL expression for the rows that `keepRows` keeps, a JSON text. */
export const KEPT_ROWS = `current_setting(${literal(ROWS)})`;

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

/** The rows of a batch as they are in any database: without OIDs. */
export const rowsWithoutOids = (migrations: NewMigration[]) =>
  migrations.map(({ table_oid: _, plan, ...rest }) => ({
    ...rest,
    plan: { ...plan, indexes: plan.indexes.map(({ oid: _, ...index }) => index) },
  }));

/**
 * Statement that keeps the rows of a batch until the transaction's end: those of a thousand tables are megabytes, and
 * are both recorded and in the migration history.
 */
const keepRows = (migrations: NewMigration[]): string =>
  `select set_config(${literal(ROWS)}, ${
    dollarQuoted(JSON.stringify(rowsWithoutOids(migrations)), "rows")
  }, true) is null`;

/** The kept rows as rows of SQL, in their order, with the OIDs. */
function keptRows(migrations: NewMigration[]): string {
  const oids = literal(`{${migrations.map(({ table_oid }) => table_oid).join(",")}}`);
  const indexes = migrations.map(({ plan }) => plan.indexes);
  const plan = indexes.every(({ length }) => length === 0)
    ? "e.plan"
    : `e.plan || jsonb_build_object('indexes', ${jsonbLiteral(indexes)} -> (r.number - 1)::int)`;
  return `
  select e.id, e.schema_name, e.old_name, e.new_name, (${oids}::bigint[])[r.number] as table_oid,
    e.dependencies, ${plan} as plan, e.fingerprint
  from jsonb_array_elements(${KEPT_ROWS}::jsonb) with ordinality as r(value, number),
    jsonb_to_record(r.value) as e(id uuid, schema_name text, old_name text, new_name text,
      dependencies jsonb, plan jsonb, fingerprint jsonb)`;
}

/**
 * Statements that record a batch, before the locks that clients feel are taken. The time of each row is a little later
 * than that of the one before, so that lists keep the order.
 */
export function insertBatch(batch: NewBatch): string {
  const active = batch.status === "active";
  const times = [
    "clock_timestamp()",
    literal(batch.actor),
    active ? "now()" : "null",
    nullableLiteral(active ? batch.actor : null),
  ].join(", ");
  return `${keepRows(batch.migrations)};
insert into public.sys_table_migrations (
  id, batch_id, schema_name, old_name, new_name, status, table_oid, compatibility_view_created,
  dependencies, plan, plan_hash, fingerprint, requested_at, requested_by, migrated_at, migrated_by, notes)
select e.id, ${literal(batch.batch_id)}::uuid, e.schema_name, e.old_name, e.new_name,
  ${literal(batch.status)}, e.table_oid, ${batch.compatibility_view},
  e.dependencies, e.plan, ${literal(batch.plan_hash)}, e.fingerprint,
  ${times}, ${nullableLiteral(batch.notes)}
from (${keptRows(batch.migrations)}) e`;
}

/**
 * Statements that make a proposal active, with its tables' present facts, before the locks that clients feel are
 * taken.
 */
export function activateBatch(
  batch: Pick<NewBatch, "batch_id" | "actor" | "notes" | "plan_hash" | "migrations">,
): string {
  return `${keepRows(batch.migrations)};
update public.sys_table_migrations m
set status = 'active', table_oid = e.table_oid, dependencies = e.dependencies, plan = e.plan,
  plan_hash = ${literal(batch.plan_hash)}, fingerprint = e.fingerprint,
  migrated_at = now(), migrated_by = ${literal(batch.actor)},
  notes = coalesce(${nullableLiteral(batch.notes)}, m.notes)
from (${keptRows(batch.migrations)}) e
where m.id = e.id and m.status = 'pending'`;
}

/** The condition for the pending part of a selection; by table only if no active migration has the name. */
function isPending({ migration_id, batch_id, table, schema = "public" }: Selection): string {
  const name = literal(table ?? "");
  const named = (alias: string) =>
    `${alias}.schema_name = ${
      literal(schema)
    } and ${name} in (${alias}.old_name, ${alias}.new_name)`;
  const condition = migration_id !== undefined
    ? `m.id = ${literal(migration_id)}::uuid`
    : batch_id !== undefined
    ? `m.batch_id = ${literal(batch_id)}::uuid`
    : `${named("m")} and not exists (
        select from public.sys_table_migrations a where a.status = 'active' and ${named("a")})`;
  return `m.status = 'pending' and ${condition}`;
}

/** Query for the ids of the pending part of a selection. */
export function pendingIds(selection: Selection): string {
  return `
select m.id from public.sys_table_migrations m
where ${isPending(selection)}
order by m.requested_at, m.id`;
}

/** Statement that withdraws the pending part of a selection, with an event and its notifications; returns the ids. */
export function withdrawPending(
  selection: Selection,
  by: { actor: string; requestId: string; notes: string | undefined },
  receivers: Receiver[] = [],
): string {
  const actor = literal(by.actor);
  const notified = receivers.length === 0 ? "" : `,
notified as (${insertNotifications("event", "migration.rolled_back", receivers)})`;
  return `
with withdrawn as (
  update public.sys_table_migrations m
  set status = 'rolled_back', rollback_at = clock_timestamp(), rollback_by = ${actor},
    notes = coalesce(${nullableLiteral(by.notes)}, m.notes)
  where ${isPending(selection)}
  returning m.id, m.batch_id, m.requested_at
),
event as (
  insert into table_rename.sys_table_migration_events (
    request_id, operation, actor, outcome, batch_id, migration_ids, details)
  select ${literal(by.requestId)}::uuid, 'rollback', ${actor}, 'succeeded',
    max(w.batch_id::text)::uuid, array_agg(w.id order by w.requested_at, w.id),
    '{"withdrawn": true}'
  from withdrawn w
  having count(*) > 0
  returning sys_table_migration_events.id
)${notified}
select w.id from withdrawn w order by w.requested_at, w.id`;
}

/**
 * Statement that records the OIDs of new views, and the time; run right before the locks that clients feel.
 *
 * @param views The names that the views have then, by migration.
 */
export function noteViews(views: { id: string; name: string }[]): string {
  return `
update public.sys_table_migrations m
set view_oid = c.oid::bigint, migrated_at = clock_timestamp()
from jsonb_to_recordset(${jsonbLiteral(views)}) as e(id uuid, name text), pg_namespace n, pg_class c
where m.id = e.id and m.status = 'active' and n.nspname = m.schema_name::name
  and c.relnamespace = n.oid and c.relname = e.name::name and c.relkind = 'v'`;
}

/**
 * Statements for the critical section that record the end of migrations, or a refreshed view. They are also in
 * migration files, and so name functions with their schema.
 */
export const markRolledBack = (ids: string[], actor: string, notes: string | undefined): string =>
  markEnded("rolled_back", "rollback", ids, actor, notes);

export const markFinalized = (ids: string[], actor: string, notes: string | undefined): string =>
  markEnded("finalized", "finalized", ids, actor, notes);

function markEnded(
  status: MigrationStatus,
  prefix: "rollback" | "finalized",
  ids: string[],
  actor: string,
  notes: string | undefined,
): string {
  return `
update public.sys_table_migrations m
set status = ${literal(status)}, ${prefix}_at = pg_catalog.clock_timestamp(),
  ${prefix}_by = ${literal(actor)}, notes = coalesce(${nullableLiteral(notes)}, m.notes)
where m.id in (${uuids(ids)}) and m.status = 'active'`;
}

/**
 * @param without The columns that the view leaves out.
 * @param texts What got the new name; kept for a rollback. The recorded state of the view is dropped, since it is another one. */
export function markRefreshed(
  id: string,
  without: string[],
  texts: RewrittenText[],
  notes: string | undefined,
): string {
  const rewritten = texts.length === 0 ? "" : `
  plan = m.plan || pg_catalog.jsonb_build_object('texts',
    coalesce(m.plan -> 'texts', '[]') || ${jsonbLiteral(texts)}),`;
  return `
update public.sys_table_migrations m
set view_oid = c.oid::bigint,${rewritten} notes = coalesce(${nullableLiteral(notes)}, m.notes),
  fingerprint = (m.fingerprint - 'view')
    || pg_catalog.jsonb_build_object('without_columns', ${jsonbLiteral(without)})
from pg_catalog.pg_namespace n, pg_catalog.pg_class c
where m.id = ${literal(id)}::uuid and m.status = 'active'
  and n.nspname = m.schema_name::name and c.relnamespace = n.oid and c.relname = m.old_name::name
  and c.relkind = 'v'`;
}

/** Statement that updates records that were made in another database: OIDs, and what depends on them. */
export function moveRecords(
  records: Pick<RecordedRename, "id" | "table_oid" | "view_oid" | "indexes" | "fingerprint">[],
): string {
  const rows = records.map((
    { id, table_oid, view_oid, indexes, fingerprint: { before, view } },
  ) => ({ id, table_oid, view_oid, indexes, view: view && changesFrom(before, view) }));
  return `
update public.sys_table_migrations m
set table_oid = e.table_oid, view_oid = e.view_oid,
  plan = m.plan || jsonb_build_object('indexes', e.indexes),
  fingerprint = m.fingerprint || jsonb_build_object('view', e.view)
from jsonb_to_recordset(${jsonbLiteral(rows)}) as e(
  id uuid, table_oid bigint, view_oid bigint, indexes jsonb, view jsonb)
where m.id = e.id and m.status = 'active'`;
}

/** Statement that records the states after a rename; the one before it is recorded already. */
export function keepFingerprints(prints: KeptState[]): string {
  const rows = prints.map(({ id, before, after, view }) => ({
    id,
    after: after && changesFrom(before, after),
    view: view && changesFrom(before, view),
  }));
  return `
update public.sys_table_migrations m
set fingerprint = m.fingerprint || jsonb_build_object('after', e.after, 'view', e.view)
from jsonb_to_recordset(${largeJsonb(rows)}) as e(id uuid, after jsonb, view jsonb)
where m.id = e.id and m.id in (
  select free.id from public.sys_table_migrations free
  where free.id in (${uuids(prints.map(({ id }) => id))})
  order by free.id for no key update skip locked)
returning m.id`;
}

/** The states after a change: of the table, and of the view where there is one. */
export interface KeptState {
  id: string;
  /** The recorded state before the rename: what is the same is not recorded again. */
  before: Readonly<Fingerprint>;
  after: Readonly<Fingerprint> | null;
  view: Readonly<Fingerprint> | null;
}
