/**
 * Texts that the server keeps as text: bodies of routines, commands of pg_cron, statements recorded by
 * pg_stat_statements. What may name a wanted table is read here; `plan/texts` reads it closely.
 */
import type { StatementsRead, TextFacts, TextSources } from "../facts/facts.ts";
import { OWN_SCHEMA } from "../contract/names.ts";
import { identsOf, literal } from "../sql/quoting.ts";
import { mayName } from "./name_search.ts";
import { recordedStatements } from "./recorded_statements.ts";

/** A text as the query answers it. */
export interface TextRow extends Omit<TextFacts, "search_path"> {
  /** As the setting has it. */
  search_path: string | null;
  /** Of a recorded statement: how many there are that should be read, and whether this one is cut. */
  among?: number;
  cut?: boolean;
}

/** Expression for a JSON array of the texts; uses `target`, the relations that are described. */
export function textsNaming(names: string[], sources: TextSources): string {
  if (names.length === 0) return "'[]'::json";
  const parts = [
    routines(names),
    ...(sources.cron ? [cronJobs(names)] : []),
    ...(sources.statements === null ? [] : [recordedStatements(names, sources.statements)]),
  ];
  return `(
  select coalesce(json_agg(x.text), '[]')
  from (${parts.join("\n    union all\n")}) x)`;
}

const routines = (names: string[]) => `
    select json_build_object(
      'kind', 'routine',
      'identity', format('%I.%I(%s)', n.nspname, p.proname,
        pg_get_function_identity_arguments(p.oid)),
      'schema', n.nspname,
      'language', l.lanname,
      'text', p.prosrc,
      'search_path', (
        select substr(s.setting, length('search_path=') + 1)
        from unnest(p.proconfig) s(setting)
        where starts_with(s.setting, 'search_path=')),
      'owned', pg_has_role(p.proowner, 'USAGE'),
      'security_definer', p.prosecdef,
      'parameters', coalesce(to_json(array_remove(p.proargnames, '')), '[]'),
      'record_parameters', 'record'::regtype = any (
        coalesce(p.proallargtypes, p.proargtypes::oid[])),
      'trigger_of', coalesce(to_json(g.relations), '[]'),
      'calls', null,
      'role', null,
      'object_identity', (pg_identify_object(
        'pg_proc'::regclass, p.oid, 0)).identity) as text
    from (
      -- The languages and schemas first, since looking at a text costs most.
      select p.*, ${mayName(names, "p.prosrc")} as named
      from pg_proc p
      where p.prosqlbody is null
        and p.prolang <> all (array(
          select l.oid from pg_language l where l.lanname in ('internal', 'c')))
        and p.pronamespace <> all (array(
          select n.oid from pg_namespace n where n.nspname in ('pg_catalog', 'information_schema', ${
  literal(OWN_SCHEMA)
})))
      offset 0
    ) p
    join pg_language l on l.oid = p.prolang
    join pg_namespace n on n.oid = p.pronamespace
    left join (
      select g.tgfoid, array_agg(distinct g.tgrelid::int8) as relations
      from pg_trigger g
      where g.tgrelid in (select target.oid from target) and not g.tgisinternal
      group by g.tgfoid
    ) g on g.tgfoid = p.oid
    where p.named or g.tgfoid is not null`;

/** Read through jsonb, since not every version of pg_cron has every column. */
const cronJobs = (names: string[]) => `
    select json_build_object(
      'kind', 'cron job',
      'identity', coalesce(j.job ->> 'jobname', j.job ->> 'jobid'),
      'schema', null,
      'language', 'sql',
      'text', j.job ->> 'command',
      'search_path', null,
      'owned', coalesce((
        select pg_has_role(r.oid, 'USAGE')
        from pg_roles r where r.rolname = j.job ->> 'username'), false),
      'security_definer', false,
      'parameters', json_build_array(),
      'record_parameters', false,
      'trigger_of', json_build_array(),
      'calls', null,
      'role', null,
      'object_identity', null) as text
    from (select to_jsonb(job) as job from cron.job) j
    where j.job ->> 'database' = current_database()
      and ${mayName(names, "(j.job ->> 'command')")}`;

/** The texts as facts. */
export function textsFromRows(rows: TextRow[]): TextFacts[] {
  return rows.map(({ among: _, cut: __, ...text }) => ({
    ...text,
    search_path: text.search_path === null ? null : identsOf(text.search_path),
  }));
}

/** How many of the recorded statements that should be read were. */
export function statementsRead(rows: TextRow[]): StatementsRead {
  const statements = rows.filter(({ kind }) => kind === "statement");
  return {
    read: statements.filter(({ cut }) => !cut).length,
    wanted: statements[0]?.among ?? 0,
  };
}
