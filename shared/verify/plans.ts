/** Plans of the same statement through both names: equal but for names, costs and estimates included. */
import type { VerifyFailure } from "../contract/responses.ts";
import { literal } from "../sql/quoting.ts";
import { commuted } from "./commuted.ts";
import { ANYTHING, asClients, leaveOutcome, refusal } from "./trial.ts";
import { BE_ONESELF, become, ONESELF, type Persona, present } from "./personas.ts";

/** One statement through both names. */
export interface Pair {
  table: string;
  view: string;
}

/** A node of EXPLAIN (VERBOSE, FORMAT JSON). */
export interface PlanNode {
  "Node Type": string;
  "Relation Name"?: string;
  Alias?: string;
  Plans?: PlanNode[];
  [member: string]: unknown;
}

export interface Explained {
  /** Null: it was not refused. */
  sqlstate: string | null;
  plan: { Plan?: PlanNode }[] | null;
}

export interface ExplainOutcome {
  table: Explained;
  view: Explained;
  /** The table's once more: what changed meanwhile is no difference between the names. */
  again: Explained;
}

/** The block that explains each pair as one persona; its outcome is an array of `ExplainOutcome`. */
export function explainBlock(persona: Persona, pairs: Pair[]): string {
  const explain = (which: string, statement: string) => `
    begin
      ${become(persona)}
      ${asClients(`execute ${literal(`explain (verbose, format json) ${statement}`)} into plan;`)}
      ${BE_ONESELF}
      one := one || pg_catalog.jsonb_build_object(${literal(which)},
        pg_catalog.jsonb_build_object('sqlstate', null, 'plan', plan::jsonb));
    exception when ${ANYTHING} then
      one := one || pg_catalog.jsonb_build_object(${literal(which)},
        pg_catalog.jsonb_build_object('sqlstate', sqlstate, 'plan', null));
    end;`;
  return `
declare
  ${ONESELF}
  plan json;
  one jsonb;
  outcome jsonb := '[]';
begin
  ${present(persona)}
  ${
    pairs.map(({ table, view }) =>
      `one := '{}';${explain("table", table)}${explain("view", view)}${explain("again", table)}
  outcome := outcome || one;`
    ).join("\n  ")
  }
  ${leaveOutcome("outcome")}
end `;
}

export type PlanVerdict =
  | { kind: "same" }
  | { kind: "failed"; failure: Pick<VerifyFailure, "expected" | "got"> }
  | { kind: "unsteady" };

/** Compares what came through both names. */
export function judgePlans({ table, view, again }: ExplainOutcome): PlanVerdict {
  if (table.sqlstate !== again.sqlstate || canonical(table) !== canonical(again)) {
    return { kind: "unsteady" };
  }
  if (canonical(table) === canonical(view)) return { kind: "same" };
  const [expected, got] = differingLines(linesOf(table), linesOf(view)) ??
    differingMember(JSON.parse(canonical(table)), JSON.parse(canonical(view)));
  return { kind: "failed", failure: { expected, got } };
}

/**
 * The plan as text in which relations go by the order in which they are met: as nodes first, then where an
 * expression names them, as it does parents of partitions, which no node is of. Of one relation alone the server
 * leaves its alias out in some plans (ruleutils), so that it counts for nothing. Sides of a comparison have an
 * order of ours, and so they must not decide which relation is met first.
 */
