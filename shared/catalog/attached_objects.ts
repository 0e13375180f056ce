/**
 * Objects that belong to a relation and go where it goes: constraints, indexes, triggers, policies, rules,
 * statistics, publications, sequences, labels. Each as a name and a definition text that says all of it.
 */
import { commentOn } from "./comments.ts";

const list = (name: string, definition: string, from: string) =>
  `(
  select coalesce(json_agg(json_build_object(
      'name', x.name, 'definition', x.definition) order by x.name collate "C", x.definition), '[]')
  from (select (${name})::text as name, (${definition})::text as definition ${from}) x)`;

const comment = (oid: string, catalog: string) =>
  `coalesce(' comment ' || quote_literal(${commentOn(catalog, oid)}), '')`;

const columnNames = (numbers: string, relation: string) =>
  `(
  select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
  from pg_attribute a where a.attrelid = ${relation} and a.attnum = any(${numbers}))`;

/** JSON members of relation `t`, one array a kind. */
export const attachedMembers = `
  'constraints', ${
  list(
    "c.conname",
    `pg_get_constraintdef(c.oid)
      || case when c.convalidated then '' else ' [not validated]' end || ${
      comment("c.oid", "pg_constraint")
    }`,
    `from pg_constraint c where c.conrelid = t.oid and c.contype <> 't'`,
  )
},
  'indexes', ${
  list(
    "ic.relname",
    `pg_get_indexdef(i.indexrelid) || concat(
        case when not i.indisvalid then ' [invalid]' end,
        case when i.indisclustered then ' [clustered]' end,
        case when i.indisreplident then ' [replica identity]' end) || ${
      comment("i.indexrelid", "pg_class")
    }`,
    `from pg_index i join pg_class ic on ic.oid = i.indexrelid
     where i.indrelid = t.oid`,
  )
},
  'triggers', ${
  list(
    "g.tgname",
    `pg_get_triggerdef(g.oid) || ' enabled ' || g.tgenabled::text || ${
      comment("g.oid", "pg_trigger")
    }`,
    `from pg_trigger g where g.tgrelid = t.oid and not g.tgisinternal`,
  )
},
  'policies', ${
  list(
    "p.polname",
    `concat_ws(' ',
        case when p.polpermissive then 'permissive' else 'restrictive' end,
        'for', p.polcmd::text,
        'to', (select string_agg(
            case when r = 0 then 'public' else quote_ident(pg_get_userbyid(r)) end, ', ')
          from unnest(p.polroles) r),
        'using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
        'with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')') || ${
      comment("p.oid", "pg_policy")
    }`,
    `from pg_policy p where p.polrelid = t.oid`,
  )
},
  'rules', ${
  list(
    "r.rulename",
    `pg_get_ruledef(r.oid) || ' enabled ' || r.ev_enabled::text || ${
      comment("r.oid", "pg_rewrite")
    }`,
    `from pg_rewrite r where r.ev_class = t.oid and r.rulename <> '_RETURN'`,
  )
},
  'statistics', ${
  list(
    "s.stxnamespace::regnamespace::text || '.' || quote_ident(s.stxname)",
    `pg_get_statisticsobjdef(s.oid) || ${comment("s.oid", "pg_statistic_ext")}`,
    `from pg_statistic_ext s where s.stxrelid = t.oid`,
  )
},
  'publications', ${
  list(
    "x.pubname",
    "x.definition",
    `from (
       select pub.pubname, concat_ws(' ', 'table',
           '(' || ${columnNames("pr.prattrs", "pr.prrelid")} || ')',
           'where ' || pg_get_expr(pr.prqual, pr.prrelid)) as definition
       from pg_publication_rel pr join pg_publication pub on pub.oid = pr.prpubid
       where pr.prrelid = t.oid
       union all
       select pub.pubname, 'partition of a table'
       from pg_partition_ancestors(t.oid) a(relid)
         join pg_publication_rel pr on pr.prrelid = a.relid and a.relid <> t.oid
         join pg_publication pub on pub.oid = pr.prpubid and not pub.pubviaroot
       union all
       select pub.pubname, 'schema'
       from pg_publication_namespace pn
         join pg_publication pub on pub.oid = pn.pnpubid
       where pn.pnnspid = t.relnamespace and t.relkind in ('r', 'p')
       union all
       select pub.pubname, 'all tables' from pg_publication pub
       where pub.puballtables and t.relkind in ('r', 'p')
     ) x`,
  )
},
  'owned_sequences', ${
  list(
    "d.objid::regclass::text",
    `'column ' || d.refobjsubid || case d.deptype when 'i' then ' identity' else '' end`,
    `from pg_depend d
       join pg_class s on s.oid = d.objid and s.relkind = 'S'
     where d.classid = 'pg_class'::regclass
       and d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid
       and d.refobjsubid > 0 and d.deptype in ('a', 'i')`,
  )
},
  'security_labels', ${
  list(
    "l.provider || ' ' || l.objsubid",
    "l.label",
    `from pg_seclabel l
     where l.objoid = t.oid and l.classoid = 'pg_class'::regclass`,
  )
},
  'referencing', ${
  list(
    "c.conrelid::regclass::text || ' ' || c.conname",
    "pg_get_constraintdef(c.oid)",
    // Found by pg_depend: pg_constraint has no index by the referenced relation.
    `from pg_constraint c
     where c.confrelid = t.oid and c.contype = 'f' and c.conrelid <> t.oid and c.oid in (
       select d.objid from pg_depend d
       where d.classid = 'pg_constraint'::regclass
         and d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid)`,
  )
}`;
