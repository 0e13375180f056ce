/** The tests of reads and joins: columns, what each persona reads, and joins with each neighbour. */
import type { VerifyCheck } from "../../contract/responses.ts";
import { qualified } from "../../sql/quoting.ts";
import { counted } from "../both_names.ts";
import { rowsMismatch, STABLE_ORDER } from "../compare_rows.ts";
import { columnFailures } from "../definitions.ts";
import type { Persona } from "../personas.ts";
import {
  joinBlock,
  type JoinOutcome,
  joinPair,
  readBlock,
  type ReadOutcome,
  shownJoin,
  shownRead,
} from "../reads.ts";
import { explainPairs } from "./explain.ts";
import { listed, listedSideEffects, skipped, Untried, type VerifyRun } from "./verify_run.ts";

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
      `${counted(figures.length, "role")} read through both names.`,
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
    `${counted(run.ownerAndApi.length, "role")}: plans and rows.`,
    sends && "Rows were not read, since reading could have effects outside of the database or " +
      "leave its role.",
    tooCostly.length > 0 &&
    `Too costly to be run, so only the plans were compared: ${listed(tooCostly)}.`,
  ], { neighbours: figures });
}
