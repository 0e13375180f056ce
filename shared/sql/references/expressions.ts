/** Expressions: subqueries, system columns, casts, and functions that are given the name of a table. */
import type { FindingCode } from "../../contract/findings.ts";
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
  type Node,
  onlyName,
  parse,
} from "../parser/nodes.ts";
import { type Scope, SYSTEM_COLUMNS, type VisibleRelation } from "../parser/scope.ts";
import { isQuery } from "../parser/query_syntax.ts";
import { foldString } from "../parser/string_folding.ts";

/** Functions that measure a relation's storage; a view has none. */
const SIZE_FUNCTIONS = new Set(
  "pg_relation_size pg_table_size pg_indexes_size pg_total_relation_size".split(" "),
);

/** Functions that look a relation up in the catalog, where the view now has the name. */
const LOOKUP_FUNCTIONS = new Set(
  `to_regclass row_security_active pg_relation_filepath pg_relation_filenode pg_partition_root pg_partition_tree
  pg_partition_ancestors`.split(/\s+/),
);

/** Functions about privileges, with the number of their arguments; if there is one more, a role comes first. */
const PRIVILEGE_FUNCTIONS = new Map([
  ["has_table_privilege", 2],
  ["has_any_column_privilege", 2],
  ["has_column_privilege", 3],
]);

/** Functions that answer the same for the view, since comments and privileges are copied. */
const SAME_FOR_A_VIEW = new Set([
  "obj_description",
  "col_description",
  ...PRIVILEGE_FUNCTIONS.keys(),
]);

/** Functions that are given the name of a sequence, which a rename does not change. */
const SEQUENCE_FUNCTIONS = new Set(["nextval", "currval", "setval"]);

/** Functions that are given a name which is not that of a database object. */
const OTHER_NAMES = new Map<string, "channel" | "setting">(
  [["pg_notify", "channel"], ["current_setting", "setting"]],
);

/** Reads an expression, or a list of them. */
export function readExpression(nodes: Node[], scope: Scope): void {
  for (let i = 0; i < nodes.length;) {
    const node = nodes[i];
    if (node.kind === "group") {
      readGroup(node, scope);
      i++;
    } else if (isMark(node, "::")) {
      if (isWord(nodes[i + 1], "regclass")) readRegclassCast(nodes, i, scope);
      i = readType(nodes, i + 1, scope);
    } else if (isWord(node, "as")) i += isIdentifier(nodes[i + 1]) ? 2 : 1;
    else if (node.kind === "string") {
      readRegclassConstant(nodes, i, scope);
      i++;
    } else {
      const name = nameAt(nodes, i);
      const group = name && nodes[name.next];
      if (name === null) i++;
      else if (isGroup(group)) {
        readCall(name, group, nodes.slice(name.next + 1), scope);
        i = name.next + 1;
      } else {
        readColumn(name, scope);
        noteQualifier(name, isMark(nodes[name.next], "."), scope);
        if (!isMark(nodes[name.next], ".")) noteIfWholeRow(name, scope);
        i = name.next;
      }
    }
  }
}

export function readGroup(group: Group, scope: Scope): void {
  if (isQuery(group)) return scope.readers.query(group.nodes, scope);
  readExpression(group.nodes, scope);
  // As an argument `t.*` is the whole row; in a select list it is the columns.
  for (const argument of commaSeparated(group.nodes)) {
    const name = nameAt(argument, 0);
    const isStar = name?.next === argument.length - 2 && isMark(argument[name.next], ".") &&
      isOperator(argument[name.next + 1], "*");
    if (isStar) noteWholeRow(scope.relationNamed(name.last), scope);
  }
}

function noteWholeRow(relation: VisibleRelation | null, scope: Scope): void {
  if (relation?.table) scope.names.rows.wholeRows.add(relation.table.oid);
}

/**
 * Notes where the name of a relation without alias is said again.
 *
 * @param star Whether `.*` follows the name.
 */
