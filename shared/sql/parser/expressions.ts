/**
 * Expressions: subqueries, system columns, casts, and the functions that are given a table's name. Queries and
 * expressions hold each other, so this module and `queries.ts` import each other.
 */
import type { FindingCode } from "../../contract/findings.ts";
import { fold } from "./folding.ts";
import { lex } from "./lexer.ts";
import {
  type Level,
  type LevelRelation,
  relationNamed,
  SYSTEM_COLUMNS,
  systemColumnOwner,
} from "./levels.ts";
import {
  areWords,
  commaSeparated,
  type Group,
  isGroup,
  isIdentifier,
  isMark,
  isOperator,
  isWord,
  type Name,
  nameAt,
  nest,
  type Node,
} from "./nodes.ts";
import { readQuery } from "./queries.ts";
import type { Reading } from "./reading.ts";

/** Functions that measure a relation's storage; a view has none. */
const SIZE_FUNCTIONS = new Set([
  "pg_relation_size",
  "pg_table_size",
  "pg_indexes_size",
  "pg_total_relation_size",
]);

/** Functions that look a relation up in the catalog, where they now find the view. */
const LOOKUP_FUNCTIONS = new Set([
  "to_regclass",
  "row_security_active",
  "pg_relation_filepath",
  "pg_relation_filenode",
  "pg_partition_root",
  "pg_partition_tree",
  "pg_partition_ancestors",
]);

/**
 * Functions that are given a relation's name as text and answer the same for the view, with the number of
 * their arguments; where there is one more, a role comes first.
 */
const PRIVILEGE_FUNCTIONS = new Map([
  ["has_table_privilege", 2],
  ["has_any_column_privilege", 2],
  ["has_column_privilege", 3],
]);

/** Functions whose answer is the same for the view: comments and privileges are copied. */
const SAME_FOR_A_VIEW = new Set([
  "obj_description",
  "col_description",
  ...PRIVILEGE_FUNCTIONS.keys(),
]);

/** Functions that are given the name of a sequence, which a rename leaves alone. */
const SEQUENCE_FUNCTIONS = new Set(["nextval", "currval", "setval"]);

/** Functions that are given names of what is none of the database's objects. */
const NAMED_BY_ARGUMENT = new Map<string, "channel" | "setting">(
  [["pg_notify", "channel"], ["current_setting", "setting"]],
);

/** Reads an expression, or a list of them. */
export function readExpression(nodes: Node[], level: Level | null, reading: Reading): void {
  for (let i = 0; i < nodes.length;) {
    const node = nodes[i];
    if (node.kind === "group") {
      readGroup(node, level, reading);
      i++;
    } else if (isMark(node, "::")) {
      if (isWord(nodes[i + 1], "regclass")) readOperand(nodes, i, reading);
      i = readType(nodes, i + 1, reading);
    } else if (isWord(node, "as")) i += isIdentifier(nodes[i + 1]) ? 2 : 1;
    else if (node.kind === "string") {
      readConstant(nodes, i, reading);
      i++;
    } else {
      const name = nameAt(nodes, i);
      const group = name && nodes[name.next];
      if (name === null) i++;
      else if (isGroup(group)) {
        readCall(name, group, nodes.slice(name.next + 1), level, reading);
        i = name.next + 1;
      } else {
        readColumn(name, level, reading);
        if (!isMark(nodes[name.next], ".")) readWholeRow(name, level, reading);
        i = name.next;
      }
    }
  }
}

/** What stands in parentheses: a query, or expressions. */
export function readGroup(group: Group, level: Level | null, reading: Reading): void {
  if (isQuery(group)) return readQuery(group.nodes, level, reading);
  readExpression(group.nodes, level, reading);
  // As an argument `t.*` is the row as a whole; in a list it is its columns.
  for (const one of commaSeparated(group.nodes)) {
    const name = nameAt(one, 0);
    const isStar = name !== null && name.next === one.length - 2 && isMark(one[name.next], ".") &&
      isOperator(one[name.next + 1], "*");
    if (isStar) noteWholeRow(relationNamed(level, name.parts.at(-1)!), reading);
  }
}

