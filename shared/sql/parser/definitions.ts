/** Definitions: CREATE, ALTER, DROP, COMMENT, SECURITY LABEL, GRANT and REVOKE. */
import type { FindingCode } from "../../contract/findings.ts";
import { readBody } from "./bodies.ts";
import { readExpression, readType } from "./expressions.ts";
import {
  areWords,
  commaSeparated,
  indexOfWord,
  isGroup,
  isIdentifier,
  isWord,
  nameAt,
  type Node,
  statementsOf,
} from "./nodes.ts";
import type { Reading } from "./reading.ts";
import { readStatement } from "./statements.ts";
import { readAlterTable } from "./alter_table.ts";
import { readList } from "./utilities.ts";

/** The server refuses it for a view. */
const REFUSED = "ddl_on_old_name";
/** The server does it to the view alone, or finds nothing to do. */
const VIEW_ONLY = "ddl_on_view_only";

/** Reads a definition; what stands in it without naming a table is passed by. */
export function readDefinition(nodes: Node[], reading: Reading): void {
  const [first, second] = nodes;
  if (isWord(first, "grant", "revoke")) return readPrivileges(nodes, reading);
  if (isWord(first, "comment")) return readComment(nodes, 2, reading);
  if (isWord(first, "security")) {
    return readComment(nodes, indexOfWord(nodes, 2, "on") + 1, reading);
  }
  if (isWord(first, "drop")) return readDrop(nodes, reading);
  if (isWord(first, "create")) return readCreate(nodes, reading);
  if (isWord(second, "table")) return readAlterTable(nodes, reading);
  if (isWord(second, "policy", "trigger")) {
    return readOn(nodes, REFUSED, commandOf(nodes, 2), reading);
  }
  if (isWord(second, "publication")) return readPublication(nodes, reading);
  if (isWord(second, "sequence")) readOwnedBy(nodes, reading);
}

/** The first words of a statement, as they are called in messages. */
function commandOf(nodes: Node[], words: number): string {
  return nodes.slice(0, words).map((node) => isIdentifier(node) ? node.value.toUpperCase() : "")
    .join(" ");
}

/** Skips IF EXISTS, IF NOT EXISTS, ONLY and CONCURRENTLY. */
export function behindOptions(nodes: Node[], from: number): number {
  let i = from;
  while (isWord(nodes[i], "if", "not", "exists", "only", "concurrently")) i++;
  return i;
}

function readPrivileges(nodes: Node[], reading: Reading): void {
  const on = indexOfWord(nodes, 1, "on");
  if (on < 0) return;
  const to = indexOfWord(nodes, on, "to", "from");
  const i = isWord(nodes[on + 1], "table") ? on + 2 : on + 1;
  // ON SCHEMA x, ON FUNCTION f(…), ON ALL TABLES IN SCHEMA x: another word follows the first.
  if (isIdentifier(nodes[i]) && isIdentifier(nodes[i + 1]) && i + 1 !== to) return;
  const list = nodes.slice(i, to < 0 ? undefined : to);
  readList(list, 0, "privileges_on_old_name", commandOf(nodes, 1), reading);
}

/** COMMENT ON or SECURITY LABEL … ON, from the kind of object on. */
function readComment(nodes: Node[], from: number, reading: Reading): void {
  const command = commandOf(nodes, isWord(nodes[0], "comment") ? 1 : 2);
  const name = nameAt(nodes, from + 1);
  if (isWord(nodes[from], "table") && name) {
    reading.use(reading.resolve(name.parts), name.start, REFUSED, `${command} ON TABLE`);
  } else if (isWord(nodes[from], "column") && name) {
    const table = name.parts.slice(0, -1);
    if (table.length === 0) return;
    reading.use(reading.resolve(table), name.start, VIEW_ONLY, `${command} ON COLUMN`);
  } else if (isWord(nodes[from], "constraint", "trigger", "policy", "rule")) {
    readOn(nodes.slice(from), REFUSED, command, reading);
  }
}

/** `… ON name` */
function readOn(nodes: Node[], code: FindingCode, detail: string, reading: Reading): void {
  const on = indexOfWord(nodes, 1, "on");
  const name = on < 0 ? null : nameAt(nodes, behindOptions(nodes, on + 1));
  if (name !== null) reading.use(reading.resolve(name.parts), name.start, code, detail);
}

