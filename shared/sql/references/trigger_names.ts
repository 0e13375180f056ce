/**
 * Trigger functions that use the name of their table. After the rename, TG_TABLE_NAME is the new name: code that
 * compares it with the old name takes another branch, or none, without an error, and what is named after the table is
 * no longer found.
 */
import type { Token } from "../parser/lexer.ts";
import { isGroup, isIdentifier, isMark, isWord, nameAt, type Node } from "../parser/nodes.ts";
import { type Clauses, isQuery } from "../parser/query_syntax.ts";
import {
  type DerivedName,
  TRIGGER_SCHEMA,
  TRIGGER_TABLE,
  UNKNOWN,
} from "../parser/run_time_names.ts";
import type { Scope } from "../parser/scope.ts";
import type { IndexedTable, TableIndex } from "../parser/table_index.ts";
import { ident, qualified } from "../quoting.ts";
import { readsUserTables } from "./catalog_queries.ts";

/**
 * What is done with the name. `compares`: it is compared with the old name, and not with the new one. `pattern`: it
 * is matched with a pattern that fits the old name, and the new one is not known yet. `relation`, `channel`,
 * `setting`: one of these is named after it. `lookup`: rows are looked up by it. `uses`: anything else.
 */
export type NameUse = "compares" | "pattern" | DerivedName["use"] | "uses";

/** Functions whose first argument is a name of something else. */
const OTHER_NAMES = new Set(["pg_notify", "nextval", "currval", "set_config", "current_setting"]);

/** Whether a source uses the name of the trigger's table, at a quick look. */
export const usesTriggerName = (text: string) => /\btg_(?:table_name|relname|relid)\b/i.test(text);

/** Notes what a trigger function of these tables does with the name of its table. */
export function readTriggerNames(tokens: Token[], tables: IndexedTable[], scope: Scope): void {
  const name = tokens.find((_, i) => isTablesName(tokens, i));
  const usesOid = tokens.some((token) => isWord(token, "tg_relid"));
  if (name === undefined && !usesOid) return;
  const strings = tokens.flatMap((token, i) =>
    token.kind === "string" && !isOtherName(tokens, i) ? [{ token, i }] : []
  );
  const useOf = (table: IndexedTable): { at: number; use: NameUse } | null => {
    const { newName } = table;
    const knowsNew = newName !== null &&
      strings.some(({ token }) => isNameOf(token.value, table, newName));
    const compared = strings.find(({ token, i }) =>
      isNameOf(token.value, table, table.name) && (name !== undefined || isRegclass(tokens, i))
    );
    if (compared && !knowsNew) return { at: compared.token.start, use: "compares" };
    if (name === undefined) return null;
    if (knowsNew) return { at: name.start, use: "uses" };
    const derived = scope.names.runTime.derived.find((one) =>
      isLost(one, table, scope.names.index)
    );
    if (derived) return derived;
    const pattern = strings.find(({ i }) => {
      const matches = patternAt(tokens, i);
      return matches?.(table.name) && !(newName !== null && matches(newName));
    });
    if (pattern === undefined) return { at: name.start, use: "uses" };
    return { at: pattern.token.start, use: newName === null ? "pattern" : "compares" };
  };
  for (const table of tables) {
    const found = useOf(table);
    if (found) scope.note([{ table, certain: true }], found.at, "tg_table_name", found.use);
  }
}

/** What the name is called in PL/pgSQL and PL/v8, PL/Tcl, PL/Python and PL/Perl. */
const NAME_IN_ANY_LANGUAGE = /\b(?:tg_table_name|tg_relname|table_name|relname)\b/i;

/** The same for a language that is not parsed: a name in quotes counts as compared with. */
export function readTriggerNamesUnparsed(tables: IndexedTable[], scope: Scope): void {
  const { text } = scope.names;
  const at = text.search(NAME_IN_ANY_LANGUAGE);
  if (at < 0) return;
  const knows = (name: string) => text.includes(`'${name}'`) || text.includes(`"${name}"`);
  for (const table of tables) {
    const compares = knows(table.name) && !(table.newName !== null && knows(table.newName));
    const use: NameUse = compares ? "compares" : "uses";
    scope.note([{ table, certain: true }], at, "tg_table_name", use);
  }
}

