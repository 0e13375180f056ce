import { assertEquals, assertMatch } from "@std/assert";
import {
  closestTables,
  editDistance,
  schemaGoesElsewhere,
} from "../../../shared/sql/closest_names.ts";
import { nameNeedsQuotes, plainName } from "../../../shared/findings/new_name_findings.ts";

const THERE = [
  ["public", "experts"],
  ["public", "expert_profiles"],
  ["public", "Orders"],
  ["public", "a.b"],
  ["shop", "customers"],
  ["shop", "orders"],
  ["auth", "expertz"],
  ["public", "sys_table_migrations"],
].map(([schema, table]) => ({ schema, table }));

const close = (table: string, schema = "public") =>
  closestTables({ schema, table }, THERE).map(({ schema, table }) => `${schema}.${table}`);

Deno.test("what was meant by a name is found by case, schema, quotes, separators and letters", () => {
  const cases: [string, string[], string?][] = [
    ["Experts", ["public.experts"]],
    ["public.experts", ["public.experts"]],
    ['"public"."experts"', ["public.experts"]],
    ['"experts"', ["public.experts"]],
    ["shop.customers", ["shop.customers"]],
    ["customers", ["shop.customers"]],
    ["costumers", ["shop.customers"], "shop"],
    ["exprets", ["public.experts"]],
    ["expertProfiles", ["public.expert_profiles"]],
    ["expert-profiles", ["public.expert_profiles"]],
    ["orders", ["public.Orders", "shop.orders"]],
    ["orders", ["shop.orders", "public.Orders"], "shpo"],
    ["ab", ["public.a.b"]],
    ["invoices", []],
    ["x", []],
    ["", []],
    ["sys_table_migration", []],
    ["👩", []],
  ];
  for (const [table, expected, schema] of cases) {
    assertEquals(close(table, schema), expected, table);
  }
});

Deno.test("a name with its schema in it is answered with where the schema goes", () => {
  const said = (name: string, schema: string, table: string) =>
    schemaGoesElsewhere(name, [{ schema, table }]);
  const text = 'The schema is not part of the name: send "schema": "shop", and the name is "a". ';
  assertEquals(said("shop.a", "shop", "a"), text);
  assertEquals(said('"shop"."a"', "shop", "a"), text);
  assertEquals(said("shop.a", "public", "shop_a"), null);
  assertEquals(said("a", "shop", "a"), null);
});

Deno.test("letters are counted up to a limit", () => {
  assertEquals(editDistance("experts", "exprets", 3), 1);
  assertEquals(editDistance("abc", "abc", 0), 0);
  assertEquals(editDistance("abc", "xabc", 1), 1);
  assertEquals(editDistance("kitten", "sitting", 3), 3);
  assertEquals(editDistance("kitten", "sitting", 2), Infinity);
});

Deno.test("for a name that needs quotes, one that does not is suggested", () => {
  const table = { schema: "public", name: "experts" };
  const cases: Record<string, string | null> = {
    "ExpertProfiles": "expert_profiles",
    "Expert Profiles": "expert_profiles",
    " experts ": null,
    " people ": "people",
    "HTTPRequests": "http_requests",
    "order": "order_table",
    "Order": "order_table",
    "2024_orders": "_2024_orders",
    "a.b": "a_b",
    "a-b": "a_b",
    "naïve tables": "naïve_tables",
    "!!!": null,
    "日本 語": "日本_語",
  };
  for (const [name, plain] of Object.entries(cases)) {
    const [finding] = nameNeedsQuotes(table, name);
    assertEquals([finding?.code, finding?.severity], ["name_needs_quotes", "warning"], name);
    assertMatch(
      finding.remedy,
      plain === null ? /small letters/ : new RegExp(`such as ${plain}\\.`),
    );
    if (plain !== null) assertEquals(nameNeedsQuotes(table, plain), [], plain);
  }
  for (const name of ["experts", "_x", "a1", "a$b", "naïve", "日本語", "values", "name"]) {
    assertEquals(nameNeedsQuotes(table, name), [], name);
  }
  assertEquals(plainName("Ω".repeat(31) + " "), "Ω".repeat(31));
});
