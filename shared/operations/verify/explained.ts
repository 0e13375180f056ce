/** Plans of several statements by both names, as one viewer. */
import type { VerifyFailure } from "../../contract/responses.ts";
import { explainBlock, type ExplainOutcome, judgePlans, type Pair } from "../../proof/plans.ts";
import type { Viewer } from "../../proof/viewers.ts";
import { type Tester, Untried } from "./tester.ts";

/** How often a statement is explained whose plan changes by itself, as those of a growing table do. */
const ATTEMPTS = 3;

export interface ExplainedPair extends Pair {
  /** As failures show it. */
  shown: string;
}

export interface Explanations {
  failures: VerifyFailure[];
  untried: string[];
  /** SQLSTATE of a refusal, or null, of each pair; undefined where it was not settled. */
  settled: (string | null | undefined)[];
}

/** Explains and compares each pair. */
export async function explainPairs(
  tester: Tester,
  viewer: Viewer,
  pairs: ExplainedPair[],
): Promise<Explanations> {
  const result: Explanations = { failures: [], untried: [], settled: pairs.map(() => undefined) };
  let open = [...pairs.keys()];
  for (let attempt = 1; attempt <= ATTEMPTS && open.length > 0; attempt++) {
    const found = await tester.run<ExplainOutcome[]>(
      explainBlock(viewer, open.map((index) => pairs[index])),
    );
    if (found instanceof Untried) {
      result.untried.push(`plans as ${viewer.label}: ${found.why}`);
      return result;
    }
    open = open.filter((index, position) => {
      const verdict = judgePlans(found[position]);
      if (verdict.kind === "unsteady") return true;
      result.settled[index] = found[position].table.sqlstate;
      if (verdict.kind === "failed") {
        const statement = `as ${viewer.label}: explain ${pairs[index].shown}`;
        result.failures.push({ statement, ...verdict.failure });
      }
      return false;
    });
  }
  result.untried.push(...open.map((index) => `${pairs[index].shown}: its plan kept changing`));
  return result;
}
