/** The facts of a request: one query, however many relations it names. */
import type { RelationAnalysis } from "../facts/analysis_facts.ts";
import type { BuiltObject, BuiltOnFacts } from "../facts/built_on.ts";
import type { DriftColumn, DriftFacts, DriftRelation } from "../facts/drift_facts.ts";
import type {
  ColumnState,
  Facts,
  NameFacts,
  RelationFacts,
  RelationState,
  TextSources,
} from "../facts/facts.ts";
import type { Privilege } from "../facts/privileges.ts";
import { NO_NAMES_IN_ROWS } from "../facts/names_in_rows.ts";
import { OWN_STATEMENT } from "../sql/own_statements.ts";
import { jsonbLiteral } from "../sql/quoting.ts";
import { viewQueryDigest } from "../sql/stored_view.ts";
import { analysis, analysisByRelation, type AnalysisRow } from "./analysis.ts";
import { ATTACHED, type IndexesWanted, indexNames } from "./objects/attached_objects.ts";
import { builtOn } from "./objects/built_on.ts";
import { DEPENDENTS, READING_VIEWS, rowType } from "./objects/dependents.ts";
import { type Expressions, jsonObject, valuesReader } from "./texts/expressions.ts";
import {
  dynamicSqlRoutines,
  interimTaken,
  NAME,
  nameColumns,
  sameNamedRelations,
} from "./names.ts";
import { ANYTHING, type Occurring, occurring } from "./occurring.ts";
import {
  ACL_LISTS,
  type AclRow,
  defaultGrantees,
  GRANT_LISTS,
  PRIVILEGE_LISTS,
  withAcl,
} from "./objects/privileges.ts";
import { COLUMN, columnsWith, RELATION } from "./objects/relation.ts";
import { statementsRead, type TextRow, textsFromRows, textsNaming } from "./texts/texts.ts";

export interface RelationsWanted {
  /** Names whose meaning is asked; a relation found there is described too. */
  names: { schema: string; name: string }[];
  /** Relations described by OID, whatever they are called now. */
  oids: number[];
}

export interface FactsWanted extends RelationsWanted {
  /** Names of relations that texts are searched for. Default: none, and no texts are read. */
  mentioned?: string[];
  /** Where texts are kept beside routines. Default: nowhere. */
  sources?: TextSources;
  /** Whether to read what only an analysis needs. Default: false. */
  analysis?: boolean;
  /** Which indexes to read the names of. Default: none. */
  indexes?: IndexesWanted;
  /** Whether to read all that is built on the views among them, to be repointed. Default: false. */
  builtOn?: boolean;
  /**
   * What `occurringQuery` has found among them; what does not occur is left out, and the answer's column `occurring`
   * says what occurs now. Default: anything, and there is no such column.
   */
  expected?: Occurring;
}

/**
 * The beginning of a query: `named` has a row for each name, with what has it now, and `described` the OIDs of all
 * relations that are meant.
 */
const relationsWanted = ({ names, oids }: RelationsWanted) =>
  `${OWN_STATEMENT}, wanted_name as (
  select w.ordinality, w.value ->> 'schema' as schema_name, w.value ->> 'name' as relation_name
  from jsonb_array_elements(${jsonbLiteral(names)}) with ordinality w
),
named as (
  select w.ordinality, w.schema_name, w.relation_name, n.oid as schema_oid, c.oid, c.relkind
  from wanted_name w
  left join pg_namespace n on n.nspname = w.schema_name::name
  left join pg_class c on c.relnamespace = n.oid and c.relname = w.relation_name::name
),
described as (
  select oid from named where oid is not null and relkind in ('r', 'p', 'v', 'm', 'f')
  union
  select o.value::oid from jsonb_array_elements_text(${jsonbLiteral(oids)}) o
)`;

const SESSION = `json_build_object(
      'server_version', current_setting('server_version_num')::int,
      'user', current_user,
      'sql_functions', has_language_privilege('sql', 'USAGE'))`;

const NAMES = `(
    select coalesce(json_agg(${jsonObject(NAME)} order by w.ordinality), '[]') from named w)`;

const relationsWith = (facts: Record<string, string>) =>
  `(
    select coalesce(json_agg(${jsonObject(facts)} order by t.oid), '[]')
    from described x
    join pg_class t on t.oid = x.oid
    join pg_namespace n on n.oid = t.relnamespace)`;

/** What is the same for all relations of a schema. */
type SchemaFacts = Pick<RelationFacts, "default_grantees" | "default_executors">;

const SCHEMA: Expressions<SchemaFacts> = {
  default_grantees: defaultGrantees("'r'", "n.oid"),
  default_executors: defaultGrantees("'f'", "n.oid"),
};

