import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import {
  identifierFault,
  isProtectedSchema,
  isTrackingTable,
  MAX_IDENTIFIER_BYTES,
} from "../../../shared/contract/names.ts";

Deno.test("an identifier may have anything in it that PostgreSQL can store, up to 63 bytes", () => {
  const fine = [
    "a",
    "Mixed Case",
    "select",
    'quo"te',
    "new\nline",
    "\u0001",
    "\ufeff",
    "a".repeat(63),
    "é".repeat(31) + "a",
    "👩".repeat(15) + "abc",
    "e\u0301",
  ];
  for (const name of fine) assertEquals(identifierFault(name), null, JSON.stringify(name));
});

Deno.test("an identifier of more than 63 bytes is refused, since the server would cut it silently", () => {
  assertEquals(MAX_IDENTIFIER_BYTES, 63);
  for (const name of ["a".repeat(64), "é".repeat(32), "€".repeat(22), "👩".repeat(16)]) {
    assertStringIncludes(identifierFault(name)!, "63 bytes", JSON.stringify(name));
  }
  assertStringIncludes(identifierFault("é".repeat(32))!, "has 64");
});

Deno.test("an empty identifier, a NUL and half a surrogate pair are refused, each with its reason", () => {
  assertStringIncludes(identifierFault("")!, "empty");
  assertStringIncludes(identifierFault("a\0b")!, "NUL");
  for (const name of ["\ud83d", "a\ude00b", "\ude00\ud83d"]) {
    assertStringIncludes(identifierFault(name)!, "surrogate");
  }
});

Deno.test("the schemas of PostgreSQL and of the platform are protected, look-alikes are not", () => {
  const platform = [
    ..."auth storage realtime _realtime extensions information_schema cron vault net pgmq".split(
      " ",
    ),
    ..."pg_catalog pg_toast pg_temp_3 supabase_functions supabase_migrations".split(" "),
    ..."graphql graphql_public pgsodium pgbouncer".split(" "),
  ];
  for (const schema of platform) assert(isProtectedSchema(schema), schema);
  for (const schema of ["public", "authors", "Auth", "my_pg", "network", "storages", "page"]) {
    assertFalse(isProtectedSchema(schema), schema);
  }
});

Deno.test("the tracking tables cannot be renamed, tables of that name elsewhere can", () => {
  assert(isTrackingTable("public", "sys_table_migrations"));
  assert(isTrackingTable("public", "sys_table_migration_events"));
  assert(isTrackingTable("public", "sys_table_migration_requests"));
  assertFalse(isTrackingTable("app", "sys_table_migrations"));
  assertFalse(isTrackingTable("public", "sys_tables"));
});
