/**
 * Repointing: whatever is built on views that go is made to depend on what has their names then. It is done
 * by the server's own words: definitions are read out while a name means the view, and read in again while
 * the same name means the table. Everything else about an object stays, and that is checked.
 */
import type { Finding, Statement } from "../contract/responses.ts";
import type { Check } from "../plan/verification/checks.ts";
import type { RelationFacts } from "../facts/facts.ts";
import { byName } from "../sql/name_digest.ts";
import type { LockStatement, PlanStatement } from "../plan/plan.ts";
import { ident, qualified } from "../sql/quoting.ts";
import { checkFollowed, checkNothingMoved } from "./checks.ts";
import { dependentFindings } from "./findings.ts";
import { type Dependent, dependentsOf, refuse } from "./dependents.ts";
import type { LeavingView } from "./leaving_view.ts";
import { inMoments, type Moment } from "./order.ts";
import { recreating } from "./recreate.ts";

export interface Repointing {
  dependents: Dependent[];
  /** To be taken after the views' locks and before the tables', without waiting. */
  locks: LockStatement[];
  /** The first of the changes: nothing was changed by others since the facts were read. */
  lookAgain: Check;
  /** To be run while everything still has its name. */
  aside: Statement[];
  /** To be run once the views have other names; gives tables the names it needs, and checks the outcome. */
  again: Statement[];
  /** To be run then, before the views are dropped. */
  drop: Statement[];
  /** What the checks among these statements want prepared. */
  preparations: PlanStatement[];
  findings: Finding[];
}

/**
 * Plans the repointing of what is built on `leaving`.
 *
 * @param moving Every table whose name changes in the course of it.
 * @param names What these are called when `again` begins, by OID; what they are called after it is left in it.
 * @throws {Problem} `dependants_cannot_follow` with `dependants`: `view`, `kind`, `identity`, `reason`.
 */
export function repointing(
  leaving: LeavingView[],
  moving: RelationFacts[],
  names: Map<number, string>,
  sessionUser: string,
): Repointing {
  const dependents = dependentsOf(leaving, moving);
  const before = new Map(names);
  const { moments, circular } = inMoments(dependents, names);
  refuse(circular.map(({ object, views: [{ view }] }) => ({
    view: qualified(view.schema, view.name),
    kind: object.kind,
    identity: object.identity,
    reason: "it stands on itself, by way of other objects",
  })));
  const ordered = moments.flatMap((moment) => moment.dependents);
  const statements = new Map(ordered.map((one) => [one, recreating(one.object, sessionUser)]));
  const proofs = moments.map((moment, index) => checkFollowed(moment.dependents, index + 1));
  const lookAgain = checkNothingMoved(leaving, ordered);
  const again = moments.flatMap((moment, index) => [
    ...moves(moment, moving, before),
    ...moment.dependents.flatMap((one) => {
      const recreates = `${one.object.kind} ${one.object.identity}`;
      return statements.get(one)!.again.map((statement) => ({ ...statement, recreates }));
    }),
    proofs[index].statement,
  ]);
  return {
    dependents: ordered,
    locks: locks(ordered, leaving, moving),
    lookAgain,
    aside: [
      ...settings(ordered),
      // Routines first: they are found by the names of the row types that they take.
      ...[...ordered.filter(isRoutine), ...ordered.filter((one) => !isRoutine(one))]
        .flatMap((one) => statements.get(one)!.aside),
    ],
    again,
    drop: ordered.toReversed().flatMap((one) => statements.get(one)!.drop),
    preparations: [lookAgain, ...proofs].flatMap(({ preparations }) => preparations),
    findings: dependentFindings(ordered, leaving),
  };
}

const isRoutine = ({ object }: Dependent) => object.catalog === "pg_proc";

/** Statements that give tables the names that a moment needs; `names` is kept up to date. */
function moves(moment: Moment, tables: RelationFacts[], names: Map<number, string>): Statement[] {
  return moment.moves.map(([oid, name]) => {
    const { schema } = tables.find((table) => table.oid === oid)!;
    const sql = `alter table ${qualified(schema, names.get(oid)!)} rename to ${ident(name)}`;
    names.set(oid, name);
    return { sql, purpose: "Have the definitions that name it mean the table" };
  });
}

/** Bodies are taken as they are, and indexes go where they were. */
function settings(dependents: Dependent[]): Statement[] {
  const purpose = "Take definitions as they are";
  const statements: Statement[] = [];
  if (dependents.some(isRoutine)) {
    statements.push({ sql: "set local check_function_bodies = off", purpose });
  }
  if (dependents.some(({ object }) => object.subkind === "m")) {
    statements.push({ sql: "set local default_tablespace = ''", purpose });
  }
  return statements;
}

/**
 * The relations that dependents are or are on. A client that uses one of them has to wait there, and not for
 * the view behind it, which will be gone. To set an owner that it has already locks a view alone, where LOCK
 * TABLE would go on to what it reads.
 */
function locks(
  dependents: Dependent[],
  leaving: LeavingView[],
  moving: RelationFacts[],
): LockStatement[] {
  const locked = new Set([...leaving.map(({ view }) => view.oid), ...moving.map(({ oid }) => oid)]);
  const hosts = new Map(
    dependents.flatMap(({ object: { host } }) => host === null ? [] : [[host.oid, host]]),
  );
  return [...hosts.values()].filter(({ oid }) => !locked.has(oid)).sort(byName)
    .map((host) => ({
      sql: lockAlone(host),
      purpose: "Lock what is built on the view, without waiting",
      timeout_share: 0,
    }));
}

/** What ALTER calls a relation that LOCK TABLE does not lock, or not alone. */
const ALTERED: Record<string, string> = {
  v: "view",
  m: "materialized view",
  f: "foreign table",
};

/** Statement that takes an ACCESS EXCLUSIVE lock on this relation and no other. */
export function lockAlone(
  { kind, schema, name, owner }: Pick<RelationFacts, "kind" | "schema" | "name" | "owner">,
): string {
  const relation = qualified(schema, name);
  return kind in ALTERED
    ? `alter ${ALTERED[kind]} ${relation} owner to ${ident(owner)}`
    : `lock table only ${relation} in access exclusive mode nowait`;
}
