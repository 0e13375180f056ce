/** The first test: columns, and what each persona reads through both names. */
import type { VerifyCheck } from "../../contract/responses.ts";
import { counted } from "../both_names.ts";
import { rowsMismatch, STABLE_ORDER } from "../compare_rows.ts";
import { columnFailures } from "../definitions.ts";
import type { Persona } from "../personas.ts";
import { readBlock, type ReadOutcome, shownRead } from "../reads.ts";
import { listedSideEffects, Untried, type VerifyRun } from "./verify_run.ts";

export async function testReads(run: VerifyRun): Promise<VerifyCheck> {
  const { migration, table, view, names, personas, untriedRoles } = run.target;
  run.failures.push(...columnFailures(table, view, migration.fingerprint.without_columns));
  const figures: Record<string, unknown>[] = [];
  const sent = run.sentOnRead;
  for (const persona of sent.length > 0 || run.whyNothingRuns !== null ? [] : personas) {
    const outcome = await read(run, persona);
    if (outcome instanceof Untried) {
      run.untried.push(`${persona.label}: ${outcome.why}`);
      continue;
    }
    const { compared, table } = outcome;
    run.judge(persona, shownRead(persona, names, compared), rowsMismatch(outcome, names), table);
    figures.push({
      persona: persona.label,
      ...(table.sqlstate === null ? { rows: table.rows, compared } : { refused: table.sqlstate }),
    });
  }
  return run.result(
    "reads",
    [
      `${counted(table.columns.length, "column")}; ` +
      `${counted(figures.length, "persona")} read through both names.`,
      run.whyNothingRuns ??
        (sent.length > 0 &&
          "No rows were read, since reading could have effects outside of the database or leave " +
            `its role: ${listedSideEffects(sent)}.`),
    ],
    { personas: figures, not_tried: untriedRoles },
    untriedRoles,
  );
}

/** All rows where that is cheap; where it takes too long in spite of that, as few as possible. */
async function read(run: VerifyRun, persona: Persona): Promise<ReadOutcome | Untried> {
  const { request, target: { names, personas: [owner] } } = run;
  const attempt = (max_cost: number) =>
    run.execute<ReadOutcome>(
      readBlock(persona, owner, names, { ...request, max_cost }),
      { settings: STABLE_ORDER },
    );
  const outcome = await attempt(request.max_cost);
  return outcome instanceof Untried ? await attempt(0) : outcome;
}
