/** One query for all facts of a request, however many relations it names. */
import type { ColumnFacts, Facts, RelationFacts, TextSources } from "../facts/facts.ts";
import { analysisByRelation, analysisMembers, type AnalysisRow, noAnalysis } from "./analysis.ts";
import { attachedMembers } from "./attached_objects.ts";
import { builtOnMembers } from "./built_on.ts";
import { columns } from "./columns.ts";
import { dependantMembers } from "./dependants.ts";
import { type IndexesWanted, indexMember } from "./index_names.ts";
import { nameColumns } from "./name_columns.ts";
import { nameTakers } from "./name_takers.ts";
import { nameMembers } from "./names.ts";
import { NO_NAMES_IN_ROWS } from "../facts/names_in_rows.ts";
import { aclFromRows, type AclRow, privilegeMembers } from "./privileges.ts";
import { relationMembers } from "./relation.ts";
import { rowTypeMembers } from "./row_type.ts";
import { targets, type TargetsWanted } from "./targets.ts";
import { namesakes } from "./namesakes.ts";
import { statementsRead, type TextRow, textsFromRows, textsNaming } from "./texts.ts";

export interface FactsWanted extends TargetsWanted {
  /** Names of relations that texts are searched for. Default: none, and no texts are read. */
  mentioned?: string[];
  /** Where texts are kept beside routines, as the beginning of the transaction told. Default: nowhere. */
  sources?: TextSources;
  /** Whether to read what only an analysis needs. Default: false. */
  analysis?: boolean;
  /** Have the names of the relations' indexes told. Default: not. */
  indexes?: IndexesWanted;
  /** Whether to read all that is built on the views among them, to be repointed. Default: not. */
  builtOn?: boolean;
}

/**
 * An object in parts, since one function call takes 100 arguments at most; `factsFromRow` puts them together.
 * As jsonb the server could, but to make jsonb of all this costs it more than to read it.
 */
const parts = (...members: string[]) =>
  `json_build_array(${members.map((m) => `json_build_object(${m})`).join(",\n      ")})`;

const NO_SOURCES: TextSources = { statements: null, cron: false };

/**
 * The query's text: one row with one column `facts`. It qualifies every function and relation and expects
 * `search_path = pg_catalog, pg_temp`, under which the server prints all other names qualified.
 */
export function factsQuery(wanted: FactsWanted): string {
  return `
${targets(wanted)}
select json_build_object(
  'session', json_build_object(
    'server_version', current_setting('server_version_num')::int,
    'user', current_user,
    'sql_functions', has_language_privilege('sql', 'USAGE')),
  'texts', ${textsNaming(wanted.mentioned ?? [], wanted.sources ?? NO_SOURCES)},
  'namesakes', ${namesakes(wanted.mentioned ?? [])},
  'name_columns', ${wanted.mentioned === undefined ? "'[]'::json" : nameColumns},
  'name_takers', ${nameTakers(wanted.mentioned ?? [])},
  ${wanted.analysis ? `${analysisMembers},` : ""}
  'names', (
    select coalesce(json_agg(json_build_object(${nameMembers})
      order by w.ordinality), '[]')
    from named w),${wanted.indexes === undefined ? "" : `${indexMember(wanted.indexes)},`}
  'relations', (
    select coalesce(json_agg(
      ${
    parts(
      relationMembers,
      `'columns', ${columns}, ${privilegeMembers}`,
      attachedMembers,
      dependantMembers,
      rowTypeMembers,
      wanted.builtOn ? builtOnMembers : "'built_on', null",
    )
  }
      order by t.oid), '[]')
    from target x
    join pg_class t on t.oid = x.oid
    join pg_namespace n on n.oid = t.relnamespace)
)::text as facts`;
}

/** A relation as the query tells it, with its parts put together. */
interface RelationRow extends Omit<RelationFacts, "acl" | "columns"> {
  acl: AclRow[];
  columns: (Omit<ColumnFacts, "acl"> & { acl: AclRow[] })[];
}

function relationFromParts(parts: Partial<RelationRow>[]): RelationFacts {
  const row: RelationRow = Object.assign({}, ...parts);
  return {
    ...row,
    acl: aclFromRows(row.acl),
    columns: row.columns.map((column) => ({ ...column, acl: aclFromRows(column.acl) })),
  };
}

/** What the query answers, before it is put together. */
interface FactsRow
  extends
    Pick<Facts, "session" | "names" | "namesakes" | "name_takers" | "name_columns">,
    Partial<AnalysisRow> {
  relations: Partial<RelationRow>[][];
  texts: TextRow[];
  index_names?: Pick<Facts, "indexes" | "relation_names">;
}

/**
 * The query as part of a message within a transaction; its second answer is the facts' row (of statements
 * without rows, only a message's first has an answer of its own). To print definitions the server takes
 * ACCESS SHARE locks on what they name (on 15 also on the views themselves); these are given back at once, so
 * that nobody's DDL has to wait for whatever comes then.
 */
export const factsMessage = (wanted: FactsWanted): string =>
  `savepoint facts;
${factsQuery(wanted)};
rollback to savepoint facts;
release savepoint facts`;

/** Reads the query's answer. */
export function factsFromRow(row: { facts: string }): Facts {
  const {
    session,
    names,
    namesakes,
    name_columns,
    name_takers,
    relations,
    texts,
    index_names,
    ...rest
  } = JSON
    .parse(
      row.facts,
    ) as FactsRow;
  const analysis = { ...noAnalysis, ...rest };
  const described = relations.map(relationFromParts);
  const analyzed = analysisByRelation(analysis, described.map(({ oid }) => oid));
  return {
    session,
    names,
    indexes: index_names?.indexes ?? [],
    relation_names: index_names?.relation_names ?? [],
    texts: textsFromRows(texts),
    statements_read: statementsRead(texts),
    namesakes,
    name_columns,
    names_in_rows: NO_NAMES_IN_ROWS,
    name_takers,
    event_triggers: analysis.event_triggers,
    graphql: analysis.graphql,
    schema_tools: analysis.schema_tools,
    relations: described.map((facts) => ({ ...facts, ...analyzed.get(facts.oid)! })),
  };
}
