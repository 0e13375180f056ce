/**
 * Variables of PL/pgSQL and the names of tables that they can hold: constants, elements of arrays, rows of VALUES,
 * what a loop goes through. What a condition compares with is none, unless it chooses rows of the catalog.
 */
import { isCatalogQuery } from "./catalogs.ts";
import { fold } from "../parser/folding.ts";
import {
  indexOfWord,
  isGroup,
  isIdentifier,
  isMark,
  isOperator,
  isWord,
  nameAt,
  type Node,
} from "../parser/nodes.ts";
import { clausesOf } from "../parser/clauses.ts";
import type { Reading } from "../parser/reading.ts";
import { type RunTimeNames, TRIGGER_SCHEMA, TRIGGER_TABLE } from "./run_time_names.ts";

/** What variables get in one statement. */
interface Assignment {
  variables: string[];
  source: Node[];
}

/** Most times that values are handed on from one variable to another. */
const MAX_PASSES = 5;

/** Finds what the variables of a body can hold, as far as it names tables. */
export function readVariables(nodes: Node[], reading: Reading): void {
  const { names } = reading;
  const assignments = assignmentsIn(nodes);
  const isWanted = (value: string) =>
    value.includes(TRIGGER_TABLE) || value.includes(TRIGGER_SCHEMA) ||
    reading.everyNamed(value).length > 0 ||
    isSchema(value, reading);
  for (let pass = 0, changed = true; pass < MAX_PASSES && changed; pass++) {
    changed = false;
    for (const { variables, source } of assignments) {
      for (const value of valuesIn(source, names)) {
        if (!isWanted(value)) continue;
        for (const variable of variables) changed = names.add(variable, value) || changed;
      }
    }
  }
}

const isSchema = (value: string, { index }: Reading) => index.schemas.has(value);

/** Words behind which a statement of a body begins, outside of CASE … END. */
const BEFORE_STATEMENTS = ["begin", "declare", "loop", "then", "else"];

function assignmentsIn(nodes: Node[]): Assignment[] {
  const found: Assignment[] = [];
  let from = 0;
  let declaring = false;
  let cases = 0;
  for (let i = 0; i <= nodes.length; i++) {
    const node = nodes[i];
    if (isWord(node, "case") && i > from) cases++;
    else if (isWord(node, "end") && cases > 0) cases--;
    const ends = node === undefined || isMark(node, ";") ||
      (cases === 0 && isWord(node, ...BEFORE_STATEMENTS));
    if (!ends) continue;
    const assignment = assignmentOf(nodes.slice(from, i), declaring);
    if (assignment !== null && assignment.variables.length > 0) found.push(assignment);
    if (isWord(node, "declare")) declaring = true;
    if (isWord(node, "begin")) declaring = false;
    from = i + 1;
    cases = 0;
  }
  return found;
}

function assignmentOf(nodes: Node[], declaring: boolean): Assignment | null {
  const [first] = nodes;
  if (isWord(first, "for", "foreach")) return ofLoop(nodes);
  if (!isIdentifier(first)) return null;
  const into = indexOfWord(nodes, 0, "into");
  if (isWord(first, "select", "with", "execute") && into > 0) return ofSelect(nodes, into);
  // `name := x`, `name.field := x`, `name[1] := x`; `name [constant] type [not null] default x`.
  const next = nameAt(nodes, 0)!.next;
  const target = nodes[next]?.kind === "group" && !isGroup(nodes[next]) ? next + 1 : next;
  const at = declaring
    ? nodes.findIndex((node) => isOperator(node, ":=", "=") || isWord(node, "default"))
    : isOperator(nodes[target], ":=", "=")
    ? target
    : -1;
  return at < 1 ? null : { variables: [first.value], source: nodes.slice(at + 1) };
}

/** `FOR a, b IN source`, `FOREACH a SLICE n IN ARRAY source`, without LOOP. */
function ofLoop(nodes: Node[]): Assignment | null {
  const at = indexOfWord(nodes, 1, "in");
  if (at < 0) return null;
  const variables = namesIn(nodes.slice(1, at));
  return {
    variables,
    source: nodes.slice(isWord(nodes[at + 1], "array", "execute") ? at + 2 : at + 1),
  };
}

/** `SELECT … INTO [STRICT] a, b …` */
function ofSelect(nodes: Node[], into: number): Assignment {
  let i = isWord(nodes[into + 1], "strict") ? into + 2 : into + 1;
  const variables: string[] = [];
  for (;;) {
    const name = nameAt(nodes, i);
    if (name === null) break;
    variables.push(name.parts[0]);
    i = name.next;
    if (!isMark(nodes[i], ",")) break;
    i++;
  }
  return { variables, source: [...nodes.slice(0, into), ...nodes.slice(i)] };
}

const namesIn = (nodes: Node[]) => nodes.filter(isIdentifier).map(({ value }) => value);

/** Strings that an expression or a query can give, put together as far as they are known. */
function valuesIn(source: Node[], names: RunTimeNames): string[] {
  const found: string[] = [];
  collect(source, names, found);
  return found.flatMap((text) => names.expand(text)).flatMap(namesInString);
}

function collect(nodes: Node[], names: RunTimeNames, found: string[]): void {
  const [first] = nodes;
  if (isWord(first, "select")) {
    const clauses = clausesOf(nodes.slice(1));
    const chosen = isCatalogQuery(clauses.from ?? []) ? clauses.where ?? [] : [];
    for (const part of [clauses.list!, clauses.from ?? [], chosen]) collect(part, names, found);
    return;
  }
  for (let i = 0; i < nodes.length;) {
    const folded = isMark(nodes[i - 1], ".") ? null : fold(nodes, i, names);
    if (folded !== null) {
      found.push(folded.text);
      i = folded.next;
      continue;
    }
    const node = nodes[i++];
    if (node.kind === "group") collect(node.nodes, names, found);
  }
}

/** `a,b` and `{a,"b"}` hold names, too. */
function namesInString(value: string): string[] {
  if (!value.includes(",") && !value.startsWith("{")) return [value];
  const inside = /^\{(.*)\}$/s.exec(value)?.[1] ?? value;
  return [value, ...inside.split(",").map((one) => one.trim().replace(/^"(.*)"$/s, "$1"))];
}
