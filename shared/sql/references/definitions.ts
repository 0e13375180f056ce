/** Definitions: CREATE, ALTER, DROP, COMMENT, SECURITY LABEL, GRANT and REVOKE. */
import type { FindingCode } from "../../contract/findings.ts";
import {
  areWords,
  commaSeparated,
  endAtWord,
  indexOfWord,
  isGroup,
  isIdentifier,
  isOperator,
  isWord,
  type Name,
  nameAfter,
  nameAt,
  type Node,
  statementsOf,
} from "../parser/nodes.ts";
import type { Scope } from "../parser/scope.ts";
import { readExpression, readType } from "./expressions.ts";

/** The server refuses it for a view. */
const REFUSED = "ddl_on_old_name";
/** The server does it to the view alone, or finds nothing to do. */
const VIEW_ONLY = "ddl_on_view_only";

/** Reads a definition; one that names no table is ignored. */
export function readDefinition(nodes: Node[], scope: Scope): void {
  const [first, second] = nodes;
  if (isWord(first, "grant", "revoke")) return readPrivileges(nodes, scope);
  if (isWord(first, "comment")) return readComment(nodes, 2, scope);
  if (isWord(first, "security")) {
    return readComment(nodes, indexOfWord(nodes, 2, "on") + 1, scope);
  }
  if (isWord(first, "drop")) return readDrop(nodes, scope);
  if (isWord(first, "create")) return readCreate(nodes, scope);
  if (isWord(second, "table")) return readAlterTable(nodes, scope);
  if (isWord(second, "policy", "trigger")) {
    return readAfterOn(nodes, commandOf(nodes, 2), scope);
  }
  if (isWord(second, "publication")) return readPublication(nodes, scope);
  if (isWord(second, "sequence")) readOwnedBy(nodes, scope);
}

/** The first words of a statement, as messages name it. */
const commandOf = (nodes: Node[], words: number): string =>
  nodes.slice(0, words).map((node) => isIdentifier(node) ? node.value.toUpperCase() : "").join(" ");

/** Skips IF EXISTS, IF NOT EXISTS, ONLY and CONCURRENTLY. */
function afterOptions(nodes: Node[], from: number): number {
  let i = from;
  while (isWord(nodes[i], "if", "not", "exists", "only", "concurrently")) i++;
  return i;
}

const BEFORE_TABLES = ["table", "only", "verbose", "full", "freeze", "analyze", "analyse"];

/** Reads a list of tables, which can have options in parentheses before them, and columns after each. */
export function readList(
  nodes: Node[],
  from: number,
  code: FindingCode | null,
  detail: string | null,
  scope: Scope,
): void {
  let i = from;
  while (isWord(nodes[i], ...BEFORE_TABLES) || (i === from && isGroup(nodes[i]))) i++;
  for (const item of commaSeparated(nodes.slice(i))) {
    const name = nameAt(item, isWord(item[0], "only") ? 1 : 0);
    if (name !== null) scope.noteName(name, code, detail);
  }
}

function readPrivileges(nodes: Node[], scope: Scope): void {
  const on = indexOfWord(nodes, 1, "on");
  if (on < 0) return;
  const to = indexOfWord(nodes, on, "to", "from");
  const i = isWord(nodes[on + 1], "table") ? on + 2 : on + 1;
  // ON SCHEMA x, ON FUNCTION f(…), ON ALL TABLES IN SCHEMA x: another word follows the first.
  if (isIdentifier(nodes[i]) && isIdentifier(nodes[i + 1]) && i + 1 !== to) return;
  const list = nodes.slice(i, to < 0 ? undefined : to);
  readList(list, 0, "privileges_on_old_name", commandOf(nodes, 1), scope);
}

/** COMMENT ON or SECURITY LABEL … ON, from the kind of object on. */
function readComment(nodes: Node[], from: number, scope: Scope): void {
  const command = commandOf(nodes, isWord(nodes[0], "comment") ? 1 : 2);
  const kind = nodes[from];
  const name = nameAt(nodes, from + 1);
  if (isWord(kind, "table") && name) {
    scope.noteName(name, REFUSED, `${command} ON TABLE`);
  } else if (isWord(kind, "column") && name) {
    noteTableOf(name, `${command} ON COLUMN`, scope);
  } else if (isWord(kind, "constraint", "trigger", "policy", "rule")) {
    noteAfterOn(nodes.slice(from), REFUSED, command, scope);
  }
}

function noteTableOf({ parts, start }: Name, detail: string, scope: Scope): void {
  if (parts.length > 1) {
    scope.noteName({ parts: parts.slice(0, -1), start }, VIEW_ONLY, detail);
  }
}

/** `… ON name` */
function noteAfterOn(nodes: Node[], code: FindingCode, detail: string, scope: Scope): void {
  const on = indexOfWord(nodes, 1, "on");
  const name = on < 0 ? null : nameAt(nodes, afterOptions(nodes, on + 1));
  if (name !== null) scope.noteName(name, code, detail);
}