function noteWholeRow(relation: LevelRelation | null, reading: Reading): void {
  if (relation?.table) reading.rows.wholeRows.add(relation.table.oid);
}

export function isQuery(group: Group): boolean {
  const [first, second] = group.nodes;
  if (isGroup(first)) return isQuery(first);
  return isWord(first, "select", "with") || (isWord(first, "values") && isGroup(second)) ||
    (isWord(first, "table") && isIdentifier(second));
}

/**
 * A type's name, which can be a table's, `t%ROWTYPE` and `t.c%TYPE` among them.
 *
 * @param of What has the type: a variable, or a value that is made of it.
 * @returns The index behind the name.
 */
export function readType(
  nodes: Node[],
  from: number,
  reading: Reading,
  of: "variable" | "value" = "value",
): number {
  const i = isWord(nodes[from], "setof") ? from + 1 : from;
  const name = nameAt(nodes, i);
  if (name === null) return i;
  const isColumns = isOperator(nodes[name.next], "%") && isWord(nodes[name.next + 1], "type");
  const parts = isColumns ? name.parts.slice(0, -1) : name.parts;
  if (parts.length === 0) return name.next;
  const tables = reading.resolve(parts);
  reading.use(tables, name.start);
  if (of === "variable" && parts.at(-1) === "record") reading.rows.records = true;
  const kept = of === "variable" ? reading.rows.variables : reading.rows.wholeRows;
  if (!isColumns) { for (const { table } of tables) kept.add(table.oid); }
  return name.next;
}

/** `'old'::regclass` and `regclass 'old'`. */
function readConstant(nodes: Node[], i: number, reading: Reading): void {
  const node = nodes[i];
  if (node.kind !== "string") return;
  const before = isWord(nodes[i - 1], "regclass");
  const type = isMark(nodes[i + 1], "::") ? nameAt(nodes, i + 2) : null;
  if (!before && type?.parts.at(-1) !== "regclass") return;
  // Its text is the old name as before.
  const asText = type !== null && isMark(nodes[type.next], "::") &&
    isWord(nodes[type.next + 1], "text", "varchar", "name");
  const code = asText ? null : "catalog_lookup";
  readRelationName(node.value, node.start, code, "regclass", reading);
}

/** `format('%I.%I', 'public', 'old')::regclass`, `('public.' || 'old')::regclass`, `variable::regclass`. */
function readOperand(nodes: Node[], cast: number, reading: Reading): void {
  let from = cast - 1;
  while (isMark(nodes[from - 1], "::")) from -= 2;
  if (nodes[from]?.kind === "string") return;
  if (isGroup(nodes[from]) && isIdentifier(nodes[from - 1])) from--;
  while (isMark(nodes[from - 1], ".")) from -= 2;
  // What stands before it, as the left side of ||, is not made a name.
  const folded = fold(nodes.slice(from), 0, reading.names);
  if (folded === null || from + folded.next <= cast) return;
  const asText = isMark(nodes[cast + 2], "::");
  const code = asText ? null : "catalog_lookup";
  readRelationName(folded.text, folded.start, code, "regclass", reading);
}

/** A string that holds a relation's name as SQL writes it. */
function readRelationName(
  value: string,
  at: number,
  code: FindingCode | null,
  detail: string | null,
  reading: Reading,
): void {
  const { nodes } = nest(lex(value, { blanks: false }));
  const name = nameAt(nodes, 0);
  if (name === null || name.next < nodes.length) return;
  reading.use(reading.resolve(name.parts), at, code, detail);
}

