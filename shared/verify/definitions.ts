/** What the catalog alone says of table and view: the same columns, the table's triggers, and none on the view. */
import type { VerifyFailure } from "../contract/responses.ts";
import type { ColumnFacts, RelationFacts } from "../facts/facts.ts";
import { fingerprint } from "../facts/fingerprint.ts";
import type { RecordedRename } from "../facts/migration.ts";
import { ident, qualified } from "../sql/quoting.ts";

/** @param without Columns that the view leaves out on purpose. */
export function columnFailures(
  table: RelationFacts,
  view: RelationFacts,
  without: string[],
): VerifyFailure[] {
  const statement = `select * from ${qualified(view.schema, view.name)}`;
  const wanted = table.columns.filter(({ name }) => !without.includes(name));
  const names = [...new Set([...wanted, ...view.columns].map(({ name }) => name))];
  const describeIn = (columns: ColumnFacts[], name: string) => {
    const column = columns.find((column) => column.name === name);
    return column === undefined ? "no such column" : describe(column);
  };
  const failures = names.map((name) => ({
    statement,
    expected: describeIn(wanted, name),
    got: describeIn(view.columns, name),
  })).filter(({ expected, got }) => expected !== got);
  if (failures.length > 0) return failures;
  const [expected, got] = [wanted, view.columns].map((columns) =>
    columns.map(({ name }) => ident(name)).join(", ")
  );
  return expected === got ? [] : [{ statement, expected, got }];
}

export const commonColumns = (table: RelationFacts, view: RelationFacts): string[] =>
  view.columns.map(({ name }) => name)
    .filter((name) => table.columns.some((column) => column.name === name));

function describe({ name, type, collation }: ColumnFacts): string {
  const isDefault = collation === null || collation === "pg_catalog.default";
  return `column ${ident(name)} ${type}${isDefault ? "" : ` collate ${collation}`}`;
}

export const TRIGGER_MISSING = "trigger_missing";

/** Triggers that the table had at the rename and has no more, or has changed. */
export function missingTriggers(
  { fingerprint: { before, after }, new_name }: RecordedRename,
  table: RelationFacts,
): VerifyFailure[] {
  const now = fingerprint(table);
  // A definition has the table's name in it: under another name it is enough that there is one.
  const comparable = after !== null && table.name === new_name;
  return Object.entries(after ?? before).flatMap(([object, definition]) => {
    if (!object.startsWith("trigger ")) return [];
    const present = now[object] ?? null;
    if (present !== null) {
      if (!comparable || withoutComment(present) === withoutComment(definition)) return [];
    }
    return [{
      statement: `${object} on ${qualified(table.schema, table.name)}`,
      expected: definition,
      got: `${
        present ?? "no such trigger"
      } (acknowledge ${TRIGGER_MISSING} if it was changed on purpose)`,
    }];
  });
}

const withoutComment = (definition: string) => definition.replace(/ comment '.*$/s, "");

/** Triggers and rules on the view, which take the place of what the table does. */
export function viewTriggersAndRules(view: RelationFacts): VerifyFailure[] {
  const name = qualified(view.schema, view.name);
  return [
    ...view.triggers.map((trigger) => ({ kind: "trigger", ...trigger })),
    ...view.rules.map((rule) => ({ kind: "rule", ...rule })),
  ].map(({ kind, name: own, definition }) => ({
    statement: `${kind} ${own} on ${name}`,
    expected: "a view that passes every write on to its table",
    got: definition,
  }));
}
