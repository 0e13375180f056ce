/** Plans of several statements through both names, as one persona. */
import type { StatementPair } from "../both_names.ts";
import type { Persona } from "../personas.ts";
import { explainBlock, type ExplainOutcome, judgePlans } from "../plans.ts";
import { Untried, type VerifyRun } from "./verify_run.ts";

const ATTEMPTS = 3;

/** Statements that are explained in one block, so that each has its share of the time. */
const AT_ONCE = 20;

interface ShownPair extends StatementPair {
  shown: string;
}

/** SQLSTATE of a refusal, or null; undefined where the plans could not be compared. */
type Refusal = string | null | undefined;

/**
 * Notes pairs whose plans differ, and answers how each was refused through the new name.
 *
 * @param refusals Whether a refusal through one of the names is a failure. Default: true; false where another test
 *   finds it.
 */
export async function explainPairs(
  run: VerifyRun,
  persona: Persona,
  pairs: ShownPair[],
  { refusals = true }: { refusals?: boolean } = {},
): Promise<Refusal[]> {
  if (run.target.view.scan_counter !== null) {
    run.untried.push("plans, since those of a view that counts its use have one step more");
    return pairs.map(() => undefined);
  }
  const found: Refusal[] = [];
  for (let from = 0; from < pairs.length; from += AT_ONCE) {
    found.push(...await explainSome(run, persona, pairs.slice(from, from + AT_ONCE), refusals));
  }
  return found;
}

async function explainSome(
  run: VerifyRun,
  persona: Persona,
  pairs: ShownPair[],
  refusals: boolean,
): Promise<Refusal[]> {
  const refused: Refusal[] = pairs.map(() => undefined);
  let open = [...pairs.keys()];
  for (let attempt = 1; attempt <= ATTEMPTS && open.length > 0; attempt++) {
    const outcomes = await run.execute<ExplainOutcome[]>(
      explainBlock(persona, open.map((index) => pairs[index])),
    );
    if (outcomes instanceof Untried) {
      run.untried.push(`plans as ${persona.label}: ${outcomes.why}`);
      return refused;
    }
    open = open.filter((index, position) => {
      const verdict = judgePlans(outcomes[position]);
      if (verdict.kind === "changing") return true;
      const { table, view } = outcomes[position];
      refused[index] = table.sqlstate;
      const both = table.sqlstate === null && view.sqlstate === null;
      if (verdict.kind === "different" && (refusals || both)) {
        const statement = `as ${persona.label}: explain ${pairs[index].shown}`;
        run.failures.push({ statement, ...verdict.mismatch });
      }
      return false;
    });
  }
  run.untried.push(...open.map((index) => `${pairs[index].shown}: its plan kept changing`));
  return refused;
}
