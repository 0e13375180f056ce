import { assertEquals } from "@std/assert";
import type { AnalyzedTable, Migration } from "../../../shared/contract/responses.ts";
import {
  AnalysisQueue,
  type Ask,
  AT_ONCE,
} from "../../../shared/console/page/tables/analysis_queue.ts";
import { shownName, shownPart } from "../../../shared/console/page/parts/shown_name.ts";
import { rowsBetween, withTables } from "../../../shared/console/page/tables/choice.ts";
import {
  chosenRows,
  type Filter,
  keyOf,
  NO_FILTER,
  type Order,
  rowsOf,
  shownBytes,
  type Summary,
  type TableRow,
  whyNotChosen,
} from "../../../shared/console/page/tables/rows.ts";

const table = (
  name: string,
  { schema = "public", bytes, rows, findings = [], dependants = {} }: {
    schema?: string;
    bytes?: number;
    rows?: number;
    findings?: AnalyzedTable["findings"];
    dependants?: AnalyzedTable["dependants"];
  } = {},
): AnalyzedTable => ({
  schema,
  table: name,
  kind: "table",
  owner: "postgres",
  migrations: [],
  dependants,
  findings,
  estimated_bytes: bytes ?? null,
  estimated_rows: rows ?? null,
});

const migration = (
  old_name: string,
  new_name: string,
  status: Migration["status"],
  schema_name = "public",
) => ({ schema_name, old_name, new_name, status }) as Migration;

const shown = (
  rows: TableRow[],
  filter: Partial<Filter> = {},
  order: Order = "name",
  known: ReadonlyMap<string, Summary | null> = new Map(),
) => chosenRows(rows, { ...NO_FILTER, ...filter }, order, known).map(({ table }) => table);

Deno.test("a table has the state of its last rename: a proposal by its old name, else by its new name", () => {
  const tables = ["people", "orders", "invoices", "teams", "notes"].map((name) => table(name));
  const rows = rowsOf(tables, [
    migration("orders", "purchases", "pending"),
    migration("persons", "people", "active"),
    migration("humans", "people", "finalized"),
    migration("bills", "invoices", "finalized"),
    migration("groups", "teams", "rolled_back"),
    // Of another schema.
    migration("memos", "notes", "active", "shop"),
  ]);
  assertEquals(rows.map(({ table, state, migration }) => [table, state, migration?.old_name]), [
    ["people", "active", "persons"],
    ["orders", "proposed", "orders"],
    ["invoices", "finalized", "bills"],
    ["teams", "not renamed", undefined],
    ["notes", "not renamed", undefined],
  ]);
});

Deno.test("only a proposed table cannot be chosen: one with an active rename can get a further name", () => {
  const rows = rowsOf(["a", "c", "e"].map((name) => table(name)), [
    migration("a", "b", "pending"),
    migration("d", "c", "active"),
  ]);
  assertEquals(rows.map((row) => [row.state, whyNotChosen(row)]), [
    ["proposed", "A rename to b is proposed. Apply or withdraw it first."],
    ["active", null],
    ["not renamed", null],
  ]);
});

Deno.test("each word of a search is in the schema or in a name of the table, old, new or proposed", () => {
  const rows = rowsOf(
    [table("order_items"), table("orders", { schema: "Shop" }), table("clients"), table("notes")],
    [migration("customers", "clients", "active"), migration("notes", "memos", "pending")],
  );
  assertEquals(shown(rows, { text: "ORDER" }), ["orders", "order_items"]);
  assertEquals(shown(rows, { text: " order  shop " }), ["orders"]);
  assertEquals(shown(rows, { text: "customer" }), ["clients"]);
  assertEquals(shown(rows, { text: "memo" }), ["notes"]);
  assertEquals(shown(rows, { text: "nothing" }), []);
});

