/** Drift as it is told: where the database no longer agrees with the record of an active rename. */
import type { Finding } from "../contract/responses.ts";
import { agreement } from "./drift.ts";
import type { Facts } from "./facts.ts";
import type { TrackedRename } from "./rename.ts";
import type { RecordedRename } from "./rollback.ts";
import { viewDrift } from "./view_drift.ts";

/**
 * The drift of one active migration: relations that are not where the record says, or else a view that is no
 * longer true to its table. A later rename of the same table is no drift.
 */
export function driftOf(
  migration: RecordedRename,
  facts: Facts,
  standing: TrackedRename[],
): Finding[] {
  const { steps, differences } = agreement([migration], facts, standing, { later: true });
  if (differences.length > 0) {
    return differences.map(({ code, object, message, remedy }) => ({
      code,
      severity: code === "view_missing" ? "warning" : "breaking",
      object,
      message,
      remedy,
    }));
  }
  return steps.flatMap(({ table, view }) =>
    view === null ? [] : viewDrift(table, view, migration.fingerprint.without_columns)
  );
}