function noteQualifier({ parts, start: at }: Name, star: boolean, scope: Scope): void {
  const whole = parts.length === 1 && !star;
  const part = star || whole ? parts.length - 1 : parts.length - 2;
  if (!scope.names.index.byName.has(parts[part])) return;
  const relation = scope.relationNamed(parts[part]);
  const qualifier = { part, of: relation?.table ? relation.at : null, whole };
  if (relation !== null) scope.names.qualifiers.push({ at: scope.names.placed(at), ...qualifier });
}

/** A relation's name alone means its row, unless it has a column of the name. */
function noteIfWholeRow({ parts, last }: Name, scope: Scope): void {
  if (parts.length > 1) return;
  const relation = scope.relationNamed(last);
  if (!relation?.table?.columns.has(last)) noteWholeRow(relation, scope);
}

/**
 * A type, which can be a table's row type, `t%ROWTYPE` or `t.c%TYPE`.
 *
 * @param of What has the type: a variable, or a value that is made of it.
 * @returns The index after it.
 */
export function readType(
  nodes: Node[],
  from: number,
  scope: Scope,
  of: "variable" | "value" = "value",
): number {
  const i = isWord(nodes[from], "setof") ? from + 1 : from;
  const name = nameAt(nodes, i);
  if (name === null) return i;
  const isColumn = isOperator(nodes[name.next], "%") && isWord(nodes[name.next + 1], "type");
  const parts = isColumn ? name.parts.slice(0, -1) : name.parts;
  if (parts.length === 0) return name.next;
  const tables = scope.noteName({ parts, start: name.start });
  const { rows } = scope.names;
  if (of === "variable" && parts.at(-1) === "record") rows.records = true;
  const kept = of === "variable" ? rows.variables : rows.wholeRows;
  if (!isColumn) { for (const { table } of tables) kept.add(table.oid); }
  return name.next;
}

/** `'old'::regclass` and `regclass 'old'` */
function readRegclassConstant(nodes: Node[], i: number, scope: Scope): void {
  const node = nodes[i];
  const type = isMark(nodes[i + 1], "::") ? nameAt(nodes, i + 2) : null;
  if (node.kind !== "string" || !(isWord(nodes[i - 1], "regclass") || type?.last === "regclass")) {
    return;
  }
  // Cast to text it is the old name, as before.
  const asText = type !== null && isMark(nodes[type.next], "::") &&
    isWord(nodes[type.next + 1], "text", "varchar", "name");
  const code = asText ? null : "catalog_lookup";
  readRelationName(node.value, node.start, code, "regclass", scope);
}

/** `format('%I.%I', 'public', 'old')::regclass`, `('public.' || 'old')::regclass`, `variable::regclass` */
function readRegclassCast(nodes: Node[], cast: number, scope: Scope): void {
  let from = cast - 1;
  while (isMark(nodes[from - 1], "::")) from -= 2;
  if (nodes[from]?.kind === "string") return;
  if (isGroup(nodes[from]) && isIdentifier(nodes[from - 1])) from--;
  while (isMark(nodes[from - 1], ".")) from -= 2;
  // The cast does not apply to what comes before, such as the left side of ||.
  const folded = foldString(nodes.slice(from), 0, scope.names.runTime);
  if (folded === null || from + folded.next <= cast) return;
  const code = isMark(nodes[cast + 2], "::") ? null : "catalog_lookup";
  readRelationName(folded.text, folded.start, code, "regclass", scope);
}

/** A string that contains the name of a relation, as SQL writes it. */
function readRelationName(
  value: string,
  start: number,
  code: FindingCode | null,
  detail: string | null,
  scope: Scope,
): void {
  const name = onlyName(parse(value).nodes);
  if (name !== null) scope.noteName({ parts: name.parts, start }, code, detail);
}

