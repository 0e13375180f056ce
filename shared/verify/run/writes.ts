/** The second test: writes by both names, executed and taken back, or explained where they could reach outside. */
import { ownSequencesQuery } from "../../catalog/verify_facts.ts";
import type { VerifyCheck, VerifyFailure } from "../../contract/responses.ts";
import { ownRow } from "../own_row.ts";
import type { MovedSequence } from "../sequences.ts";
import { sampleBlock, type SampledRow } from "../set_up.ts";
import { type NameOutcome, rows } from "../trial.ts";
import { missingTriggers, standIns, TRIGGER_MISSING } from "../triggers.ts";
import type { Persona } from "../personas.ts";
import { type WriteContext, type WriteName, WRITES, writeStatement } from "../write_statements.ts";
import { judgeWrite, shownWrite, writeBlock, type WriteOutcome } from "../writes.ts";
import { explainPairs } from "./explained.ts";
import { check, counted, listed, notTriedSentence, Untried, type VerifyRun } from "./verify_run.ts";

/** Longest time of one write with all that belongs to it, in milliseconds: what it locks must be free soon. */
const WRITE_MS = 1_000;

/** How long a row that the persona sees is looked for, in milliseconds; any other will do, too. */
const SAMPLE_MS = 300;

/** lock_not_available. */
const LOCKED = "55P03";

/** How often a write is tried that came out differently by one and the same name. */
const ATTEMPTS = 3;

interface Report {
  failures: VerifyFailure[];
  untried: string[];
  figures: Record<string, unknown>[];
  moved: Map<string, MovedSequence>;
  /** Whether a write of the owner's went through. */
  went: boolean;
}

export async function testWrites(verifyRun: VerifyRun): Promise<VerifyCheck> {
  const { migration, table, view, proof, personas, notTried } = verifyRun.subject;
  const report: Report = {
    failures: standIns(view),
    untried: [],
    figures: [],
    moved: new Map(),
    went: false,
  };
  if (!verifyRun.request.acknowledge.includes(TRIGGER_MISSING)) {
    report.failures.push(...missingTriggers(migration, table));
  }
  const outside = proof.side_effects.filter(({ kind }) => kind === "sends");
  const notifying = proof.side_effects.filter(({ kind }) => kind === "notifies");
  const stood = await ownSequences(verifyRun);
  for (const persona of verifyRun.barred === null ? personas : []) {
    if (outside.length > 0) await explain(verifyRun, persona, report);
    else await execute(verifyRun, persona, report);
  }
  for (const [sequence, to] of outside.length > 0 ? [] : await ownSequences(verifyRun)) {
    const from = stood.get(sequence) ?? null;
    if (to !== null && to !== from) noteMoved(report, [{ sequence, from, to }]);
  }
  const moved = [...report.moved.values()].map(({ sequence, from, to }) => ({
    sequence,
    from,
    to,
  }));
  return check(
    "writes",
    [
      verifyRun.barred ??
        (outside.length > 0
          ? `Only explained, not executed, as ${
            counted(personas.length, "persona")
          }, since a write could reach ` +
            `outside of the database or of its role: ${
              listed(outside.map(({ object, routine }) => `${object} (${routine})`))
            }.`
          : `Executed by both names and rolled back, as ${counted(personas.length, "persona")}.`),
      outside.length === 0 && verifyRun.barred === null && !report.went &&
      `No write went through as ${personas[0].label}.`,
      outside.length === 0 && verifyRun.barred === null && notifying.length > 0 &&
      `Notifications were rolled back, too, so that nobody got one: ${
        listed(notifying.map(({ object }) => object))
      }.`,
      moved.length > 0 &&
      `Sequences have moved on, which no rollback takes back (others may have used numbers, too): ${
        listed(
          moved.map(({ sequence, from, to }) => `${sequence} from ${from ?? "unused"} to ${to}`),
        )
      }.`,
      notTriedSentence(notTried, report.untried),
    ],
    report.failures,
    { personas: report.figures, sequences: moved },
  );
}

