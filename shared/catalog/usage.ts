/** Who uses an old name: recorded statements, relations of the same name, sessions that are at work. */
import type { StatementEntry, StatementFacts, UsageFacts } from "../facts/usage_facts.ts";
import { OWN_STATEMENT } from "../sql/own_statements.ts";
import { jsonbLiteral, literal, qualified } from "../sql/quoting.ts";
import { scanCounterOf } from "./objects/dependents.ts";
import {
  type Expressions,
  jsonValues,
  nameArray,
  THIS_DATABASE,
  valuesReader,
} from "./texts/expressions.ts";
import { longestWord, mayName } from "./names.ts";

const MAX_LENGTH = 1_000_000;

/** The entries of this database. Those of other roles have no id where we may not see them. */
const entries = (schema: string) => `
  select s.queryid, s.userid, s.toplevel, s.calls, s.query
  from ${qualified(schema, "pg_stat_statements")} s
  where s.dbid = ${THIS_DATABASE}
  offset 0`;

/**
 * Beginnings of statements that are no use of a name, left out early since a rename itself makes so many of
 * them; `usage/statement_kinds.ts` decides.
 */
const NO_USE = String.raw`^\s*(alter|comment|drop|explain|grant|revoke|lock\s+table\s+only|` +
  String.raw`create\s+(?!global\M|local\M|temp|unlogged\M|table\M))\M`;

const mayUse = (names: string[]) =>
  `(${mayName(names, "s.query") ?? "false"} and s.query !~* ${literal(NO_USE)}
      and strpos(s.query, ${literal(OWN_STATEMENT)}) = 0)`;

const KEY = "format('%s/%s/%s', s.queryid, s.userid, case when s.toplevel then 't' else 'f' end)";

export interface WantedUsage {
  id: string;
  old_name: string;
}

/**
 * Query for the snapshot of each migration, as rows `(id, snapshot)`: calls of every statement that may name
 * the old name, rather too many than too few, and how often statistics were lost. None where statements of
 * other roles are hidden from us: they would look like later ones.
 */
export function snapshotQuery(wanted: WantedUsage[], schema: string): string {
  const names = wanted.map(({ id, old_name }) => ({
    id,
    name: old_name.toLowerCase(),
    word: longestWord(old_name),
  }));
  return `
with wanted as materialized (
  select w.id, w.name, w.word
  from jsonb_to_recordset(${jsonbLiteral(names)}) w(id uuid, name text, word text)),
recorded as materialized (${entries(schema)}),
entry as materialized (
  select ${KEY} as key, s.calls, lower(s.query) as text
  from recorded s
  where s.queryid is not null and ${mayUse(wanted.map(({ old_name }) => old_name))}),
naming as (
  select w.id, e.key, e.calls
  from entry e
  cross join lateral (
    select distinct x.word from regexp_split_to_table(e.text, '[^a-z0-9_]+') x(word)) x
  join wanted w on w.word = x.word
  union
  select w.id, e.key, e.calls
  from entry e join wanted w on w.word is null and strpos(e.text, w.name) > 0),
named as (
  select n.id, jsonb_object_agg(n.key, n.calls) as entries from naming n group by n.id)
select w.id, jsonb_build_object('entries', coalesce(n.entries, '{}'),
    'stats_reset', i.stats_reset, 'dealloc', i.dealloc) as snapshot
from wanted w
left join named n on n.id = w.id
cross join ${qualified(schema, "pg_stat_statements_info")} i
where not exists (select from recorded s where s.queryid is null)`;
}

export const lossesQuery = (schema: string) => `
select jsonb_build_object('stats_reset', i.stats_reset, 'dealloc', i.dealloc) as losses
from ${qualified(schema, "pg_stat_statements_info")} i`;

interface UsageWanted {
  names: string[];
  /** Old names: the relations that have one of them are read. */
  oldNames: string[];
  views: number[];
  /** Schema of pg_stat_statements; null where it cannot be read. */
  schema: string | null;
}

