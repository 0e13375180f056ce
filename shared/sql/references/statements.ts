/** A statement of SQL: which one it is, and what reads it. */
import type { NameResolver } from "../parser/name_resolver.ts";
import {
  areWords,
  indexOfWord,
  isGroup,
  isIdentifier,
  isWord,
  nameAfter,
  nameAt,
  type Node,
} from "../parser/nodes.ts";
import type { QueryLevel } from "../parser/query_levels.ts";
import { isQuery } from "../parser/query_syntax.ts";
import { readDelete, readInsert, readMerge, readUpdate } from "./data_changes.ts";
import { readDefinition, readList } from "./definitions.ts";
import { readExpression, readGroup } from "./expressions.ts";
import { readQuery } from "./queries.ts";

type StatementReader = (nodes: Node[], level: QueryLevel | null, resolver: NameResolver) => void;

const definition: StatementReader = (nodes, _, resolver) => readDefinition(nodes, resolver);

/** A command on a list of tables. */
const command = (
  code: Parameters<typeof readList>[2],
  detail: string | null = null,
): StatementReader =>
(nodes, _, resolver) => readList(nodes, 1, code, detail, resolver);

/** By the first word. */
const READERS = new Map<string, StatementReader>([
  ["with", readQuery],
  ["select", readQuery],
  ["values", readQuery],
  ["table", readQuery],
  ["insert", readInsert],
  ["update", readUpdate],
  ["delete", readDelete],
  ["merge", readMerge],
  ["explain", readExplain],
  ["prepare", (nodes, level, resolver) => readAfter(nodes, "as", level, resolver)],
  ["declare", (nodes, level, resolver) => readAfter(nodes, "for", level, resolver)],
  ["create", definition],
  ["alter", definition],
  ["drop", definition],
  ["comment", definition],
  ["security", definition],
  ["grant", definition],
  ["revoke", definition],
  ["truncate", command("truncate")],
  ["lock", command(null)],
  ["vacuum", command("maintenance_skipped", "VACUUM")],
  ["analyze", command("maintenance_skipped", "ANALYZE")],
  ["analyse", command("maintenance_skipped", "ANALYSE")],
  ["cluster", readCluster],
  ["reindex", readReindex],
  ["copy", readCopy],
  ["do", readDo],
]);

/** Whether the word begins a statement; then a string that begins with it can be SQL. */
export const beginsStatement = (word: string): boolean => READERS.has(word);

/** Reads a statement, or what is in the parentheses of WITH. */
export function readStatement(
  nodes: Node[],
  level: QueryLevel | null,
  resolver: NameResolver,
): void {
  const [first] = nodes;
  if (first === undefined) return;
  if (isGroup(first)) return readQuery(nodes, level, resolver);
  const read = first.kind === "word" ? READERS.get(first.value) : undefined;
  (read ?? readExpression)(nodes, level, resolver);
}

/** EXPLAIN [ANALYZE] [VERBOSE] [(options)] statement */
function readExplain(nodes: Node[], level: QueryLevel | null, resolver: NameResolver): void {
  let i = 1;
  while (isWord(nodes[i], "analyze", "analyse", "verbose")) i++;
  if (isGroup(nodes[i]) && isIdentifier(nodes[i + 1])) i++;
  readStatement(nodes.slice(i), level, resolver);
}

/** PREPARE name [(types)] AS statement; DECLARE name … CURSOR … FOR query */
function readAfter(
  nodes: Node[],
  word: string,
  level: QueryLevel | null,
  resolver: NameResolver,
): void {
  const i = indexOfWord(nodes, 1, word);
  if (i > 0 && !areWords(nodes, i, "for", "update")) {
    readStatement(nodes.slice(i + 1), level, resolver);
  }
}

/** COPY (query) TO …; COPY [BINARY] name [(columns)] FROM | TO … */
function readCopy(nodes: Node[], _: unknown, resolver: NameResolver): void {
  const [, source] = nodes;
  if (isGroup(source)) {
    if (isQuery(source)) readGroup(source, null, resolver);
    else readList(source.nodes, 0, null, null, resolver);
    return;
  }
  const name = nameAt(nodes, isWord(source, "binary") ? 2 : 1);
  if (name === null) return;
  const isTo = nodes.slice(name.next, name.next + 2).some((node) => isWord(node, "to"));
  resolver.noteName(name, "copy", isTo ? "to" : "from");
}

/** CLUSTER [(options)] [VERBOSE] name [USING index], and the older `CLUSTER index ON name`. */
function readCluster(nodes: Node[], _: unknown, resolver: NameResolver): void {
  const on = indexOfWord(nodes, 1, "on");
  readList(nodes, on < 0 ? 1 : on + 1, "ddl_on_old_name", "CLUSTER", resolver);
}

/** REINDEX [(options)] TABLE [CONCURRENTLY] name; other kinds name no table. */
function readReindex(nodes: Node[], _: unknown, resolver: NameResolver): void {
  const i = isGroup(nodes[1]) ? 2 : 1;
  if (!isWord(nodes[i], "table")) return;
  const at = isWord(nodes[i + 1], "concurrently") ? i + 2 : i + 1;
  readList(nodes, at, "ddl_on_old_name", "REINDEX TABLE", resolver);
}

/** DO [LANGUAGE name] body */
function readDo(nodes: Node[], _: unknown, resolver: NameResolver): void {
  const language = nameAfter(nodes, 0, "language")?.parts[0] ?? "plpgsql";
  const body = nodes.find((node) => node.kind === "string");
  if (body?.kind === "string") resolver.readers.body(body, language, resolver);
}
