import { assertEquals } from "@std/assert";
import type { Migration } from "../../../shared/contract/responses.ts";
import type { CampaignState, CampaignTable } from "../../../shared/report/campaign.ts";
import {
  partOf,
  progressOf,
  sinceOf,
  stepsOf,
  trackedRenames,
  withPhase,
} from "../../../shared/console/page/campaign/progress.ts";

const migration = (old_name: string, status: Migration["status"], more: Partial<Migration> = {}) =>
  ({
    id: old_name,
    batch_id: "b1",
    schema_name: "public",
    old_name,
    new_name: `${old_name}_new`,
    status,
    requested_at: "2026-11-01T00:00:00Z",
    migrated_at: status === "pending" ? null : "2026-11-02T00:00:00Z",
    finalized_at: status === "finalized" ? "2026-11-09T00:00:00Z" : null,
    ...more,
  }) as Migration;

const verdict = (ready: boolean, earliest: string | null = null): Partial<Migration> => ({
  ready_to_finalize: { ready, earliest, reasons: [] },
});

const drift = [{
  code: "columns_missing",
  severity: "warning",
  object: "",
  message: "",
  remedy: "",
}] as unknown as Migration["drift"];

const STATUSES: Partial<Record<CampaignState, Migration["status"]>> = {
  proposed: "pending",
  active: "active",
  finalized: "finalized",
};

const table = (
  name: string,
  state: CampaignState,
  more: Partial<Migration> = {},
): CampaignTable => ({
  schema: "public",
  old_name: name,
  new_name: `${name}_new`,
  state,
  ...(STATUSES[state] && { migration: migration(name, STATUSES[state], more) }),
});

const EVERY = [
  table("a", "not_begun"),
  table("b", "active", verdict(false, "2026-12-06T00:00:00+00:00")),
  table("c", "active", verdict(true)),
  table("d", "finalized"),
  table("e", "missing"),
  table("f", "other"),
  table("g", "proposed"),
  table("h", "active", verdict(false, "2026-12-05T23:00:00-02:00")),
  table("i", "not_begun"),
];

Deno.test("every table is in one part of the bar, what is done comes first, and parts without tables are left out", () => {
  assertEquals(
    EVERY.map(partOf).join(),
    [
      "not_begun",
      "active",
      "ready",
      "finalized",
      "other",
      "other",
      "proposed",
      "active",
      "not_begun",
    ].join(),
  );
  const { total, done, counts } = progressOf(EVERY);
  assertEquals([total, done], [9, 1]);
  assertEquals(counts.map(({ part, count }) => `${count} ${part}`), [
    "1 finalized",
    "1 ready",
    "2 active",
    "1 proposed",
    "2 not_begun",
    "2 other",
  ]);
  assertEquals(progressOf([]), { total: 0, done: 0, counts: [], earliest: null });
});

Deno.test("the next date is the earliest of those that are active, whatever their time zones", () => {
  assertEquals(progressOf(EVERY).earliest, "2026-12-06T00:00:00+00:00");
  const over = table("z", "finalized", verdict(false, "2026-01-01T00:00:00Z"));
  assertEquals(progressOf([over]).earliest, null);
});

const shown = (tables: CampaignTable[]) =>
  stepsOf(tables).map((step) =>
    `${step.kind} ${
      ("tables" in step ? step.tables : step.migrations).map(({ old_name }) => old_name).join()
    }`
  );

Deno.test("the most urgent step comes first, and each names its tables", () => {
  assertEquals(shown([...EVERY, table("j", "active", { ...verdict(true), drift })]), [
    "refresh j",
    "apply g",
    "correct e,f",
    "rename a,i",
    "finalize c",
    "wait b,h",
  ]);
});

Deno.test("a phase whose tables are all finalized has no next step", () => {
  assertEquals(stepsOf([table("a", "finalized")]), []);
  assertEquals(stepsOf([]), []);
});

Deno.test("a table with drift is not offered for finalization", () => {
  assertEquals(shown([table("a", "active", { ...verdict(true), drift })]), ["refresh a"]);
});

Deno.test("a phase gives its tables their names in the draft, and leaves other tables there", () => {
  const draft = [
    { schema: "public", old_name: "a", new_name: "typed" },
    { schema: "shop", old_name: "a", new_name: "kept" },
  ];
  assertEquals(withPhase(draft, [EVERY[0], EVERY[8]]), [
    { schema: "shop", old_name: "a", new_name: "kept" },
    { schema: "public", old_name: "a", new_name: "a_new" },
    { schema: "public", old_name: "i", new_name: "i_new" },
  ]);
});

Deno.test("without phases all tracked renames are one group, without those that were rolled back", () => {
  const group = trackedRenames([
    migration("a", "active", verdict(true)),
    migration("b", "finalized"),
    migration("c", "rolled_back"),
    migration("d", "pending", { batch_id: "b2" }),
  ]);
  assertEquals(group.tables.map(({ old_name, state }) => [old_name, state]), [
    ["a", "active"],
    ["b", "finalized"],
    ["d", "proposed"],
  ]);
  assertEquals(group.next?.command, "npx table-rename rename-table --batch-id b2");
  const next = (...migrations: Migration[]) => trackedRenames(migrations).next?.command;
  assertEquals(
    next(migration("a", "active", verdict(true))),
    "npx table-rename finalize-rename --ready",
  );
  assertEquals(
    next(migration("a", "active", verdict(false))),
    "npx table-rename test-view-compatibility --all-active",
  );
  assertEquals(next(migration("a", "finalized")), undefined);
});

Deno.test("a state has lasted since what brought it about", () => {
  const since = (state: CampaignState) => sinceOf(table("a", state));
  assertEquals(since("proposed"), "2026-11-01T00:00:00Z");
  assertEquals(since("active"), "2026-11-02T00:00:00Z");
  assertEquals(since("finalized"), "2026-11-09T00:00:00Z");
  assertEquals(since("not_begun"), null);
});
