/** The second test: writes by both names, executed and taken back, or explained where they could reach outside. */
import { ownSequencesQuery } from "../../catalog/verifier.ts";
import type { VerifyCheck, VerifyFailure } from "../../contract/responses.ts";
import { ownRow } from "../../proof/own_row.ts";
import type { MovedSequence } from "../../proof/sequences.ts";
import { sampleBlock, type SampledRow } from "../../proof/set_up.ts";
import { type NameOutcome, rows } from "../../proof/trial.ts";
import { missingTriggers, standIns, TRIGGER_MISSING } from "../../proof/triggers.ts";
import type { Viewer } from "../../proof/viewers.ts";
import {
  type WriteContext,
  type WriteName,
  WRITES,
  writeStatement,
} from "../../proof/write_statements.ts";
import { judgeWrite, shownWrite, writeBlock, type WriteOutcome } from "../../proof/writes.ts";
import { explainPairs } from "./explained.ts";
import { check, counted, listed, notTriedSentence, type Tester, Untried } from "./tester.ts";

/** Longest time of one write with all that belongs to it, in milliseconds: what it locks must be free soon. */
const WRITE_MS = 1_000;

/** How long a row that the viewer sees is looked for, in milliseconds; any other will do, too. */
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

export async function testWrites(tester: Tester): Promise<VerifyCheck> {
  const { migration, table, view, proof, viewers, notTried } = tester.subject;
  const report: Report = {
    failures: standIns(view),
    untried: [],
    figures: [],
    moved: new Map(),
    went: false,
  };
  if (!tester.request.acknowledge.includes(TRIGGER_MISSING)) {
    report.failures.push(...missingTriggers(migration, table));
  }
  const outside = proof.outward.filter(({ kind }) => kind === "sends");
  const notifying = proof.outward.filter(({ kind }) => kind === "notifies");
  const stood = await ownSequences(tester);
  for (const viewer of tester.barred === null ? viewers : []) {
    if (outside.length > 0) await explain(tester, viewer, report);
    else await execute(tester, viewer, report);
  }
  for (const [sequence, to] of outside.length > 0 ? [] : await ownSequences(tester)) {
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
      tester.barred ??
        (outside.length > 0
          ? `Only explained, not executed, as ${
            counted(viewers.length, "viewer")
          }, since a write could reach ` +
            `outside of the database or of its role: ${
              listed(outside.map(({ object, routine }) => `${object} (${routine})`))
            }.`
          : `Executed by both names and rolled back, as ${counted(viewers.length, "viewer")}.`),
      outside.length === 0 && tester.barred === null && !report.went &&
      `No write went through as ${viewers[0].label}.`,
      outside.length === 0 && tester.barred === null && notifying.length > 0 &&
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
    { viewers: report.figures, sequences: moved },
  );
}

async function execute(tester: Tester, viewer: Viewer, report: Report): Promise<void> {
  const [owner] = tester.subject.viewers;
  let sampled = await sample(tester, viewer, owner);
  const outcomes: Record<string, string> = {};
  let setup: string | null = null;
  let existing = false;
  for (const write of WRITES) {
    let last: WriteOutcome | Untried | null = null;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const context = contextOf(tester, viewer, sampled !== null);
      last = await tryWrite(tester, write, context, sampled);
      if (last === null) break;
      if (last instanceof Untried) {
        // The row that is copied is gone, or has moved.
        if (last.sqlstate === "P0002") sampled = await sample(tester, viewer, owner);
        else if (last.sqlstate !== LOCKED) break;
        continue;
      }
      noteMoved(report, last.moved);
      const verdict = judgeWrite(
        write,
        tester.subject.target,
        context,
        last,
        tester.broken(viewer),
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
      report.untried.push(`writes as ${viewer.label}: somebody else has locked the table`);
      break;
    }
    if (last instanceof Untried) {
      report.untried.push(`${write} as ${viewer.label}: ${last.why}`);
      continue;
    }
    outcomes[write] = brief(last.table);
    report.went ||= viewer === owner && (last.table.rows ?? 0) > 0;
    setup ??= last.setup;
    existing ||= last.existing;
  }
  report.figures.push({
    viewer: viewer.label,
    row: sampled === null ? "made up" : existing ? "of the table" : "copied",
    ...(setup !== null && { row_refused: setup }),
    writes: outcomes,
  });
}

const contextOf = (tester: Tester, viewer: Viewer, copied: boolean): WriteContext => ({
  table: tester.subject.own,
  row: ownRow(tester.subject.own, copied),
  columns: tester.subject.target.columns,
  viewer,
});

async function tryWrite(
  tester: Tester,
  write: WriteName,
  context: WriteContext,
  sampled: SampledRow | null,
): Promise<WriteOutcome | Untried | null> {
  const { target, viewers: [owner] } = tester.subject;
  const block = writeBlock(write, target, context, owner, sampled);
  if (block === null) return null;
  return await tester.run<WriteOutcome>(block, {
    writes: true,
    timeoutMs: Math.min(WRITE_MS, tester.request.max_ms),
  });
}

async function sample(tester: Tester, viewer: Viewer, owner: Viewer): Promise<SampledRow | null> {
  const { table } = tester.subject.target;
  for (const as of [viewer, owner]) {
    const found = await tester.run<{ place: SampledRow | null }>(sampleBlock(as, owner, table), {
      timeoutMs: Math.min(SAMPLE_MS, tester.request.max_ms),
    });
    if (!(found instanceof Untried)) return found.place;
  }
  return null;
}

/** Where the table's sequences stand, as our own login sees it; none where the trials are made as that. */
async function ownSequences(
  { subject: { session, table }, context: { database } }: Tester,
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

async function explain(tester: Tester, viewer: Viewer, report: Report): Promise<void> {
  const { target } = tester.subject;
  const context = contextOf(tester, viewer, true);
  const writes = WRITES.filter((write) => writeStatement(write, target.view, context) !== null);
  const pairs = writes.map((write) => {
    const [table, view] = [target.table, target.view].map((name) =>
      writeStatement(write, name, context, true)!.sql
    );
    return { table, view, shown: shownWrite(write, target, context) };
  });
  const { failures, untried, settled } = await explainPairs(tester, viewer, pairs);
  report.failures.push(...failures);
  report.untried.push(...untried);
  const outcomes = writes.flatMap((write, index) =>
    settled[index] === undefined ? [] : [[write, settled[index] ?? "explained"]]
  );
  report.figures.push({ viewer: viewer.label, writes: Object.fromEntries(outcomes) });
}
