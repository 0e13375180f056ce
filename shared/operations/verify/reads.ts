/** The first test: columns, and what each viewer reads by both names. */
import type { VerifyCheck, VerifyFailure } from "../../contract/responses.ts";
import { judgeColumns } from "../../proof/columns.ts";
import { judgeRead, readBlock, type ReadOutcome, STEADY_ORDER } from "../../proof/reads.ts";
import type { Viewer } from "../../proof/viewers.ts";
import { check, counted, listed, notTriedSentence, type Tester, Untried } from "./tester.ts";

export async function testReads(tester: Tester): Promise<VerifyCheck> {
  const { migration, table, view, target, viewers, notTried, proof } = tester.subject;
  const failures: VerifyFailure[] = judgeColumns(
    table,
    view,
    migration.fingerprint.without_columns,
  );
  const untried: string[] = [];
  const figures: Record<string, unknown>[] = [];
  const outward = proof.outward.filter(({ on_read, kind }) => on_read && kind === "sends");
  for (const viewer of outward.length > 0 || tester.barred !== null ? [] : viewers) {
    const outcome = await read(tester, viewer);
    if (outcome instanceof Untried) {
      untried.push(`${viewer.label}: ${outcome.why}`);
      continue;
    }
    const failure = judgeRead(viewer, target, outcome, tester.broken(viewer));
    if (failure !== null) failures.push(failure);
    const { compared, table } = outcome;
    figures.push({
      viewer: viewer.label,
      ...(table.sqlstate === null ? { rows: table.rows, compared } : { refused: table.sqlstate }),
    });
  }
  return check(
    "reads",
    [
      `${counted(table.columns.length, "column")}; ${
        counted(figures.length, "viewer")
      } read by both names.`,
      tester.barred ??
        (outward.length > 0 &&
          `No rows were read, since reading could reach outside of the database or of its role: ${
            listed(outward.map(({ object, routine }) => `${object} (${routine})`))
          }.`),
      notTriedSentence(notTried, untried),
    ],
    failures,
    { viewers: figures, not_tried: notTried },
  );
}

/** All rows where that is cheap; where it turns out not to be, as few as there is need to look at. */
async function read(tester: Tester, viewer: Viewer): Promise<ReadOutcome | Untried> {
  const { max_cost, max_rows } = tester.request;
  const [owner] = tester.subject.viewers;
  const limits = { maxCost: max_cost, maxRows: max_rows };
  const attempt = (maxCost: number) =>
    tester.run<ReadOutcome>(
      readBlock(viewer, owner, tester.subject.target, { ...limits, maxCost }),
      { settings: STEADY_ORDER },
    );
  const outcome = await attempt(max_cost);
  return outcome instanceof Untried ? await attempt(0) : outcome;
}
