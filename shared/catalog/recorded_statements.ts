/**
 * Statements that pg_stat_statements has recorded. There can be many thousands that name a table, nearly all of
 * which a view serves like the table, and to read one takes about a millisecond: so the database looks for
 * those that name a table and have a word of something that a view does not do, or does otherwise.
 */
import { MARKS_OF_OWN } from "../sql/own_statements.ts";
import { literal, qualified } from "../sql/quoting.ts";
import { mayName } from "./name_search.ts";

/** Where a limit is needed the rarest come first: what a view cannot serve is seldom what runs all day. */
const LIMITS = {
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
export const recordedStatements = (names: string[], schema: string, limits = LIMITS): string => `
    select json_build_object(
      'kind', 'statement',
      'identity', s.queryid::text,
      'schema', null,
      'language', 'sql',
      'text', left(s.query, ${limits.each}),
      'search_path', null,
      'owned', false,
      'security_definer', false,
      'parameters', json_build_array(),
      'record_parameters', false,
      'trigger_of', json_build_array(),
      'calls', s.calls,
      'role', pg_get_userbyid(s.userid),
      'object_identity', null,
      'among', s.among,
      'cut', length(s.query) > ${limits.each}) as text
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
          where s.queryid is not null and s.dbid = (
            select d.oid from pg_database d where d.datname = current_database())
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
