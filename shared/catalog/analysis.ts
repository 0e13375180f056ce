/**
 * What an analysis reads beyond the facts that every plan needs: what depends on a relation at any depth, what
 * runs when it changes, and who reaches it by its name from elsewhere. Each kind is one query for all relations:
 * rows of `relation` (OID) and the JSON value `fact`, of relations that have something.
 */
import { joinTablePairs, mediaHandlers, partitionAccess, selfEmbeddings } from "./data_api.ts";
import type { DatabaseAnalysis, RelationAnalysis } from "../facts/analysis_facts.ts";
import { EVENT_TRIGGER_MARKS, LOGIN_TABLE, TABLE_MARKS } from "../findings/schema_tools.ts";
import { literal } from "../sql/quoting.ts";
import { type Expressions, jsonObject, nameArray } from "./texts/expressions.ts";
import type { Occurring } from "./occurring.ts";

/** Views can be made to read each other in a circle; no schema in use is deeper than this. */
const MAX_DEPTH = 64;

/** Views on relations, on their row types, on those views, and so on: each once a relation, at its least depth. */
const views = `
      with recursive reads as materialized (
        select distinct rw.ev_class as view, coalesce(ty.typrelid, d.refobjid) as relation
        from pg_rewrite rw
        join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = rw.oid
        left join pg_type ty on d.refclassid = 'pg_type'::regclass
          and ty.oid = d.refobjid and ty.typrelid <> 0
        where rw.rulename = '_RETURN'
          and (d.refclassid = 'pg_class'::regclass or ty.oid is not null)
      ),
      reader as (
        select t.oid as relation, t.oid as view, 0 as depth from described t
        union
        select r.relation, reads.view, r.depth + 1
        from reader r join reads on reads.relation = r.view
        where reads.view <> r.view and r.depth < ${MAX_DEPTH}
      )
      select r.relation, json_build_object(
        'kind', case v.relkind when 'm' then 'materialized view' else 'view' end,
        'identity', quote_ident(n.nspname) || '.' || quote_ident(v.relname),
        'oid', v.oid::int8,
        'depth', r.depth) as fact
      from (
        select r.relation, r.view, min(r.depth) as depth from reader r
        where r.view <> r.relation group by r.relation, r.view
      ) r
      join pg_class v on v.oid = r.view
      join pg_namespace n on n.oid = v.relnamespace
      order by r.relation, r.depth, n.nspname, v.relname`;

/**
 * Triggers with the functions they call. Arguments can hold credentials (those of database webhooks do), so
 * that only whether one of them is the relation's name is read.
 */
const triggerFunctions = `
      select g.tgrelid as relation, json_build_object(
        'trigger', g.tgname,
        'function', format('%I.%I()', n.nspname, p.proname),
        'schema', n.nspname,
        'name', p.proname,
        'enabled', g.tgenabled <> 'D',
        'names_table', position('\\x00'::bytea || convert_to(c.relname, getdatabaseencoding()) || '\\x00'::bytea
          in '\\x00'::bytea || g.tgargs) > 0) as fact
      from described t
      join pg_class c on c.oid = t.oid
      join pg_trigger g on g.tgrelid = t.oid and not g.tgisinternal
      join pg_proc p on p.oid = g.tgfoid
      join pg_namespace n on n.oid = p.pronamespace
      order by g.tgrelid, g.tgname`;

/**
 * Functions by which the Data API embeds rows of one relation in those of another: one parameter of the
 * first one's row type, a result of the second one's (PostgREST, "Computed relationships").
 */
