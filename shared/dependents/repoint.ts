/**
 * Repoint: makes everything that is built on dropped views depend on what gets their names. The server's own
 * definitions are used: they are read out while a name means the view, and read in again while the same name
 * means the table. Everything else about an object stays, and that is checked.
 */
import type { Finding, Statement } from "../contract/responses.ts";
import type { RelationFacts } from "../facts/facts.ts";
import type { LockStatement, PlanStatement } from "../plan/plan.ts";
import type { Check } from "../plan/verification/checks.ts";
import { byName } from "../sql/name_digest.ts";
import { ident, qualified } from "../sql/quoting.ts";
import { checkRepointed, checkUnchanged } from "./checks.ts";
import { dependentsOf, refuse, refusedFor } from "./collect_dependents.ts";
import { withPurpose } from "./definitions.ts";
import type { Dependent, DroppedView } from "./dependents.ts";
import { dependentFindings } from "./findings.ts";
import { recreation } from "./recreate.ts";
import { inStages, type Stage } from "./stages.ts";

export interface RepointPlan {
  dependents: Dependent[];
  /** To be taken after the views' locks and before the tables'. */
  locks: LockStatement[];
  /** To be run first: checks that nobody has changed anything since the facts were read. */
  recheck: Check;
  /** To be run while everything still has its name. */
  setAside: Statement[];
  /** To be run once the views have other names; gives tables the names it needs, and checks the result. */
  recreate: Statement[];
  /** To be run after that, before the views are dropped. */
  dropOld: Statement[];
  preparations: PlanStatement[];
  findings: Finding[];
}

/**
 * @param moving Every table that is renamed meanwhile.
 * @param names The tables' names when `recreate` begins, by OID; updated to those at its end.
 * @throws {Problem} `dependants_cannot_follow` with `dependants`: `view`, `kind`, `identity`, `reason`.
 */
export function repoint(
  dropped: DroppedView[],
  moving: RelationFacts[],
  names: Map<number, string>,
  sessionUser: string,
): RepointPlan {
  const dependents = dependentsOf(dropped, moving);
  const before = new Map(names);
  const { stages, circular } = inStages(dependents, names);
  refuse(
    circular.map((one) => refusedFor(one, "it depends on itself, through other objects")),
  );
  const ordered = stages.flatMap((stage) => stage.dependents);
  const statements = new Map(ordered.map((one) => [one, recreation(one.object, sessionUser)]));
  const recheck = checkUnchanged(dropped, ordered);
  const checks = stages.map((stage, index) => checkRepointed(stage.dependents, index + 1));
  const recreate = stages.flatMap((stage, index) => [
    ...renames(stage, moving, before),
    ...stage.dependents.flatMap((one) => {
      const recreates = `${one.object.kind} ${one.object.identity}`;
      return statements.get(one)!.recreate.map((statement) => ({ ...statement, recreates }));
    }),
    checks[index].statement,
  ]);
  return {
    dependents: ordered,
    locks: locks(ordered, dropped, moving),
    recheck,
    setAside: [
      ...settings(ordered),
      // Routines first: they are found by the names of the row types that they take.
      ...[...ordered.filter(isRoutine), ...ordered.filter((one) => !isRoutine(one))]
        .flatMap((one) => statements.get(one)!.setAside),
    ],
    recreate,
    dropOld: ordered.toReversed().flatMap((one) => statements.get(one)!.dropOld),
    preparations: [recheck, ...checks].flatMap(({ preparations }) => preparations),
    findings: dependentFindings(ordered, dropped),
  };
}

const isRoutine = ({ object }: Dependent) => object.catalog === "pg_proc";

/** Statements that give tables the names that a stage needs; `names` is updated. */
function renames(stage: Stage, tables: RelationFacts[], names: Map<number, string>): Statement[] {
  return stage.renames.map(([oid, name]) => {
    const { schema } = tables.find((table) => table.oid === oid)!;
    const sql = `alter table ${qualified(schema, names.get(oid)!)} rename to ${ident(name)}`;
    names.set(oid, name);
    return { sql, purpose: "Make the definitions with this name mean the table" };
  });
}

/** So that bodies are accepted as they are, and indexes stay in their tablespaces. */
function settings(dependents: Dependent[]): Statement[] {
  const materialized = dependents.some(({ object }) => object.subkind === "m");
  return withPurpose("Accept definitions as they are", [
    ...(dependents.some(isRoutine) ? ["set local check_function_bodies = off"] : []),
    ...(materialized ? ["set local default_tablespace = ''"] : []),
  ]);
}

/** Locks the relations that dependents are or are on, so that clients wait there and not for a dropped view. */
function locks(
  dependents: Dependent[],
  dropped: DroppedView[],
  moving: RelationFacts[],
): LockStatement[] {
  const locked = new Set([...dropped.map(({ view }) => view.oid), ...moving.map(({ oid }) => oid)]);
  const hosts = new Map(
    dependents.flatMap(({ object: { host } }) => host === null ? [] : [[host.oid, host]]),
  );
  return [...hosts.values()].filter(({ oid }) => !locked.has(oid)).sort(byName)
    .map((host) => ({
      sql: lockAlone(host),
      purpose: "Lock what is built on the view, in what is left of the same time",
      timeout_share: 0,
      relations: [host.oid],
    }));
}

/** Relations that LOCK TABLE cannot lock, or not without others: what ALTER calls them. */
const ALTERED: Record<string, string> = {
  v: "view",
  m: "materialized view",
  f: "foreign table",
};

/**
 * Statement that takes an ACCESS EXCLUSIVE lock on this relation and no other. LOCK TABLE on a view would lock what
 * it reads as well; setting the owner that it already has does not.
 */
export function lockAlone(
  { kind, schema, name, owner }: Pick<RelationFacts, "kind" | "schema" | "name" | "owner">,
): string {
  const relation = qualified(schema, name);
  return kind in ALTERED
    ? `alter ${ALTERED[kind]} ${relation} owner to ${ident(owner)}`
    : `lock table only ${relation} in access exclusive mode`;
}
