/** The third test: joins with each neighbour by both names, their plans and their rows. */
import type { VerifyCheck, VerifyFailure } from "../../contract/responses.ts";
import { qualified } from "../../sql/quoting.ts";
import type { ForeignKeyFacts } from "../../facts/verify_facts.ts";
import { joinBlock, type JoinOutcome, joinPair, judgeJoin, shownJoin } from "../joins.ts";
import { STEADY_ORDER } from "../reads.ts";
import type { Persona } from "../personas.ts";
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

interface Report {
  failures: VerifyFailure[];
  untried: string[];
  /** Joins of which only the plans were compared. */
  costly: string[];
}

export async function testJoins(verifyRun: VerifyRun): Promise<VerifyCheck> {
  const { proof, personas, target } = verifyRun.subject;
  // A column that the view leaves out cannot be joined by through it.
  const keys = proof.foreign_keys.filter(({ columns }) =>
    columns.every((name) => target.columns.includes(name))
  );
  if (keys.length === 0) return skipped("joins", "No foreign key leads here or away.");
  if (verifyRun.barred !== null) return skipped("joins", verifyRun.barred);
  const [owner, ...others] = personas;
  const callers = others.filter(({ api }) => api);
  const report: Report = { failures: [], untried: [], costly: [] };
  const sideEffects = proof.side_effects.some(({ on_read, kind }) => on_read && kind === "sends");
  const figures: Record<string, unknown>[] = [];
  for (const persona of [owner, ...callers]) {
    await plansOf(verifyRun, persona, keys, report);
    for (const key of sideEffects ? [] : keys) {
      const outcome = await rowsOf(verifyRun, persona, key, report);
      if (outcome === null || persona !== owner) continue;
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
        counted(callers.length + 1, "persona")
      }: plans and rows.`,
      sideEffects &&
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
  verifyRun: VerifyRun,
  persona: Persona,
  keys: ForeignKeyFacts[],
  report: Report,
): Promise<void> {
  const { target } = verifyRun.subject;
  const pairs = keys.map((key) => ({
    ...joinPair(persona, key, target),
    shown: shownJoin(key, target),
  }));
  const { failures, untried } = await explainPairs(verifyRun, persona, pairs, {
    // Reading the rows finds them.
    refusals: false,
  });
  report.failures.push(...failures);
  report.untried.push(...untried);
}

async function rowsOf(
  verifyRun: VerifyRun,
  persona: Persona,
  key: ForeignKeyFacts,
  report: Report,
): Promise<JoinOutcome | null> {
  const { target } = verifyRun.subject;
  const { max_cost, max_rows } = verifyRun.request;
  const block = joinBlock(persona, key, target, { maxCost: max_cost, maxRows: max_rows });
  const outcome = await verifyRun.run<JoinOutcome>(block, { settings: STEADY_ORDER });
  const name = `${qualified(key.schema, key.table)} by ${key.name}`;
  if (outcome instanceof Untried) {
    report.untried.push(`${name} as ${persona.label}: ${outcome.why}`);
    return null;
  }
  if (outcome.compared === "none") report.costly.push(`${name} as ${persona.label}`);
  const failure = judgeJoin(persona, key, target, outcome, verifyRun.broken(persona));
  if (failure !== null) report.failures.push(failure);
  return outcome;
}
