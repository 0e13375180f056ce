/** The stand-in for @std/assert must fail where the original fails: else tests prove nothing. */
import {
  assert,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  AssertionError,
  assertLess,
  assertMatch,
  assertNotEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
} from "@std/assert";

class Special extends Error {}

const holds: Record<string, () => unknown> = {
  assert: () => assert(1),
  assertFalse: () => assertFalse(0),
  assertEquals: () => assertEquals({ a: [1, new Date(0)] }, { a: [1, new Date(0)] }),
  "assertEquals NaN": () => assertEquals(NaN, NaN),
  assertNotEquals: () => assertNotEquals({ a: 1 }, { a: 2 }),
  assertStrictEquals: () => assertStrictEquals("a", "a"),
  assertExists: () => assertExists(0),
  assertMatch: () => assertMatch("abc", /b/),
  assertStringIncludes: () => assertStringIncludes("abc", "b"),
  assertArrayIncludes: () => assertArrayIncludes([{ a: 1 }, 2], [{ a: 1 }]),
  assertObjectMatch: () =>
    assertObjectMatch({ a: { b: 1, c: 2 }, d: [{ e: 1, f: 2 }] }, { a: { b: 1 }, d: [{ e: 1 }] }),
  assertGreater: () => assertGreater(2, 1),
  assertLess: () => assertLess(1, 2),
  assertThrows: () =>
    assertThrows(
      () => {
        throw new Special("of this kind");
      },
      Special,
      "this",
    ),
  assertRejects: () => assertRejects(() => Promise.reject(new Special("x")), Error, "x"),
};

const breaks: Record<string, () => unknown> = {
  fail: () => fail(),
  assert: () => assert(""),
  assertFalse: () => assertFalse("x"),
  assertEquals: () => assertEquals({ a: 1 }, { a: 2 }),
  "assertEquals undefined": () => assertEquals<unknown>({ a: undefined }, {}),
  "assertEquals type": () => assertEquals<unknown>("1", 1),
  "assertEquals order": () => assertEquals([1, 2], [2, 1]),
  assertNotEquals: () => assertNotEquals([1], [1]),
  assertStrictEquals: () => assertStrictEquals({}, {}),
  assertExists: () => assertExists(null),
  assertMatch: () => assertMatch("abc", /d/),
  assertStringIncludes: () => assertStringIncludes("abc", "d"),
  assertArrayIncludes: () => assertArrayIncludes([1, 2], [3]),
  assertObjectMatch: () => assertObjectMatch({ a: { b: 1 } }, { a: { b: 2 } }),
  "assertObjectMatch missing": () => assertObjectMatch({ a: 1 }, { b: undefined }),
  "assertObjectMatch length": () => assertObjectMatch({ a: [1, 2] }, { a: [1] }),
  assertGreater: () => assertGreater(1, 1),
  assertLess: () => assertLess(1, 1),
  assertThrows: () => assertThrows(() => {}),
  "assertThrows class": () =>
    assertThrows(() => {
      throw new Error();
    }, Special),
  "assertThrows message": () =>
    assertThrows(
      () => {
        throw new Error("a");
      },
      Error,
      "b",
    ),
  assertRejects: () => assertRejects(() => Promise.resolve()),
  "assertRejects class": () => assertRejects(() => Promise.reject(new Error()), Special),
  "assertRejects throws": () =>
    assertRejects(() => {
      throw new Error();
    }),
};

for (const [name, assertion] of Object.entries(holds)) {
  Deno.test(`${name} lets pass what holds`, async () => {
    await assertion();
  });
}

for (const [name, assertion] of Object.entries(breaks)) {
  Deno.test(`${name} fails where it does not hold`, async () => {
    let error: unknown;
    try {
      await assertion();
    } catch (caught) {
      error = caught;
    }
    if (!(error instanceof AssertionError)) throw new Error(`it did not fail: ${error}`);
  });
}