const SCHEMAS = `(
    select coalesce(json_object_agg(n.nspname, ${jsonObject(SCHEMA)}), '{}')
    from (
      select distinct t.relnamespace from described x join pg_class t on t.oid = x.oid) s
    join pg_namespace n on n.oid = s.relnamespace)`;

const ALL = { ...RELATION, ...ATTACHED, ...DEPENDENTS, columns: columnsWith(COLUMN) };

const NO_RELATIONS = { relations: "'[]'::json", schemas: "'{}'::json", acls: "'[]'::json" };

const NO_SOURCES: TextSources = { statements: null, cron: false };

/** The query's text: one row with one column `facts`. */
export function factsQuery(wanted: FactsWanted): string {
  const { mentioned, sources = NO_SOURCES, indexes, expected = ANYTHING } = wanted;
  const none = wanted.names.length + wanted.oids.length === 0;
  const relation: Expressions<Omit<RelationFacts, keyof RelationAnalysis | keyof SchemaFacts>> = {
    ...ALL,
    row_type: rowType(expected),
    built_on: wanted.builtOn ? builtOn(expected) : "null",
    view_query_with_names: wanted.builtOn ? viewQueryDigest("t.oid", { names: true }) : "null",
  };
  const facts = {
    session: SESSION,
    names: NAMES,
    interim_taken: interimTaken,
    ...(none ? NO_RELATIONS : {
      relations: relationsWith(relation),
      schemas: SCHEMAS,
      acls: ACL_LISTS.query,
    }),
    ...(mentioned !== undefined && { name_columns: nameColumns }),
    ...(mentioned !== undefined && mentioned.length > 0 && {
      texts: textsNaming(mentioned, sources),
      same_named_relations: sameNamedRelations(mentioned),
      dynamic_sql_routines: dynamicSqlRoutines,
    }),
    ...(indexes !== undefined && { index_names: indexNames(indexes) }),
    ...(wanted.analysis && analysis(expected)),
  };
  const seen = wanted.expected === undefined ? "" : `, ${occurring} as occurring`;
  return `${relationsWanted(wanted)}
select ${jsonObject(facts)}::text as facts${seen}`;
}

/** Query for what occurs among relations: one row with one column `occurring`, an `Occurring`. */
export const occurringQuery = (wanted: RelationsWanted): string =>
  `${relationsWanted(wanted)}
select ${occurring} as occurring`;

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

/** Of a column, what drift is found by; collations are only compared. */
const DRIFT_COLUMN: Expressions<DriftColumn> = {
  name: COLUMN.name,
  type: COLUMN.type,
  collation: "nullif(a.attcollation, 0)::text",
  identity: COLUMN.identity,
  generated: COLUMN.generated,
  default: COLUMN.default,
  identity_sequence: COLUMN.identity_sequence,
  acl: COLUMN.acl,
  partial_readers: COLUMN.partial_readers,
};

const DRIFT_RELATION: Expressions<DriftRelation> = {
  oid: ALL.oid,
  schema: ALL.schema,
  name: ALL.name,
  kind: ALL.kind,
  owner: ALL.owner,
  row_security: ALL.row_security,
  options: ALL.options,
  acl: ALL.acl,
  columns: columnsWith(DRIFT_COLUMN),
  dependants: READING_VIEWS,
  view_reads: ALL.view_reads,
  row_type: ALL.row_type,
};

/**
 * The query for what drift is found by, of many views and their tables. It leaves out most of a relation's facts,
 * since the list of migrations reads it often. One row with one column `facts`.
 */
export const driftFactsQuery = (wanted: RelationsWanted): string =>
  `${relationsWanted(wanted)}
select json_build_object(
  'names', ${NAMES},
  'relations', ${relationsWith(DRIFT_RELATION)},
  'acls', ${PRIVILEGE_LISTS.query})::text as facts`;

const COLUMN_STATE: Expressions<ColumnState> = {
  name: COLUMN.name,
  type: COLUMN.type,
  collation: COLUMN.collation,
  not_null: COLUMN.not_null,
  identity: COLUMN.identity,
  generated: COLUMN.generated,
  default: COLUMN.default,
  settings: COLUMN.settings,
  comment: COLUMN.comment,
  acl: COLUMN.acl,
};

const RELATION_STATE: Expressions<RelationState> = {
  oid: ALL.oid,
  schema: ALL.schema,
  name: ALL.name,
  kind: ALL.kind,
  persistence: ALL.persistence,
  owner: ALL.owner,
  row_security: ALL.row_security,
  force_row_security: ALL.force_row_security,
  options: ALL.options,
  replica_identity: ALL.replica_identity,
  access_method: ALL.access_method,
  tablespace: ALL.tablespace,
  comment: ALL.comment,
  partition_key: ALL.partition_key,
  partition_bound: ALL.partition_bound,
  parents: ALL.parents,
  children: ALL.children,
  acl: ALL.acl,
  columns: columnsWith(COLUMN_STATE),
  ...ATTACHED,
  view_query: ALL.view_query,
};

