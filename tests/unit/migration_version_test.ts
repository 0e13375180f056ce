import { assertEquals } from "@std/assert";
import { nextVersion, secondAfter, versionOf } from "../../shared/contract/migration_version.ts";

Deno.test("a new version is the present second, or the one after the last version", () => {
  const now = "20261123120000";
  assertEquals(nextVersion([], now), now);
  assertEquals(nextVersion(["20261123115959", "20250101000000"], now), now);
  assertEquals(nextVersion([now], now), "20261123120001");
  assertEquals(nextVersion(["20270101000000", "20261231235959"], now), "20270101000001");
  assertEquals(nextVersion(["1", "99999999", "999999999999999", "2099-01-01"], now), now);
});

Deno.test("the second after goes on to the next minute, day and year; what is no time is counted on", () => {
  assertEquals(secondAfter("20261123120059"), "20261123120100");
  assertEquals(secondAfter("20240228235959"), "20240229000000");
  assertEquals(secondAfter("20261231235959"), "20270101000000");
  assertEquals(secondAfter("20261399000000"), "20261399000001");
  assertEquals(secondAfter("20260230000000"), "20260230000001");
  assertEquals(secondAfter("00000000000009"), "00000000000010");
});

Deno.test("a version is the time in UTC, to the second", () => {
  assertEquals(versionOf(new Date("2026-11-23T04:05:06.789Z")), "20261123040506");
});
