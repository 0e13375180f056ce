/** A statement of SQL: which one it is, and what reads it. */
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
import type { Scope } from "../parser/scope.ts";
import { isQuery } from "../parser/query_syntax.ts";
import { readDelete, readInsert, readMerge, readUpdate } from "./data_changes.ts";
import { readDefinition, readList } from "./definitions.ts";
import { readExpression, readGroup } from "./expressions.ts";
import { readQuery } from "./queries.ts";

type StatementReader = (nodes: Node[], scope: Scope) => void;

const definition: StatementReader = (nodes, scope) => readDefinition(nodes, scope);

/** A command on a list of tables. */
const command = (
  code: Parameters<typeof readList>[2],
  detail: string | null = null,
): StatementReader =>
(nodes, scope) => readList(nodes, 1, code, detail, scope);

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
  ["prepare", (nodes, scope) => readAfter(nodes, "as", scope)],
  ["declare", (nodes, scope) => readAfter(nodes, "for", scope)],
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
export function readStatement(nodes: Node[], scope: Scope): void {
  const [first] = nodes;
  if (first === undefined) return;
  if (isGroup(first)) return readQuery(nodes, scope);
  const read = first.kind === "word" ? READERS.get(first.value) : undefined;
  (read ?? readExpression)(nodes, scope);
}

/** EXPLAIN [ANALYZE] [VERBOSE] [(options)] statement */
function readExplain(nodes: Node[], scope: Scope): void {
  let i = 1;
  while (isWord(nodes[i], "analyze", "analyse", "verbose")) i++;
  if (isGroup(nodes[i]) && isIdentifier(nodes[i + 1])) i++;
  readStatement(nodes.slice(i), scope);
}

/** PREPARE name [(types)] AS statement; DECLARE name … CURSOR … FOR query */
function readAfter(nodes: Node[], word: string, scope: Scope): void {
  const i = indexOfWord(nodes, 1, word);
  if (i > 0 && !areWords(nodes, i, "for", "update")) {
    readStatement(nodes.slice(i + 1), scope);
  }
}

/** COPY (query) TO …; COPY [BINARY] name [(columns)] FROM | TO … */
function readCopy(nodes: Node[], scope: Scope): void {
  const [, source] = nodes;
  if (isGroup(source)) {
    if (isQuery(source)) readGroup(source, scope);
    else readList(source.nodes, 0, null, null, scope);
    return;
  }
  const name = nameAt(nodes, isWord(source, "binary") ? 2 : 1);
  if (name === null) return;
  const isTo = nodes.slice(name.next, name.next + 2).some((node) => isWord(node, "to"));
  scope.noteName(name, "copy", isTo ? "to" : "from");
}

/** CLUSTER [(options)] [VERBOSE] name [USING index], and the older `CLUSTER index ON name`. */
function readCluster(nodes: Node[], scope: Scope): void {
  const on = indexOfWord(nodes, 1, "on");
  readList(nodes, on < 0 ? 1 : on + 1, "ddl_on_old_name", "CLUSTER", scope);
}

/** REINDEX [(options)] TABLE [CONCURRENTLY] name; other kinds name no table. */
function readReindex(nodes: Node[], scope: Scope): void {
  const i = isGroup(nodes[1]) ? 2 : 1;
  if (!isWord(nodes[i], "table")) return;
  const at = isWord(nodes[i + 1], "concurrently") ? i + 2 : i + 1;
  readList(nodes, at, "ddl_on_old_name", "REINDEX TABLE", scope);
}

/** DO [LANGUAGE name] body */
function readDo(nodes: Node[], scope: Scope): void {
  const language = nameAfter(nodes, 0, "language")?.parts[0] ?? "plpgsql";
  const body = nodes.find((node) => node.kind === "string");
  if (body?.kind === "string") scope.readers.body(body, language, scope);
}