function readCall(name: Name, group: Group, after: Node[], scope: Scope): void {
  const called = name.last;
  if (called === "cast") return readCast(group, scope);
  if (SAME_FOR_A_VIEW.has(called) && scope.names.reports("catalog_lookup")) {
    return scope.names.without("catalog_lookup", () => readCall(name, group, after, scope));
  }
  const [first, ...others] = commaSeparated(group.nodes);
  const constant = first === undefined ? null : foldString(first, 0, scope.names.runTime);
  if (constant !== null && constant.next === first.length) {
    const { text, start } = constant;
    const hasTriggerTable = scope.names.runTime.hasTriggerTable(text);
    const use = OTHER_NAMES.get(called);
    if (use && hasTriggerTable) scope.names.noteDerivedName(use, null, text, start);
    if (SEQUENCE_FUNCTIONS.has(called) && hasTriggerTable) {
      readRelationName(text, start, null, null, scope);
    }
    const code = codeOfCall(called, after);
    if (code !== undefined) {
      const column = others[0]?.[0];
      const hasColumn = code === "serial_sequence_lookup" && column?.kind === "string";
      readRelationName(text, start, code, hasColumn ? column.value : called, scope);
      for (const other of others) readExpression(other, scope);
      return;
    }
  }
  if (scope.names.index.nameTakers.has(called)) readNamesGiven(group.nodes, called, scope);
  const given = PRIVILEGE_FUNCTIONS.get(called);
  if (given !== undefined) {
    const [relation] = (others.length < given ? first : others[0]) ?? [];
    if (relation?.kind === "string") {
      readRelationName(relation.value, relation.start, null, null, scope);
    }
  }
  readGroup(group, scope);
}

/** Names of tables, as constants or in variables, in the arguments of a routine that makes SQL of them. */
function readNamesGiven(nodes: Node[], called: string, scope: Scope): void {
  nodes.forEach((node, i) => {
    if (node.kind === "group") return readNamesGiven(node.nodes, called, scope);
    if (node.kind === "string") scope.names.noteReadString(node.start);
    const values = node.kind === "string" ? [node.value] : scope.names.runTime.valuesAt(nodes, i);
    const tables = values.flatMap((value) => scope.names.inAnySchema(value))
      .map((table) => ({ table, certain: false }));
    scope.note(tables, node.start, "name_as_argument", called);
  });
}

/** What the function does if a view has the name; undefined for functions that are not given one. */
function codeOfCall(called: string, after: Node[]): FindingCode | null | undefined {
  if (called === "pg_get_serial_sequence") return "serial_sequence_lookup";
  if (SIZE_FUNCTIONS.has(called)) return "relation_size";
  if (!LOOKUP_FUNCTIONS.has(called)) return undefined;
  // Whether a relation of the name exists is answered as before.
  const isNull = areWords(after, 0, "is", "null") || areWords(after, 0, "is", "not", "null");
  return called === "to_regclass" && isNull ? null : "catalog_lookup";
}

function readCast(group: Group, scope: Scope): void {
  const as = group.nodes.findLastIndex((node) => isWord(node, "as"));
  if (as < 0) return readGroup(group, scope);
  const [constant] = group.nodes;
  if (as === 1 && constant.kind === "string" && isWord(group.nodes[2], "regclass")) {
    readRelationName(constant.value, constant.start, "catalog_lookup", "regclass", scope);
  }
  readExpression(group.nodes.slice(0, as), scope);
  readType(group.nodes, as + 1, scope);
}

function readColumn(name: Name, scope: Scope): void {
  const { parts, last } = name;
  if (!SYSTEM_COLUMNS.has(last)) return;
  const owner = parts.length === 1
    ? scope.systemColumnOwner(last)
    : scope.relationNamed(parts.at(-2)!);
  if (owner?.table == null) return;
  if (parts.length === 3 && parts[0] !== owner.table.schema) return;
  const { table, certain } = owner;
  scope.note([{ table, certain }], name.start, "system_columns", last);
}
