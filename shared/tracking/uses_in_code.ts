/** The table of uses in source code, as repositories report them. Nothing else uses it. */
import type { UsesInCode } from "../contract/responses.ts";
import type { ReportUsesRequest } from "../contract/requests.ts";
import { jsonbLiteral, literal } from "../sql/quoting.ts";
import { uuids } from "./events.ts";

/**
 * Statement that records a report in place of the repository's last one, if there is a migration for each of its
 * entries, and otherwise nothing; returns `(number, id, schema, old_name)` of each entry, numbered from 1.
 */
export function recordUses({ uses, repository }: ReportUsesRequest, actor: string): string {
  return `
with found as (
  select g.number, g.certain, g.possible, m.id, m.schema_name, m.old_name
  from rows from (jsonb_to_recordset(${jsonbLiteral(uses)}) as (
    migration_id uuid, schema text, old_name text, certain int, possible int))
    with ordinality as g(migration_id, schema, old_name, certain, possible, number)
  left join public.sys_table_migrations m on case when g.migration_id is not null
    then m.id = g.migration_id
    else m.schema_name = g.schema and m.old_name = g.old_name and m.status in ('pending', 'active') end
),
written as (
  insert into table_rename.sys_table_migration_uses as u (
    migration_id, repository, certain, possible, reported_at, reported_by)
  select distinct on (f.id) f.id, ${literal(repository ?? "")}, f.certain, f.possible,
    clock_timestamp(), ${literal(actor)}
  from found f
  where not exists (select from found missing where missing.id is null)
  order by f.id, f.number
  on conflict (migration_id, repository) do update
  set certain = excluded.certain, possible = excluded.possible,
    reported_at = excluded.reported_at, reported_by = excluded.reported_by
)
select f.number::int, f.id, f.schema_name as schema, f.old_name from found f order by f.number`;
}

/**
 * SQL expression for the uses of the old name of the migration `m`, as callers see them; null where none were
 * reported. They are added up over the repositories; the other fields are those of the last report.
 */
export const USES_IN_CODE = `(
  select jsonb_build_object('certain', sum(u.certain), 'possible', sum(u.possible),
    'repositories', count(*), 'reported_at', max(u.reported_at),
    'reported_by', (array_agg(u.reported_by order by u.reported_at desc))[1],
    'repository', nullif((array_agg(u.repository order by u.reported_at desc))[1], ''))
  from table_rename.sys_table_migration_uses u where u.migration_id = m.id
  having count(*) > 0)`;

/** Query for the uses of the old names of these migrations; those of which none were reported are left out. */
export const usesInCode = (ids: string[]): string => `
select r.id, r.uses
from (
  select m.id, ${USES_IN_CODE} as uses
  from public.sys_table_migrations m where m.id = any (array[${uuids(ids)}]::uuid[])) r
where r.uses is not null`;

/** Reads the answer of `usesInCode`, by migration. */
export const usesFromRows = (rows: Record<string, unknown>[]): Map<string, UsesInCode> =>
  new Map(rows.map(({ id, uses }) => [String(id), uses as UsesInCode]));
