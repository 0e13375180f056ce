/** The first test: columns, and what each persona reads by both names. */
import type { VerifyCheck, VerifyFailure } from "../../contract/responses.ts";
import { judgeColumns } from "../columns.ts";
import { judgeRead, readBlock, type ReadOutcome, STEADY_ORDER } from "../reads.ts";
import type { Persona } from "../personas.ts";
import { check, counted, listed, notTriedSentence, Untried, type VerifyRun } from "./verify_run.ts";

export async function testReads(verifyRun: VerifyRun): Promise<VerifyCheck> {
  const { migration, table, view, target, personas, notTried, proof } = verifyRun.subject;
  const failures: VerifyFailure[] = judgeColumns(
    table,
    view,
    migration.fingerprint.without_columns,
  );
  const untried: string[] = [];
  const figures: Record<string, unknown>[] = [];
  const sideEffects = proof.side_effects.filter(({ on_read, kind }) => on_read && kind === "sends");
  for (const persona of sideEffects.length > 0 || verifyRun.barred !== null ? [] : personas) {
    const outcome = await read(verifyRun, persona);
    if (outcome instanceof Untried) {
      untried.push(`${persona.label}: ${outcome.why}`);
      continue;
    }
    const failure = judgeRead(persona, target, outcome, verifyRun.broken(persona));
    if (failure !== null) failures.push(failure);
    const { compared, table } = outcome;
    figures.push({
      persona: persona.label,
      ...(table.sqlstate === null ? { rows: table.rows, compared } : { refused: table.sqlstate }),
    });
  }
  return check(
    "reads",
    [
      `${counted(table.columns.length, "column")}; ${
        counted(figures.length, "persona")
      } read by both names.`,
      verifyRun.barred ??
        (sideEffects.length > 0 &&
          `No rows were read, since reading could reach outside of the database or of its role: ${
            listed(sideEffects.map(({ object, routine }) => `${object} (${routine})`))
          }.`),
      notTriedSentence(notTried, untried),
    ],
    failures,
    { personas: figures, not_tried: notTried },
  );
}

/** All rows where that is cheap; where it turns out not to be, as few as there is need to look at. */
async function read(verifyRun: VerifyRun, persona: Persona): Promise<ReadOutcome | Untried> {
  const { max_cost, max_rows } = verifyRun.request;
  const [owner] = verifyRun.subject.personas;
  const limits = { maxCost: max_cost, maxRows: max_rows };
  const attempt = (maxCost: number) =>
    verifyRun.run<ReadOutcome>(
      readBlock(persona, owner, verifyRun.subject.target, { ...limits, maxCost }),
      { settings: STEADY_ORDER },
    );
  const outcome = await attempt(max_cost);
  return outcome instanceof Untried ? await attempt(0) : outcome;
}
