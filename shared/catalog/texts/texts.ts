/**
 * Texts that the server keeps as text: bodies of routines, commands of pg_cron, statements recorded by
 * pg_stat_statements. What may name a wanted table is read here; `sql/` and `findings/` read it closely.
 */
import type { StatementsRead, TextFacts, TextSources } from "../../facts/facts.ts";
import { OWN_SCHEMA } from "../../contract/names.ts";
import { MARKS_OF_OWN } from "../../sql/own_statements.ts";
import { identsOf, literal, qualified } from "../../sql/quoting.ts";
import { type Expressions, jsonObject, THIS_DATABASE } from "./expressions.ts";
import { mayName } from "../names.ts";

export interface TextRow extends Omit<TextFacts, "search_path"> {
  search_path: string | null;
  /** Of a recorded statement: how many there are that should be read, and whether this one is cut. */
  among?: number;
  cut?: boolean;
}

/** JSON array of the texts that may name one of these, and of the triggers' functions of the relations `described`. */
export function textsNaming(names: string[], sources: TextSources): string {
  const parts = [
    routines(names),
    ...(sources.cron ? [cronJobs(names)] : []),
    ...(sources.statements === null ? [] : [recordedStatements(names, sources.statements)]),
  ];
  return `(
  select coalesce(json_agg(x.text), '[]')
  from (${parts.join("\n    union all\n")}) x)`;
}

/** JSON object of a text; these are the facts that only some kinds of texts have. */
const textObject = (facts: Partial<Expressions<TextRow>>) =>
  jsonObject({
    schema: "null",
    language: "'sql'",
    search_path: "null",
    owned: "false",
    security_definer: "false",
    parameters: "json_build_array()",
    record_parameters: "false",
    trigger_of: "json_build_array()",
    calls: "null",
    role: "null",
    object_identity: "null",
    ...facts,
  });

const ROUTINE = textObject({
  kind: "'routine'",
  identity: "format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))",
  schema: "n.nspname",
  language: "l.lanname",
  text: "p.prosrc",
  search_path: `(
      select substr(s.setting, length('search_path=') + 1)
      from unnest(p.proconfig) s(setting) where starts_with(s.setting, 'search_path='))`,
  owned: "pg_has_role(p.proowner, 'USAGE')",
  security_definer: "p.prosecdef",
  parameters: "coalesce(to_json(array_remove(p.proargnames, '')), '[]')",
  record_parameters: "'record'::regtype = any (coalesce(p.proallargtypes, p.proargtypes::oid[]))",
  trigger_of: "coalesce(to_json(g.relations), '[]')",
  object_identity: "(pg_identify_object('pg_proc'::regclass, p.oid, 0)).identity",
});

const routines = (names: string[]) => `
    select ${ROUTINE} as text
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
      where g.tgrelid in (select d.oid from described d) and not g.tgisinternal
      group by g.tgfoid
    ) g on g.tgfoid = p.oid
    where p.named or g.tgfoid is not null`;

/** Read through jsonb, since not every version of pg_cron has every column. */
const CRON_JOB = textObject({
  kind: "'cron job'",
  identity: "coalesce(j.job ->> 'jobname', j.job ->> 'jobid')",
  text: "j.job ->> 'command'",
  owned: `coalesce((
      select pg_has_role(r.oid, 'USAGE') from pg_roles r where r.rolname = j.job ->> 'username'), false)`,
});

const cronJobs = (names: string[]) => `
    select ${CRON_JOB} as text
    from (select to_jsonb(job) as job from cron.job) j
    where j.job ->> 'database' = current_database()
      and ${mayName(names, "(j.job ->> 'command')")}`;

/*
 * Recorded statements: there can be many thousands that name a table, nearly all of which a view serves like the
 * table, and to read one takes about a millisecond. So the database looks for those that have a word of something
 * that a view does not do, or does otherwise.
 */

