/** The third test: joins with each neighbour through both names, their plans and their rows. */
import type { VerifyCheck } from "../../contract/responses.ts";
import { qualified } from "../../sql/quoting.ts";
import { counted } from "../both_names.ts";
import { rowsMismatch, STABLE_ORDER } from "../compare_rows.ts";
import { joinBlock, type JoinOutcome, joinPair, shownJoin } from "../joins.ts";
import { explainPairs } from "./explain.ts";
import { listed, skipped, Untried, type VerifyRun } from "./verify_run.ts";

export async function testJoins(run: VerifyRun): Promise<VerifyCheck> {
  const { facts, names, personas: [owner] } = run.target;
  // A column that the view leaves out cannot be joined by through it.
  const keys = facts.foreign_keys.filter(({ columns }) =>
    columns.every((name) => names.columns.includes(name))
  );
  if (keys.length === 0) return skipped("joins", "No foreign key leads here or away.");
  if (run.whyNothingRuns !== null) return skipped("joins", run.whyNothingRuns);
  const sends = run.sentOnRead.length > 0;
  const tooCostly: string[] = [];
  const figures: Record<string, unknown>[] = [];
  for (const persona of run.ownerAndApi) {
    const pairs = keys.map((key) => ({
      ...joinPair(persona, key, names),
      shown: shownJoin(key, names),
    }));
    await explainPairs(run, persona, pairs, { refusals: false });
    for (const key of sends ? [] : keys) {
      const neighbour = qualified(key.schema, key.table);
      const block = joinBlock(persona, key, names, run.request);
      const outcome = await run.execute<JoinOutcome>(block, { settings: STABLE_ORDER });
      const join = `${neighbour} by ${key.name} as ${persona.label}`;
      if (outcome instanceof Untried) {
        run.untried.push(`${join}: ${outcome.why}`);
        continue;
      }
      const { compared, table } = outcome;
      if (compared === "none") tooCostly.push(join);
      run.judge(persona, shownJoin(key, names), rowsMismatch(outcome, names), table);
      if (persona !== owner) continue;
      figures.push({ neighbour, foreign_key: key.name, rows: table.rows, compared });
    }
  }
  return run.result("joins", [
    `${counted(keys.length, "foreign key")}, joined as ` +
    `${counted(run.ownerAndApi.length, "persona")}: plans and rows.`,
    sends && "Rows were not read, since reading could have effects outside of the database or " +
      "leave its role.",
    tooCostly.length > 0 &&
    `Too costly to be run, so only the plans were compared: ${listed(tooCostly)}.`,
  ], { neighbours: figures });
}
