/**
 * The checks that let nothing be lost: once the locks are held, that views and dependants are what they were
 * when the facts were read; in the end, that each dependant is what it was, and means the table.
 */
import { type Check, found, raiseUnlessNone } from "../plan/verification/checks.ts";
import { ofThisDatabase } from "../plan/plan.ts";
import { literal } from "../sql/quoting.ts";
import type { Dependent } from "./dependents.ts";
import type { LeavingView } from "./leaving_view.ts";
import { catalogOid, definitionOf, keptOf, skeletonOf, sourcesDigest } from "./object_state.ts";

/**
 * Raises unless each view is the planned one and has nothing on it but what was found when the facts were
 * read: dependants of its own and of what is made again, as they were then, and no triggers or rules, which
 * DROP VIEW would take along without a word.
 */
export function checkNothingMoved(leaving: LeavingView[], dependents: Dependent[]): Check {
  const views = leaving.map(({ view }) =>
    `(${literal(view.schema)}, ${literal(view.name)}, ${found(view.schema, view.name)}, ${
      ofThisDatabase(view.oid)
    }::int8, ${ofThisDatabase(literal(view.built_on!.digest))})`
  );
  const digest = sourcesDigest(
    "v.oid",
    `select case s.catalog when 'pg_class' then ${catalogOid("pg_class")} else ${
      catalogOid("pg_proc")
    } end as classid,
          case when s.oid = e.oid then e.found else s.oid::pg_catalog.oid end as objid
        from (values ${ofThisDatabase(sourceRows(leaving).join(", "))}) s(of_view, catalog, oid)
        where s.of_view = e.oid`,
  );
  return raiseUnlessNone(
    "nothing_moved",
    "Look again now that the locks are held: the views and all that is built on them are as they were",
    `
  select pg_catalog.string_agg(x.wrong, '; ')
  from (
    select pg_catalog.format('%I.%I is not the view it was, or something else is on it', e.schema, e.name)
      as wrong
    from (values ${views.join(",\n      ")}) e(schema, name, found, oid, digest)
    left join pg_catalog.pg_class v on v.oid = e.found
    where (v.oid::int8 = e.oid and v.relkind = 'v') is not true
      or exists (select from pg_catalog.pg_trigger g where g.tgrelid = e.found)
      or exists (
        select from pg_catalog.pg_rewrite r where r.ev_class = e.found and r.rulename <> '_RETURN')
      or ${digest} is distinct from e.digest${
      dependents.length === 0 ? "" : `
    union all
    ${different(dependents, true)}`
    }
  ) x`,
  );
}

/**
 * Raises unless each object says what it said, has what it had, and is itself: the same OID where it was left
 * in place. Definitions are compared as the server prints them.
 *
 * @param number Tells the checks of one plan apart.
 */
export function checkFollowed(dependents: Dependent[], number: number): Check {
  return raiseUnlessNone(
    `followed_${number}`,
    "Check that what was built on the views says what it said, and keeps owner, privileges and comments",
    `
  select pg_catalog.string_agg(x.wrong, '; ')
  from (
    ${different(dependents, false)}
  ) x`,
  );
}

/** The views' sources by the view's OID; relations are told by their names when the check runs. */
function sourceRows(leaving: LeavingView[]): string[] {
  return leaving.flatMap(({ view }) =>
    view.built_on!.sources.map(({ catalog, oid }) =>
      `(${view.oid}::int8, ${literal(catalog)}, ${oid}::int8)`
    )
  );
}

/** Query for what is wrong with objects, as they are before anything was changed, or afterwards. */
function different(dependents: Dependent[], before: boolean): string {
  const rows = dependents.map((dependent) => {
    const { object } = dependent;
    const printed = before ? "as before" : dependent.printed;
    return `(${literal(`${object.kind} ${object.identity}`)}, ${catalogOid(object.catalog)}, ${
      address(dependent, before)
    }, ${before || keepsOid(dependent) ? `${ofThisDatabase(object.oid)}::int8` : "null::int8"}, ${
      printed === "as before" ? literal(object.definition_digest!) : "null"
    }, ${printed === "without casts" ? literal(object.skeleton_digest!) : "null"}, ${
      literal(object.kept_digest!)
    })`;
  });
  const occurring = dependents.map(({ object }) => object.catalog);
  const definition = definitionOf("e.classid", "e.objid", occurring);
  const kept = keptOf("e.classid", "e.objid", occurring);
  const withoutCasts = !before && dependents.some(({ printed }) => printed === "without casts");
  return `select e.identity || ' is not what it was' as wrong
    from (values ${
    rows.join(",\n      ")
  }) e(identity, classid, objid, oid, definition, skeleton, kept)
    where e.objid is null
      or e.objid::int8 <> e.oid
      or pg_catalog.md5((${kept})::text) is distinct from e.kept
      or (e.definition is not null
        and pg_catalog.md5((${definition})::text) is distinct from e.definition)` + (withoutCasts
    ? `
      or (e.skeleton is not null
        and pg_catalog.md5(${skeletonOf(definition, "''")}) is distinct from e.skeleton)`
    : "");
}

/** A default and a constraint have new rows of their catalogs, and are told by table and column or name. */
const keepsOid = ({ object }: Dependent) =>
  !object.recreated && !["pg_attrdef", "pg_constraint"].includes(object.catalog);

/**
 * Where an object is found when the check runs: by its name where it is a relation or was made again. A
 * relation's OID as a constant would have the server plan the check again while clients wait.
 */
function address({ object }: Dependent, before: boolean): string {
  const { catalog: of, oid, host, kept, routine, recreated } = object;
  const relation = () => found(host!.schema, host!.name);
  switch (of) {
    case "pg_class":
      return relation();
    case "pg_proc":
      return recreated && !before
        ? `pg_catalog.to_regprocedure(${literal(routine!.procedure)})::pg_catalog.oid`
        : `${ofThisDatabase(oid)}::int8::pg_catalog.oid`;
    case "pg_attrdef":
      return `(select d.oid from pg_catalog.pg_attrdef d
        join pg_catalog.pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
        where d.adrelid = ${relation()} and a.attname = ${literal(kept!.column!)})`;
    case "pg_constraint":
      return `(select c.oid from pg_catalog.pg_constraint c
        where c.conrelid = ${relation()} and c.conname = ${literal(object.name!)})`;
    default:
      return `${ofThisDatabase(oid)}::int8::pg_catalog.oid`;
  }
}
