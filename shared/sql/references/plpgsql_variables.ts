/**
 * Variables of PL/pgSQL and the names of tables that they can contain: constants, elements of arrays, rows of VALUES,
 * what a loop goes through. What a condition compares with does not count, unless it selects rows of the catalog.
 */
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
import { clausesOf } from "../parser/query_syntax.ts";
import { type RunTimeNames, TRIGGER_SCHEMA, TRIGGER_TABLE } from "../parser/run_time_names.ts";
import type { Scope } from "../parser/scope.ts";
import { foldString } from "../parser/string_folding.ts";
import { readsOnlyCatalogs } from "./catalog_queries.ts";

/** The variables that one statement assigns. */
interface Assignment {
  variables: string[];
  source: Node[];
}

/** Most rounds in which values pass from one variable to another. */
const MAX_PASSES = 5;

/** Finds the values of the variables of a body that can name a table or its schema. */
export function readVariables(nodes: Node[], scope: Scope): void {
  const { runTime } = scope.names;
  const assignments = assignmentsIn(nodes);
  const isWanted = (value: string) =>
    value.includes(TRIGGER_TABLE) || value.includes(TRIGGER_SCHEMA) ||
    scope.names.inAnySchema(value).length > 0 || scope.names.index.schemas.has(value);
  for (let pass = 0, changed = true; pass < MAX_PASSES && changed; pass++) {
    changed = false;
    for (const { variables, source } of assignments) {
      for (const value of valuesIn(source, runTime).filter(isWanted)) {
        for (const variable of variables) changed = runTime.add(variable, value) || changed;
      }
    }
  }
}

/** Words after which a statement begins, outside of CASE … END. */
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
  const variables = nodes.slice(1, at).filter(isIdentifier).map(({ value }) => value);
  const source = nodes.slice(isWord(nodes[at + 1], "array", "execute") ? at + 2 : at + 1);
  return { variables, source };
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

/** The strings, as far as they are known, that an expression or a query can result in. */
function valuesIn(source: Node[], names: RunTimeNames): string[] {
  const found: string[] = [];
  collect(source, names, found);
  return found.flatMap((text) => names.expand(text)).flatMap(namesInString);
}

function collect(nodes: Node[], names: RunTimeNames, found: string[]): void {
  const [first] = nodes;
  if (isWord(first, "select")) {
    const clauses = clausesOf(nodes.slice(1));
    const chosen = readsOnlyCatalogs(clauses.from ?? []) ? clauses.where ?? [] : [];
    for (const part of [clauses.list, clauses.from ?? [], chosen]) collect(part, names, found);
    return;
  }
  for (let i = 0; i < nodes.length;) {
    const folded = isMark(nodes[i - 1], ".") ? null : foldString(nodes, i, names);
    if (folded !== null) {
      found.push(folded.text);
      i = folded.next;
      continue;
    }
    const node = nodes[i++];
    if (node.kind === "group") collect(node.nodes, names, found);
  }
}

/** The names in `a,b` and `{a,"b"}`, and the string itself. */
function namesInString(value: string): string[] {
  if (!value.includes(",") && !value.startsWith("{")) return [value];
  const inside = /^\{(.*)\}$/s.exec(value)?.[1] ?? value;
  return [value, ...inside.split(",").map((name) => name.trim().replace(/^"(.*)"$/s, "$1"))];
}
