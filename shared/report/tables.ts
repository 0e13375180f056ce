/** The tables of an answer: what each is called before and after, and what hangs on it. */
import type { OperationAnswer } from "../contract/responses.ts";
import { type DiagramDetail, diagramOf, type DrawnTable, type Operation } from "./diagram.ts";
import { codeInCell, counted, tableOf } from "./escape.ts";

/**
 * What a plan is about. Of what is done the record is left: what hung on the tables, and not what became of it.
 */
export function tablesOf({ tables, migrations }: OperationAnswer): DrawnTable[] {
  return tables ?? migrations.map((migration) => ({
    schema: migration.schema_name,
    old_name: migration.old_name,
    new_name: migration.new_name,
    compatibility_view: migration.compatibility_view_created,
    dependants: Object.fromEntries(
      Object.entries(migration.dependencies).map(([kind, names]) => [
        kind,
        Array.isArray(names) ? names.map((name) => ({ name: String(name), effect: null })) : [],
      ]),
    ),
  }));
}

/** An empty text where there are none. */
export function tablesInMarkdown(
  answer: OperationAnswer,
  operation: Operation,
  most: number,
): string {
  const tables = tablesOf(answer);
  if (tables.length === 0) return "";
  const back = operation === "rollback";
  const ids = answer.tables === undefined ? answer.migrations.map(({ id }) => id) : null;
  const rows = tables.slice(0, most).map((table, index) => {
    const [from, to] = back ? [table.new_name, table.old_name] : [table.old_name, table.new_name];
    return [
      codeInCell(table.schema),
      codeInCell(from),
      codeInCell(to),
      oldNameAfterwards(table, operation),
      ...(ids === null ? [] : [codeInCell(ids[index])]),
    ];
  });
  const head = ["Schema", "From", "To", "The old name then"];
  const left = tables.length - rows.length;
  return [
    tableOf(ids === null ? head : [...head, "Migration"], rows),
    ...(left === 0
      ? []
      : [`And ${counted(left, "more table")}, left out here; the JSON answer has them all.`]),
  ].join("\n\n");
}

function oldNameAfterwards({ compatibility_view }: DrawnTable, operation: Operation): string {
  if (operation === "rollback") return "the table's";
  if (operation === "finalize" || !compatibility_view) return "free";
  return "a view";
}

/** A heading and the graph, with what is not in it; an empty text where nothing hangs on anything. */
export function diagramInMarkdown(
  tables: DrawnTable[],
  operation: Operation,
  detail: DiagramDetail,
): string {
  const hanging = tables.filter(({ dependants }) =>
    Object.values(dependants).some((objects) => objects.length > 0)
  );
  if (hanging.length === 0) return "";
  const { text, tablesLeft, objectsLeft } = diagramOf(hanging, operation, detail);
  const left = [
    ...(tablesLeft > 0 ? [counted(tablesLeft, "table")] : []),
    ...(objectsLeft > 0 ? [`${counted(objectsLeft, "object")} of the tables shown`] : []),
  ].join(" and ");
  const leftOut = left === "" ? "" : ` Left out: ${left}.`;
  const said = detail === "none"
    ? "The graph is left out."
    : detail === "all"
    ? leftOut.trim()
    : text === ""
    ? "Nothing of it changes or breaks; the graph of what follows is left out."
    : `Only what changes or breaks is shown.${leftOut}`;
  const rest = said === ""
    ? ""
    : `${said} \`analyze\` (\`analyze-table --verbose\`) tells of everything that hangs on a table.`;
  return ["### What hangs on it", text, rest].filter((part) => part !== "").join("\n\n");
}
