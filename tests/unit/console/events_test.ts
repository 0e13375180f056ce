import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { PROBLEM_CODES } from "../../../shared/contract/problems.ts";
import { EVENT_OPERATIONS, EVENT_OUTCOMES } from "../../../shared/contract/queries.ts";
import { REQUESTS } from "../../../shared/contract/requests.ts";
import type { EventRecord, Migration } from "../../../shared/contract/responses.ts";
import {
  addressOf,
  filterFrom,
  isAbout,
  NO_FILTER,
  queryOf,
} from "../../../shared/console/page/events/filter.ts";
import {
  furtherDetails,
  happened,
  lockWords,
  OPERATIONS,
  OUTCOMES,
  problemWords,
  requested,
} from "../../../shared/console/page/events/words.ts";

const ID = "6f1c4b0e-9f3a-4a57-8d55-2f6f0a4f9b11";

const event = (
  operation: EventRecord["operation"],
  outcome: EventRecord["outcome"] = "succeeded",
  details: EventRecord["details"] = {},
): EventRecord => ({
  id: 1,
  occurred_at: "2026-11-29T12:00:00Z",
  request_id: ID,
  operation,
  actor: "key:default ada",
  outcome,
  problem_code: null,
  batch_id: null,
  migration_ids: [],
  renames: [],
  renames_total: 0,
  plan_hash: null,
  lock: { attempts: 0, waited_ms: 0, held_ms: 0 },
  details,
});

Deno.test("the page offers the operations and outcomes that the endpoint knows", () => {
  assertEquals([...OPERATIONS], [...EVENT_OPERATIONS]);
  assertEquals([...OUTCOMES], [...EVENT_OUTCOMES]);
});

Deno.test("an event says what happened, and a proposal is not called a rename", () => {
  const said = ([
    ["rename"],
    ["rename", "succeeded", { proposed: true }],
    ["rename", "refused"],
    ["rollback"],
    ["rollback", "succeeded", { withdrawn: true }],
    ["rollback", "succeeded", { table_missing: true }],
    ["finalize", "failed"],
    ["refresh"],
    ["verify", "failed"],
    ["drift", "failed"],
    ["webhook", "refused"],
  ] as Parameters<typeof event>[]).map((one) => happened(event(...one)));
  assertEquals(said, [
    "Renamed",
    "Proposed",
    "Rename refused",
    "Rolled back",
    "Proposal withdrawn",
    "Record closed, since the table is gone",
    "Finalization failed",
    "Old name refreshed",
    "Compatibility test failed",
    "Changed by hand",
    "Webhook refused",
  ]);
});

Deno.test("lock figures are sentences, and none are made up where no lock was acquired", () => {
  assertEquals(lockWords({ attempts: 0, waited_ms: 0, held_ms: 0 }), null);
  const words = lockWords({ attempts: 3, waited_ms: 1_500, held_ms: 1.26 })!;
  assertStringIncludes(words, "at attempt 3, 1.5 s after the start");
  assertStringIncludes(words, "held for 1.3 ms");
  assertStringIncludes(
    lockWords({ attempts: 1, waited_ms: 0, held_ms: 1 })!,
    "at the first attempt",
  );
});

Deno.test("every problem has a title, and an unknown code of a newer server is shown as it is", () => {
  for (const code of PROBLEM_CODES) assert(problemWords(code).title !== code, code);
  assertEquals(problemWords("verification_failed").title.length > 20, true);
  assertEquals(problemWords("of_tomorrow"), { title: "of_tomorrow", advice: null });
  assertStringIncludes(problemWords("lock_not_acquired").advice!, "try again");
});

Deno.test("a refused request shows what it asked for", () => {
  assertEquals(requested(event("finalize", "refused", { table: "a", schema: "shop" })), {
    schema: "shop",
    name: "a",
  });
  assertEquals(requested(event("rollback", "refused", { migration_id: ID, table: null })), {
    schema: undefined,
    name: ID,
  });
  assertEquals(requested(event("rename", "refused")), null);
});

Deno.test("further details have names and texts, without what is said elsewhere or empty", () => {
  const details = {
    proposed: true,
    table: "a",
    schema: null,
    without_columns: [],
    relocated: true,
    history: { version: "20261129120000", name: "rename_a" },
    drift: [{ migration_id: ID, code: "view_missing", object: "public.a" }],
    failed_checks: ["reads", "writes"],
    of_tomorrow: { x: 1 },
  };
  assertEquals(furtherDetails(event("rename", "succeeded", details)), [
    { name: "Found again by name in a copied database", texts: ["yes"] },
    { name: "In the migration history", texts: ["20261129120000_rename_a"] },
    { name: "What was changed", texts: ["public.a: view_missing"] },
    { name: "Checks that failed", texts: ["reads", "writes"] },
    { name: "of_tomorrow", texts: ['{"x":1}'] },
  ]);
});

Deno.test("a filter survives the way through the address, whatever is typed", () => {
  const filter = {
    ...NO_FILTER,
    operation: "rename" as const,
    outcome: "refused" as const,
    actor: "key:default ada & eve=1",
    table: 'it\'s "quoted" <script> \u202e',
    since: "2026-11-29",
    batch_id: ID,
  };
  assertEquals(filterFrom(new URLSearchParams(addressOf(filter).toString())), filter);
  assertEquals(addressOf(NO_FILTER).toString(), "");
});

Deno.test("values of an address that are not possible are left out, so that the endpoint is not asked for them", () => {
  const address =
    "operation=drop&outcome=lost&since=2026-99-99&batch_id=1&migration_id=x&request_id='";
  assertEquals(filterFrom(new URLSearchParams(address)), NO_FILTER);
});

Deno.test("the endpoint accepts what a filter asks for, and is not asked for a table's name", () => {
  const query = queryOf({
    operation: "verify",
    outcome: "failed",
    actor: "ada",
    table: "orders",
    since: "2026-11-29",
    migration_id: ID,
    batch_id: ID,
    request_id: ID,
  });
  assertEquals(REQUESTS["list-events"].safeParse(query).error?.issues, undefined);
  assertEquals(new Date(query.since!).getTime(), new Date(2026, 10, 29).getTime());
  assertEquals("table" in query, false);
  assertEquals(queryOf(NO_FILTER), {});
});

Deno.test("an event is found by each name of its tables, also by those that it does not name itself", () => {
  const one = {
    ...event("rename"),
    renames: [{ schema: "shop", old_name: "Orders", new_name: "purchases" }],
    migration_ids: ["m1", "m2"],
  };
  const migrations = new Map([
    ["m2", { schema_name: "public", old_name: "customers", new_name: "clients" } as Migration],
  ]);
  const found = (text: string) => isAbout(one, text, migrations);
  assertEquals(["orders", " shop.ord ", "PURCH", "custom", "clients", ""].map(found), [
    true,
    true,
    true,
    true,
    true,
    true,
  ]);
  assertEquals(["products", "undefined", "m2"].map(found), [false, false, false]);
  assert(isAbout(event("finalize", "refused", { table: "orders" }), "order", new Map()));
});