/** `… ON name`, and expressions after it, which can name the columns of that table. */
function readAfterOn(nodes: Node[], detail: string, scope: Scope): void {
  const on = indexOfWord(nodes, 1, "on");
  const name = on < 0 ? null : nameAt(nodes, afterOptions(nodes, on + 1));
  if (name === null) return;
  const inner = scope.inner();
  inner.add(name.last, scope.noteName(name, REFUSED, detail), null, name.start);
  readExpression(nodes.slice(name.next), inner);
}

function readDrop(nodes: Node[], scope: Scope): void {
  const detail = commandOf(nodes, 2);
  if (isWord(nodes[1], "table")) {
    return readList(nodes, afterOptions(nodes, 2), REFUSED, detail, scope);
  }
  // With IF EXISTS nothing of the name is found on the view, and nothing is dropped.
  const code = isWord(nodes[2], "if") ? VIEW_ONLY : REFUSED;
  if (isWord(nodes[1], "policy", "trigger", "rule")) noteAfterOn(nodes, code, detail, scope);
}

const CREATED =
  "table index trigger policy rule statistics view publication sequence function procedure"
    .split(" ");

function readCreate(nodes: Node[], scope: Scope): void {
  const i = nodes.findIndex((node, n) => n > 0 && isWord(node, ...CREATED));
  const kind = nodes[i];
  if (kind?.kind !== "word") return;
  const detail = `CREATE ${kind.value.toUpperCase()}`;
  if (isWord(kind, "table")) return readCreateTable(nodes, i, scope);
  if (isWord(kind, "trigger")) return readTrigger(nodes, detail, scope);
  if (isWord(kind, "rule")) return readRule(nodes, i, detail, scope);
  if (isWord(kind, "publication")) return readPublication(nodes, scope);
  if (isWord(kind, "sequence")) return readOwnedBy(nodes, scope);
  if (isWord(kind, "function", "procedure")) return readRoutine(nodes, i, scope);
  if (isWord(kind, "statistics")) {
    return readList(nodes, endAtWord(nodes, i, "from") + 1, REFUSED, detail, scope);
  }
  if (isWord(kind, "view")) {
    return scope.readers.statement(nodes.slice(endAtWord(nodes, i, "as") + 1), scope);
  }
  readAfterOn(nodes, detail, scope);
}

function readCreateTable(nodes: Node[], at: number, scope: Scope): void {
  const name = nameAt(nodes, afterOptions(nodes, at + 1));
  if (name === null) return;
  const temporary = nodes.slice(1, at).some((node) => isWord(node, "temp", "temporary"));
  const detail = "CREATE TABLE";
  let rest = nodes.slice(name.next);
  const inner = scope.inner();
  // Refused, or skipped, as before.
  if (!temporary) inner.add(name.last, scope.noteName(name), null, name.start);
  const as = indexOfWord(rest, 0, "as");
  if (as >= 0) {
    scope.readers.statement(rest.slice(as + 1), scope);
    rest = rest.slice(0, as);
  }
  rest.forEach((node, i) => {
    const parent = areWords(rest, i, "partition", "of") ? nameAt(rest, i + 2) : null;
    if (parent) scope.noteName(parent, REFUSED, `${detail} PARTITION OF`);
    const parents = rest[i + 1];
    if (isWord(node, "inherits") && isGroup(parents)) {
      readList(parents.nodes, 0, REFUSED, `${detail} INHERITS`, scope);
    }
    if (isGroup(node) && i === 0) readElements(node.nodes, inner);
  });
  if (temporary) scope.names.hide(name.last);
}

/** Columns and constraints of a new table. */
function readElements(nodes: Node[], scope: Scope): void {
  for (const element of commaSeparated(nodes)) {
    const like = isWord(element[0], "like") ? nameAt(element, 1) : null;
    if (like !== null) {
      scope.noteName(like, "create_table_like");
      continue;
    }
    if (!isWord(element[0], "constraint", "check", "primary", "unique", "exclude", "foreign")) {
      readType(element, 1, scope);
    }
    readForeignKeys(element, scope);
    readExpression(element.slice(1), scope);
  }
}

/** REFERENCES name, anywhere among the nodes. */
function readForeignKeys(nodes: Node[], scope: Scope): void {
  nodes.forEach((node, i) => {
    const name = isWord(node, "references") ? nameAt(nodes, i + 1) : null;
    if (name) scope.noteName(name, REFUSED, "REFERENCES");
  });
}

/**
 * A view can have triggers FOR EACH STATEMENT, without transition tables and not on TRUNCATE. They do not fire for
 * changes that are made to the table itself.
 */
function readTrigger(nodes: Node[], detail: string, scope: Scope): void {
  const refused = nodes.some((node, i) =>
    isWord(node, "constraint", "referencing", "truncate") ||
    (isWord(node, "row") && isWord(nodes[i - 1], "each", "for"))
  );
  noteAfterOn(nodes, refused ? REFUSED : VIEW_ONLY, detail, scope);
  const from = indexOfWord(nodes, indexOfWord(nodes, 1, "on") + 1, "from");
  const referenced = from < 0 || isWord(nodes[from - 1], "distinct")
    ? null
    : nameAt(nodes, from + 1);
  if (referenced) scope.noteName(referenced, REFUSED, detail);
}

