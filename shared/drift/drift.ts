/**
 * Drift: where the record and the database no longer agree on which relation is which. A rollback refuses
 * then, names each difference with the way on, and changes nothing.
 */
import type { LocatedMigration, RecordedRename, TrackedRename } from "../facts/migration.ts";
import { Problem } from "../contract/problems.ts";
import type { DriftFacts, LocatedRelation } from "../facts/drift_facts.ts";
import type { Facts } from "../facts/facts.ts";
import { qualified } from "../sql/quoting.ts";
import { RELATION_KINDS, typeKind } from "../facts/relation_kinds.ts";

export interface DriftDifference {
  code:
    | "copied_database"
    | "table_missing"
    | "table_renamed"
    | "later_migration"
    | "view_missing"
    | "view_renamed"
    | "view_replaced"
    | "old_name_taken";
  object: string;
  message: string;
  remedy: string;
  migration_id: string;
}

/** Differences a caller may acknowledge: nothing is lost by going on. */
const ACKNOWLEDGEABLE = new Set<DriftDifference["code"]>(["view_missing"]);

export interface LocateOptions {
  /**
   * Whether it is fine that a later migration has renamed the table on. A rollback cannot pass it by; what
   * only concerns the view can. Default: false.
   */
  later?: boolean;
  /** Whether the old name is given up, so that it is all the same who else has it. Default: false. */
  oldNameGoes?: boolean;
}

/**
 * Finds table and view of each migration by OID, and refuses unless they are where the record says.
 *
 * @param migrations Newest first; a table's later rename comes before its earlier one.
 * @throws {Problem} `drifted`, with `differences`.
 */
export function locateRelations(
  migrations: RecordedRename[],
  facts: Facts,
  standing: TrackedRename[],
  acknowledged: string[],
  options: LocateOptions = {},
): LocatedMigration[] {
  const { steps, differences } = compareLocations(migrations, facts, standing, options);
  refuseDrift(
    differences.filter((one) =>
      !(ACKNOWLEDGEABLE.has(one.code) && acknowledged.includes(one.code))
    ),
  );
  return steps;
}

/** A migration with its table and its view, if there is one, as they stand. */
export interface Located<Relation extends LocatedRelation> {
  migration: RecordedRename;
  table: Relation;
  view: Relation | null;
}

/** The same without refusing: what was found, and where it is not what was recorded. */
export function compareLocations<Relation extends LocatedRelation>(
  migrations: RecordedRename[],
  facts: DriftFacts<Relation>,
  standing: TrackedRename[],
  { later = false, oldNameGoes = false }: LocateOptions = {},
): { steps: Located<Relation>[]; differences: DriftDifference[] } {
  const relations = new Map(facts.relations.map((relation) => [relation.oid, relation]));
  const differences: DriftDifference[] = [];
  const steps: Located<Relation>[] = [];
  /** The name each table will have once the steps before are done. */
  const names = new Map(facts.relations.map((relation) => [relation.oid, relation.name]));
  for (const migration of migrations) {
    const table = migration.elsewhere === "gone"
      ? undefined
      : relations.get(migration.table_oid ?? -1);
    const add = difference(migration, differences);
    if (migration.elsewhere === "offered") {
      add(
        "copied_database",
        migration.new_name,
        "has another OID than the record, as after pg_dump and pg_restore, and it is not certain that it is " +
          "the table that was renamed",
        "Look whether table and view are those that are meant. If so, send " +
          '"relocate": true with rollback, finalize or refresh: that brings the record up to date.',
      );
      continue;
    }
    if (table === undefined) {
      add(
        "table_missing",
        migration.new_name,
        "is gone",
        "Restore it; or close the record by a rollback of the migration with " +
          '"acknowledge": ["table_missing"].',
      );
      continue;
    }
    const name = names.get(table.oid)!;
    if (table.schema !== migration.schema_name || name !== migration.new_name) {
      const next = renamedOn(migration, table, standing);
      // Once the later rename is finalized, the name in between is gone for good, and nothing is in the way.
      const passed = next?.status === "finalized" || (next !== undefined && later);
      if (!passed) addRenamed(migration, table, next, add);
    }
    const view = viewOf(migration, table, relations, facts, oldNameGoes, add);
    names.set(table.oid, migration.old_name);
    steps.push({ migration, table, view });
  }
  return { steps, differences };
}

