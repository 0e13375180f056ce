/**
 * Objects that belong to a relation and go where it goes: constraints, indexes, triggers, policies, rules,
 * statistics, publications, sequences, labels. Each as a name and a definition text that says all of it.
 */
import type { RelationFacts } from "../../facts/facts.ts";
import { literal } from "../../sql/quoting.ts";
import { commentOn, type Expressions } from "../texts/expressions.ts";

/**
 * JSON array of the rows (name, definition) of a query. OFFSET 0 keeps the query from being pulled up: its
 * definitions, the dearest part, would be made once to sort them and once more to list them.
 */
const list = (query: string) =>
  `(
    select coalesce(json_agg(json_build_object('name', x.name, 'definition', x.definition)
      order by x.name::text collate "C", x.definition), '[]')
    from (${query} offset 0) x(name, definition))`;

/** The end of a definition: the object's comment. */
const comment = (catalog: string, oid: string) =>
  `coalesce(' comment ' || quote_literal(${commentOn(catalog, oid)}), '')`;

/** Of relation `t`. */
export const ATTACHED = {
  constraints: list(`
      select c.conname, pg_get_constraintdef(c.oid)
        || case when c.convalidated then '' else ' [not validated]' end || ${
    comment("pg_constraint", "c.oid")
  }
      from pg_constraint c where c.conrelid = t.oid and c.contype <> 't'`),
  indexes: list(`
      select ic.relname, pg_get_indexdef(i.indexrelid)
        || case when i.indisvalid then '' else ' [invalid]' end
        || case when i.indisclustered then ' [clustered]' else '' end
        || case when i.indisreplident then ' [replica identity]' else '' end || ${
    comment("pg_class", "i.indexrelid")
  }
      from pg_index i join pg_class ic on ic.oid = i.indexrelid where i.indrelid = t.oid`),
  triggers: list(`
      select g.tgname, pg_get_triggerdef(g.oid) || ' enabled ' || g.tgenabled::text || ${
    comment("pg_trigger", "g.oid")
  }
      from pg_trigger g where g.tgrelid = t.oid and not g.tgisinternal`),
  policies: list(`
      select p.polname, concat_ws(' ',
          case when p.polpermissive then 'permissive' else 'restrictive' end,
          'for', p.polcmd::text,
          'to', (
            select string_agg(case when r = 0 then 'public' else quote_ident(pg_get_userbyid(r)) end, ', ')
            from unnest(p.polroles) r),
          'using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
          'with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')') || ${
    comment("pg_policy", "p.oid")
  }
      from pg_policy p where p.polrelid = t.oid`),
  rules: list(`
      select r.rulename, pg_get_ruledef(r.oid) || ' enabled ' || r.ev_enabled::text || ${
    comment("pg_rewrite", "r.oid")
  }
      from pg_rewrite r where r.ev_class = t.oid and r.rulename <> '_RETURN'`),
  statistics: list(`
      select s.stxnamespace::regnamespace::text || '.' || quote_ident(s.stxname),
        pg_get_statisticsobjdef(s.oid) || ${comment("pg_statistic_ext", "s.oid")}
      from pg_statistic_ext s where s.stxrelid = t.oid`),
  publications: list(`
      select pub.pubname, concat_ws(' ', 'table',
          '(' || (
            select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
            from pg_attribute a where a.attrelid = pr.prrelid and a.attnum = any(pr.prattrs)) || ')',
          'where ' || pg_get_expr(pr.prqual, pr.prrelid))
      from pg_publication_rel pr join pg_publication pub on pub.oid = pr.prpubid
      where pr.prrelid = t.oid
      union all
      select pub.pubname, 'partition of a table'
      from pg_partition_ancestors(t.oid) a(relid)
      join pg_publication_rel pr on pr.prrelid = a.relid and a.relid <> t.oid
      join pg_publication pub on pub.oid = pr.prpubid and not pub.pubviaroot
      union all
      select pub.pubname, 'schema'
      from pg_publication_namespace pn join pg_publication pub on pub.oid = pn.pnpubid
      where pn.pnnspid = t.relnamespace and t.relkind in ('r', 'p')
      union all
      select pub.pubname, 'all tables'
      from pg_publication pub where pub.puballtables and t.relkind in ('r', 'p')`),
  owned_sequences: list(`
      select d.objid::regclass::text,
        'column ' || d.refobjsubid || case d.deptype when 'i' then ' identity' else '' end
      from pg_depend d join pg_class s on s.oid = d.objid and s.relkind = 'S'
      where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
        and d.refobjid = t.oid and d.refobjsubid > 0 and d.deptype in ('a', 'i')`),
  security_labels: list(`
      select l.provider || ' ' || l.objsubid, l.label
      from pg_seclabel l where l.objoid = t.oid and l.classoid = 'pg_class'::regclass`),
  // Found by pg_depend: pg_constraint has no index by the referenced relation.
  referencing: list(`
      select c.conrelid::regclass::text || ' ' || c.conname, pg_get_constraintdef(c.oid)
      from pg_constraint c
      where c.confrelid = t.oid and c.contype = 'f' and c.conrelid <> t.oid and c.oid in (
        select d.objid from pg_depend d
        where d.classid = 'pg_constraint'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid)`),
} satisfies Partial<Expressions<RelationFacts>>;

