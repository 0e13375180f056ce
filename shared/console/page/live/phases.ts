/** What an operation does now, in plain words; its time line; who is in its way. */
import type { Blocker } from "../../../contract/responses.ts";
import { changeAnswer, isProposal, type Operation, type Report } from "./operation.ts";

export type Tone = "neutral" | "good" | "notice" | "warning" | "bad";

export interface Phase {
  text: string;
  tone: Tone;
  /** What to say to somebody who does not see the page: the same without what changes often. */
  spoken: string;
}

/** Blockers that were not seen again for so long no longer block anything, in milliseconds. */
const SEEN_FOR_MS = 2_000;

const CHECKS: Record<string, string> = {
  reads: "reads",
  writes: "writes",
  joins: "joins with other tables",
  cost: "cost of the view",
  data_api: "Data API",
};

export const checkTitle = (name: string): string => CHECKS[name] ?? name;

/** @param now Milliseconds since 1970. */
export function phaseOf(operation: Operation, now: number): Phase {
  const { state, error } = operation;
  switch (state) {
    case "next":
      return phase("Waiting for its turn", "neutral");
    case "done":
      return donePhase(operation);
    case "failed":
      return error?.code === "unreachable"
        ? phase("No answer", "bad")
        : phase(error?.problem === undefined ? "Failed" : "Not done", "bad");
    case "cancelled":
      return error?.code === "not_started"
        ? phase("Not started", "neutral")
        : phase("Cancelled", "neutral");
    case "running":
      return runningPhase(operation, now);
  }
}

const phase = (text: string, tone: Tone, spoken = text): Phase => ({ text, tone, spoken });

function donePhase(operation: Operation): Phase {
  const { answer } = operation;
  if (answer !== undefined && "checks" in answer) {
    return answer.passed ? phase("Passed", "good") : phase("Did not pass", "bad");
  }
  if (isProposal(operation)) return phase("Proposed", "good");
  return changeAnswer(operation)?.verification?.passed === false
    ? phase("Done, but not as expected", "warning")
    : phase("Done", "good");
}

function runningPhase(operation: Operation, now: number): Phase {
  const { progress, startedAt } = operation;
  const last = progress.at(-1);
  const attempt = progress.findLast(({ attempt }) => attempt !== undefined)?.attempt ?? 0;
  switch (last?.phase) {
    case undefined:
      return phase("Sent, no answer yet", "neutral");
    case "queued":
      return phase("Queued: other requests use all connections", "notice");
    case "preparing":
      return phase("Preparing", "notice");
    case "waiting":
    case "locking": {
      const waits = last.phase === "waiting" ||
        blockersOf(operation, now - startedAt).some(({ gone }) => !gone);
      const which = attempt > 0
        ? `, after ${attempt} ${attempt === 1 ? "attempt" : "attempts"}`
        : "";
      if (waits) {
        const text = "Waiting for sessions that hold locks";
        return phase(text + which, "warning", text);
      }
      return phase(`Locking: attempt ${attempt}`, "notice", "Locking");
    }
    case "verifying": {
      const { check, done = 0, total = 0 } = last;
      const text = check === undefined
        ? total > 1 ? `Verifying ${total} tables` : "Verifying"
        : `Testing ${checkTitle(check)}, ${done + 1} of ${total}`;
      return phase(text, "notice");
    }
    case "replayed":
      return phase("Already done: reading its answer", "notice");
    case "unreachable":
      return phase("No connection: trying again", "warning");
    case "asked_again":
      return phase("Asked again, no answer yet", "notice");
  }
}

type SegmentKind = "working" | "waiting" | "locking" | "disconnected";

/** A part of the time line, in milliseconds since the start. */
interface Segment {
  kind: SegmentKind;
  from: number;
  to: number;
  text: string;
}

const KINDS: Record<Report["phase"], SegmentKind> = {
  queued: "waiting",
  preparing: "working",
  locking: "locking",
  waiting: "waiting",
  verifying: "working",
  replayed: "working",
  unreachable: "disconnected",
  asked_again: "disconnected",
};

/** What happened when. Reports of the same kind that follow each other are one part, but each attempt is its own. */
export function timeLine({ progress, startedAt, endedAt }: Operation, now: number): Segment[] {
  const end = (endedAt ?? now) - startedAt;
  const segments: Segment[] = [];
  let before: Report | undefined;
  for (const report of progress) {
    const last = segments.at(-1);
    if (last !== undefined) last.to = Math.max(last.from, report.at);
    const isSame = before?.phase === report.phase && before.attempt === report.attempt &&
      before.check === report.check;
    if (last !== undefined && isSame) last.text = segmentText(report, last.text);
    else {
      segments.push({
        kind: KINDS[report.phase],
        from: report.at,
        to: report.at,
        text: segmentText(report),
      });
    }
    before = report;
  }
  const last = segments.at(-1);
  if (last !== undefined) last.to = Math.max(last.from, end);
  return segments;
}

function segmentText({ phase, attempt, blockers, check }: Report, before = ""): string {
  switch (phase) {
    case "queued":
      return "queued";
    case "preparing":
      return "preparing";
    case "locking":
      return `attempt ${attempt ?? 1}`;
    case "waiting":
      return blockers === undefined || blockers.length === 0
        ? before || "waiting"
        : `waiting for ${blockers.map(sessionText).join(", ")}`;
    case "verifying":
      return check === undefined ? "verifying" : `testing ${checkTitle(check)}`;
    case "replayed":
      return "already done";
    case "unreachable":
      return "no connection";
    case "asked_again":
      return "asked again";
  }
}

const sessionText = ({ pid, gid }: Pick<Blocker, "pid" | "gid">): string =>
  gid === undefined ? `session ${pid}` : `the prepared transaction ${gid}`;

export interface SeenBlocker extends Blocker {
  key: string;
  /** How long it was in the way, in milliseconds, as far as it was seen. */
  blocked_ms: number;
  /** Whether it is no longer in the way. */
  gone: boolean;
}

/**
 * All sessions that were seen in the way, in the order in which they were seen, so that a table of them keeps its rows.
 *
 * @param now Milliseconds since the operation's start; the age of those that are in the way still grows until then.
 */
export function blockersOf({ progress, state }: Operation, now: number): SeenBlocker[] {
  const seen = new Map<string, { blocker: Blocker; first: number; last: number }>();
  let lastLook = -Infinity;
  for (const { blockers, at } of progress) {
    if (blockers === undefined) continue;
    lastLook = at;
    for (const blocker of blockers) {
      const key = blocker.gid ?? String(blocker.pid);
      seen.set(key, { blocker, first: seen.get(key)?.first ?? at, last: at });
    }
  }
  // Looks end with the last session in the way: what follows it says that it has gone.
  const isOn = state === "running" && now - lastLook < SEEN_FOR_MS;
  return [...seen].map(([key, { blocker, first, last }]) => {
    const gone = !isOn || last < lastLook;
    const since = gone ? 0 : now - last;
    return {
      ...blocker,
      key,
      gone,
      blocked_ms: last - first + since,
      age_ms: blocker.age_ms === null ? null : blocker.age_ms + since,
    };
  });
}
