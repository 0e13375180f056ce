/** What must hold after a refresh, and later: that the look at drift finds nothing. */
import type { RecordedRename, TrackedRename } from "../../facts/migration.ts";
import type { Difference, Verification } from "../../contract/responses.ts";
import { driftOf } from "../../drift/drift_report.ts";
import { viewDrift } from "../../drift/view_drift.ts";
import type { Facts, RelationFacts } from "../../facts/facts.ts";
import { differences, type Fingerprint, fingerprint } from "../../facts/fingerprint.ts";
import { qualified } from "../../sql/quoting.ts";
import { check, otherName, verification, viewLeft } from "./verification.ts";

/** Checks that the table is as it was planned to be, and that the view is true to it. */
export function checkRefreshed(
  planned: { fingerprint: Fingerprint; old_name: string },
  table: RelationFacts | null,
  view: RelationFacts | null,
  without: string[],
): Verification {
  const object = planned.old_name;
  if (table === null || view?.kind !== "v") {
    const after = table === null ? "the table is gone" : "the view is not there";
    return verification([check("the view is there", [{ object, before: "a view", after }])]);
  }
  // What a refresh cannot change is reported as drift, and is no failure of the refresh.
  const untrue = viewDrift(table, view, without).filter(({ code }) =>
    !["view_owner_changed", "plain_view_changes_meaning", "row_cast_missing"].includes(code)
  );
  return verification([
    check("the view is there", []),
    check("the table is as it was", differences(planned.fingerprint, fingerprint(table))),
    check(
      "the view is true to its table",
      untrue.map(({ message }) => ({ object, before: null, after: message })),
    ),
  ]);
}

/**
 * Compares the database with the record of these migrations, whatever their status is now. It is for a change whose
 * plan and facts are gone; the change itself was checked in its transaction, before the commit.
 *
 * @param facts All relations that the migrations name by OID, and what has the old names of the active ones.
 * @param standing All migrations whose new names stand: a table that was renamed on is no difference.
 */
export function checkRecorded(
  migrations: RecordedRename[],
  facts: Facts,
  standing: TrackedRename[],
): Verification {
  const names: Difference[] = [];
  const views: Difference[] = [];
  const drift: Difference[] = [];
  const byOid = new Map(facts.relations.map((relation) => [relation.oid, relation]));
  for (const migration of migrations) {
    const { id, status, schema_name, old_name, new_name, table_oid, view_oid } = migration;
    if (status === "active") {
      const found = driftOf([migration], facts, standing).get(migration.id)!.filter((one) =>
        one.severity !== "info"
      );
      drift.push(...found.map(({ object, message }) => ({ object, before: null, after: message })));
      continue;
    }
    const left = view_oid !== null && byOid.has(view_oid);
    views.push(...viewLeft(qualified(schema_name, old_name), left));
    const renamedOn = standing.some((one) => one.table_oid === table_oid && one.id !== id);
    if (renamedOn) continue;
    const wanted = qualified(schema_name, status === "rolled_back" ? old_name : new_name);
    names.push(...otherName(wanted, byOid.get(table_oid ?? -1) ?? null));
  }
  return verification([
    check("looked at again later: tables have the names of the record", names),
    check("looked at again later: compatibility views that are to be gone are gone", views),
    check("looked at again later: active renames and their views agree with the record", drift),
  ]);
}