/** Query for everything about these names: one row with one column `usage`. */
export function usageQuery(wanted: UsageWanted): string {
  return `
select json_build_object(
  'at', clock_timestamp(),
  'server_version', current_setting('server_version_num')::int,
  'statements', ${wanted.schema === null ? "null" : statements(wanted.names, wanted.schema)},
  'same_named_relations', (
    select coalesce(json_agg(json_build_object('schema', n.nspname, 'name', c.relname)), '[]')
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relname = any (${
    nameArray(wanted.oldNames)
  })),
  'sessions', ${sessions(wanted.views)},
  'reads', (
    select coalesce(json_agg(json_build_object(
        'relation', v.oid::int8, 'scans', pg_stat_get_numscans(counter.oid))), '[]')
    from pg_class v
    cross join lateral (select distinct c.oid ${scanCounterOf("v.oid")}) counter
    where v.oid = any (${oids(wanted.views)})),
  'scans_reset', pg_stat_get_db_stat_reset_time(${THIS_DATABASE})
)::text as usage`;
}

const ENTRY: Expressions<StatementEntry> = {
  key: KEY,
  role: "pg_get_userbyid(s.userid)",
  toplevel: "s.toplevel",
  calls: "s.calls",
  text: "s.query",
};

const statements = (names: string[], schema: string) =>
  `(
    select json_build_object(
      'stats_reset', i.stats_reset,
      'dealloc', i.dealloc,
      'track', current_setting('pg_stat_statements.track'),
      'track_utility', current_setting('pg_stat_statements.track_utility'),
      'compute_query_id', current_setting('compute_query_id'),
      'overrides', ${overrides},
      'hidden', e.hidden,
      'textless', e.textless,
      'unread', e.unread,
      'entries', e.entries)
    from ${qualified(schema, "pg_stat_statements_info")} i
    cross join (
      select count(*) filter (where s.queryid is null) as hidden,
        count(*) filter (where s.queryid is not null and s.query is null) as textless,
        count(*) filter (where s.length > ${MAX_LENGTH}) as unread,
        coalesce(json_agg(${jsonValues(ENTRY)})
          filter (where s.length <= ${MAX_LENGTH}), '[]') as entries
      from (
        select s.*, case when s.queryid is not null then length(s.query) end as length
        from (${entries(schema)}) s
        where s.queryid is null or s.query is null or ${mayUse(names)}) s
    ) e)`;

/** Settings of roles and databases by which statements are not counted. */
const overrides = `(
        select coalesce(json_agg(json_build_object(
            'role', case when d.setrole <> 0 then pg_get_userbyid(d.setrole) end,
            'setting', c.setting)), '[]')
        from pg_db_role_setting d, unnest(d.setconfig) c(setting)
        where d.setdatabase in (0, ${THIS_DATABASE})
          and c.setting in ('pg_stat_statements.track=none', 'pg_stat_statements.track_utility=off',
            'compute_query_id=off'))`;

const oids = (list: number[]) =>
  `array(select v::oid from jsonb_array_elements_text(${jsonbLiteral(list)}) v)`;

/** Who holds or awaits a lock on a view, as every statement does that names it, with a cached plan too. */
const sessions = (views: number[]) =>
  `(
    select coalesce(json_agg(json_build_object(
        'relation', x.relation, 'role', x.usename, 'sessions', x.sessions)), '[]')
    from (
      select l.relation::int8 as relation, a.usename, count(distinct l.pid) as sessions
      from pg_locks l
      left join pg_stat_activity a on a.pid = l.pid
      where l.locktype = 'relation' and l.database = ${THIS_DATABASE}
        and l.relation = any (${oids(views)})
        and l.pid is distinct from pg_backend_pid()
        and a.application_name is distinct from 'table-rename'
      group by l.relation, a.usename) x)`;

interface UsageRow extends Omit<UsageFacts, "statements"> {
  statements: Omit<StatementFacts, "entries"> & { entries: unknown[][] } | null;
}

export function usageFromRow(row: { usage: string }): UsageFacts {
  const { statements, ...rest }: UsageRow = JSON.parse(row.usage);
  const entries = statements?.entries.map(valuesReader(ENTRY)) ?? [];
  return { ...rest, statements: statements && { ...statements, entries } };
}
