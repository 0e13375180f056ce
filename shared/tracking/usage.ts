/** The table of usage: what is recorded of the use of old names. Nothing else uses it. */
import type { UsageRecord } from "../facts/usage_facts.ts";
import { OWN_SCHEMA } from "../contract/names.ts";
import { jsonbLiteral, literal, millisecondsLiteral, qualified } from "../sql/quoting.ts";

/** Statement that records the snapshots that a query gives as rows `(id, snapshot)`, just before the locks of the rename. */
export function keepSnapshots(query: string): string {
  return `
insert into table_rename.sys_table_migration_usage (migration_id, snapshot_at, observed_since, snapshot)
select q.id, clock_timestamp(), clock_timestamp(), q.snapshot
from (${query}) q`;
}

/** Statement for after the commit that replaces the snapshots, unless usage was sampled since. */
export function renewSnapshots(query: string): string {
  return `
update table_rename.sys_table_migration_usage u
set snapshot_at = clock_timestamp(), observed_since = clock_timestamp(), snapshot = q.snapshot
from (${query}) q
where u.migration_id = q.id and u.sampled_at is null`;
}

/** The same, if only the counts of lost statistics are new: one row `(losses)`. */
export function renewLosses(ids: string[], query: string): string {
  return `
update table_rename.sys_table_migration_usage u
set snapshot_at = clock_timestamp(), observed_since = clock_timestamp(),
  snapshot = u.snapshot || q.losses
    || jsonb_build_object('incomplete', u.snapshot -> 'dealloc' <> q.losses -> 'dealloc')
from (${query}) q
where u.sampled_at is null and u.migration_id in (${selectIds(ids)})`;
}

/** Query for the records of these migrations. */
export function usageRecords(ids: string[]): string {
  return `
select to_jsonb(u) as record
from table_rename.sys_table_migration_usage u
where u.migration_id in (${selectIds(ids)})`;
}

const selectIds = (ids: string[]) =>
  `select i::uuid from jsonb_array_elements_text(${jsonbLiteral(ids)}) i`;

/** Reads the answer of `usageRecords`. */
export function recordsFromRows(rows: Record<string, unknown>[]): UsageRecord[] {
  return rows.map(({ record }) => {
    const { snapshot, sample, ...rest } = record as UsageRecord;
    return { ...rest, snapshot: orNull(snapshot), sample: orNull(sample) };
  });
}

/** The columns are empty objects where nothing was recorded. */
const orNull = <T extends object>(value: T | null): T | null =>
  value === null || Object.keys(value).length === 0 ? null : value;

/** Statement that sets the counter of a view's sample to its present value, so that reads until now do not count as use. */
export function passOverReads(id: string, scanCounter: string): string {
  const table = literal(qualified(OWN_SCHEMA, scanCounter));
  return `
update table_rename.sys_table_migration_usage u
set sample = jsonb_set(u.sample, '{reads,scans}',
  to_jsonb(pg_stat_get_numscans(to_regclass(${table}))))
where u.migration_id = ${literal(id)}::uuid and u.sample -> 'reads' <> 'null'`;
}

/** Longest wait for another request that records samples at the same moment, in milliseconds. */
const LOCK_TIMEOUT_MS = 500;

/**
 * Statements that record samples; an older one never replaces a newer one. The first sample of a migration without a
 * snapshot is not recorded while another request has locked the migration, since that would wait for the request.
 */
export function keepSamples(records: UsageRecord[]): string {
  const samples = `jsonb_to_recordset(${jsonbLiteral(records)}) as e(
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
select e.migration_id, e.snapshot_at, coalesce(e.snapshot, '{}'), e.observed_since,
  e.sampled_at, coalesce(e.sample, '{}'), e.last_used_at
from (
  select m.id from public.sys_table_migrations m
  where m.status = 'active'
    and m.id in (select e.migration_id from ${samples})
    and not exists (
      select from table_rename.sys_table_migration_usage u where u.migration_id = m.id)
  for key share of m skip locked
) m
join ${samples} on e.migration_id = m.id
on conflict (migration_id) do nothing`;
}
