/**
 * The record of a change as a migration file makes it again: the same rows, but for the OIDs, which are those
 * of what has the names then. Statements that mark rows by their ids do as they are (`migrations.ts`).
 */
import { jsonbLiteral, literal, nullableLiteral } from "../sql/quoting.ts";
import { viewQueryDigest } from "../sql/stored_view.ts";
import { KEPT_ROWS, type NewBatch, type NewMigration, rowsWithoutOids } from "./migrations.ts";

/** What has a name when the statement runs, both SQL expressions, as the tracking table has OIDs. */
const oidOf = (schema: string, name: string) =>
  `pg_catalog.to_regclass(pg_catalog.format('%I.%I', ${schema}, ${name}))::pg_catalog.oid::bigint`;

/** What a batch's rows say beside what each has of its own. */
export type BatchHead = Pick<
  NewBatch,
  "batch_id" | "actor" | "notes" | "plan_hash" | "compatibility_view"
>;

/**
 * Statement that tracks a batch whose tables have their new names and views already.
 *
 * @param rows SQL expression for the rows: `newRows`, or what stands for `recordedRows`.
 */
export function trackBatch(batch: BatchHead, rows: string): string {
  const actor = literal(batch.actor);
  return `
insert into public.sys_table_migrations (
  id, batch_id, schema_name, old_name, new_name, status, table_oid, view_oid, compatibility_view_created,
  dependencies, plan, plan_hash, fingerprint, requested_at, requested_by, migrated_at, migrated_by, notes)
select e.id, ${literal(batch.batch_id)}::uuid, e.schema_name, e.old_name, e.new_name, 'active',
  ${oidOf("e.schema_name", "e.new_name")},
  ${
    batch.compatibility_view
      ? oidOf("e.schema_name", "e.old_name")
      : "null::bigint"
  }, ${batch.compatibility_view},
  e.dependencies, e.plan || pg_catalog.jsonb_build_object('indexes', (
    select coalesce(pg_catalog.jsonb_agg(i.value || pg_catalog.jsonb_build_object('oid',
      coalesce(${
    oidOf("i.value ->> 'schema'", "i.value ->> 'to'")
  }, 0)) order by i.ordinality), '[]')
    from pg_catalog.jsonb_array_elements(e.plan -> 'indexes') with ordinality i)),
  ${literal(batch.plan_hash)}, e.fingerprint,
  pg_catalog.clock_timestamp(), ${actor}, pg_catalog.clock_timestamp(), ${actor}, ${
    nullableLiteral(batch.notes)
  }
from pg_catalog.jsonb_to_recordset(${rows}) as e(
  id uuid, schema_name text, old_name text, new_name text,
  dependencies jsonb, plan jsonb, fingerprint jsonb)`;
}

/** The rows of a batch that is not recorded anywhere. */
export const newRows = (migrations: NewMigration[]): string =>
  jsonbLiteral(rowsWithoutOids(migrations));

/**
 * Rows that the server itself puts into a statement, so that they are not sent to and fro: a thousand take
 * megabytes.
 */
export interface RowsOfServer {
  /** Stands for them in the statement, as an expression. */
  marker: string;
  /** Tag of the dollar quotes around it, which the rows do not have. */
  tag: string;
  /** Query for them: one JSON text. */
  query: string;
}

export function rowsOfServer(query: string): RowsOfServer {
  const unheardOf = crypto.randomUUID().replaceAll("-", "");
  return { marker: `rows_${unheardOf}`, tag: `track_${unheardOf}`, query };
}

/** The rows of the batch that is recorded in the same transaction. */
export const recordedRows = (): RowsOfServer => rowsOfServer(`select ${KEPT_ROWS}`);

/** SQL expression for what takes the marker's place. */
const textOfRows = ({ query }: RowsOfServer): string =>
  `pg_catalog.concat(pg_catalog.quote_literal((${query})), '::jsonb')`;

/** SQL expression for a text in which the rows have taken the marker's place. */
export const putRows = (text: string, rows: RowsOfServer): string =>
  `pg_catalog.replace(${text}, ${literal(rows.marker)}, ${textOfRows(rows)})`;

/** Query for what became of a change only while it was made, or afterwards: times, and the states after it. */
export function settledRows(ids: string[]): string {
  return `
select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'id', m.id, 'requested_at', m.requested_at, 'requested_by', m.requested_by,
    'migrated_at', m.migrated_at, 'migrated_by', m.migrated_by,
    'rollback_at', m.rollback_at, 'finalized_at', m.finalized_at, 'notes', m.notes,
    'fingerprint', case when m.status = 'active' then m.fingerprint - 'before' else '{}' end)
  order by m.requested_at, m.id)::text
from public.sys_table_migrations m
where m.id in (${ids.map((id) => `${literal(id)}::uuid`).join(", ")})`;
}

/**
 * Statement that gives the rows of a change that was made again what `settledRows` told of it.
 *
 * @param rows What stands for those rows.
 */
export function settleRows(rows: string): string {
  return `
update public.sys_table_migrations m
set requested_at = e.requested_at, requested_by = e.requested_by,
  migrated_at = e.migrated_at, migrated_by = e.migrated_by,
  rollback_at = e.rollback_at, finalized_at = e.finalized_at, notes = e.notes,
  fingerprint = m.fingerprint || case
    when e.fingerprint #>> '{view,changed,query}' is null then e.fingerprint
    else pg_catalog.jsonb_set(e.fingerprint, '{view,changed,query}', coalesce(pg_catalog.to_jsonb(${
    viewQueryDigest("m.view_oid::pg_catalog.oid")
  }::text), 'null')) end
from pg_catalog.jsonb_to_recordset(${rows}) as e(
  id uuid, requested_at timestamptz, requested_by text, migrated_at timestamptz, migrated_by text,
  rollback_at timestamptz, finalized_at timestamptz, notes text, fingerprint jsonb)
where m.id = e.id`;
}