/** @throws {Problem} `drifted`, unless there is nothing to tell. */
export function refuseDrift(differences: DriftDifference[]): void {
  if (differences.length === 0) return;
  const [first] = differences;
  const acknowledgeable = differences.every((one) => ACKNOWLEDGEABLE.has(one.code));
  throw new Problem(
    "drifted",
    first.message +
      (differences.length > 1 ? ` (and ${differences.length - 1} more differences)` : ""),
    {
      hint: acknowledgeable
        ? `${first.remedy} To go on all the same, send "acknowledge": ["view_missing"].`
        : first.remedy,
      fields: { differences },
    },
  );
}

type Add = (
  code: DriftDifference["code"],
  name: string,
  what: string,
  remedy: string,
) => void;

function difference(migration: RecordedRename, found: DriftDifference[]): Add {
  return (code, name, what, remedy) => {
    const object = qualified(migration.schema_name, name);
    found.push({
      code,
      object,
      message: `${object} ${what}.`,
      remedy,
      migration_id: migration.id,
    });
  };
}

/** The later migration that gave the table the name it has. */
const renamedOn = (
  migration: RecordedRename,
  table: LocatedRelation,
  standing: TrackedRename[],
): TrackedRename | undefined =>
  standing.findLast((other) =>
    other.id !== migration.id &&
    // A record that was found by its names goes by them here as well.
    (other.table_oid === table.oid || migration.elsewhere === "found") &&
    other.schema_name === table.schema && other.new_name === table.name
  );

function addRenamed(
  migration: RecordedRename,
  table: LocatedRelation,
  later: TrackedRename | undefined,
  add: Add,
): void {
  const now = qualified(table.schema, table.name);
  if (later) {
    add(
      "later_migration",
      migration.new_name,
      `was renamed on to ${now} by a later migration, ${later.id}`,
      `Roll ${later.id} back first.`,
    );
  } else {
    add(
      "table_renamed",
      migration.new_name,
      `is now called ${now}`,
      `Give it the recorded name again (${qualified(migration.schema_name, migration.new_name)}).`,
    );
  }
}

function viewOf<Relation extends LocatedRelation>(
  migration: RecordedRename,
  table: Relation,
  relations: Map<number, Relation>,
  facts: Pick<Facts, "names">,
  oldNameGoes: boolean,
  add: Add,
): Relation | null {
  const { schema_name, old_name } = migration;
  const atOldName = facts.names.find((n) => n.schema === schema_name && n.name === old_name);
  const holder = atOldName?.relation ?? null;
  const view = migration.compatibility_view_created
    ? relations.get(migration.view_oid ?? -1)
    : undefined;
  if (view === undefined || view.kind !== "v") {
    // In a chain the old name may be the table's own, by a step that comes before.
    const taken = (holder !== null && holder.oid !== table.oid) ||
      (atOldName?.type ?? null) !== null;
    // Who has the old name now matters only to a table that wants it back.
    if (taken && !oldNameGoes) {
      const what = holder ? RELATION_KINDS[holder.kind].what : typeKind(atOldName!.type!.kind);
      add(
        "old_name_taken",
        old_name,
        `is ${what} now, made by someone else`,
        "Move it out of the way.",
      );
    } else if (migration.compatibility_view_created) {
      add(
        "view_missing",
        old_name,
        "is gone, the compatibility view was dropped",
        oldNameGoes ? "Nothing is left to remove." : "The table can take the name back.",
      );
    }
    return null;
  }
  if (view.schema !== schema_name || view.name !== old_name) {
    add(
      "view_renamed",
      old_name,
      `the compatibility view, is now called ${qualified(view.schema, view.name)}`,
      `Give it the recorded name again (${qualified(schema_name, old_name)}).`,
    );
  } else if (view.view_reads.length !== 1 || view.view_reads[0] !== table.oid) {
    add(
      "view_replaced",
      old_name,
      "was replaced by a view that reads something else",
      "Drop it, then acknowledge view_missing.",
    );
  }
  return view;
}
