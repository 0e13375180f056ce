/** The third test: joins with each neighbour by both names, their plans and their rows. */
import type { VerifyCheck, VerifyFailure } from "../../contract/responses.ts";
import { qualified } from "../../plan/quoting.ts";
import type { ForeignKeyFacts } from "../../proof/facts.ts";
import { joinBlock, type JoinOutcome, joinPair, judgeJoin, shownJoin } from "../../proof/joins.ts";
import { STEADY_ORDER } from "../../proof/reads.ts";
import type { Viewer } from "../../proof/viewers.ts";
import { explainPairs } from "./explained.ts";
import {
  check,
  counted,
  listed,
  notTriedSentence,
  skipped,
  type Tester,
  Untried,
} from "./tester.ts";

interface Report {
  failures: VerifyFailure[];
  untried: string[];
  /** Joins of which only the plans were compared. */
  costly: string[];
}

export async function testJoins(tester: Tester): Promise<VerifyCheck> {
  const { proof, viewers, target } = tester.subject;
  // A column that the view leaves out cannot be joined by through it.
  const keys = proof.foreign_keys.filter(({ columns }) =>
    columns.every((name) => target.columns.includes(name))
  );
  if (keys.length === 0) return skipped("joins", "No foreign key leads here or away.");
  if (tester.barred !== null) return skipped("joins", tester.barred);
  const [owner, ...others] = viewers;
  const callers = others.filter(({ api }) => api);
  const report: Report = { failures: [], untried: [], costly: [] };
  const outward = proof.outward.some(({ on_read, kind }) => on_read && kind === "sends");
  const figures: Record<string, unknown>[] = [];
  for (const viewer of [owner, ...callers]) {
    await plansOf(tester, viewer, keys, report);
    for (const key of outward ? [] : keys) {
      const outcome = await rowsOf(tester, viewer, key, report);
      if (outcome === null || viewer !== owner) continue;
      figures.push({
        neighbour: qualified(key.schema, key.table),
        foreign_key: key.name,
        rows: outcome.table.rows,
        compared: outcome.compared,
      });
    }
  }
  return check(
    "joins",
    [
      `${counted(keys.length, "foreign key")}, joined as ${
        counted(callers.length + 1, "viewer")
      }: plans and rows.`,
      outward &&
      "Rows were not read, since reading could reach outside of the database or of its role.",
      report.costly.length > 0 &&
      `Too costly to be run, so that only the plans were compared: ${listed(report.costly)}.`,
      notTriedSentence([], report.untried),
    ],
    report.failures,
    { neighbours: figures },
  );
}

async function plansOf(
  tester: Tester,
  viewer: Viewer,
  keys: ForeignKeyFacts[],
  report: Report,
): Promise<void> {
  const { target } = tester.subject;
  const pairs = keys.map((key) => ({
    ...joinPair(viewer, key, target),
    shown: shownJoin(key, target),
  }));
  const { failures, untried } = await explainPairs(tester, viewer, pairs, {
    // Reading the rows finds them.
    refusals: false,
  });
  report.failures.push(...failures);
  report.untried.push(...untried);
}

async function rowsOf(
  tester: Tester,
  viewer: Viewer,
  key: ForeignKeyFacts,
  report: Report,
): Promise<JoinOutcome | null> {
  const { target } = tester.subject;
  const { max_cost, max_rows } = tester.request;
  const block = joinBlock(viewer, key, target, { maxCost: max_cost, maxRows: max_rows });
  const outcome = await tester.run<JoinOutcome>(block, { settings: STEADY_ORDER });
  const name = `${qualified(key.schema, key.table)} by ${key.name}`;
  if (outcome instanceof Untried) {
    report.untried.push(`${name} as ${viewer.label}: ${outcome.why}`);
    return null;
  }
  if (outcome.compared === "none") report.costly.push(`${name} as ${viewer.label}`);
  const failure = judgeJoin(viewer, key, target, outcome, tester.broken(viewer));
  if (failure !== null) report.failures.push(failure);
  return outcome;
}