const computedRelationships = `
      select t.oid as relation, json_build_object(
        'function', (pg_identify_object('pg_proc'::regclass, p.oid, 0)).identity,
        'schema', (select pn.nspname from pg_namespace pn where pn.oid = p.pronamespace),
        'name', p.proname,
        'returns', quote_ident(rn.nspname) || '.' || quote_ident(r.relname),
        'set', p.proretset,
        'rows', p.prorows) as fact
      from described t
      join pg_class c on c.oid = t.oid
      join pg_depend d on d.classid = 'pg_proc'::regclass
        and d.refclassid = 'pg_type'::regclass and d.refobjid = c.reltype
      join pg_proc p on p.oid = d.objid and p.pronargs = 1
        and p.proargtypes[0] = c.reltype and p.prokind = 'f'
      join pg_class r on r.reltype = p.prorettype and r.relkind in ('r', 'p', 'v', 'm', 'f')
      join pg_namespace rn on rn.oid = r.relnamespace
      group by t.oid, p.oid, p.proname, rn.nspname, r.relname
      order by t.oid, p.oid`;

const option = (options: string, name: string) =>
  `(
            select o.option_value from pg_options_to_table(${options}) o
            where o.option_name = ${literal(name)})`;

/**
 * Foreign tables of this database that lead back to a relation in it, through postgres_fdw and a server on
 * this machine (PostgreSQL manual, F.38: what an option leaves out is the foreign table's own name, and for
 * the connection libpq's default).
 */
const foreignTables = `
      with option as (
        select ft.ftrelid, ft.ftserver, fn.nspname, f.relname, s.srvname,
          coalesce(${option("ft.ftoptions", "schema_name")}, fn.nspname) as schema_name,
          coalesce(${option("ft.ftoptions", "table_name")}, f.relname) as table_name,
          coalesce(${option("ft.ftoptions", "updatable")}, ${option("s.srvoptions", "updatable")},
            'true') as updatable,
          ${option("s.srvoptions", "dbname")} as dbname,
          coalesce(${option("s.srvoptions", "hostaddr")}, ${option("s.srvoptions", "host")},
            '') as host
        from pg_foreign_table ft
        join pg_class f on f.oid = ft.ftrelid
        join pg_namespace fn on fn.oid = f.relnamespace
        join pg_foreign_server s on s.oid = ft.ftserver
        join pg_foreign_data_wrapper w on w.oid = s.srvfdw and w.fdwname = 'postgres_fdw'
      )
      select t.oid as relation, json_build_object(
        'identity', quote_ident(o.nspname) || '.' || quote_ident(o.relname),
        'server', o.srvname,
        'roles', (
          select coalesce(json_agg(coalesce(m.usename, 'public') order by m.usename), '[]')
          from pg_user_mappings m where m.srvid = o.ftserver),
        'updatable', o.updatable not in ('false', 'off', 'no', '0', 'f', 'n')) as fact
      from option o
      join pg_namespace n on n.nspname = o.schema_name::name
      join pg_class c on c.relnamespace = n.oid and c.relname = o.table_name::name
      join described t on t.oid = c.oid
      where coalesce(o.dbname, current_database()) = current_database()
        and (o.host in ('', 'localhost', '::1') or o.host ~ '^(/|127\\.)'
          or o.host = host(inet_server_addr()))
      order by t.oid, o.nspname, o.relname`;

/** Subscriptions of logical replication that write into a relation, which they find by its name. */
const subscriptions = `
      select t.oid as relation, to_json(s.subname::text) as fact
      from described t
      join pg_subscription_rel sr on sr.srrelid = t.oid
      join pg_subscription s on s.oid = sr.srsubid
      order by t.oid, s.subname`;

const selfReferences = `
      select t.oid as relation, to_json(c.conname::text) as fact
      from described t
      join pg_constraint c on c.conrelid = t.oid and c.confrelid = t.oid and c.contype = 'f'
      order by t.oid, c.conname`;

/** Event triggers that run at commands like ours, those of the platform included. */
const eventTriggers = `(
    select coalesce(json_agg(json_build_object(
        'name', e.evtname,
        'event', e.evtevent,
        'function', format('%I.%I()', n.nspname, p.proname),
        'schema', n.nspname,
        'tags', e.evttags) order by e.evtname), '[]')
    from pg_event_trigger e
    join pg_proc p on p.oid = e.evtfoid
    join pg_namespace n on n.oid = p.pronamespace
    where e.evtenabled in ('O', 'A'))`;

