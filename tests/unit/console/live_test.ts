import { assertEquals } from "@std/assert";
import { keptOperations } from "../../../shared/console/page/live/kept.ts";
import { nextSteps, wasMade } from "../../../shared/console/page/live/next_steps.ts";
import type { Operation, Report } from "../../../shared/console/page/live/operation.ts";
import { blockersOf, phaseOf, timeLine } from "../../../shared/console/page/live/phases.ts";
import { isNeeded } from "../../../shared/console/page/parts/remedy.ts";
import {
  windowFigures,
  windowsOfEvents,
  windowsOfOperations,
} from "../../../shared/console/page/live/windows.ts";
import type {
  Blocker,
  EventRecord,
  Migration,
  OperationAnswer,
} from "../../../shared/contract/responses.ts";

const START = 1_000_000;

const operation = (more: Partial<Operation> = {}): Operation => ({
  id: "1",
  name: "rename",
  title: "Rename experts to expert_profiles",
  tables: [{ schema: "public", old_name: "experts", new_name: "expert_profiles" }],
  request: { old_name: "experts", new_name: "expert_profiles" },
  startedAt: START,
  state: "running",
  progress: [],
  ...more,
});

const reported = (...progress: Report[]): Operation => operation({ progress });

const blocker = (pid: number, more: Partial<Blocker> = {}): Blocker => ({
  pid,
  role: "postgres",
  application_name: "nightly report",
  state: "idle in transaction",
  since: null,
  age_ms: 5_000,
  query: "select 1",
  ...more,
});

const answer = (more: Partial<OperationAnswer> = {}): OperationAnswer => ({
  batch_id: null,
  mode: "apply",
  plan_hash: "sha256:0",
  migrations: [],
  statements: [{ sql: "select 1", purpose: "none" }],
  findings: [],
  lock: { attempts: 2, waited_ms: 400, held_ms: 3 },
  verification: { passed: true, checks: [] },
  ...more,
});

/** The text of the phase, so many milliseconds after the start. */
const phaseAfter = (one: Operation, ms: number) => phaseOf(one, START + ms).text;

Deno.test("each phase of an operation is described in plain words", () => {
  const texts = (reports: Report[]) => phaseAfter(reported(...reports), 100);
  assertEquals(texts([]), "Sent, no answer yet");
  assertEquals(
    texts([{ phase: "queued", at: 0 }]),
    "Queued: other requests use all connections",
  );
  assertEquals(texts([{ phase: "preparing", at: 0 }]), "Preparing");
  assertEquals(texts([{ phase: "locking", attempt: 3, at: 50 }]), "Locking: attempt 3");
  assertEquals(texts([{ phase: "verifying", total: 1, at: 50 }]), "Verifying");
  assertEquals(texts([{ phase: "verifying", total: 12, at: 50 }]), "Verifying 12 tables");
  assertEquals(
    texts([{ phase: "verifying", check: "joins", done: 2, total: 5, at: 50 }]),
    "Testing joins with other tables, 3 of 5",
  );
  assertEquals(texts([{ phase: "unreachable", at: 50 }]), "No connection: trying again");
});

Deno.test("while sessions are in the way, attempts in between do not change what is shown", () => {
  const one = reported(
    { phase: "locking", attempt: 1, at: 10 },
    { phase: "waiting", blockers: [blocker(7)], at: 200 },
    { phase: "locking", attempt: 2, at: 300 },
  );
  assertEquals(phaseAfter(one, 400), "Waiting for sessions that hold locks, after 2 attempts");
  assertEquals(phaseOf(one, START + 400).spoken, "Waiting for sessions that hold locks");
  assertEquals(phaseAfter(one, 5_000), "Locking: attempt 2");
});

Deno.test("outcomes of an operation are distinguished: done, proposed, not as expected, refused, unanswered, cancelled", () => {
  const done = (more: Partial<Operation>) => phaseAfter(operation({ state: "done", ...more }), 100);
  assertEquals(done({ answer: answer() }), "Done");
  assertEquals(
    done({ answer: answer({ verification: { passed: false, checks: [] } }) }),
    "Done, but not as expected",
  );
  const request = { old_name: "a", new_name: "b", mode: "propose" } as const;
  assertEquals(done({ request, answer: answer({ mode: "propose" }) }), "Proposed");
  const failed = (code: string, problem?: object) =>
    phaseAfter(
      operation({ state: "failed", error: { code, detail: "", problem: problem as never } }),
      100,
    );
  assertEquals(failed("lock_not_acquired", {}), "Not done");
  assertEquals(failed("unreachable"), "No answer");
  assertEquals(failed("page"), "Failed");
  assertEquals(phaseAfter(operation({ state: "cancelled" }), 100), "Cancelled");
  assertEquals(phaseAfter(operation({ state: "next" }), 100), "Waiting for its turn");
});

Deno.test("the time line joins repeated reports, keeps each attempt, and ends with the operation", () => {
  const one = operation({
    state: "done",
    endedAt: START + 900,
    progress: [
      { phase: "preparing", at: 10 },
      { phase: "locking", attempt: 1, at: 100 },
      { phase: "waiting", blockers: [blocker(7)], at: 300 },
      { phase: "waiting", blockers: [blocker(7), blocker(0, { gid: "x" })], at: 500 },
      { phase: "locking", attempt: 2, at: 700 },
      { phase: "verifying", total: 1, at: 800 },
    ],
  });
  assertEquals(
    timeLine(one, START + 99_000).map(({ kind, from, to, text }) => [kind, from, to, text]),
    [
      ["working", 10, 100, "preparing"],
      ["locking", 100, 300, "attempt 1"],
      ["waiting", 300, 700, "waiting for session 7, the prepared transaction x"],
      ["locking", 700, 800, "attempt 2"],
      ["working", 800, 900, "verifying"],
    ],
  );
});