function readCall(
  name: Name,
  group: Group,
  after: Node[],
  level: Level | null,
  reading: Reading,
): void {
  const called = name.parts.at(-1)!;
  if (called === "cast") return readCast(group, level, reading);
  if (SAME_FOR_A_VIEW.has(called) && reading.tells("catalog_lookup")) {
    return reading.without("catalog_lookup", () => readCall(name, group, after, level, reading));
  }
  const [first, ...others] = commaSeparated(group.nodes);
  const constant = first === undefined ? null : fold(first, 0, reading.names);
  if (constant !== null && constant.next === first.length) {
    const use = NAMED_BY_ARGUMENT.get(called);
    if (use !== undefined && reading.names.hasTriggerTable(constant.text)) {
      reading.madeName(use, null, constant.text, constant.start);
    }
    if (SEQUENCE_FUNCTIONS.has(called) && reading.names.hasTriggerTable(constant.text)) {
      readRelationName(constant.text, constant.start, null, null, reading);
    }
    const code = codeOfCall(called, after);
    if (code !== undefined) {
      const column = others[0]?.[0];
      const detail = code === "serial_sequence_lookup" && column?.kind === "string"
        ? column.value
        : called;
      readRelationName(constant.text, constant.start, code, detail, reading);
      for (const other of others) readExpression(other, level, reading);
      return;
    }
  }
  if (reading.index.takers.has(called)) readNamesGiven(group.nodes, called, reading);
  const given = PRIVILEGE_FUNCTIONS.get(called);
  if (given !== undefined) {
    const [relation] = (others.length < given ? first : others[0]) ?? [];
    if (relation?.kind === "string") {
      readRelationName(relation.value, relation.start, null, null, reading);
    }
  }
  readGroup(group, level, reading);
}

/** Names of tables, as constants or in variables, that a routine is given which makes SQL of them. */
function readNamesGiven(nodes: Node[], called: string, reading: Reading): void {
  nodes.forEach((node, i) => {
    if (node.kind === "group") return readNamesGiven(node.nodes, called, reading);
    const variable = reading.names.placeholderAt(nodes, i);
    const values = node.kind === "string"
      ? [node.value]
      : variable === null
      ? []
      : reading.names.expand(variable.text);
    if (node.kind === "string") reading.understood(node.start);
    const tables = values.flatMap((value) => reading.everyNamed(value));
    reading.use(
      tables.map((table) => ({ table, certain: false })),
      node.start,
      "name_as_argument",
      called,
    );
  });
}

/** What the function does where a view has the name; undefined for functions that are not given one. */
function codeOfCall(called: string, after: Node[]): FindingCode | null | undefined {
  if (called === "pg_get_serial_sequence") return "serial_sequence_lookup";
  if (SIZE_FUNCTIONS.has(called)) return "relation_size";
  if (!LOOKUP_FUNCTIONS.has(called)) return undefined;
  // Whether there is a relation of the name is answered as before.
  const isNull = areWords(after, 0, "is", "null") || areWords(after, 0, "is", "not", "null");
  return called === "to_regclass" && isNull ? null : "catalog_lookup";
}

function readCast(group: Group, level: Level | null, reading: Reading): void {
  const as = group.nodes.findLastIndex((node) => isWord(node, "as"));
  if (as < 0) return readGroup(group, level, reading);
  const [constant] = group.nodes;
  if (as === 1 && constant.kind === "string" && isWord(group.nodes[2], "regclass")) {
    readRelationName(constant.value, constant.start, "catalog_lookup", "regclass", reading);
  }
  readExpression(group.nodes.slice(0, as), level, reading);
  readType(group.nodes, as + 1, reading);
}

/** A relation's name alone, which means its row unless a column has the name. */
function readWholeRow(name: Name, level: Level | null, reading: Reading): void {
  if (name.parts.length > 1) return;
  const relation = relationNamed(level, name.parts[0]);
  if (!relation?.table?.columns.has(name.parts[0])) noteWholeRow(relation, reading);
}

function readColumn(name: Name, level: Level | null, reading: Reading): void {
  const column = name.parts.at(-1)!;
  if (!SYSTEM_COLUMNS.has(column)) return;
  const owner = name.parts.length === 1
    ? systemColumnOwner(level, column)
    : relationNamed(level, name.parts.at(-2)!);
  if (owner?.table == null) return;
  if (name.parts.length === 3 && name.parts[0] !== owner.table.schema) return;
  reading.use(
    [{ table: owner.table, certain: owner.certain }],
    name.start,
    "system_columns",
    column,
  );
}
