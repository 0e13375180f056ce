/** TRUNCATE, COPY, LOCK, VACUUM and their like; and DO, whose body is a text of its own. */
import type { FindingCode } from "../../contract/findings.ts";
import { readGroup } from "./expressions.ts";
import { isQuery } from "./expressions.ts";
import { commaSeparated, indexOfWord, isGroup, isWord, nameAt, type Node } from "./nodes.ts";
import type { Reading } from "./reading.ts";
import { readBody } from "./bodies.ts";

/** Reads a statement that is neither a query nor a definition. */
export function readUtility(nodes: Node[], reading: Reading): void {
  const [first] = nodes;
  if (first.kind !== "word") return;
  if (first.value === "do") return readDo(nodes, reading);
  if (first.value === "copy") return readCopy(nodes, reading);
  if (first.value === "truncate") return readList(nodes, 1, "truncate", null, reading);
  if (first.value === "lock") return readList(nodes, 1, null, null, reading);
  if (first.value === "cluster") return readCluster(nodes, reading);
  if (first.value === "reindex") return readReindex(nodes, reading);
  readList(nodes, 1, "maintenance_skipped", first.value.toUpperCase(), reading);
}

/** Words that can stand before the tables. */
const BEFORE_TABLES = ["table", "only", "verbose", "full", "freeze", "analyze", "analyse"];

/** Tables in a list, each with ONLY or a list of columns or not. */
export function readList(
  nodes: Node[],
  from: number,
  code: FindingCode | null,
  detail: string | null,
  reading: Reading,
): void {
  let i = from;
  while (isWord(nodes[i], ...BEFORE_TABLES) || (i === from && isGroup(nodes[i]))) i++;
  for (const item of commaSeparated(nodes.slice(i))) {
    const name = nameAt(item, isWord(item[0], "only") ? 1 : 0);
    if (name !== null) reading.use(reading.resolve(name.parts), name.start, code, detail);
  }
}

function readCopy(nodes: Node[], reading: Reading): void {
  const [, source] = nodes;
  if (isGroup(source)) {
    if (isQuery(source)) readGroup(source, null, reading);
    else readList(source.nodes, 0, null, null, reading);
    return;
  }
  const name = nameAt(nodes, isWord(source, "binary") ? 2 : 1);
  if (name === null) return;
  const rest = nodes.slice(name.next, name.next + 2);
  const out = rest.some((node) => isWord(node, "to"));
  reading.use(reading.resolve(name.parts), name.start, "copy", out ? "to" : "from");
}

/** CLUSTER [(options)] [VERBOSE] name [USING index], and `CLUSTER index ON name` of old. */
function readCluster(nodes: Node[], reading: Reading): void {
  const on = indexOfWord(nodes, 1, "on");
  readList(nodes, on < 0 ? 1 : on + 1, "ddl_on_old_name", "CLUSTER", reading);
}

/** REINDEX [(options)] TABLE [CONCURRENTLY] name; other kinds name no table. */
function readReindex(nodes: Node[], reading: Reading): void {
  const i = isGroup(nodes[1]) ? 2 : 1;
  if (!isWord(nodes[i], "table")) return;
  const at = isWord(nodes[i + 1], "concurrently") ? i + 2 : i + 1;
  readList(nodes, at, "ddl_on_old_name", "REINDEX TABLE", reading);
}

/** DO [LANGUAGE name] body */
function readDo(nodes: Node[], reading: Reading): void {
  const language = nodes.findIndex((node) => isWord(node, "language"));
  const name = language < 0 ? null : nameAt(nodes, language + 1);
  const body = nodes.find((node) => node.kind === "string");
  if (body?.kind === "string") readBody(body, name?.parts[0] ?? "plpgsql", "named", reading);
}
