/** A statement of SQL: which one it is, and what reads it. */
import { readDefinition } from "./definitions.ts";
import { readExpression } from "./expressions.ts";
import type { Level } from "./levels.ts";
import { areWords, indexOfWord, isGroup, isIdentifier, isWord, type Node } from "./nodes.ts";
import { readQuery } from "./queries.ts";
import type { Reading } from "./reading.ts";
import { readUtility } from "./utilities.ts";
import { readDelete, readInsert, readMerge, readUpdate } from "./writes.ts";

type Reader = (nodes: Node[], level: Level | null, reading: Reading) => void;

const READERS: Record<string, Reader> = {
  with: readQuery,
  select: readQuery,
  values: readQuery,
  table: readQuery,
  insert: readInsert,
  update: readUpdate,
  delete: readDelete,
  merge: readMerge,
  explain: readExplained,
  prepare: (nodes, level, reading) => readBehind(nodes, "as", level, reading),
  declare: (nodes, level, reading) => readBehind(nodes, "for", level, reading),
};

for (const word of ["create", "alter", "drop", "comment", "security", "grant", "revoke"]) {
  READERS[word] = (nodes, _, reading) => readDefinition(nodes, reading);
}
for (
  const word of [
    "truncate",
    "copy",
    "lock",
    "vacuum",
    "analyze",
    "analyse",
    "cluster",
    "reindex",
    "do",
  ]
) READERS[word] = (nodes, _, reading) => readUtility(nodes, reading);

/** Words that begin a statement, so that a string which begins with one can be SQL. */
export const STATEMENT_WORDS = new Set(Object.keys(READERS));

/** Reads one statement, or what is inside the parentheses of WITH. */
export function readStatement(nodes: Node[], level: Level | null, reading: Reading): void {
  const [first] = nodes;
  if (first === undefined) return;
  if (isGroup(first)) return readQuery(nodes, level, reading);
  const reader = first.kind === "word" && Object.hasOwn(READERS, first.value)
    ? READERS[first.value]
    : readExpression;
  reader(nodes, level, reading);
}

/** EXPLAIN [ANALYZE] [VERBOSE] [(options)] statement */
function readExplained(nodes: Node[], level: Level | null, reading: Reading): void {
  let i = 1;
  while (isWord(nodes[i], "analyze", "analyse", "verbose")) i++;
  if (isGroup(nodes[i]) && isIdentifier(nodes[i + 1])) i++;
  readStatement(nodes.slice(i), level, reading);
}

/** PREPARE name [(types)] AS statement; DECLARE name … CURSOR … FOR query */
function readBehind(nodes: Node[], word: string, level: Level | null, reading: Reading): void {
  const i = indexOfWord(nodes, 1, word);
  if (i > 0 && !areWords(nodes, i, "for", "update")) {
    readStatement(nodes.slice(i + 1), level, reading);
  }
}
