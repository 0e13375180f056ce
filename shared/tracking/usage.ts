/** What is kept of the use of old names: the SQL that writes and reads it. Nothing else touches it. */
import type { UsageRecord } from "../facts/usage_facts.ts";
import { OWN_SCHEMA } from "../contract/names.ts";
import { jsonbLiteral, literal, millisecondsLiteral, qualified } from "../sql/quoting.ts";

/**
 * Statement that keeps the snapshots that a query gives as rows `(id, snapshot)`. It runs just before the
 * locks of the rename, in its transaction.
 */
export function keepSnapshots(query: string): string {
  return `
insert into table_rename.sys_table_migration_usage (migration_id, snapshot_at, observed_since, snapshot)
select q.id, pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp(), q.snapshot
from (${query}) q`;
}

/** Statement for after the commit that replaces the snapshots, unless somebody has looked already. */
export function renewSnapshots(query: string): string {
  return `
update table_rename.sys_table_migration_usage u
set snapshot_at = pg_catalog.clock_timestamp(), observed_since = pg_catalog.clock_timestamp(),
  snapshot = q.snapshot
from (${query}) q
where u.migration_id = q.id and u.sampled_at is null`;
}

/** The same, where only what was lost until now is new: rows `(losses)`. */
export function renewLosses(ids: string[], query: string): string {
  return `
update table_rename.sys_table_migration_usage u
set snapshot_at = pg_catalog.clock_timestamp(), observed_since = pg_catalog.clock_timestamp(),
  snapshot = u.snapshot || q.losses
    || pg_catalog.jsonb_build_object('incomplete', u.snapshot -> 'dealloc' <> q.losses -> 'dealloc')
from (${query}) q
where u.sampled_at is null and u.migration_id in (
  select i::uuid from pg_catalog.jsonb_array_elements_text(${jsonbLiteral(ids)}) i)`;
}

/** Query for what is kept of these migrations. */
export function usageRecords(ids: string[]): string {
  return `
select pg_catalog.to_jsonb(u) as record
from table_rename.sys_table_migration_usage u
where u.migration_id in (
  select i::uuid from pg_catalog.jsonb_array_elements_text(${jsonbLiteral(ids)}) i)`;
}

/** Reads the answer of `usageRecords`. */
export function recordsFromRows(rows: Record<string, unknown>[]): UsageRecord[] {
  return rows.map(({ record }) => {
    const { snapshot, sample, ...rest } = record as UsageRecord;
    return { ...rest, snapshot: orNull(snapshot), sample: orNull(sample) };
  });
}

/** The columns are empty objects where nothing was kept. */
const orNull = <T extends object>(value: T | null): T | null =>
  value === null || Object.keys(value).length === 0 ? null : value;

/** Statement that takes what a view has counted until now as seen, and not as use. */
export function passOverReads(id: string, scanCounter: string): string {
  const table = literal(qualified(OWN_SCHEMA, scanCounter));
  return `
update table_rename.sys_table_migration_usage u
set sample = pg_catalog.jsonb_set(u.sample, '{reads,scans}',
  pg_catalog.to_jsonb(pg_catalog.pg_stat_get_numscans(pg_catalog.to_regclass(${table}))))
where u.migration_id = ${literal(id)}::uuid and u.sample -> 'reads' <> 'null'`;
}

/** Longest wait for somebody else who keeps a look at the same moment, in milliseconds. */
const LOCK_TIMEOUT_MS = 500;

/**
 * Statements that keep samples; an older look never takes the place of a newer one. The first look at a migration
 * without a snapshot is not kept while a request is at work on it, since that would wait for the request.
 */
export function keepSamples(records: UsageRecord[]): string {
  const samples = `pg_catalog.jsonb_to_recordset(${jsonbLiteral(records)}) as e(
  migration_id uuid, snapshot_at timestamptz, snapshot jsonb, observed_since timestamptz,
  sampled_at timestamptz, sample jsonb, last_used_at timestamptz)`;
  return `
set local lock_timeout = ${millisecondsLiteral(LOCK_TIMEOUT_MS)};
update table_rename.sys_table_migration_usage u
set snapshot_at = e.snapshot_at, snapshot = coalesce(e.snapshot, '{}'),
  observed_since = e.observed_since, sampled_at = e.sampled_at,
  sample = coalesce(e.sample, '{}'), last_used_at = e.last_used_at
from ${samples}
where u.migration_id = e.migration_id and (u.sampled_at is null or u.sampled_at < e.sampled_at);
insert into table_rename.sys_table_migration_usage (
  migration_id, snapshot_at, snapshot, observed_since, sampled_at, sample, last_used_at)
select e.migration_id, e.snapshot_at, coalesce(e.snapshot, '{}'), e.observed_since, e.sampled_at,
  coalesce(e.sample, '{}'), e.last_used_at
from (
  select m.id from public.sys_table_migrations m
  where m.status = 'active'
    and m.id in (select e.migration_id from ${samples})
    and not exists (select from table_rename.sys_table_migration_usage u where u.migration_id = m.id)
  for key share of m skip locked
) m
join ${samples} on e.migration_id = m.id
on conflict (migration_id) do nothing`;
}