Deno.test("filters are combined, and that of findings shows only tables whose findings are known", () => {
  const rows = rowsOf(
    [table("a"), table("b"), table("c"), table("d"), table("a", { schema: "shop" })],
    [migration("z", "b", "active")],
  );
  const known = new Map<string, Summary | null>([
    [keyOf("public", "a"), { dependants: 0, counts: [{ severity: "breaking", count: 1 }] }],
    [keyOf("public", "b"), { dependants: 0, counts: [{ severity: "warning", count: 2 }] }],
    [keyOf("public", "c"), { dependants: 0, counts: [{ severity: "info", count: 1 }] }],
    [keyOf("public", "d"), null],
  ]);
  assertEquals(shown(rows, { schema: "shop" }), ["a"]);
  assertEquals(shown(rows, { state: "active" }), ["b"]);
  assertEquals(shown(rows, { worst: "breaking" }, "name", known), ["a"]);
  assertEquals(shown(rows, { worst: "warning" }, "name", known), ["a", "b"]);
  assertEquals(shown(rows, { worst: "warning", state: "active" }, "name", known), ["b"]);
  assertEquals(shown(rows, { worst: "breaking" }), []);
});

Deno.test("the largest tables come first, those of unknown size last, equal ones by name", () => {
  const rows = rowsOf([
    table("unknown"),
    table("small", { bytes: 1, rows: 900 }),
    table("large", { bytes: 9, rows: 0 }),
    table("empty", { bytes: 0, rows: 0 }),
    table("also_large", { bytes: 9, rows: 5 }),
  ], []);
  assertEquals(shown(rows, {}, "size"), ["also_large", "large", "small", "empty", "unknown"]);
  assertEquals(shown(rows, {}, "rows"), ["small", "also_large", "empty", "large", "unknown"]);
});

Deno.test("sizes are short, and have a unit", () => {
  assertEquals([0, 1023, 1024, 10_240, 5_000_000, 3 * 1024 ** 4].map(shownBytes), [
    "0 bytes",
    "1023 bytes",
    "1.0 kB",
    "10 kB",
    "4.8 MB",
    "3.0 TB",
  ]);
});

Deno.test("a range is chosen in the order of the list, in both directions, without what is proposed", () => {
  const rows = rowsOf(["a", "b", "c", "d"].map((name) => table(name)), [
    migration("b", "x", "pending"),
  ]);
  const key = (name: string) => keyOf("public", name);
  const between = (from: string | null, to: string) =>
    rowsBetween(rows, from && key(from), key(to)).map(({ table }) => table);
  assertEquals(between("a", "d"), ["a", "c", "d"]);
  assertEquals(between("d", "c"), ["c", "d"]);
  assertEquals(between(null, "c"), ["c"]);
  // A filter has hidden where the range would begin.
  assertEquals(between("gone", "c"), ["c"]);
});

Deno.test("to choose many tables keeps new names that were typed, and to choose none of them leaves others", () => {
  const renames = [{ schema: "public", old_name: "a", new_name: "typed" }];
  const tables = [{ schema: "public", table: "a" }, { schema: "shop", table: "a" }];
  const both = withTables(renames, tables, true);
  assertEquals(both, [...renames, { schema: "shop", old_name: "a", new_name: "a" }]);
  assertEquals(withTables(both, [tables[1]], false), renames);
});

/** A queue, what it asked, and a way to answer its open question. */
function startQueue() {
  const asked: string[][] = [];
  let answer: (found: AnalyzedTable[] | Error) => void = () => {};
  const ask: Ask = (schema, tables) =>
    new Promise((resolve, reject) => {
      asked.push([schema, ...tables]);
      answer = (found) => found instanceof Error ? reject(found) : resolve(found);
    });
  return {
    queue: new AnalysisQueue(ask),
    asked,
    async answer(found?: AnalyzedTable[] | Error) {
      const [schema, ...names] = asked.at(-1)!;
      answer(found ?? names.map((name) => table(name, { schema })));
      await new Promise((resolve) => setTimeout(resolve));
    },
  };
}