Deno.test("a session that was in the way keeps its place when it is gone, and others that stay grow older", () => {
  const one = reported(
    { phase: "waiting", blockers: [blocker(7), blocker(8)], at: 100 },
    { phase: "waiting", blockers: [blocker(8, { age_ms: 6_000 })], at: 1_100 },
  );
  const seen = (now: number) =>
    blockersOf(one, now).map((
      { pid, gone, blocked_ms, age_ms },
    ) => [pid, gone, blocked_ms, age_ms]);
  assertEquals(seen(1_600), [[7, true, 0, 5_000], [8, false, 1_500, 6_500]]);
  assertEquals(seen(9_000), [[7, true, 0, 5_000], [8, true, 1_000, 6_000]]);
});

Deno.test("each refusal leads to what helps", () => {
  const steps = (code: string, name: Operation["name"] = "rename") =>
    nextSteps(operation({ name, state: "failed", error: { code, detail: "" } }));
  assertEquals(steps("lock_not_acquired"), ["try_again"]);
  assertEquals(steps("plan_changed"), ["plan"]);
  assertEquals(steps("unreachable"), ["ask_again", "names"]);
  assertEquals(steps("unreachable", "verify"), ["try_again"]);
  assertEquals(steps("a code of a newer server"), ["try_again"]);
  assertEquals(nextSteps(operation({ state: "done", answer: answer() })), []);
});

Deno.test("after a cancel, the migrations say whether the change was made", () => {
  const migration = (status: Migration["status"]) =>
    [{
      id: "m",
      schema_name: "public",
      old_name: "experts",
      new_name: "expert_profiles",
      status,
    }] as Migration[];
  assertEquals(wasMade(operation(), migration("active")), true);
  assertEquals(wasMade(operation(), migration("pending")), false);
  assertEquals(wasMade(operation(), []), false);
  const tables = [{ ...operation().tables[0], migration_id: "m", batch_id: "b" }];
  assertEquals(wasMade(operation({ name: "rollback", tables }), migration("rolled_back")), true);
  assertEquals(wasMade(operation({ name: "finalize", tables }), migration("active")), false);
  assertEquals(wasMade(operation({ name: "refresh", tables }), migration("active")), null);
});

Deno.test("a reload keeps what runs or is next, and little of what is over", () => {
  const running = operation({
    id: "running",
    progress: Array(200).fill({ phase: "locking", at: 1 }),
  });
  const over = Array.from(
    { length: 30 },
    (_, index) => operation({ id: `over ${index}`, state: "done", answer: answer() }),
  );
  const huge = operation({ id: "huge", state: "done", title: "x".repeat(200_000) });
  const kept = keptOperations([huge, running, operation({ id: "next", state: "next" }), ...over]);
  assertEquals(kept.map(({ id }) => id).slice(0, 3), ["running", "next", "over 0"]);
  assertEquals(kept.length, 2 + 9);
  assertEquals(kept[0].progress.length, 50);
  assertEquals((kept[2].answer as OperationAnswer).statements, []);
});

Deno.test("blocking windows are of changes that took locks, the oldest first", () => {
  const event = (id: number, more: Partial<EventRecord>): EventRecord =>
    ({
      id,
      occurred_at: "2026-11-29T12:00:00Z",
      operation: "rename",
      outcome: "succeeded",
      lock: { attempts: 1, waited_ms: 0, held_ms: id },
      batch_id: "b",
      plan_hash: "sha256:0",
      details: {},
      renames: [{ schema: "public", old_name: "experts", new_name: "b" }],
      renames_total: 3,
      ...more,
    }) as EventRecord;
  const windows = windowsOfEvents([
    event(5, {}),
    event(4, { operation: "verify" }),
    event(3, { lock: { attempts: 0, waited_ms: 0, held_ms: 0 } }),
    event(2, { outcome: "failed" }),
    event(6, { details: { proposed: true } }),
    event(1, { operation: "rollback" }),
  ]);
  assertEquals(windows.map(({ id, held_ms, tables }) => [id, held_ms, tables]), [
    ["1", 1, 3],
    ["5", 5, 3],
  ]);
  assertEquals(windowFigures(windows), { count: 2, median: 3, longest: windows[1] });
  assertEquals(windowFigures([]), null);
  const done = operation({ state: "done", endedAt: START + 5, answer: answer() });
  assertEquals(windowsOfOperations([done, operation()]).map(({ held_ms }) => held_ms), [3]);
});

Deno.test("a change of this tab has one time: that of its answer, with COMMIT", () => {
  const event = {
    id: 1,
    occurred_at: "2026-11-29T12:00:00Z",
    operation: "rename",
    outcome: "succeeded",
    batch_id: "b",
    plan_hash: "sha256:0",
    lock: { attempts: 2, waited_ms: 400.01, held_ms: 2 },
    renames: [{ schema: "public", old_name: "experts", new_name: "b" }],
    renames_total: 1,
    details: {},
  } as unknown as EventRecord;
  const own = operation({ state: "done", answer: answer({ batch_id: "b" }) });
  const heldOf = (one: EventRecord) => windowsOfEvents([one], [own]).map(({ held_ms }) => held_ms);
  assertEquals(heldOf(event), [3]);
  assertEquals(heldOf({ ...event, batch_id: "another" }), [2]);
  assertEquals(heldOf({ ...event, lock: { ...event.lock, waited_ms: 500 } }), [2]);
});

Deno.test("a remedy that asks for nothing is not shown, also that of older functions", () => {
  assertEquals(
    ["Nothing to do.", "None needed.", undefined, "Fix it."].map(isNeeded),
    [false, false, false, true],
  );
});
