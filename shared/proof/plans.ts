/** Plans of the same statement through both names: equal but for names, costs and estimates included. */
import type { VerifyFailure } from "../contract/responses.ts";
import { literal } from "../plan/quoting.ts";
import { ANYTHING, leaveOutcome, refusal } from "./trial.ts";
import { BE_ONESELF, become, ONESELF, present, type Viewer } from "./viewers.ts";

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

/** The block that explains each pair as one viewer; its outcome is an array of `ExplainOutcome`. */
export function explainBlock(viewer: Viewer, pairs: Pair[]): string {
  const explain = (which: string, statement: string) => `
    begin
      ${become(viewer)}
      execute ${literal(`explain (verbose, format json) ${statement}`)} into plan;
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
  ${present(viewer)}
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
  const [expected, got] = firstDifference(linesOf(table), linesOf(view));
  return { kind: "failed", failure: { expected, got } };
}

/** The plan as text in which relations go by the order in which they are met. */
function canonical({ sqlstate, plan }: Explained): string {
  if (plan === null) return sqlstate ?? "";
  const aliases = new Map<string, string>();
  const rename = (text: string) => withAliases(text, aliases);
  const meet = (node: PlanNode) => {
    for (const one of [node, ...(node["Target Tables"] as PlanNode[] | undefined ?? [])]) {
      if (one.Alias !== undefined && !aliases.has(one.Alias)) {
        aliases.set(one.Alias, `relation ${aliases.size + 1}`);
      }
    }
    node.Plans?.forEach(meet);
  };
  // A filter can speak of a relation that is met further down.
  const plans = plan.flatMap(({ Plan }) => Plan === undefined ? [] : [Plan]);
  plans.forEach(meet);
  // JSON of the server has its members in one order (jsonb).
  return JSON.stringify(plans, (member, value) => {
    if (typeof value !== "string") return value;
    return member === "Alias" ? aliases.get(value) : rename(value);
  });
}

/** String constants, and quoted and plain identifiers with a dot behind them. */
const TOKEN = /'(?:[^']|'')*'|("(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*)\./gu;

/**
 * An expression in which aliases, wherever a column follows, are called otherwise. Of one relation alone the
 * server leaves its alias out in some plans (ruleutils), so that it counts for nothing.
 */
function withAliases(text: string, aliases: Map<string, string>): string {
  return text.replace(TOKEN, (token, qualifier: string | undefined) => {
    if (qualifier === undefined) return token;
    const name = qualifier.startsWith('"')
      ? qualifier.slice(1, -1).split('""').join('"')
      : qualifier;
    const alias = aliases.get(name);
    return alias === undefined ? token : aliases.size === 1 ? "" : `${alias}.`;
  });
}

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

const CONDITIONS = ["Index Cond", "Hash Cond", "Merge Cond", "Join Filter", "Filter"];

/** The first lines that differ but for names; the tops where the difference is in something not shown. */
function firstDifference(expected: string[], got: string[]): [string, string] {
  const bare = (line: string | undefined) => line?.replaceAll(/\b[a-z_]\w*\./gi, "");
  const at = Math.max(0, expected.findIndex((line, index) => bare(line) !== bare(got[index])));
  return [expected[at].trim(), got[at]?.trim() ?? "no such node"];
}
