/** The second test: writes through both names, executed and undone, or only explained where they could send something. */
import { ownSequencesQuery } from "../../catalog/verifier.ts";
import type { VerifyCheck } from "../../contract/responses.ts";
import { counted, describeOutcome, throughBoth } from "../both_names.ts";
import { missingTriggers, TRIGGER_MISSING, viewTriggersAndRules } from "../definitions.ts";
import type { Persona } from "../personas.ts";
import { testRow } from "../test_row.ts";
import { type WriteContext, type WriteName, WRITES, writeStatement } from "../write_statements.ts";
import {
  sampleBlock,
  type SampledRow,
  shownWrite,
  type UsedSequence,
  whyInconclusive,
  writeBlock,
  writeMismatch,
  type WriteOutcome,
} from "../writes.ts";
import { explainPairs } from "./explain.ts";
import { listed, listedSideEffects, Untried, type VerifyRun } from "./verify_run.ts";

/** Longest time of one write with all that belongs to it, in milliseconds: what it locks must be free soon. */
const WRITE_MS = 1_000;

/** How long a row that the persona sees is looked for, in milliseconds; any other will do, too. */
const SAMPLE_MS = 300;

/** How often a write is tried whose outcome changes by itself. */
const ATTEMPTS = 3;

/** lock_not_available, no_data_found. */
const LOCKED = "55P03";
const ROW_GONE = "P0002";

interface Notes {
  /** Of each persona. */
  figures: Record<string, unknown>[];
  sequences: Map<string, UsedSequence>;
  ownerWrote: boolean;
}

export async function testWrites(run: VerifyRun): Promise<VerifyCheck> {
  const { migration, table, view, facts, personas, untriedRoles } = run.target;
  run.failures.push(...viewTriggersAndRules(view));
  if (!run.request.acknowledge.includes(TRIGGER_MISSING)) {
    run.failures.push(...missingTriggers(migration, table));
  }
  const sent = run.sentOnWrite;
  const notes: Notes = { figures: [], sequences: new Map(), ownerWrote: false };
  const before = await ownSequences(run);
  for (const persona of run.whyNothingRuns === null ? personas : []) {
    if (sent.length > 0) await explainWrites(run, persona, notes);
    else await executeWrites(run, persona, notes);
  }
  for (const [sequence, to] of sent.length > 0 ? [] : await ownSequences(run)) {
    const from = before.get(sequence) ?? null;
    if (to !== null && to !== from) noteSequences(notes, [{ sequence, from, to }]);
  }
  const sequences = [...notes.sequences.values()]
    .map(({ sequence, from, to }) => ({ sequence, from, to }));
  const executed = sent.length === 0 && run.whyNothingRuns === null;
  const notifying = facts.sideEffects.filter(({ kind }) => kind === "notifies");
  const as = `as ${counted(personas.length, "persona")}`;
  return run.result(
    "writes",
    [
      run.whyNothingRuns ??
        (executed
          ? `Executed through both names and rolled back, ${as}.`
          : `Only explained, not executed, ${as}, since a write could have effects outside of the ` +
            `database or leave its role: ${listedSideEffects(sent)}.`),
      executed && !notes.ownerWrote && `No write succeeded as ${personas[0].label}.`,
      executed && notifying.length > 0 &&
      `Notifications were rolled back, too, so nobody received them: ${
        listed(notifying.map(({ object }) => object))
      }.`,
      sequences.length > 0 &&
      `Sequences have advanced, which no rollback undoes (others may have used numbers, too): ${
        listed(
          sequences.map(({ sequence, from, to }) =>
            `${sequence} from ${from ?? "unused"} to ${to}`
          ),
        )
      }.`,
    ],
    { personas: notes.figures, sequences },
    untriedRoles,
  );
}

async function executeWrites(run: VerifyRun, persona: Persona, notes: Notes): Promise<void> {
  const writes = new PersonaWrites(run, persona, notes);
  await writes.sample();
  const outcomes: Record<string, string> = {};
  let setup: string | null = null;
  let existing = false;
  for (const write of WRITES) {
    const outcome = await writes.outcomeOf(write);
    if (outcome === null) continue;
    if (outcome instanceof Untried) {
      if (outcome.sqlstate !== LOCKED) {
        run.untried.push(`${write} as ${persona.label}: ${outcome.why}`);
        continue;
      }
      // The lock is in the way of the other writes, too.
      run.untried.push(`writes as ${persona.label}: somebody else has locked the table`);
      break;
    }
    const { table } = outcome;
    outcomes[write] = table.sqlstate ?? describeOutcome(table);
    notes.ownerWrote ||= persona === run.target.personas[0] && (table.rows ?? 0) > 0;
    setup ??= outcome.setup;
    existing ||= outcome.existing;
  }
  notes.figures.push({
    persona: persona.label,
    row: writes.sampled === null ? "made up" : existing ? "of the table" : "copied",
    ...(setup !== null && { row_refused: setup }),
    writes: outcomes,
  });
}