/** Where a limit is needed the rarest come first: what a view cannot serve is seldom what runs all day. */
const STATEMENT_LIMITS = {
  statements: 2_000,
  /** Characters of all of them together. */
  characters: 3_000_000,
  /** Characters of one: what is longer is a list of values nearly always. */
  each: 100_000,
};

/** White space and comments before the first word. */
const LEADING = String.raw`^(?:\s|/\*.*?\*/|--[^\n]*\n)*`;

/**
 * What a statement has that a view may not serve. Written for JavaScript and, with `\b` as `\y`, for the server.
 */
export const MAY_MATTER = [
  LEADING +
  String
    .raw`(?:alter|analy[sz]e|call|cluster|comment|copy|create|do|drop|grant|merge|reindex|revoke|security|` +
  String.raw`truncate|vacuum)\b`,
  String.raw`\bon\s+constraint\b`,
  String.raw`\bmerge\s+into\b`,
  String.raw`\b(?:ctid|xmin|xmax|cmin|cmax|tableoid)\b`,
  String.raw`\bgroup\s+by\b`,
  String.raw`\btablesample\b`,
  String.raw`\bcurrent\s+of\b`,
  String.raw`\bset\b.*\bdefault\b`,
  // Not FETCH FIRST 10 ROWS ONLY.
  String.raw`(?<!rows?\s)\bonly\b`,
  // Questions about the catalog.
  String.raw`regclass|\bpg_|information_schema|row_security_active`,
].join("|");

/**
 * Definitions and the like, which a migration has run once; what has run more often will run again. What
 * switches triggers off and on is no such thing: applications do it each time.
 */
const ONE_TIME = LEADING +
  String.raw`(?:create|drop|comment|grant|revoke|security|do|cluster|reindex|` +
  String.raw`alter\s+(?!table\s.*\b(?:enable|disable)\b.*\btrigger\b))`;

/** What we send ourselves in forms that have no mark, and PREPARE, which is recorded again as what it runs. */
const NOT_READ = LEADING +
  String.raw`(?:prepare|lock\s+table\s+only|do\s+\$(?:lock|check|forget)\$|with\s+wanted_name\s)`;

const matches = (pattern: string) => `s.query ~* ${literal(pattern.replaceAll("\\b", "\\y"))}`;

/**
 * Query for the statements that name one of the relations and may matter, as texts; each with the number of all
 * of them.
 *
 * @param schema Of the view pg_stat_statements.
 */
export const recordedStatements = (
  names: string[],
  schema: string,
  limits = STATEMENT_LIMITS,
): string => `
    select ${
  textObject({
    kind: "'statement'",
    identity: "s.queryid::text",
    text: `left(s.query, ${limits.each})`,
    calls: "s.calls",
    role: "pg_get_userbyid(s.userid)",
    among: "s.among",
    cut: `length(s.query) > ${limits.each}`,
  })
} as text
    from (
      select s.*, count(*) over () as among,
        sum(least(length(s.query), ${limits.each}))
          over (order by s.calls, s.queryid, s.userid) as characters
      from (
        select s.queryid, s.userid, min(s.query) as query, sum(s.calls)::int8 as calls
        from (
          select s.queryid, s.userid, s.calls, s.query
          from ${qualified(schema, "pg_stat_statements")} s
          -- Without the right to see it, an entry of another role has no id.
          where s.queryid is not null and s.dbid = ${THIS_DATABASE}
          offset 0
        ) s
        where ${mayName(names, "s.query")} and ${matches(MAY_MATTER)} and not ${matches(NOT_READ)}
          ${
  MARKS_OF_OWN.map((mark) => `and strpos(s.query, ${literal(mark)}) = 0`).join(
    "\n          ",
  )
}
        group by s.queryid, s.userid
      ) s
      where s.calls > 1 or not ${matches(ONE_TIME)}
      order by s.calls, s.queryid, s.userid
      limit ${limits.statements}
    ) s
    where s.characters <= ${limits.characters}`;

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
