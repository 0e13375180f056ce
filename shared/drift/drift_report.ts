import type { Finding } from "../contract/responses.ts";
import type { DriftFacts } from "../facts/drift_facts.ts";
import type { RecordedRename, TrackedRename } from "../facts/migration.ts";
import { compareLocations } from "./drift.ts";
import { viewDrift } from "./view_drift.ts";

/**
 * The drift of active migrations, by their ids: relations that are not where the record says, or else a view that
 * no longer matches its table. A later rename of the same table is no drift.
 */
export function driftOf(
  migrations: RecordedRename[],
  facts: DriftFacts,
  tracked: TrackedRename[],
): Map<string, Finding[]> {
  const relations = new Map(facts.relations.map((relation) => [relation.oid, relation]));
  const keyOf = (schema: string, name: string) => JSON.stringify([schema, name]);
  const names = new Map(facts.names.map((one) => [keyOf(one.schema, one.name), one]));
  // Each migration is compared with its own facts alone, so that the time grows linearly.
  return new Map(migrations.map((migration) => {
    const { table_oid, view_oid, schema_name, old_name } = migration;
    const name = names.get(keyOf(schema_name, old_name));
    const own = {
      relations: [table_oid, view_oid].flatMap((oid) => relations.get(oid ?? -1) ?? []),
      names: name === undefined ? [] : [name],
    };
    return [migration.id, driftOfOne(migration, own, tracked)];
  }));
}

function driftOfOne(
  migration: RecordedRename,
  facts: DriftFacts,
  tracked: TrackedRename[],
): Finding[] {
  const { steps, differences } = compareLocations([migration], facts, tracked, { later: true });
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
