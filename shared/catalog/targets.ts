/** The relations that a query of facts is about: by their names, free or taken, and by their OIDs. */
import { OWN_STATEMENT } from "../sql/own_statements.ts";
import { jsonbLiteral } from "../sql/quoting.ts";

export interface TargetsWanted {
  /** Names whose meaning is asked; a relation found there is described too. */
  names: { schema: string; name: string }[];
  /** Relations described by OID, whatever they are called now. */
  oids: number[];
}

/**
 * The beginning of the query: `named` has a row for each name, with what has it now, and `target` the OIDs of
 * all relations that are meant.
 */
export const targets = ({ names, oids }: TargetsWanted): string =>
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
target as (
  select oid from named where oid is not null and relkind in ('r', 'p', 'v', 'm', 'f')
  union
  select o.value::oid
  from jsonb_array_elements_text(${jsonbLiteral(oids)}) o
)`;