/** The writes of one persona, which begin from the same row of the table. */
class PersonaWrites {
  /** The row that is copied; null where none was found. */
  sampled: SampledRow | null = null;

  constructor(readonly run: VerifyRun, readonly persona: Persona, readonly notes: Notes) {}

  async sample(): Promise<void> {
    const { names, personas: [owner] } = this.run.target;
    for (const as of [this.persona, owner]) {
      const found = await this.run.execute<{ place: SampledRow | null }>(
        sampleBlock(as, owner, names.table),
        { timeoutMs: Math.min(SAMPLE_MS, this.run.request.max_ms) },
      );
      this.sampled = found instanceof Untried ? null : found.place;
      if (!(found instanceof Untried)) return;
    }
  }

  /** Tries a write until its outcome says something; null where the table gives no occasion for it. */
  async outcomeOf(write: WriteName): Promise<WriteOutcome | Untried | null> {
    const { run, persona } = this;
    let outcome: WriteOutcome | Untried | null = null;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const context = contextOf(run, persona, this.sampled !== null);
      outcome = await this.#attempt(write, context);
      if (outcome === null) return null;
      if (outcome instanceof Untried) {
        if (outcome.sqlstate === ROW_GONE) await this.sample();
        else if (outcome.sqlstate !== LOCKED) return outcome;
        continue;
      }
      noteSequences(this.notes, outcome.sequences);
      const why = whyInconclusive(outcome);
      if (why === null) {
        const shown = shownWrite(write, run.target.names, context);
        run.judge(persona, shown, writeMismatch(outcome), outcome.table);
        return outcome;
      }
      outcome = new Untried(why);
    }
    return outcome;
  }

  async #attempt(write: WriteName, context: WriteContext): Promise<WriteOutcome | Untried | null> {
    const { names, personas: [owner] } = this.run.target;
    const block = writeBlock(write, names, context, owner, this.sampled);
    if (block === null) return null;
    return await this.run.execute<WriteOutcome>(block, {
      writes: true,
      timeoutMs: Math.min(WRITE_MS, this.run.request.max_ms),
    });
  }
}

const contextOf = ({ target }: VerifyRun, persona: Persona, copied: boolean): WriteContext => ({
  table: target.testTable,
  row: testRow(target.testTable, copied),
  columns: target.names.columns,
  persona,
});

/**
 * Last values of the table's sequences, as our own login sees them: the role that inserts may not look at them. None
 * where the blocks run as that login themselves.
 */
async function ownSequences(
  { target: { session, table }, context: { database } }: VerifyRun,
): Promise<Map<string, number | null>> {
  if (!session.separate) return new Map();
  const rows = await database.query(ownSequencesQuery(table.oid));
  return new Map(
    rows.map(({ sequence, stands_at }) => [
      sequence as string,
      stands_at === null ? null : Number(stands_at),
    ]),
  );
}

/** Keeps each sequence's first value, and its last. */
function noteSequences({ sequences }: Notes, used: UsedSequence[]): void {
  for (const one of used) {
    sequences.set(one.sequence, { ...one, from: sequences.get(one.sequence)?.from ?? one.from });
  }
}

async function explainWrites(run: VerifyRun, persona: Persona, notes: Notes): Promise<void> {
  const { names } = run.target;
  const context = contextOf(run, persona, true);
  const writes = WRITES.filter((write) => writeStatement(write, names.view, context) !== null);
  const pairs = writes.map((write) => ({
    ...throughBoth(names, (name) => writeStatement(write, name, context, true)!.sql),
    shown: shownWrite(write, names, context),
  }));
  const refused = await explainPairs(run, persona, pairs);
  const outcomes = writes.flatMap((write, index) =>
    refused[index] === undefined ? [] : [[write, refused[index] ?? "explained"]]
  );
  notes.figures.push({ persona: persona.label, writes: Object.fromEntries(outcomes) });
}
