/** Plans of several statements by both names, as one persona. */
import type { VerifyFailure } from "../../contract/responses.ts";
import { explainBlock, type ExplainOutcome, judgePlans, type Pair } from "../plans.ts";
import type { Persona } from "../personas.ts";
import { Untried, type VerifyRun } from "./verify_run.ts";

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

/** Statements that are explained in one trial, so that each has its share of the time. */
const AT_ONCE = 20;

/**
 * Explains and compares each pair.
 *
 * @param refusals Whether a refusal by one of the names is a failure here. Default: true; false where another
 *   test finds it.
 */
export async function explainPairs(
  verifyRun: VerifyRun,
  persona: Persona,
  pairs: ExplainedPair[],
  { refusals = true }: { refusals?: boolean } = {},
): Promise<Explanations> {
  const whole: Explanations = { failures: [], untried: [], settled: [] };
  if (verifyRun.subject.view.scan_counter !== null) {
    return {
      ...whole,
      untried: ["plans, since those of a view that counts its use have a step more"],
      settled: pairs.map(() => undefined),
    };
  }
  for (let from = 0; from < pairs.length; from += AT_ONCE) {
    const some = await explainSome(verifyRun, persona, pairs.slice(from, from + AT_ONCE), refusals);
    whole.failures.push(...some.failures);
    whole.untried.push(...some.untried);
    whole.settled.push(...some.settled);
  }
  return whole;
}

async function explainSome(
  verifyRun: VerifyRun,
  persona: Persona,
  pairs: ExplainedPair[],
  refusals: boolean,
): Promise<Explanations> {
  const result: Explanations = { failures: [], untried: [], settled: pairs.map(() => undefined) };
  let open = [...pairs.keys()];
  for (let attempt = 1; attempt <= ATTEMPTS && open.length > 0; attempt++) {
    const found = await verifyRun.run<ExplainOutcome[]>(
      explainBlock(persona, open.map((index) => pairs[index])),
    );
    if (found instanceof Untried) {
      result.untried.push(`plans as ${persona.label}: ${found.why}`);
      return result;
    }
    open = open.filter((index, position) => {
      const verdict = judgePlans(found[position]);
      if (verdict.kind === "unsteady") return true;
      const { table, view } = found[position];
      result.settled[index] = table.sqlstate;
      const refused = table.sqlstate !== null || view.sqlstate !== null;
      if (verdict.kind === "failed" && (refusals || !refused)) {
        const statement = `as ${persona.label}: explain ${pairs[index].shown}`;
        result.failures.push({ statement, ...verdict.failure });
      }
      return false;
    });
  }
  result.untried.push(...open.map((index) => `${pairs[index].shown}: its plan kept changing`));
  return result;
}
