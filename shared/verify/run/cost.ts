/** The fourth test: plans of common queries through both names, and what they cost when run in turn. */
import type { VerifyCheck } from "../../contract/responses.ts";
import { counted } from "../both_names.ts";
import {
  commonQueries,
  type Figures,
  figuresOf,
  shownQuery,
  timedBlock,
  type TimedOutcome,
} from "../cost.ts";
import { explainPairs } from "./explain.ts";
import { listed, skipped, Untried, type VerifyRun } from "./verify_run.ts";

/** Time for the run that is under way when the time of the runs is up, in milliseconds. */
const GRACE_MS = 2_000;

export async function testCost(run: VerifyRun): Promise<VerifyCheck> {
  if (run.whyNothingRuns !== null) return skipped("cost", run.whyNothingRuns);
  const { testTable, names, personas: [owner] } = run.target;
  const queries = commonQueries(names, testTable);
  const pairs = queries.map((query) => ({ ...query.explained, shown: shownQuery(query) }));
  for (const persona of run.ownerAndApi) {
    await explainPairs(run, persona, pairs, { refusals: false });
  }
  const sends = run.sentOnRead.length > 0;
  const timed = sends ? [] : queries.filter(({ timed }) => timed !== undefined);
  const figures: Record<string, Figures> = {};
  const leftOut: string[] = [];
  const maxMs = run.request.max_ms / Math.max(1, timed.length);
  for (const { name, timed: pair } of timed) {
    const limits = { maxMs, maxCost: run.request.max_cost };
    const outcome = await run.execute<TimedOutcome>(timedBlock(owner, names, pair!, limits), {
      timeoutMs: maxMs + GRACE_MS,
    });
    if (outcome instanceof Untried) run.untried.push(`${name}: ${outcome.why}`);
    else if (outcome.left_out !== null) leftOut.push(`${name} (${outcome.left_out})`);
    else figures[name] = figuresOf(outcome);
  }
  return run.result("cost", [
    `${counted(queries.length, "statement")} explained as ${owner.label} and by the Data API's ` +
    `roles; ${Object.keys(figures).length} of them run through both names in turn.`,
    leftOut.length > 0 && `Not run: ${listed(leftOut)}.`,
    sends && "Nothing was run, since reading could have effects outside of the database or leave " +
      "its role.",
  ], { queries: figures });
}
