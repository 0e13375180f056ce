/** PostgreSQL's own parser, as an independent judge of what in a text of SQL is the name of a relation. */
import { loadModule, parsePlPgSQLSync, parseSync } from "libpg-query";

await loadModule();

type Tree = Record<string, unknown>;

export interface NamedInTree {
  schema: string | null;
  name: string;
  /** Index in the text. */
  at: number;
}

/** The tree of a text; null if the server would not accept it. */
export function treeOf(text: string): Tree | null {
  try {
    return parseSync(text) as unknown as Tree;
  } catch {
    return null;
  }
}

/** The relations that a text names, without those that are common table expressions. */
export function relationsIn(text: string): NamedInTree[] | null {
  const tree = treeOf(text);
  if (tree === null) return null;
  const found: NamedInTree[] = [];
  const place = placesOf(text);
  walk(
    tree,
    new Set(),
    (schema, name, location) => found.push({ schema, name, at: place(location) }),
  );
  return found;
}

/** Indices of a text for the byte offsets of its UTF-8. */
function placesOf(text: string): (byte: number) => number {
  // deno-lint-ignore no-control-regex
  if (/^[\x00-\x7f]*$/.test(text)) return (byte) => byte;
  const bytes = new TextEncoder().encode(text);
  return (byte) => new TextDecoder().decode(bytes.subarray(0, byte)).length;
}

type Note = (schema: string | null, name: string, location: number) => void;

function walk(node: unknown, hidden: Set<string>, note: Note): void {
  if (Array.isArray(node)) return node.forEach((one) => walk(one, hidden, note));
  if (typeof node !== "object" || node === null) return;
  const tree = node as Tree;
  const range = (tree.RangeVar ?? (isRange(tree) ? tree : undefined)) as Tree | undefined;
  if (range !== undefined) {
    const schema = (range.schemaname as string | undefined) ?? null;
    const name = range.relname as string;
    if (schema !== null || !hidden.has(name)) note(schema, name, (range.location as number) ?? 0);
    return;
  }
  const inner = new Set(hidden);
  const clause = tree.withClause as { ctes: { CommonTableExpr: Tree }[]; recursive?: boolean };
  if (clause !== undefined) {
    const expressions = clause.ctes.map(({ CommonTableExpr }) => CommonTableExpr);
    if (clause.recursive) { for (const { ctename } of expressions) inner.add(ctename as string); }
    for (const { ctename, ctequery } of expressions) {
      walk(ctequery, inner, note);
      inner.add(ctename as string);
    }
  }
  for (const [key, value] of Object.entries(tree)) {
    // FOR UPDATE OF names what FROM has named.
    if (key === "withClause" || key === "lockedRels") continue;
    // The target of a change is never a common table expression.
    const isTarget = key === "relation" && !("fromClause" in tree && "intoClause" in tree);
    walk(value, isTarget && isRange(value as Tree) ? new Set() : inner, note);
  }
}

const isRange = (node: Tree) =>
  typeof node === "object" && node !== null && "relname" in node &&
  "relpersistence" in node;

/** The tree as text without places, in which a name stands for another, and an alias that says nothing is left out. */
export function comparable(tree: Tree, from: string, to: string): string {
  return JSON.stringify(tree, (key, value) => {
    if (
      /^(?:location|stmt_location|stmt_len|rexpr_list_\w+|list_\w+|qualify_location|name_location)$/
        .test(key)
    ) {
      return undefined;
    }
    if (value === from) return to;
    if (typeof value === "object" && value !== null && "relname" in value) {
      const { alias, ...rest } = value;
      const name = value.relname === from ? to : value.relname;
      return alias?.aliasname === name ? rest : value;
    }
    return value;
  });
}

/** The queries and expressions in the body of a function of PL/pgSQL; null if it cannot be parsed. */
export function queriesInPlpgsql(definition: string): string[] | null {
  const found: string[] = [];
  const collect = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(collect);
    if (typeof node !== "object" || node === null) return;
    const { query, parseMode } = node as { query?: unknown; parseMode?: unknown };
    if (typeof query === "string") {
      // 0: a statement, 2: an expression, 3 to 5: assignments.
      if (parseMode === 0) found.push(query);
      else found.push(`select ${query.replace(/^[^=]*:=/, "")}`);
    }
    Object.values(node).forEach(collect);
  };
  try {
    collect(parsePlPgSQLSync(definition));
    return found;
  } catch {
    return null;
  }
}