/** The query for what a change is verified by, of its tables and views. One row with one column `states`. */
export const statesQuery = (wanted: RelationsWanted): string =>
  `${relationsWanted(wanted)}
select json_build_object(
  'names', (
    select coalesce(json_agg(${NAME.relation} order by w.ordinality), '[]') from named w),
  'relations', ${relationsWith(RELATION_STATE)},
  'acls', ${GRANT_LISTS.query})::text as states`;

/** What has access control lists, as the queries answer it: as texts. */
type WithText<Holder> = Omit<Holder, "acl"> & { acl: string };

/** Columns are arrays of their values. */
type RelationRow<Relation> = Omit<WithText<Relation>, "columns"> & { columns: unknown[][] };

type WithEntries<Holder> = Omit<Holder, "acl"> & { acl: unknown[][] };

interface BuiltOnRow extends Omit<BuiltOnFacts, "objects"> {
  objects: (Omit<WithEntries<BuiltObject>, "column_acls"> & {
    column_acls: WithEntries<BuiltObject["column_acls"][number]>[];
  })[];
}

interface FactsRow
  extends
    Pick<Facts, "session" | "names" | "interim_taken">,
    Partial<Pick<Facts, "same_named_relations" | "dynamic_sql_routines" | "name_columns">>,
    Partial<AnalysisRow> {
  relations: (RelationRow<Omit<RelationFacts, "built_on" | keyof SchemaFacts>> & {
    built_on: BuiltOnRow | null;
  })[];
  schemas: Record<string, SchemaFacts>;
  acls: AclRow[];
  texts?: TextRow[];
  index_names?: Pick<Facts, "indexes" | "relation_names">;
}

/** Reads the columns of relations, and the access control lists of both. */
function withColumns<
  Relation extends { schema: string; acl: Privilege[]; columns: { acl: Privilege[] }[] },
>(
  relations: RelationRow<Relation>[],
  column: Expressions<Relation["columns"][number]>,
  aclOf: (schema: string, text: string | null) => Relation["acl"],
): Relation[] {
  const readColumn = valuesReader(column);
  return relations.map((row) => {
    // What has a text in place of its list here has the list in the end.
    const relation = row as unknown as Relation & { acl: unknown; columns: unknown };
    const columns = row.columns.map((values) => {
      const one = readColumn(values);
      one.acl = aclOf(relation.schema, one.acl as unknown as string | null);
      return one;
    });
    return Object.assign(relation, { acl: aclOf(relation.schema, row.acl), columns });
  });
}

/** Reads the answer of `factsQuery`. */
export function factsFromRow(row: { facts: string }): Facts {
  const { relations, schemas, acls, texts = [], index_names, analysis, ...facts }: FactsRow = JSON
    .parse(row.facts);
  const analyzed = analysisByRelation(analysis, relations.map(({ oid }) => oid));
  return {
    same_named_relations: [],
    dynamic_sql_routines: [],
    name_columns: [],
    names_in_rows: NO_NAMES_IN_ROWS,
    event_triggers: [],
    graphql: false,
    schema_tools: [],
    indexes: [],
    relation_names: [],
    ...facts,
    ...index_names,
    texts: textsFromRows(texts),
    statements_read: statementsRead(texts),
    relations: withColumns<RelationFacts>(
      relations.map((relation) => ({
        ...relation,
        ...schemas[relation.schema],
        built_on: relation.built_on && {
          ...relation.built_on,
          objects: relation.built_on.objects.map((object) => ({
            ...withAcl(object),
            column_acls: object.column_acls.map(withAcl),
          })),
        },
        ...analyzed.get(relation.oid)!,
      })),
      COLUMN,
      ACL_LISTS.reader(acls),
    ),
  };
}

/** Reads the answer of `driftFactsQuery`. */
export function driftFactsFromRow(row: { facts: string }): DriftFacts {
  const { names, relations, acls }: Omit<DriftFacts, "relations"> & {
    relations: RelationRow<DriftRelation>[];
    acls: AclRow[];
  } = JSON.parse(row.facts);
  return {
    names,
    relations: withColumns(relations, DRIFT_COLUMN, PRIVILEGE_LISTS.reader(acls)),
  };
}

export interface States {
  /** What has each of the names, in their order. */
  names: NameFacts["relation"][];
  byOid: Map<number, RelationState>;
}

/** Reads the answer of `statesQuery`. */
export function statesFromRow(row: { states: string }): States {
  const { names, relations, acls }: Pick<States, "names"> & {
    relations: RelationRow<RelationState>[];
    acls: AclRow[];
  } = JSON.parse(row.states);
  const states = withColumns(relations, COLUMN_STATE, GRANT_LISTS.reader(acls));
  return { names, byOid: new Map(states.map((state) => [state.oid, state])) };
}