export interface IndexesWanted {
  /** Indexes by OID, besides those of the described relations. */
  oids: number[];
  /** New names of tables: relations whose names could be those of renamed indexes are read. */
  newNames: string[];
}

/** A name that was cut to 63 bytes has at least so many, since a character has at most four. */
const FEWEST_BYTES_WHEN_CUT = 60;

/** JSON object of the indexes of relations and their partitions, and of relations with names that they could want. */
export function indexNames({ oids, newNames }: IndexesWanted): string {
  return `(
    with holder as (
      select x.oid as root, x.oid as relid from described x
      union
      select x.oid, p.relid
      from described x
      join pg_class t on t.oid = x.oid and t.relkind = 'p'
      cross join lateral pg_partition_tree(x.oid) p
    ),
    wanted as (
      select i.indexrelid, h.root from holder h join pg_index i on i.indrelid = h.relid
      union
      select i.indexrelid, null from pg_index i
      where i.indexrelid = any(${literal(`{${oids.join(",")}}`)}::oid[])
    ),
    found as (
      select w.indexrelid as oid,
        coalesce(json_agg(w.root::int8 order by w.root) filter (where w.root is not null), '[]')
          as roots
      from wanted w group by w.indexrelid
    ),
    listed as (
      select json_build_object(
          'oid', c.oid::int8, 'schema', n.nspname, 'name', c.relname, 'kind', c.relkind,
          'roots', f.roots, 'table', i.indrelid::int8,
          'owned', pg_has_role(c.relowner, 'USAGE'),
          'constraints', case when own.oid is null then '[]' else (
            select json_agg(other.conname)
            from pg_constraint other where other.conrelid = i.indrelid) end) as index,
        c.relname, c.relnamespace
      from found f
      join pg_class c on c.oid = f.oid
      join pg_namespace n on n.oid = c.relnamespace
      join pg_index i on i.indexrelid = c.oid
      left join pg_constraint own on own.conrelid = i.indrelid and own.conindid = c.oid
        and own.contype in ('p', 'u', 'x')
    )
    select json_build_object(
      'indexes', (select coalesce(json_agg(l.index
        order by l.relnamespace::regnamespace::text collate "C", l.relname collate "C"), '[]') from listed l),
      'relation_names', (
        select coalesce(json_agg(json_build_object(
            'schema', n.nspname, 'name', c.relname)), '[]')
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        where c.relnamespace in (select l.relnamespace from listed l) and ${
    couldBeRenamed("c.relname::text", newNames)
  })))`;
}

/** Whether a name could be that of a renamed index: it begins as a new name does, or was cut. */
function couldBeRenamed(name: string, newNames: string[]): string {
  if (newNames.length === 0) return "false";
  const characters = newNames.map((one) => [...one]);
  const shortest = Math.min(...characters.map(({ length }) => length));
  const beginnings = [...new Set(characters.map((one) => one.slice(0, shortest).join("")))];
  return `(octet_length(${name}) >= ${FEWEST_BYTES_WHEN_CUT}
          or left(${name}, ${shortest}) in (${beginnings.map(literal).join(", ")}))`;
}
