import { assertEquals, assertStringIncludes } from "@std/assert";
import { axisOf, callsByDay, callsText } from "../../../shared/console/page/names/calls.ts";
import { type TestRun, testStateOf } from "../../../shared/console/page/names/test_run_state.ts";
import { checksText, usesText } from "../../../shared/console/page/names/reported.ts";
import {
  chosenNames,
  countsByVerdict,
  needsRefresh,
  textReasons,
  verdictOf,
} from "../../../shared/console/page/names/verdict.ts";
import type { Migration, ReadyToFinalize, Usage } from "../../../shared/contract/responses.ts";

const ready = (more: Partial<ReadyToFinalize>, ...codes: string[]): ReadyToFinalize => ({
  ready: false,
  earliest: null,
  reasons: codes.map((code) => ({ code, message: `It is so: ${code}.` })),
  ...more,
});

const migration = (
  old_name: string,
  ready_to_finalize?: ReadyToFinalize,
  more: Partial<Migration> = {},
): Migration =>
  ({
    id: old_name,
    schema_name: "public",
    old_name,
    new_name: `${old_name}_new`,
    migrated_at: "2026-11-01T00:00:00Z",
    ready_to_finalize,
    ...more,
  }) as Migration;

const READY = ready({ ready: true }, "quiet");
const EARLY = (earliest: string) => ready({ earliest }, "not_quiet_long_enough");
const USED = ready({ earliest: "2026-12-09T12:00:00Z" }, "calls_seen");
const UNKNOWN = ready({}, "use_not_known", "no_statistics");
const DIFFERS = ready({}, "drifted", "calls_seen");

Deno.test("the verdict is a few words: ready, not before a date, still in use, or why it cannot be said", () => {
  const text = (verdict?: ReadyToFinalize) => verdictOf(migration("a", verdict)).text;
  assertEquals(text(READY), "Ready to finalize");
  assertEquals(text(EARLY("2026-12-06T12:00:00Z")), "Not before 6 Dec 2026");
  assertEquals(text(USED), "Still in use");
  assertEquals(text(ready({}, "named_in_routine")), "Still in use");
  assertEquals(text(UNKNOWN), "Use unknown");
  assertEquals(text(DIFFERS), "Differs from its record");
  assertEquals(text(undefined), "Use unknown");
});

Deno.test("old names are in the order of what can be done: differences, ready ones, then the soonest, then those in use", () => {
  const all = [
    migration("in_use", USED),
    migration("late", EARLY("2026-12-09T12:00:00Z")),
    migration("b_ready", READY),
    migration("soon", EARLY("2026-12-06T12:00:00Z")),
    migration("unknown", UNKNOWN),
    migration("a_ready", READY),
    migration("differs", DIFFERS),
  ];
  const shown = chosenNames(all, { text: "", verdict: null, order: "verdict" });
  assertEquals(shown.map(({ old_name }) => old_name), [
    "differs",
    "a_ready",
    "b_ready",
    "soon",
    "late",
    "unknown",
    "in_use",
  ]);
  assertEquals(all[0].old_name, "in_use");
  assertEquals([...countsByVerdict(all)].sort(), [
    ["differs", 1],
    ["in_use", 1],
    ["not_before", 2],
    ["ready", 2],
    ["unknown", 1],
  ]);
});

Deno.test("each word that is searched for is in the old or the new name, and the verdict is the chosen one", () => {
  const all = [
    migration("orders", READY),
    migration("invoices", READY, { new_name: "order_invoices" }),
    migration("order_lines", USED),
  ];
  const names = (text: string, verdict: "ready" | null) =>
    chosenNames(all, { text, verdict, order: "name" }).map(({ old_name }) => old_name);
  assertEquals(names("ORDER", null), ["invoices", "order_lines", "orders"]);
  assertEquals(names("order inv", null), ["invoices"]);
  assertEquals(names("order", "ready"), ["invoices", "orders"]);
});

Deno.test("the last use comes first where the reader asks for that order", () => {
  const used = (name: string, last_used_at: string | null) =>
    migration(name, USED, { usage: { last_used_at } as Usage });
  const all = [
    used("never", null),
    used("old", "2026-11-01T00:00:00Z"),
    used("new", "2026-11-20T00:00:00Z"),
  ];
  const shown = chosenNames(all, { text: "", verdict: null, order: "last use" });
  assertEquals(shown.map(({ old_name }) => old_name), ["new", "old", "never"]);
});

Deno.test("a refresh is wanted where it takes the difference away", () => {
  const drifted = (code: string) =>
    needsRefresh(migration("a", READY, { drift: [{ code }] as Migration["drift"] }));
  assertEquals(drifted("view_columns_differ"), true);
  assertEquals(drifted("table_missing"), false);
  assertEquals(needsRefresh(migration("a", READY)), false);
});

Deno.test("texts that name the old name are listed once, whoever has reported them", () => {
  const named = { code: "named_in_routine", message: "The routine f() names it." };
  const one = migration("a", { ...USED, reasons: [...USED.reasons, named] }, {
    usage: { reasons: [named, { code: "no_statistics", message: "none" }] } as Usage,
  });
  assertEquals(textReasons(one), [named]);
});

Deno.test("days without calls are shown between those with calls", () => {
  const days = callsByDay({
    days: [{ day: "2026-11-03", calls: 5 }, { day: "2026-11-01", calls: 2 }],
  });
  assertEquals(days, [
    { day: "2026-11-01", calls: 2 },
    { day: "2026-11-02", calls: 0 },
    { day: "2026-11-03", calls: 5 },
  ]);
  assertStringIncludes(callsText(days), "7 in all, the most on 2026-11-03 (5)");
  assertEquals(callsByDay({}), []);
  assertEquals(callsByDay({ days: [{ day: "2026-11-03", calls: 0 }] }), []);
  assertEquals([axisOf(days).length, axisOf(days)[0], axisOf(days)[13]], [
    14,
    "2026-10-21",
    "2026-11-03",
  ]);
});

Deno.test("while several are tested, each says whether it is tested, waits, or what came of it", () => {
  const run = {
    targets: [{ id: "a" }, { id: "b" }, { id: "c" }],
    done: 1,
    running: true,
    results: { a: { at: 1, answer: { passed: true } }, c: { at: 0, answer: { passed: false } } },
  } as unknown as TestRun;
  assertEquals(["a", "b", "c", "d"].map((id) => testStateOf(run, id)), [
    "passed",
    "testing",
    "waiting",
    "not tested",
  ]);
  assertEquals(testStateOf({ ...run, running: false }, "c"), "failed");
  const refused = { ...run, results: { a: { at: 1, error: { code: "drifted", detail: "" } } } };
  assertEquals(testStateOf(refused, "a"), "not possible");
  const last = { at: "2026-11-29T12:00:00Z", passed: true };
  assertEquals(testStateOf({ ...run, running: false }, "c", last), "passed");
  assertEquals(testStateOf(run, "d", { ...last, passed: false }), "failed");
});

Deno.test("what was reported is shown in one sentence", () => {
  const uses = (certain: number, possible: number, repositories = 1) =>
    usesText({
      certain,
      possible,
      repositories,
      reported_at: "",
      reported_by: "",
      repository: null,
    });
  assertEquals(uses(0, 0), "No use was found in code.");
  assertEquals(uses(1, 0), "Code still has 1 use.");
  assertEquals(uses(3, 1, 2), "Code still has 3 uses and 1 possible one in 2 repositories.");
  assertEquals(
    checksText({ at: "", by: "", passed: false, checks: 5, failed: 1, skipped: 2 }),
    "5 checks, 1 failed, 2 skipped",
  );
});