const names = (...tables: string[]) => tables.map((table) => ({ schema: "public", table }));

Deno.test("however fast somebody scrolls, one request at a time is sent, and what flew past is not asked for", async () => {
  const { queue, asked, answer } = startQueue();
  queue.show(names("a"));
  queue.show(names("b"));
  queue.show(names("c", "d"));
  assertEquals(asked, [["public", "a"]]);
  await answer();
  assertEquals(asked.slice(1), [["public", "c", "d"]]);
  await answer();
  assertEquals(
    [...queue.state().known.keys()],
    names("a", "c", "d").map((one) => keyOf("public", one.table)),
  );
  queue.show(names("a", "d"));
  assertEquals(asked.length, 2);
});

Deno.test("a check of all tables asks in groups of one schema, and lets what is on the screen go first", async () => {
  const { queue, asked, answer } = startQueue();
  const many = Array.from({ length: AT_ONCE + 1 }, (_, index) => ({
    schema: "shop",
    table: `t${index}`,
  }));
  const all = [...many, ...names("a", "b")];
  queue.check(all);
  assertEquals(queue.state().checking, { done: 0, total: AT_ONCE + 3 });
  assertEquals(asked[0].length, AT_ONCE + 1);
  queue.show(names("b"));
  await answer();
  assertEquals(queue.state().checking, { done: AT_ONCE, total: AT_ONCE + 3 });
  assertEquals(asked[1], ["public", "b"]);
  await answer();
  assertEquals(asked[2], ["shop", `t${AT_ONCE}`]);
  await answer();
  await answer();
  assertEquals(asked[3], ["public", "a"]);
  assertEquals(queue.state().checking, null);
  assertEquals(asked.length, 4);
  // All are known: they are checked anew.
  queue.check(all);
  assertEquals(asked[4], ["public", "b"]);
  await answer();
  assertEquals(asked[5].slice(0, 2), ["shop", "t0"]);
  queue.stop();
  await answer();
  assertEquals(queue.state().checking, null);
  assertEquals(asked.length, 6, "nothing is asked for after a stop");
});

Deno.test("after a change everything is asked anew, an answer from before it does not count, and what is known stays", async () => {
  const { queue, asked, answer } = startQueue();
  queue.show(names("a"));
  await answer();
  queue.expire();
  assertEquals(asked.length, 2);
  assertEquals(queue.state().known.get(keyOf("public", "a"))?.dependants, 0);
  queue.expire();
  await answer();
  assertEquals(asked.length, 3);
  await answer([]);
  assertEquals(queue.state().known.get(keyOf("public", "a")), null, "it is gone");
  assertEquals(asked.length, 3);
});

Deno.test("a failed request ends the check with its error, and the next look tries again", async () => {
  const { queue, asked, answer } = startQueue();
  queue.check(names("a"));
  await answer(new Error("busy"));
  assertEquals(queue.state().checking, null);
  assertEquals((queue.state().error as Error).message, "busy");
  queue.show(names("a"));
  await answer();
  assertEquals([asked.length, queue.state().error], [2, null]);
});

Deno.test("all dependants are counted, as the plan counts them", async () => {
  const { queue, answer } = startQueue();
  queue.show(names("a"));
  const object = { name: "x", effect: "follows" as const, detail: null };
  const dependants = { indexes: [object], grants: [object], views: [object], functions: [object] };
  await answer([table("a", { dependants })]);
  assertEquals(queue.state().known.get(keyOf("public", "a"))?.dependants, 4);
});

Deno.test("a part of a name that has a dot is in quotes, so that the schema stays clear", () => {
  assertEquals(shownName("public", "experts"), "experts");
  assertEquals(shownName("shop", "Big.Table"), 'shop."Big.Table"');
  assertEquals(shownName("a.b", "c"), '"a.b".c');
  assertEquals(shownPart('x."y'), '"x.""y"');
});
