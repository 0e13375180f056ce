/** The fourth test: plans of common queries by both names, and what they cost when run in turn. */
import type { VerifyCheck, VerifyFailure } from "../../contract/responses.ts";
import { type Figures, figuresOf, probesOf, timedBlock, type TimedOutcome } from "../cost.ts";
import { explainPairs } from "./explained.ts";
import {
  check,
  counted,
  listed,
  notTriedSentence,
  skipped,
  Untried,
  type VerifyRun,
} from "./verify_run.ts";

/** Time beyond that of the runs until a block is stopped, in milliseconds: for the run that is under way. */
const GRACE_MS = 2_000;

const WHY: Record<NonNullable<TimedOutcome["left_out"]>, string> = {
  cost: "its estimated cost is beyond max_cost",
  refused: "it was refused",
  "no row": "there is no row",
};

export async function testCost(verifyRun: VerifyRun): Promise<VerifyCheck> {
  if (verifyRun.barred !== null) return skipped("cost", verifyRun.barred);
  const { proof, own, target, personas } = verifyRun.subject;
  const failures: VerifyFailure[] = [];
  const untried: string[] = [];
  const probes = probesOf(target, own);
  const [owner, ...others] = personas;
  for (const persona of [owner, ...others.filter(({ api }) => api)]) {
    const pairs = probes.map(({ shown, pair }) => ({ ...pair, shown }));
    const explained = await explainPairs(verifyRun, persona, pairs, { refusals: false });
    failures.push(...explained.failures);
    untried.push(...explained.untried);
  }
  const sideEffects = proof.side_effects.some(({ on_read, kind }) => on_read && kind === "sends");
  const timed = sideEffects
    ? []
    : probes.flatMap(({ name, timed }) => timed ? [{ name, timed }] : []);
  const queries: Record<string, Figures> = {};
  const leftOut: string[] = [];
  const maxMs = verifyRun.request.max_ms / Math.max(1, timed.length);
  for (const { name, timed: pair } of timed) {
    const limits = { maxMs, maxCost: verifyRun.request.max_cost };
    const outcome = await verifyRun.run<TimedOutcome>(timedBlock(owner, target, pair, limits), {
      timeoutMs: maxMs + GRACE_MS,
    });
    if (outcome instanceof Untried) untried.push(`${name}: ${outcome.why}`);
    else if (outcome.left_out !== null) leftOut.push(`${name} (${WHY[outcome.left_out]})`);
    else queries[name] = figuresOf(outcome);
  }
  return check(
    "cost",
    [
      `${
        counted(probes.length, "statement")
      } explained as ${owner.label} and by the Data API's roles; ` +
      `${Object.keys(queries).length} of them run by both names in turn.`,
      leftOut.length > 0 && `Not run: ${listed(leftOut)}.`,
      sideEffects &&
      "Nothing was run, since reading could reach outside of the database or of its role.",
      notTriedSentence([], untried),
    ],
    failures,
    { queries },
  );
}
