import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UsageError } from "../../../shared/cli/exit_codes.ts";
import { correctedCalls } from "../../../shared/cli/arguments/command_line.ts";
import { readName, readNewName, writtenName } from "../../../shared/cli/arguments/table_names.ts";
import { runMain } from "../../support/programs/cli.ts";

Deno.test("a table is named with its schema or without, and a dot of its own is reached by quotes", () => {
  const read = {
    "orders": { name: "orders" },
    "shop.orders": { schema: "shop", name: "orders" },
    "Shop.Orders": { schema: "Shop", name: "Orders" },
    '"a.b"': { name: "a.b" },
    'shop."a.b"': { schema: "shop", name: "a.b" },
    '"Shop.EU".orders': { schema: "Shop.EU", name: "orders" },
    '"Shop.EU"."x,y"': { schema: "Shop.EU", name: "x,y" },
    '"a""b"': { name: 'a"b' },
    'a"b': { name: 'a"b' },
    ".orders": { name: ".orders" },
    "orders.": { name: "orders." },
  };
  for (const [text, expected] of Object.entries(read)) assertEquals(readName(text), expected);
  assertEquals(readName("a.b", "shop"), { schema: "shop", name: "a.b" });
  assertEquals(readName('"a"', "shop"), { schema: "shop", name: '"a"' });
});

Deno.test("a name is printed so that it is read as the same table", () => {
  for (const name of ["orders", "a.b", '"a"', 'a"b', "Orders"]) {
    assertEquals(readName(writtenName({ name })), { name });
    const whole = { schema: "Shop.EU", name };
    assertEquals(readName(writtenName(whole)), whole);
  }
});

Deno.test("a new name may have the schema of its table, and no other", () => {
  const table = { schema: "shop", name: "orders", given: false };
  assertEquals(readNewName("old_orders", table), "old_orders");
  assertEquals(readNewName("shop.old_orders", table), "old_orders");
  assertEquals(readNewName('"shop.old"', table), "shop.old");
  assertEquals(readNewName("c.d", { ...table, given: true }), "c.d");
  const { message } = assertThrows(() => readNewName("public.old_orders", table), UsageError);
  assertStringIncludes(message, "leaves the table in its schema; give old_orders");
});

Deno.test("the corrected call has the schema where the wrong one had it", () => {
  const problem = { table: "ordes", did_you_mean: [{ schema: "shop", table: "orders" }] };
  const call = (...args: string[]) =>
    correctedCalls(args, problem).map((line) => line.slice(line.indexOf(args[0])));
  assertEquals(call("rename-table", "shop.ordes", "shop.sales"), [
    "rename-table shop.orders shop.sales",
  ]);
  assertEquals(call("rename-table", "ordes", "sales"), ["rename-table --schema shop orders sales"]);
});

Deno.test("rename-table without names says which it wants, with an example", async () => {
  const { code, stderr } = await runMain(["rename-table"], {});
  assertEquals(code, 2);
  assertStringIncludes(stderr, "rename-table orders purchases; for many tables");
});