/** CREATE RULE name AS ON event TO table [WHERE …] DO … */
function readRule(nodes: Node[], at: number, detail: string, scope: Scope): void {
  const name = nameAfter(nodes, at, "to");
  if (name === null) return;
  scope.noteName(name, VIEW_ONLY, detail);
  const action = indexOfWord(nodes, name.next, "do");
  if (action < 0) return;
  const i = isWord(nodes[action + 1], "also", "instead") ? action + 2 : action + 1;
  const body = nodes[i];
  const statements = isGroup(body) ? statementsOf(body.nodes) : [nodes.slice(i)];
  for (const statement of statements) scope.readers.statement(statement, scope);
}

/** CREATE PUBLICATION … FOR TABLE a, b; ALTER PUBLICATION … ADD | SET | DROP TABLE a, b */
function readPublication(nodes: Node[], scope: Scope): void {
  const table = indexOfWord(nodes, 2, "table");
  if (table >= 0) readList(nodes, table + 1, REFUSED, commandOf(nodes, 2), scope);
}

/** OWNED BY table.column; a view's column is accepted. */
function readOwnedBy(nodes: Node[], scope: Scope): void {
  const i = nodes.findIndex((_, n) => areWords(nodes, n, "owned", "by"));
  const name = i < 0 ? null : nameAt(nodes, i + 2);
  if (name !== null) noteTableOf(name, `${commandOf(nodes, 2)} … OWNED BY`, scope);
}

/** CREATE FUNCTION: the types of its arguments and result, and its body in any language. */
function readRoutine(nodes: Node[], at: number, scope: Scope): void {
  const name = nameAt(nodes, at + 1);
  if (name === null) return;
  const argumentsGroup = nodes[name.next];
  if (isGroup(argumentsGroup)) {
    // `[mode] [name] type [DEFAULT …]`: the second word is taken as the type, whether or not it is.
    for (const withMode of commaSeparated(argumentsGroup.nodes)) {
      const isMode = withMode.length > 1 && isWord(withMode[0], "in", "out", "inout", "variadic");
      const argument = isMode ? withMode.slice(1) : withMode;
      const end = argument.findIndex((node) => isWord(node, "default") || node.kind === "operator");
      const words = end < 0 || isWord(argument[end + 1], "type")
        ? argument
        : argument.slice(0, end);
      readType(words, words.length > 1 ? 1 : 0, scope);
    }
  }
  const returns = indexOfWord(nodes, name.next, "returns");
  if (returns >= 0) readType(nodes, returns + 1, scope);
  const language = nameAfter(nodes, name.next, "language")?.parts[0] ?? "sql";
  const body = nodes.findLast((node, i) => node.kind === "string" && isWord(nodes[i - 1], "as"));
  if (body?.kind === "string") scope.readers.body(body, language, scope);
  const atomic = nodes.findIndex((_, i) => areWords(nodes, i, "begin", "atomic"));
  if (atomic < 0) return;
  for (const statement of statementsOf(nodes.slice(atomic + 2))) {
    scope.readers.statement(statement, scope);
  }
}

function readAlterTable(nodes: Node[], scope: Scope): void {
  const name = nameAt(nodes, afterOptions(nodes, 2));
  if (name === null) return;
  const tables = scope.names.resolve(name.parts);
  const from = isOperator(nodes[name.next], "*") ? name.next + 1 : name.next;
  for (const action of commaSeparated(nodes.slice(from))) {
    const words = action.slice(0, 2)
      .map((node) => node.kind === "word" ? node.value.toUpperCase() : "");
    const detail = `ALTER TABLE … ${words.join(" ").trim()}`;
    scope.note(tables, name.start, codeOfAction(action), detail);
    readForeignKeys(action, scope);
    readOtherTable(action, scope);
  }
}

/** Measured on 15 and 17: ALTER TABLE does to a view what ALTER VIEW can do, and refuses the rest. */
function codeOfAction(action: Node[]): FindingCode {
  const [first, second] = action;
  if (isWord(first, "enable", "disable") && action.some((node) => isWord(node, "trigger"))) {
    return "disable_trigger";
  }
  const onView = (isWord(first, "rename") && !isWord(second, "constraint")) ||
    isWord(first, "owner", "reset") ||
    (isWord(first, "set") && isWord(second, "schema")) ||
    (isWord(first, "alter") &&
      action.slice(0, 5).some((node, i) =>
        isWord(node, "default") && isWord(action[i - 1], "set", "drop")
      ));
  return onView ? VIEW_ONLY : REFUSED;
}

/** INHERIT name, NO INHERIT name, ATTACH and DETACH PARTITION name. */
function readOtherTable(action: Node[], scope: Scope): void {
  const inherits = isWord(action[0], "inherit");
  const isOther = inherits || areWords(action, 0, "no", "inherit") ||
    (isWord(action[0], "attach", "detach") && isWord(action[1], "partition"));
  const name = isOther ? nameAt(action, inherits ? 1 : 2) : null;
  const detail = `ALTER TABLE … ${inherits ? "INHERIT" : "PARTITION"}`;
  if (name !== null) scope.noteName(name, REFUSED, detail);
}
