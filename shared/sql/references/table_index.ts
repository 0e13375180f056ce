/** The tables that texts are searched for, by name, with what has to be known of them to judge a use. */
import { viewDefault } from "../../plan/column_defaults.ts";
import type { RelationFacts } from "../../facts/facts.ts";
import { lex } from "../parser/lexer.ts";
import { isGroup, isIdentifier, isWord, nest, type Node } from "../parser/nodes.ts";

/** What is needed of a relation's facts; a view's will do where only mentions are asked for. */
export type NamedRelation = Pick<
  RelationFacts,
  "oid" | "schema" | "name" | "kind" | "columns" | "constraints" | "children"
>;

export interface IndexedTable {
  oid: number;
  schema: string;
  name: string;
  columns: Set<string>;
  /** Columns of the primary key, where other columns can depend on it in GROUP BY; else null. */
  primaryKey: string[] | null;
  /** Generated columns, and identity columns without a default on the view, which a view cannot be updated in to their DEFAULT. */
  computedColumns: Set<string>;
  /** Definitions of the constraints, by name. */
  constraints: Map<string, string>;
  /** Whether it is partitioned or has children, so that ONLY makes a difference. */
  hasChildren: boolean;
  /** What it will be called; null where that is not decided. */
  newName: string | null;
}

export interface TableIndex {
  byName: Map<string, IndexedTable[]>;
  byOid: Map<number, IndexedTable>;
  /** By the longest run of plain letters and digits of their names, in lower case; "" where there is none. */
  byWord: Map<string, IndexedTable[]>;
  /** Schemas that have a relation of the name, by name, as far as known; those of the tables can be among them. */
  namesakes: Map<string, Set<string>>;
  /** The schemas that they are in. */
  schemas: Set<string>;
  /** Names of routines that make SQL of what they are given, or take a regclass. */
  takers: Set<string>;
}

/**
 * Makes the index; texts are then read once each, however many tables there are.
 *
 * @param newNames What the tables will be called, by OID. Default: not decided.
 * @param takers Names of routines that make SQL of what they are given. Default: none is known.
 * @param namesakes Relations of the same names, wherever they are, as `[schema, name]`. Default: not known.
 */
export function tableIndex(
  relations: NamedRelation[],
  newNames: Map<number, string> = new Map(),
  takers: string[] = [],
  namesakes: [schema: string, name: string][] = [],
): TableIndex {
  const index: TableIndex = {
    byName: new Map(),
    byOid: new Map(),
    byWord: new Map(),
    namesakes: new Map(),
    schemas: new Set(relations.map(({ schema }) => schema)),
    takers: new Set(takers),
  };
  for (const [schema, name] of namesakes) {
    const there = index.namesakes.get(name);
    if (there) there.add(schema);
    else index.namesakes.set(name, new Set([schema]));
  }
  for (const relation of relations) {
    const table = indexed(relation, newNames.get(relation.oid) ?? null);
    index.byOid.set(table.oid, table);
    add(index.byName, table.name, table);
    add(index.byWord, longestWord(table.name), table);
  }
  return index;
}

function add(map: Map<string, IndexedTable[]>, key: string, table: IndexedTable): void {
  const there = map.get(key);
  if (there) there.push(table);
  else map.set(key, [table]);
}

function indexed(relation: NamedRelation, newName: string | null): IndexedTable {
  const { oid, schema, name, columns, constraints, children, kind } = relation;
  const primaryKey = constraints.map(({ definition }) => keyOf(definition, "primary"))
    .find((key) => key !== null)?.columns;
  return {
    oid,
    schema,
    name,
    columns: new Set(columns.map((column) => column.name)),
    primaryKey: primaryKey ?? null,
    computedColumns: new Set(
      columns.filter((column) =>
        (column.identity !== "" || column.generated !== "") && viewDefault(column) === null
      )
        .map((column) => column.name),
    ),
    constraints: new Map(constraints.map((one) => [one.name, one.definition])),
    hasChildren: kind === "p" || children.length > 0,
    newName,
  };
}

export interface Key {
  columns: string[];
  /** The columns as the server writes them. */
  text: string;
}

/**
 * The columns of a constraint like `PRIMARY KEY (a, b)`, as the server prints it; null for any other, and
 * for one that is deferrable: neither GROUP BY nor ON CONFLICT can rely on it.
 */
export function keyOf(definition: string, ...kinds: ("primary" | "unique")[]): Key | null {
  const { nodes } = nest(lex(definition, { blanks: false }));
  if (!isWord(nodes[0], ...kinds) || nodes.some((node) => isDeferrable(node, nodes))) return null;
  const group = nodes.find(isGroup);
  if (group === undefined) return null;
  const columns = group.nodes.filter(isIdentifier).map(({ value }) => value);
  return { columns, text: definition.slice(group.start + 1, group.end - 1) };
}

const isDeferrable = (node: Node, nodes: Node[]) =>
  isWord(node, "deferrable") && !isWord(nodes[nodes.indexOf(node) - 1], "not");

/** The words of plain letters and digits in a text, in lower case. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9_]+/g) ?? [];
}

/** Whatever text names the table has this as a word; "" where nothing of the name is plain. */
function longestWord(name: string): string {
  return wordsOf(name).reduce((longest, word) => word.length > longest.length ? word : longest, "");
}

/** Tables whose names occur in the text, between characters that names are not made of. */
export function tablesMentioned(text: string, index: TableIndex): IndexedTable[] {
  const words = new Set(wordsOf(text));
  const found = [...index.byWord.get("") ?? []];
  // The smaller of the two is walked through.
  if (words.size < index.byWord.size) {
    for (const word of words) found.push(...index.byWord.get(word) ?? []);
  } else {
    for (const [word, tables] of index.byWord) if (words.has(word)) found.push(...tables);
  }
  return found.filter(({ name }) => mentionOf(text, name) >= 0);
}

const NAME_CHARACTER = /[\p{L}\p{N}_$]/u;

/** Where the name stands by itself in the text, whatever its case; or -1. */
export function mentionOf(text: string, name: string): number {
  const [where, what] = [text.toLowerCase(), name.toLowerCase()];
  for (let at = where.indexOf(what); at >= 0; at = where.indexOf(what, at + 1)) {
    const before = at === 0 ? "" : where[at - 1];
    const after = where[at + what.length] ?? "";
    const begins = !NAME_CHARACTER.test(before) || !NAME_CHARACTER.test(what[0]);
    const ends = !NAME_CHARACTER.test(after) || !NAME_CHARACTER.test(what.at(-1)!);
    if (begins && ends) return at;
  }
  return -1;
}
