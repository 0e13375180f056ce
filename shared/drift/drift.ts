/**
 * Drift: where the record and the database disagree about which relation is which. A rollback is then refused,
 * with each difference and what to do about it, and changes nothing.
 */
import { Problem } from "../contract/problems.ts";
import type { DriftFacts, LocatedRelation } from "../facts/drift_facts.ts";
import type { Facts } from "../facts/facts.ts";
import type { LocatedMigration, RecordedRename, TrackedRename } from "../facts/migration.ts";
import { RELATION_KINDS, typeKind } from "../facts/relation_kinds.ts";
import { ident, qualified } from "../sql/quoting.ts";

interface DriftDifference {
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

/** Differences that a caller may acknowledge: nothing is lost by going on. */
const ACKNOWLEDGEABLE: DriftDifference["code"][] = ["view_missing"];

interface LocateOptions {
  /**
   * Whether a later migration may have renamed the table again. A rollback cannot skip it; what concerns only the
   * view can. Default: false.
   */
  later?: boolean;
  /** Whether the old name is given up, so that it does not matter what else has it. Default: false. */
  oldNameGivenUp?: boolean;
}

/**
 * Finds table and view of each migration by OID, and refuses unless they are where the record says.
 *
 * @param migrations Newest first; a table's later rename comes before its earlier one.
 * @param tracked Other migrations of the same tables.
 * @throws {Problem} `drifted`, with `differences`.
 */
export function locateRelations(
  migrations: RecordedRename[],
  facts: Facts,
  tracked: TrackedRename[],
  acknowledged: string[],
  options: LocateOptions = {},
): LocatedMigration[] {
  const { steps, differences } = compareLocations(migrations, facts, tracked, options);
  refuseDrift(
    differences.filter(({ code }) =>
      !(ACKNOWLEDGEABLE.includes(code) && acknowledged.includes(code))
    ),
  );
  return steps;
}

/** A migration with its table and its view, if there is one, as they are now. */
interface Located<Relation extends LocatedRelation> {
  migration: RecordedRename;
  table: Relation;
  view: Relation | null;
}

/** The same without refusing: what was found, and where it differs from the record. */
export function compareLocations<Relation extends LocatedRelation>(
  migrations: RecordedRename[],
  facts: DriftFacts<Relation>,
  tracked: TrackedRename[],
  { later = false, oldNameGivenUp = false }: LocateOptions = {},
): { steps: Located<Relation>[]; differences: DriftDifference[] } {
  const relations = new Map(facts.relations.map((relation) => [relation.oid, relation]));
  const differences: DriftDifference[] = [];
  const steps: Located<Relation>[] = [];
  /** The name that each table has once the steps before are done. */
  const names = new Map(facts.relations.map((relation) => [relation.oid, relation.name]));
  for (const migration of migrations) {
    const add = differenceOf(migration, differences);
    if (migration.elsewhere === "offered") {
      add(
        "copied_database",
        migration.new_name,
        "has another OID than the record, as after pg_dump and pg_restore, so it may not be the table that was " +
          "renamed",
        "Check that table and view are the right ones. If so, send " +
          '"relocate": true with rollback, finalize or refresh, which updates the record.',
      );
      continue;
    }
    const table = migration.elsewhere === "gone"
      ? undefined
      : relations.get(migration.table_oid ?? -1);
    if (table === undefined) {
      add(
        "table_missing",
        migration.new_name,
        "no longer exists",
        "Restore it; or close the record by a rollback of the migration with " +
          '"acknowledge": ["table_missing"].',
      );
      continue;
    }
    if (table.schema !== migration.schema_name || names.get(table.oid) !== migration.new_name) {
      const next = laterRename(migration, table, tracked);
      // Once the later rename is finalized, the name in between no longer matters.
      const passed = next?.status === "finalized" || (next !== undefined && later);
      if (!passed) addRenamed(migration, table, next, add);
    }
    const view = viewOf(migration, table, relations, facts, oldNameGivenUp, add);
    names.set(table.oid, migration.old_name);
    steps.push({ migration, table, view });
  }
  return { steps, differences };
}

/** @throws {Problem} `drifted`, unless there are no differences. */
function refuseDrift(differences: DriftDifference[]): void {
  if (differences.length === 0) return;
  const [{ message, remedy }, ...more] = differences;
  const acknowledgeable = differences.every(({ code }) => ACKNOWLEDGEABLE.includes(code));
  const others = `${more.length} more ${more.length === 1 ? "difference" : "differences"}`;
  throw new Problem("drifted", message + (more.length > 0 ? ` (and ${others})` : ""), {
    hint: acknowledgeable
      ? `${remedy} To go on anyway, send "acknowledge": ["view_missing"].`
      : remedy,
    fields: { differences },
  });
}

type Add = (
  code: DriftDifference["code"],
  name: string,
  what: string,
  remedy: string,
) => void;

const differenceOf =
  (migration: RecordedRename, found: DriftDifference[]): Add => (code, name, what, remedy) => {
    const object = qualified(migration.schema_name, name);
    const message = `${object} ${what}.`;
    found.push({ code, object, message, remedy, migration_id: migration.id });
  };

/** The later migration that gave the table its present name. */
const laterRename = (
  migration: RecordedRename,
  table: LocatedRelation,
  tracked: TrackedRename[],
): TrackedRename | undefined =>
  tracked.findLast((other) =>
    other.id !== migration.id &&
    // For a record that was located by names, the names decide here as well.
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
      `was renamed to ${now} by a later migration, ${later.id}`,
      `Roll ${later.id} back first.`,
    );
  } else {
    add(
      "table_renamed",
      migration.new_name,
      `is now called ${now}`,
      table.schema === migration.schema_name
        ? `Rename it back: alter table ${now} rename to ${ident(migration.new_name)}.`
        : `Move it back: alter table ${now} set schema ${
          ident(migration.schema_name)
        }; its name there was ${ident(migration.new_name)}.`,
    );
  }
}