/**
 * Traces of programs that read or compare schemas: tables and event triggers by their names. Only whether they exist
 * is looked at; nothing is read from them.
 */
const schemaToolMarks = `(
    select coalesce(json_agg(json_build_object(
      'mark', m.mark, 'schema', m.schema, 'object', m.object) order by m.object), '[]')
    from (
      select c.relname::text as mark, n.nspname::text as schema,
        format('%I.%I', n.nspname, c.relname) as object
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      where c.relname = any(${nameArray(TABLE_MARKS)}) and c.relkind in ('r', 'p')
      union all
      select c.relname::text, n.nspname::text, format('%I.%I', n.nspname, c.relname)
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      where c.relname = ${literal(LOGIN_TABLE.name)} and c.relkind = 'r'
        and (
          select count(*) from pg_attribute a
          where a.attrelid = c.oid and a.attname = any(${nameArray(LOGIN_TABLE.columns)})
        ) = ${LOGIN_TABLE.columns.length}
      union all
      select e.evtname::text, null, format('event trigger %I', e.evtname)
      from pg_event_trigger e
      where e.evtname = any(${nameArray(EVENT_TRIGGER_MARKS)}) and e.evtenabled <> 'D') m)`;

/** Queries for the facts of each kind, and without what there are none; the relations are those of `described`. */
const KINDS = {
  views: { query: views, needs: "readers" },
  trigger_functions: { query: triggerFunctions, needs: "triggers" },
  computed_relationships: { query: computedRelationships, needs: "row_type_users" },
  foreign_tables: { query: foreignTables, needs: "foreign_tables" },
  subscriptions: { query: subscriptions, needs: "subscriptions" },
  self_references: { query: selfReferences, needs: "self_references" },
  partition_access: { query: partitionAccess, needs: "partitions" },
  media_handlers: { query: mediaHandlers, needs: "row_type_users" },
  self_embeddings: { query: selfEmbeddings, needs: "self_references" },
  join_table_pairs: { query: joinTablePairs, needs: "several_keys" },
} satisfies Record<keyof RelationAnalysis, { query: string; needs: keyof Occurring }>;

export interface AnalysisRow extends DatabaseAnalysis {
  /** By kind: OID of the relation, and the fact; without the kinds that were left out. */
  analysis: { [Kind in keyof RelationAnalysis]?: [number, RelationAnalysis[Kind][number]][] };
}

const rowsOf = (query: string) =>
  `(
    select coalesce(json_agg(json_build_array(x.relation::int8, x.fact)), '[]')
    from (${query}) x)`;

export const analysis = (expected: Occurring): Expressions<AnalysisRow> => ({
  event_triggers: eventTriggers,
  schema_tools: schemaToolMarks,
  graphql: "exists (select from pg_extension e where e.extname = 'pg_graphql')",
  analysis: jsonObject(
    Object.fromEntries(
      Object.entries(KINDS).filter(([, { needs }]) => expected[needs])
        .map(([kind, { query }]) => [kind, rowsOf(query)]),
    ),
  ),
});

/** The facts by the relation's OID; every relation has every kind, empty where nothing was read. */
export function analysisByRelation(
  analysis: AnalysisRow["analysis"] | undefined,
  oids: number[],
): Map<number, RelationAnalysis> {
  const kinds = Object.keys(KINDS) as (keyof RelationAnalysis)[];
  const none = () => Object.fromEntries(kinds.map((kind) => [kind, []]));
  const byRelation = new Map(oids.map((oid) => [oid, none() as unknown as RelationAnalysis]));
  for (const kind of kinds) {
    for (const [oid, fact] of analysis?.[kind] ?? []) {
      (byRelation.get(oid)![kind] as unknown[]).push(fact);
    }
  }
  return byRelation;
}