function readDrop(nodes: Node[], reading: Reading): void {
  const detail = commandOf(nodes, 2);
  const i = behindOptions(nodes, 2);
  if (isWord(nodes[1], "table")) return readList(nodes, i, REFUSED, detail, reading);
  // With IF EXISTS nothing of the name is found on the view, and nothing is dropped.
  const code = isWord(nodes[2], "if") ? VIEW_ONLY : REFUSED;
  if (isWord(nodes[1], "policy", "trigger", "rule")) readOn(nodes, code, detail, reading);
}

function readCreate(nodes: Node[], reading: Reading): void {
  const i = nodes.findIndex((node, n) =>
    n > 0 && isWord(
      node,
      ..."table index trigger policy rule statistics view publication sequence function procedure"
        .split(" "),
    )
  );
  const kind = nodes[i];
  if (kind?.kind !== "word") return;
  const detail = `CREATE ${kind.value.toUpperCase()}`;
  switch (kind.value) {
    case "table":
      return readCreateTable(nodes, i, reading);
    case "index":
      readOn(nodes, REFUSED, detail, reading);
      return readExpression(nodes.slice(i), null, reading);
    case "policy":
      readOn(nodes, REFUSED, detail, reading);
      return readExpression(nodes.slice(i), null, reading);
    case "trigger":
      return readTrigger(nodes, detail, reading);
    case "rule":
      return readRule(nodes, i, detail, reading);
    case "statistics": {
      const from = indexOfWord(nodes, i, "from");
      return from < 0 ? undefined : readList(nodes, from + 1, REFUSED, detail, reading);
    }
    case "publication":
      return readPublication(nodes, reading);
    case "sequence":
      return readOwnedBy(nodes, reading);
    case "view": {
      const as = indexOfWord(nodes, i, "as");
      return as < 0 ? undefined : readStatement(nodes.slice(as + 1), null, reading);
    }
    default:
      return readRoutine(nodes, i, reading);
  }
}

function readCreateTable(nodes: Node[], at: number, reading: Reading): void {
  const name = nameAt(nodes, behindOptions(nodes, at + 1));
  if (name === null) return;
  const temporary = nodes.slice(1, at).some((node) => isWord(node, "temp", "temporary"));
  const detail = "CREATE TABLE";
  let rest = nodes.slice(name.next);
  // Refused, or skipped, as before.
  if (!temporary) reading.use(reading.resolve(name.parts), name.start);
  const as = indexOfWord(rest, 0, "as");
  if (as >= 0) {
    readStatement(rest.slice(as + 1), null, reading);
    rest = rest.slice(0, as);
  }
  rest.forEach((node, i) => {
    const parent = nameAt(rest, i + 2);
    if (areWords(rest, i, "partition", "of") && parent !== null) {
      reading.use(reading.resolve(parent.parts), parent.start, REFUSED, `${detail} PARTITION OF`);
    }
    const parents = rest[i + 1];
    if (isWord(node, "inherits") && isGroup(parents)) {
      readList(parents.nodes, 0, REFUSED, `${detail} INHERITS`, reading);
    }
    if (isGroup(node) && i === 0) readElements(node.nodes, reading);
  });
  if (temporary) reading.hide(name.parts.at(-1)!);
}

/** Columns and constraints of a new table. */
function readElements(nodes: Node[], reading: Reading): void {
  for (const element of commaSeparated(nodes)) {
    const like = isWord(element[0], "like") ? nameAt(element, 1) : null;
    if (like !== null) {
      reading.use(reading.resolve(like.parts), like.start, "create_table_like");
      continue;
    }
    if (!isWord(element[0], "constraint", "check", "primary", "unique", "exclude", "foreign")) {
      readType(element, 1, reading);
    }
    readReferences(element, reading);
    readExpression(element.slice(1), null, reading);
  }
}

/** REFERENCES name, wherever it is among the nodes. */
export function readReferences(nodes: Node[], reading: Reading): void {
  nodes.forEach((node, i) => {
    const name = isWord(node, "references") ? nameAt(nodes, i + 1) : null;
    if (name) reading.use(reading.resolve(name.parts), name.start, REFUSED, "REFERENCES");
  });
}

