/** Rows that a trigger function finds by the name of its table, TG_TABLE_NAME, or by a name made of it. */
import { readsUsers } from "./catalogs.ts";
import type { Clauses } from "../parser/clauses.ts";
import { isQuery } from "../parser/expressions.ts";
import { isGroup, isIdentifier, isMark, isWord, nameAt, type Node } from "../parser/nodes.ts";
import type { Reading } from "../parser/reading.ts";

/** Notes that a query chooses rows of a table of the user's by the name. */
export function readLookup(
  { from = [], where = [], having = [] }: Clauses,
  reading: Reading,
): void {
  if (!reading.names.isTrigger || !readsUsers(from)) return;
  noteLookup([...where, ...having, ...from], reading);
}

/** Notes that the name stands in what chooses rows. */
export function noteLookup(nodes: Node[], reading: Reading): void {
  const found = reading.names.isTrigger ? nodeWithName(nodes, reading) : null;
  if (found !== null) reading.madeName("lookup", null, "", found.start);
}

/** The first node that is the name, or holds it; what a subquery asks is its own. */
function nodeWithName(nodes: Node[], reading: Reading): Node | null {
  const { names } = reading;
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i];
    if (node.kind === "group") {
      const inside = isGroup(node) && isQuery(node) ? null : nodeWithName(node.nodes, reading);
      if (inside !== null) return inside;
    } else if (isIdentifier(node)) {
      const placeholder = names.placeholderAt(nodes, i);
      if (placeholder && names.hasTriggerTable(placeholder.text) && !isOid(nodes, i)) return node;
    } else if (node.kind === "string") {
      if (names.hasTriggerTable(node.value)) return node;
    } else if (node.kind === "parameter") {
      const given = names.parameters[Number(node.value.slice(1)) - 1];
      if (given !== undefined && names.hasTriggerTable(given)) return node;
    }
  }
  return null;
}

/** A name that is made an OID finds the table under its new name. */
function isOid(nodes: Node[], i: number): boolean {
  const { next } = nameAt(nodes, i)!;
  return isMark(nodes[next], "::") && isWord(nodes[next + 1], "regclass", "oid") &&
    !isMark(nodes[next + 2], "::");
}