function viewOf<Relation extends LocatedRelation>(
  migration: RecordedRename,
  table: Relation,
  relations: Map<number, Relation>,
  facts: Pick<Facts, "names">,
  oldNameGivenUp: boolean,
  add: Add,
): Relation | null {
  const { schema_name, old_name } = migration;
  const view = migration.compatibility_view_created
    ? relations.get(migration.view_oid ?? -1)
    : undefined;
  if (view === undefined || view.kind !== "v") {
    const atOldName = facts.names.find((n) => n.schema === schema_name && n.name === old_name);
    const relation = atOldName?.relation ?? null;
    const type = atOldName?.type ?? null;
    // In a chain of renames an earlier step may have given the old name to the table itself.
    const taken = (relation !== null && relation.oid !== table.oid) || type !== null;
    if (taken && !oldNameGivenUp) {
      const what = relation ? RELATION_KINDS[relation.kind].what : typeKind(type!.kind);
      add("old_name_taken", old_name, `is ${what} now, made by someone else`, "Rename or drop it.");
    } else if (migration.compatibility_view_created) {
      add(
        "view_missing",
        old_name,
        "is gone: the compatibility view was dropped",
        oldNameGivenUp ? "There is nothing left to drop." : "The table can take the name back.",
      );
    }
    return null;
  }
  if (view.schema !== schema_name || view.name !== old_name) {
    add(
      "view_renamed",
      old_name,
      `was the compatibility view, which is now called ${qualified(view.schema, view.name)}`,
      view.schema === schema_name
        ? `Rename it back: alter view ${qualified(view.schema, view.name)} rename to ${
          ident(old_name)
        }.`
        : `Move it back to ${qualified(schema_name, old_name)}.`,
    );
  } else if (view.view_reads.length !== 1 || view.view_reads[0] !== table.oid) {
    add(
      "view_replaced",
      old_name,
      "was replaced by a view that reads something else",
      `Drop it (drop view ${qualified(schema_name, old_name)}), then acknowledge view_missing.`,
    );
  }
  return view;
}
