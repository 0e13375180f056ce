/** The second test: writes through both names, executed and undone, or only explained where they could send something. */
import { ownSequencesQuery } from "../../catalog/verify_facts.ts";
import type { VerifyCheck } from "../../contract/responses.ts";
import { counted, describeOutcome, throughBoth } from "../both_names.ts";
import { missingTriggers, TRIGGER_MISSING, viewTriggersAndRules } from "../definitions.ts";
import type { Persona } from "../personas.ts";
import { testRow } from "../test_row.ts";
import {
  type SampledRow,
  type WriteContext,
  type WriteName,
  WRITES,
  writeStatement,
} from "../write_statements.ts";
import {
  sampleBlock,
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
  const sequences = [...notes.sequences.values()];
  const executed = sent.length === 0 && run.whyNothingRuns === null;
  const notifying = facts.side_effects.filter(({ kind }) => kind === "notifies");
  const as = `as ${counted(personas.length, "role")}`;
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
  const context = contextOf(run, persona);
  await findSample(run, context);
  const outcomes: Record<string, string> = {};
  let setup: string | null = null;
  let existing = false;
  for (const write of WRITES) {
    const outcome = await outcomeOf(run, write, context, notes);
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
    notes.ownerWrote ||= persona === context.owner && (table.rows ?? 0) > 0;
    setup ??= outcome.setup;
    existing ||= outcome.existing;
  }
  notes.figures.push({
    persona: persona.label,
    row: context.sampled === null ? "made up" : existing ? "of the table" : "copied",
    ...(setup !== null && { row_refused: setup }),
    writes: outcomes,
  });
}

/** The context of statements that are explained, as if there were a row to copy. */
const contextOf = ({ target }: VerifyRun, persona: Persona): WriteContext => ({
  table: target.testTable,
  row: testRow(target.testTable, true),
  names: target.names,
  persona,
  owner: target.personas[0],
  sampled: null,
});

async function findSample(run: VerifyRun, context: WriteContext): Promise<void> {
  const { table, names, persona, owner } = context;
  const timeoutMs = Math.min(SAMPLE_MS, run.request.max_ms);
  const look = (as: Persona) =>
    run.execute<{ place: SampledRow | null }>(sampleBlock(as, owner, names.table), { timeoutMs });
  let found = await look(persona);
  if (found instanceof Untried) found = await look(owner);
  context.sampled = found instanceof Untried ? null : found.place;
  context.row = testRow(table, context.sampled !== null);
}

/** Tries a write until its outcome says something; null where the table has no columns or keys for it. */
async function outcomeOf(
  run: VerifyRun,
  write: WriteName,
  context: WriteContext,
  notes: Notes,
): Promise<WriteOutcome | Untried | null> {
  const timeoutMs = Math.min(WRITE_MS, run.request.max_ms);
  for (let attempt = 1;; attempt++) {
    const block = writeBlock(write, context);
    if (block === null) return null;
    let outcome = await run.execute<WriteOutcome>(block, { writes: true, timeoutMs });
    if (outcome instanceof Untried) {
      if (outcome.sqlstate === ROW_GONE) await findSample(run, context);
      else if (outcome.sqlstate !== LOCKED) return outcome;
    } else {
      noteSequences(notes, outcome.sequences);
      const why = whyInconclusive(outcome);
      if (why === null) {
        const shown = shownWrite(write, context);
        run.judge(context.persona, shown, writeMismatch(outcome), outcome.table);
        return outcome;
      }
      outcome = new Untried(why);
    }
    if (attempt === ATTEMPTS) return outcome;
  }
}

/** Last values of the table's sequences as our own login sees them; none where the blocks run as that login. */
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

function noteSequences({ sequences }: Notes, used: UsedSequence[]): void {
  for (const { sequence, from, to } of used) {
    const first = sequences.get(sequence);
    // Null where it was never used.
    sequences.set(sequence, { sequence, from: first === undefined ? from : first.from, to });
  }
}

async function explainWrites(run: VerifyRun, persona: Persona, notes: Notes): Promise<void> {
  const { names } = run.target;
  const context = contextOf(run, persona);
  const writes = WRITES.filter((write) => writeStatement(write, names.view, context) !== null);
  const pairs = writes.map((write) => ({
    ...throughBoth(names, (name) => writeStatement(write, name, context, true)!.sql),
    shown: shownWrite(write, context),
  }));
  const refused = await explainPairs(run, persona, pairs);
  const outcomes = writes.flatMap((write, index) =>
    refused[index] === undefined ? [] : [[write, refused[index] ?? "explained"]]
  );
  notes.figures.push({ persona: persona.label, writes: Object.fromEntries(outcomes) });
}