/** Whether what was found by a name made of the old one is not found by one made of the new one. */
function isLost(
  { use, schema, name }: DerivedName,
  table: IndexedTable,
  { byName }: TableIndex,
): boolean {
  if (use !== "relation") return true;
  const inSameSchema = schema === null || schema === TRIGGER_SCHEMA || schema === UNKNOWN;
  const within = inSameSchema ? table.schema : schema;
  // The name alone means the table itself, which has the new name.
  if (name === TRIGGER_TABLE && within === table.schema) return false;
  const { newName } = table;
  if (newName === null || name.includes(UNKNOWN)) return true;
  const madeOf = (tableName: string) => name.replaceAll(TRIGGER_TABLE, () => tableName);
  // What is renamed in the same way is found.
  return !(byName.get(madeOf(table.name)) ?? []).some((other) =>
    other.schema === within && other.newName === madeOf(newName)
  );
}

/** TG_TABLE_NAME, its older name, or TG_RELID as a name. */
const isTablesName = (tokens: Token[], i: number) =>
  isWord(tokens[i], "tg_table_name", "tg_relname") ||
  (isWord(tokens[i], "tg_relid") && isRegclass(tokens, i));

const isRegclass = (tokens: Token[], i: number) =>
  tokens[i + 1]?.value === "::" && isWord(tokens[i + 2], "regclass");

const isOtherName = (tokens: Token[], i: number) =>
  tokens[i - 1]?.value === "(" && OTHER_NAMES.has(tokens[i - 2]?.value);

/** Whether a string is the name, with or without schema and quotes, in any case. */
function isNameOf(text: string, { schema }: IndexedTable, name: string): boolean {
  const spellings = [
    name,
    ident(name),
    `${schema}.${name}`,
    `${schema}.${ident(name)}`,
    qualified(schema, name),
  ];
  return spellings.some((spelling) => spelling.toLowerCase() === text.toLowerCase());
}

/** A test for what the string at index `i` matches, if it is the pattern of LIKE or of a regular expression. */
function patternAt(tokens: Token[], i: number): ((name: string) => boolean) | null {
  const operator = tokens[i - 1]?.value;
  const isKeyWord = isWord(tokens[i - 1], "like", "ilike");
  const isLike = isKeyWord || ["~~", "!~~", "~~*", "!~~*"].includes(operator);
  if (!isLike && !["~", "!~", "~*", "!~*"].includes(operator)) return null;
  const flags = operator === "ilike" || operator.endsWith("*") ? "isu" : "su";
  const { value } = tokens[i];
  const toRegExp = (part: string) =>
    part === "%" ? ".*" : part === "_" ? "." : escaped(part.at(-1)!);
  try {
    const pattern = isLike ? `^${value.replace(/\\?[^]/g, toRegExp)}$` : value;
    const expression = new RegExp(pattern, flags);
    return (name) => expression.test(name);
  } catch {
    // A regular expression that only the server can read is assumed to match.
    return () => true;
  }
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

/** Notes that a query selects rows of user tables by the name of the trigger's table. */
export function noteLookupInQuery(
  { from = [], where = [], having = [] }: Clauses,
  scope: Scope,
): void {
  if (!scope.names.runTime.isTrigger || !readsUserTables(from)) return;
  noteLookup([...where, ...having, ...from], scope);
}

/** Notes that the name is part of what selects rows. */
export function noteLookup(nodes: Node[], scope: Scope): void {
  const found = scope.names.runTime.isTrigger ? nodeWithName(nodes, scope) : null;
  if (found !== null) scope.names.noteDerivedName("lookup", null, "", found.start);
}

/** The first node that is or contains the name; subqueries are read on their own. */
function nodeWithName(nodes: Node[], scope: Scope): Node | null {
  const { runTime } = scope.names;
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i];
    if (node.kind === "group") {
      const inside = isGroup(node) && isQuery(node) ? null : nodeWithName(node.nodes, scope);
      if (inside !== null) return inside;
      continue;
    }
    const value = node.kind === "string"
      ? node.value
      : node.kind === "parameter"
      ? runTime.parameters[Number(node.value.slice(1)) - 1]
      : isIdentifier(node) && !isOid(nodes, i)
      ? runTime.placeholderAt(nodes, i)?.text
      : undefined;
    if (value !== undefined && runTime.hasTriggerTable(value)) return node;
  }
  return null;
}

/** A name that is cast to an OID: that finds the table by its new name. */
function isOid(nodes: Node[], i: number): boolean {
  const { next } = nameAt(nodes, i)!;
  return isMark(nodes[next], "::") && isWord(nodes[next + 1], "regclass", "oid") &&
    !isMark(nodes[next + 2], "::");
}