/**
 * A view can have triggers for each statement alone, without transition tables and not on TRUNCATE; what goes
 * past the view does not fire them.
 */
function readTrigger(nodes: Node[], detail: string, reading: Reading): void {
  const eachRow = nodes.some((node, i) =>
    isWord(node, "row") && isWord(nodes[i - 1], "each", "for")
  );
  const refused = eachRow ||
    nodes.some((node) => isWord(node, "constraint", "referencing", "truncate"));
  readOn(nodes, refused ? REFUSED : VIEW_ONLY, detail, reading);
  const from = indexOfWord(nodes, indexOfWord(nodes, 1, "on") + 1, "from");
  const referenced = from < 0 ? null : nameAt(nodes, from + 1);
  if (referenced && !isWord(nodes[from - 1], "distinct")) {
    reading.use(reading.resolve(referenced.parts), referenced.start, REFUSED, detail);
  }
}

/** CREATE RULE name AS ON event TO table [WHERE …] DO … */
function readRule(nodes: Node[], at: number, detail: string, reading: Reading): void {
  const to = indexOfWord(nodes, at, "to");
  const name = to < 0 ? null : nameAt(nodes, to + 1);
  if (name === null) return;
  reading.use(reading.resolve(name.parts), name.start, VIEW_ONLY, detail);
  const action = indexOfWord(nodes, name.next, "do");
  if (action < 0) return;
  const i = isWord(nodes[action + 1], "also", "instead") ? action + 2 : action + 1;
  const body = nodes[i];
  const statements = isGroup(body) ? statementsOf(body.nodes) : [nodes.slice(i)];
  for (const statement of statements) readStatement(statement, null, reading);
}

/** CREATE PUBLICATION … FOR TABLE a, b; ALTER PUBLICATION … ADD | SET | DROP TABLE a, b */
function readPublication(nodes: Node[], reading: Reading): void {
  const table = indexOfWord(nodes, 2, "table");
  if (table >= 0) readList(nodes, table + 1, REFUSED, commandOf(nodes, 2), reading);
}

/** OWNED BY table.column, which a view's column can be. */
function readOwnedBy(nodes: Node[], reading: Reading): void {
  const i = nodes.findIndex((_, n) => areWords(nodes, n, "owned", "by"));
  const name = i < 0 ? null : nameAt(nodes, i + 2);
  if (name === null || name.parts.length < 2) return;
  const table = reading.resolve(name.parts.slice(0, -1));
  reading.use(table, name.start, VIEW_ONLY, `${commandOf(nodes, 2)} … OWNED BY`);
}

/** CREATE FUNCTION: the types of its arguments and result, and its body in whatever language. */
function readRoutine(nodes: Node[], at: number, reading: Reading): void {
  const name = nameAt(nodes, at + 1);
  if (name === null) return;
  const argumentsGroup = nodes[name.next];
  if (isGroup(argumentsGroup)) {
    // `[mode] [name] type [DEFAULT …]`: a name that is none of a table is passed by.
    for (const argument of commaSeparated(argumentsGroup.nodes)) {
      const end = argument.findIndex((node) => isWord(node, "default") || node.kind === "operator");
      const words = end < 0 || isWord(argument[end + 1], "type")
        ? argument
        : argument.slice(0, end);
      if (words.length > 1) readType(words, 1, reading);
      else readType(words, 0, reading);
    }
  }
  const returns = indexOfWord(nodes, name.next, "returns");
  if (returns >= 0) readType(nodes, returns + 1, reading);
  const language = indexOfWord(nodes, name.next, "language");
  const spoken = language < 0 ? null : nameAt(nodes, language + 1);
  const body = nodes.findLast((node, i) => node.kind === "string" && isWord(nodes[i - 1], "as"));
  if (body?.kind === "string") readBody(body, spoken?.parts[0] ?? "sql", "named", reading);
  const atomic = nodes.findIndex((_, i) => areWords(nodes, i, "begin", "atomic"));
  if (atomic < 0) return;
  for (const statement of statementsOf(nodes.slice(atomic + 2))) {
    readStatement(statement, null, reading);
  }
}