function canonical({ sqlstate, plan }: Explained): string {
  if (plan === null) return JSON.stringify(sqlstate);
  const plans = plan.flatMap(({ Plan }) => Plan === undefined ? [] : [Plan]);
  const inOrder = plans.flatMap(aliasesOf);
  const aliases = new Set(inOrder);
  const met = new Map<string, string>();
  const numbered = (name: string): string => {
    if (!met.has(name)) met.set(name, `"relation ${met.size + 1}"`);
    return met.get(name)!;
  };
  inOrder.forEach(numbered);
  // A plan that reads nothing has no alias, and may still name columns of one.
  const dropped = (name: string) => aliases.size === 0 || (aliases.size === 1 && aliases.has(name));
  const named = (text: string) =>
    withQualifiers(text, (name) => dropped(name) ? "" : `${numbered(name)}.`);
  JSON.stringify(plans, (member, value) => {
    if (typeof value === "string" && member !== "Alias" && !CONDITION.test(member)) named(value);
    return value;
  });
  // The server has the members in one order (jsonb).
  return JSON.stringify(plans, (member, value) => {
    if (typeof value !== "string") return value;
    return member === "Alias" ? numbered(value) : commuted(named(value));
  });
}

/** Members whose expressions are conditions. */
const CONDITION = /(Cond|Filter)$/;

const aliasesOf = (node: PlanNode): string[] => [
  ...(node.Alias === undefined ? [] : [node.Alias]),
  ...(node.Plans ?? []).flatMap(aliasesOf),
];

/** String constants, quoted and plain identifiers with a dot behind them, and other quoted identifiers. */
const TOKEN = /'(?:[^']|'')*'|("(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*)\.|"(?:[^"]|"")*"/gu;

/** An expression with something else in place of each name that qualifies another, and of its dot. */
const withQualifiers = (text: string, qualifier: (name: string) => string): string =>
  text.replace(TOKEN, (token, name: string | undefined) => {
    if (name === undefined) return token;
    return qualifier(name.startsWith('"') ? name.slice(1, -1).split('""').join('"') : name);
  });

/** A plan's nodes from the top, one line each, as EXPLAIN prints them. */
function linesOf({ sqlstate, plan }: Explained): string[] {
  if (plan === null) return [refusal(sqlstate ?? "")];
  const lines: string[] = [];
  const add = (node: PlanNode, depth: number) => {
    const details = ["Index Name", "Relation Name"].flatMap((member) =>
      typeof node[member] === "string"
        ? [`${member === "Index Name" ? "using" : "on"} ${node[member]}`]
        : []
    );
    const conditions = CONDITIONS.flatMap((member) =>
      typeof node[member] === "string" ? [`${member}: ${node[member]}`] : []
    );
    lines.push([
      `${"  ".repeat(depth)}${[node["Node Type"], ...details].join(" ")}`,
      `(cost=${node["Startup Cost"]}..${node["Total Cost"]} rows=${node["Plan Rows"]})`,
      ...conditions,
    ].join("  "));
    node.Plans?.forEach((child) => add(child, depth + 1));
  };
  for (const { Plan } of plan) if (Plan !== undefined) add(Plan, 0);
  return lines;
}

const CONDITIONS = [
  "Index Cond",
  "Recheck Cond",
  "Hash Cond",
  "Merge Cond",
  "Join Filter",
  "Filter",
];

/** The first lines that differ but for names; null where the difference is in something they do not show. */
function differingLines(expected: string[], got: string[]): [string, string] | null {
  const bare = (line: string | undefined) => line && commuted(withQualifiers(line, () => ""));
  const longest = Math.max(expected.length, got.length);
  for (let at = 0; at < longest; at++) {
    if (bare(expected[at]) === bare(got[at])) continue;
    return [expected[at]?.trim() ?? "no such node", got[at]?.trim() ?? "no such node"];
  }
  return null;
}

/** The first members that differ, down to the values, with the path that leads there. */
function differingMember(expected: unknown, got: unknown, path = "plan"): [string, string] {
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null;
  if (isObject(expected) && isObject(got)) {
    const members = [...new Set([...Object.keys(expected), ...Object.keys(got)])];
    const member = members.find((one) =>
      JSON.stringify(expected[one]) !== JSON.stringify(got[one])
    );
    if (member !== undefined) {
      return differingMember(expected[member], got[member], `${path}, ${member}`);
    }
  }
  return [`${path}: ${JSON.stringify(expected)}`, `${path}: ${JSON.stringify(got)}`];
}
