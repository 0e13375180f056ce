/** ALTER TABLE: what a view in the table's place refuses, what is done to the view alone, and other tables named. */
import type { FindingCode } from "../../contract/findings.ts";
import { behindOptions, readReferences } from "./definitions.ts";
import { areWords, commaSeparated, isOperator, isWord, nameAt, type Node } from "./nodes.ts";
import type { Reading } from "./reading.ts";

export function readAlterTable(nodes: Node[], reading: Reading): void {
  const name = nameAt(nodes, behindOptions(nodes, 2));
  if (name === null) return;
  const tables = reading.resolve(name.parts);
  const from = isOperator(nodes[name.next], "*") ? name.next + 1 : name.next;
  for (const action of commaSeparated(nodes.slice(from))) {
    const { code, detail } = effectOf(action);
    reading.use(tables, name.start, code, detail);
    readReferences(action, reading);
    readOther(action, reading);
  }
}

/** Measured on 15 and 17: what ALTER TABLE does to a view is what ALTER VIEW can do. */
function effectOf(action: Node[]): { code: FindingCode; detail: string } {
  const [first, second] = action;
  const detail = `ALTER TABLE … ${
    action.slice(0, 2).map((node) => node.kind === "word" ? node.value.toUpperCase() : "").join(" ")
      .trim()
  }`;
  if (isWord(first, "enable", "disable") && action.some((node) => isWord(node, "trigger"))) {
    return { code: "disable_trigger", detail };
  }
  const onView = (isWord(first, "rename") && !isWord(second, "constraint")) ||
    (isWord(first, "owner", "reset")) ||
    (isWord(first, "set") && isWord(second, "schema")) ||
    (isWord(first, "alter") &&
      action.some((node, i) =>
        isWord(node, "default") && isWord(action[i - 1], "set", "drop") && i <= 4
      ));
  return { code: onView ? "ddl_on_view_only" : "ddl_on_old_name", detail };
}

/** INHERIT name, NO INHERIT name, ATTACH and DETACH PARTITION name. */
function readOther(action: Node[], reading: Reading): void {
  const i = areWords(action, 0, "inherit")
    ? 1
    : areWords(action, 0, "no", "inherit") || areWords(action, 0, "attach", "partition") ||
        areWords(action, 0, "detach", "partition")
    ? 2
    : -1;
  const name = i < 0 ? null : nameAt(action, i);
  if (name === null) return;
  const detail = `ALTER TABLE … ${i === 1 ? "INHERIT" : "PARTITION"}`;
  reading.use(reading.resolve(name.parts), name.start, "ddl_on_old_name", detail);
}
