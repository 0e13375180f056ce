/** Plans of a statement through both names: equal but for the names, costs and estimates included. */
import { literal } from "../sql/quoting.ts";
import { asClients, personaBlock, tryAs } from "./block.ts";
import { describeSqlstate, type Mismatch, type StatementPair } from "./both_names.ts";
import { canonicalExpression } from "./operand_order.ts";
import type { Persona } from "./personas.ts";

/** Of EXPLAIN (VERBOSE, FORMAT JSON). */
export interface PlanNode {
  "Node Type": string;
  "Relation Name"?: string;
  Alias?: string;
  "Target Tables"?: { Alias?: string; [member: string]: unknown }[];
  Plans?: PlanNode[];
  [member: string]: unknown;
}

export interface ExplainResult {
  sqlstate: string | null;
  plan: { Plan?: PlanNode }[] | null;
}

export interface ExplainOutcome {
  table: ExplainResult;
  view: ExplainResult;
  /** The table's once more: what changed meanwhile is no difference between the names. */
  again: ExplainResult;
}

/** The block that explains each pair as one persona; its outcome is an array of `ExplainOutcome`. */
export function explainBlock(persona: Persona, pairs: StatementPair[]): string {
  const explain = (which: keyof ExplainOutcome, statement: string) => {
    const result = (sqlstate: string, plan: string) =>
      `one := one || jsonb_build_object(${literal(which)},
      jsonb_build_object('sqlstate', ${sqlstate}, 'plan', ${plan}));`;
    return tryAs(
      persona,
      `${asClients(`explain (verbose, format json) ${statement}`, { into: "plan" })}
    ${result("null", "plan::jsonb")}`,
      result("sqlstate", "null"),
    );
  };
  const steps = pairs.map(({ table, view }) =>
    `one := '{}';${explain("table", table)}${explain("view", view)}${explain("again", table)}
  outcome := outcome || one;`
  );
  return personaBlock(persona, {
    declare: "plan json; one jsonb; outcome jsonb := '[]';",
    run: steps.join("\n  "),
    outcome: "outcome",
  });
}

type PlanVerdict =
  | { kind: "same" }
  | { kind: "different"; mismatch: Mismatch }
  /** The table's own plan changed meanwhile. */
  | { kind: "changing" };

export function judgePlans(outcome: ExplainOutcome): PlanVerdict {
  const { table, view } = outcome;
  const [expected, got, again] = [table, view, outcome.again].map(canonicalPlan);
  if (expected !== again) return { kind: "changing" };
  if (expected === got) return { kind: "same" };
  const [left, right] = differingLines(linesOf(table), linesOf(view)) ??
    differingMember(JSON.parse(expected), JSON.parse(got));
  return { kind: "different", mismatch: { expected: left, got: right } };
}

/**
 * The plan as text, with its relations numbered in the order in which they occur: as nodes first, then where an
 * expression names them, as it does the parents of partitions, which have no node. Conditions do not count for the
 * order, since the sides of their comparisons come in either order. Of one relation alone the server leaves its alias
 * out in some plans (ruleutils), so it is always left out. So are the aliases of an update's or delete's partitions,
 * which the server makes of the name that the table had when the view was made.
 */
function canonicalPlan({ sqlstate, plan }: ExplainResult): string {
  if (plan === null) return JSON.stringify(sqlstate);
  const plans = plan.flatMap(({ Plan }) => Plan === undefined ? [] : [withPlainTargets(Plan)]);
  const inOrder = plans.flatMap(aliasesOf);
  const aliases = new Set(inOrder);
  const numbers = new Map<string, string>();
  const numbered = (name: string): string => {
    if (!numbers.has(name)) numbers.set(name, `"relation ${numbers.size + 1}"`);
    return numbers.get(name)!;
  };
  inOrder.forEach(numbered);
  // A plan that reads nothing has no alias, and may still name columns of one.
  const leftOut = (name: string) => aliases.size === 0 || (aliases.size === 1 && aliases.has(name));
  const renamed = (text: string) =>
    withQualifiers(text, (name) => leftOut(name) ? "" : `${numbered(name)}.`);
  JSON.stringify(plans, (member, value) => {
    if (typeof value === "string" && member !== "Alias" && !CONDITION.test(member)) renamed(value);
    return value;
  });
  // The server has the members in one order (jsonb).
  return JSON.stringify(plans, (member, value) => {
    if (typeof value !== "string") return value;
    return member === "Alias" ? numbered(value) : canonicalExpression(renamed(value));
  });
}

function withPlainTargets(node: PlanNode): PlanNode {
  const { "Target Tables": targets, Plans: children } = node;
  return {
    ...node,
    ...(targets && {
      "Target Tables": targets.map(({ Alias: _, ...target }) => target),
    }),
    ...(children && { Plans: children.map(withPlainTargets) }),
  };
}

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

const SHOWN_CONDITIONS = [
  "Index Cond",
  "Recheck Cond",
  "Hash Cond",
  "Merge Cond",
  "Join Filter",
  "Filter",
];

/** A plan's nodes from the top, one line each, as EXPLAIN prints them. */
function linesOf({ sqlstate, plan }: ExplainResult): string[] {
  if (plan === null) return [describeSqlstate(sqlstate ?? "")];
  const nodeLines = (node: PlanNode, depth: number): string[] => {
    const shown = (member: string, label: string) =>
      typeof node[member] === "string" ? [`${label} ${node[member]}`] : [];
    const title = [
      node["Node Type"],
      ...shown("Index Name", "using"),
      ...shown("Relation Name", "on"),
    ];
    const line = [
      "  ".repeat(depth) + title.join(" "),
      `(cost=${node["Startup Cost"]}..${node["Total Cost"]} rows=${node["Plan Rows"]})`,
      ...SHOWN_CONDITIONS.flatMap((member) => shown(member, `${member}:`)),
    ];
    return [
      line.join("  "),
      ...(node.Plans ?? []).flatMap((child) => nodeLines(child, depth + 1)),
    ];
  };
  return plan.flatMap(({ Plan }) => Plan === undefined ? [] : nodeLines(Plan, 0));
}

/** The first lines that differ but for names; null where the difference is in something they do not show. */
function differingLines(expected: string[], got: string[]): [string, string] | null {
  const bare = (line: string | undefined) =>
    line && canonicalExpression(withQualifiers(line, () => ""));
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
