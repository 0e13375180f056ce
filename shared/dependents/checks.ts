/**
 * Checks of repointing: when the locks are held, that views and dependents are what they were when the facts
 * were read; at the end, that each dependent is what it was, and means the table.
 */
import { ofThisDatabase } from "../plan/plan.ts";
import { type Check, found, raiseUnlessNone } from "../plan/verification/checks.ts";
import { literal } from "../sql/quoting.ts";
import type { Dependent, DroppedView } from "./dependents.ts";
import { catalogOid, definitionOf, keptOf, skeletonOf, sourcesDigest } from "./object_state.ts";

/**
 * Raises unless each view is the planned one and has nothing on it but what the facts say: the same dependents in
 * the same state, and no triggers or rules, which DROP VIEW would drop without notice.
 */
export function checkUnchanged(dropped: DroppedView[], dependents: Dependent[]): Check {
  const views = dropped.map(({ view }) =>
    row(
      literal(view.schema),
      literal(view.name),
      found(view.schema, view.name),
      `${ofThisDatabase(view.oid)}::int8`,
      ofThisDatabase(literal(view.built_on!.digest)),
    )
  );
  const [relation, routine] = [catalogOid("pg_class"), catalogOid("pg_proc")];
  const digest = sourcesDigest(
    "v.oid",
    `select case s.catalog when 'pg_class' then ${relation} else ${routine} end as classid,
          case when s.oid = e.oid then e.found else s.oid::pg_catalog.oid end as objid
        from (values ${ofThisDatabase(sourceRows(dropped).join(", "))}) s(of_view, catalog, oid)
        where s.of_view = e.oid`,
  );
  const changedDependents = dependents.length === 0 ? "" : `
    union all
    ${differing(dependents, "before")}`;
  return raiseUnlessNone(
    "nothing_moved",
    "Check, now that the locks are held, that the views and everything built on them are unchanged",
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
      or ${digest} is distinct from e.digest${changedDependents}
  ) x`,
  );
}

/**
 * Raises unless each object has the definition and everything else that it had, and, unless it was recreated, the
 * same OID. Definitions are compared as the server prints them.
 *
 * @param number Distinguishes the checks of one plan.
 */
export function checkRepointed(dependents: Dependent[], number: number): Check {
  return raiseUnlessNone(
    `followed_${number}`,
    "Check that what was built on the views has the same definition, owner, privileges and comments",
    `
  select pg_catalog.string_agg(x.wrong, '; ')
  from (
    ${differing(dependents, "after")}
  ) x`,
  );
}

const row = (...values: string[]) => `(${values.join(", ")})`;

/** The views' sources with the view's OID; the check finds relations by name. */
const sourceRows = (dropped: DroppedView[]) =>
  dropped.flatMap(({ view }) =>
    view.built_on!.sources.map(({ catalog, oid }) =>
      row(`${view.oid}::int8`, literal(catalog), `${oid}::int8`)
    )
  );

/** Query for the objects that are not as recorded, before anything was changed or afterwards. */
function differing(dependents: Dependent[], when: "before" | "after"): string {
  const rows = dependents.map((dependent) => {
    const { object } = dependent;
    const printed = when === "before" ? "as before" : dependent.printed;
    const sameOid = when === "before" || keepsOid(dependent);
    return row(
      literal(`${object.kind} ${object.identity}`),
      catalogOid(object.catalog),
      address(dependent, when),
      sameOid ? `${ofThisDatabase(object.oid)}::int8` : "null::int8",
      printed === "as before" ? literal(object.definition_digest!) : "null",
      printed === "without casts" ? literal(object.skeleton_digest!) : "null",
      literal(object.kept_digest!),
    );
  });
  const occurring = dependents.map(({ object }) => object.catalog);
  const definition = definitionOf("e.classid", "e.objid", occurring);
  const kept = keptOf("e.classid", "e.objid", occurring);
  const withoutCasts = when === "after" &&
    dependents.some(({ printed }) => printed === "without casts");
  const otherSkeleton = !withoutCasts ? "" : `
      or (e.skeleton is not null
        and pg_catalog.md5(${skeletonOf(definition, "''")}) is distinct from e.skeleton)`;
  return `select e.identity || ' is not what it was' as wrong
    from (values ${rows.join(",\n      ")})
      e(identity, classid, objid, oid, definition, skeleton, kept)
    where e.objid is null
      or e.objid::int8 <> e.oid
      or pg_catalog.md5((${kept})::text) is distinct from e.kept
      or (e.definition is not null
        and pg_catalog.md5((${definition})::text) is distinct from e.definition)${otherSkeleton}`;
}

/** Defaults and constraints get new rows in their catalogs, and are found by table and column or name. */
const keepsOid = ({ object }: Dependent) =>
  !object.recreated && !["pg_attrdef", "pg_constraint"].includes(object.catalog);

/**
 * How the check finds an object: by its name if it is a relation or was recreated. With a relation's OID as a
 * constant the server would plan the check again while clients wait.
 */
function address({ object }: Dependent, when: "before" | "after"): string {
  const { catalog: of, oid, host, kept, routine, recreated } = object;
  const relation = () => found(host!.schema, host!.name);
  switch (of) {
    case "pg_class":
      return relation();
    case "pg_proc":
      return recreated && when === "after"
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
