/** Drift as it is told: where the database no longer agrees with the record of an active rename. */
import type { RecordedRename, TrackedRename } from "../facts/migration.ts";
import type { Finding } from "../contract/responses.ts";
import { compareLocations } from "./drift.ts";
import type { DriftFacts } from "../facts/drift_facts.ts";
import { viewDrift } from "./view_drift.ts";

/**
 * The drift of active migrations, by their ids: relations that are not where the record says, or else a view
 * that is no longer true to its table. A later rename of the same table is no drift.
 */
export function driftOf(
  migrations: RecordedRename[],
  facts: DriftFacts,
  standing: TrackedRename[],
): Map<string, Finding[]> {
  const relations = new Map(facts.relations.map((relation) => [relation.oid, relation]));
  const names = new Map(
    facts.names.map((name) => [JSON.stringify([name.schema, name.name]), name]),
  );
  return new Map(migrations.map((migration) => {
    // Each for itself, with what concerns it alone, however many there are.
    const { table_oid, view_oid, schema_name, old_name } = migration;
    const own = {
      relations: [table_oid, view_oid].flatMap((oid) => relations.get(oid ?? -1) ?? []),
      names: [names.get(JSON.stringify([schema_name, old_name]))].filter((name) =>
        name !== undefined
      ),
    };
    return [migration.id, driftOfOne(migration, own, standing)];
  }));
}

function driftOfOne(
  migration: RecordedRename,
  facts: DriftFacts,
  standing: TrackedRename[],
): Finding[] {
  const { steps, differences } = compareLocations([migration], facts, standing, { later: true });
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