async function execute(verifyRun: VerifyRun, persona: Persona, report: Report): Promise<void> {
  const [owner] = verifyRun.subject.personas;
  let sampled = await sample(verifyRun, persona, owner);
  const outcomes: Record<string, string> = {};
  let setup: string | null = null;
  let existing = false;
  for (const write of WRITES) {
    let last: WriteOutcome | Untried | null = null;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const context = contextOf(verifyRun, persona, sampled !== null);
      last = await tryWrite(verifyRun, write, context, sampled);
      if (last === null) break;
      if (last instanceof Untried) {
        // The row that is copied is gone, or has moved.
        if (last.sqlstate === "P0002") sampled = await sample(verifyRun, persona, owner);
        else if (last.sqlstate !== LOCKED) break;
        continue;
      }
      noteMoved(report, last.moved);
      const verdict = judgeWrite(
        write,
        verifyRun.subject.target,
        context,
        last,
        verifyRun.broken(persona),
      );
      if (verdict.kind === "unsteady") {
        last = new Untried(verdict.why);
        continue;
      }
      if (verdict.kind === "failed") report.failures.push(verdict.failure);
      break;
    }
    if (last === null) continue;
    if (last instanceof Untried && last.sqlstate === LOCKED) {
      // Whoever holds it holds it for the other writes, too.
      report.untried.push(`writes as ${persona.label}: somebody else has locked the table`);
      break;
    }
    if (last instanceof Untried) {
      report.untried.push(`${write} as ${persona.label}: ${last.why}`);
      continue;
    }
    outcomes[write] = brief(last.table);
    report.went ||= persona === owner && (last.table.rows ?? 0) > 0;
    setup ??= last.setup;
    existing ||= last.existing;
  }
  report.figures.push({
    persona: persona.label,
    row: sampled === null ? "made up" : existing ? "of the table" : "copied",
    ...(setup !== null && { row_refused: setup }),
    writes: outcomes,
  });
}

const contextOf = (verifyRun: VerifyRun, persona: Persona, copied: boolean): WriteContext => ({
  table: verifyRun.subject.own,
  row: ownRow(verifyRun.subject.own, copied),
  columns: verifyRun.subject.target.columns,
  persona,
});

async function tryWrite(
  verifyRun: VerifyRun,
  write: WriteName,
  context: WriteContext,
  sampled: SampledRow | null,
): Promise<WriteOutcome | Untried | null> {
  const { target, personas: [owner] } = verifyRun.subject;
  const block = writeBlock(write, target, context, owner, sampled);
  if (block === null) return null;
  return await verifyRun.run<WriteOutcome>(block, {
    writes: true,
    timeoutMs: Math.min(WRITE_MS, verifyRun.request.max_ms),
  });
}

async function sample(
  verifyRun: VerifyRun,
  persona: Persona,
  owner: Persona,
): Promise<SampledRow | null> {
  const { table } = verifyRun.subject.target;
  for (const as of [persona, owner]) {
    const found = await verifyRun.run<{ place: SampledRow | null }>(sampleBlock(as, owner, table), {
      timeoutMs: Math.min(SAMPLE_MS, verifyRun.request.max_ms),
    });
    if (!(found instanceof Untried)) return found.place;
  }
  return null;
}

/** Where the table's sequences stand, as our own login sees it; none where the trials are made as that. */
async function ownSequences(
  { subject: { session, table }, context: { database } }: VerifyRun,
): Promise<Map<string, number | null>> {
  if (!session.separate) return new Map();
  const rows = await database.query(ownSequencesQuery(table.oid));
  return new Map(
    rows.map((row) => [
      row.sequence as string,
      row.stands_at === null ? null : Number(row.stands_at),
    ]),
  );
}

/** Where a sequence stood at first, and where it stands now. */
function noteMoved({ moved }: Report, now: MovedSequence[]): void {
  for (const one of now) {
    moved.set(one.sequence, { ...one, from: moved.get(one.sequence)?.from ?? one.from });
  }
}

const brief = ({ sqlstate, rows: count }: NameOutcome): string => sqlstate ?? rows(count ?? 0);

async function explain(verifyRun: VerifyRun, persona: Persona, report: Report): Promise<void> {
  const { target } = verifyRun.subject;
  const context = contextOf(verifyRun, persona, true);
  const writes = WRITES.filter((write) => writeStatement(write, target.view, context) !== null);
  const pairs = writes.map((write) => {
    const [table, view] = [target.table, target.view].map((name) =>
      writeStatement(write, name, context, true)!.sql
    );
    return { table, view, shown: shownWrite(write, target, context) };
  });
  const { failures, untried, settled } = await explainPairs(verifyRun, persona, pairs);
  report.failures.push(...failures);
  report.untried.push(...untried);
  const outcomes = writes.flatMap((write, index) =>
    settled[index] === undefined ? [] : [[write, settled[index] ?? "explained"]]
  );
  report.figures.push({ persona: persona.label, writes: Object.fromEntries(outcomes) });
}
