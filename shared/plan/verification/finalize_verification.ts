/** What must hold after a finalization. */
import type { RecordedRename } from "../../facts/migration.ts";
import type { Difference, Verification } from "../../contract/responses.ts";
import type { RelationFacts } from "../../facts/facts.ts";
import { differences, type Fingerprint, fingerprint } from "../../facts/fingerprint.ts";
import { qualified } from "../../sql/quoting.ts";
import { check, verification } from "./verification.ts";

export interface FinalizedState {
  migration: RecordedRename;
  /** The table as it was planned. */
  before: RelationFacts;
  /** The table, found by OID. */
  table: RelationFacts | null;
  viewExists: boolean;
}

/** Expressions that may have named the view and name the table now. */
const REPOINTED = /^(policy|rule) /;

/** Checks that the old names are gone and that nothing else about the tables has changed. */
export function checkFinalized(states: FinalizedState[]): Verification {
  const views: Difference[] = [];
  const names: Difference[] = [];
  const changed: Difference[] = [];
  for (const { migration, before, table, viewExists } of states) {
    const old = qualified(migration.schema_name, migration.old_name);
    if (viewExists) views.push({ object: old, before: null, after: "the view is still there" });
    const wanted = qualified(before.schema, before.name);
    const now = table && qualified(table.schema, table.name);
    if (now !== wanted) names.push({ object: wanted, before: wanted, after: now });
    if (table === null) continue;
    const found = differences(printOf(before), printOf(table));
    changed.push(...found.map((one) => ({ ...one, object: `${wanted}: ${one.object}` })));
  }
  return verification([
    check("tables have their new names", names),
    check("compatibility views are gone", views),
    check("tables are otherwise as before", changed),
  ]);
}

const printOf = (relation: RelationFacts): Fingerprint =>
  Object.fromEntries(
    Object.entries(fingerprint(relation)).map(([object, text]) => [
      object,
      REPOINTED.test(object) ? "there" : text,
    ]),
  );
