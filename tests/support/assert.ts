/**
 * The assertions of `@std/assert` that the tests use, with its names and signatures, over
 * node:assert. deno.json maps `@std/assert` to this file, so that the tests run without JSR; with
 * JSR at hand that one line becomes `"@std/assert": "jsr:@std/assert@1"` and nothing else changes.
 */
import { AssertionError as NodeAssertionError, deepStrictEqual } from "node:assert/strict";
import { inspect } from "node:util";

/** What a failed assertion throws. */
export class AssertionError extends Error {
  override name = "AssertionError";
}

// deno-lint-ignore no-explicit-any
type Constructor = abstract new (...args: any[]) => any;

/** Makes an assertion fail. */
export function fail(msg?: string): never {
  throw new AssertionError(withMessage("Failed assertion", msg));
}

/** `expr` is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** `expr` is falsy. */
export function assertFalse(expr: unknown, msg = ""): asserts expr is false {
  if (expr) throw new AssertionError(msg);
}

/** Equal in value, to any depth, prototypes included. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  const difference = differenceOf(actual, expected);
  if (difference !== undefined) {
    throw new AssertionError(withMessage(`Values are not equal.\n${difference}`, msg));
  }
}

/** Not equal in value. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (differenceOf(actual, expected) === undefined) {
    throw new AssertionError(
      withMessage(`Expected a value other than ${show(actual)}`, msg),
    );
  }
}

/** The same value, as Object.is says. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (!Object.is(actual, expected)) {
    const difference = differenceOf(actual, expected) ?? "Equal in value, but not the same object.";
    throw new AssertionError(
      withMessage(`Values are not strictly equal.\n${difference}`, msg),
    );
  }
}

/** Neither undefined nor null. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) {
    throw new AssertionError(
      withMessage(`Expected actual: "${actual}" to not be null or undefined`, msg),
    );
  }
}

/** `expected` matches somewhere in `actual`. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) {
    throw new AssertionError(
      withMessage(`Expected actual: "${actual}" to match: "${expected}"`, msg),
    );
  }
}

/** `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (!actual.includes(expected)) {
    throw new AssertionError(
      withMessage(`Expected actual: "${actual}" to contain: "${expected}"`, msg),
    );
  }
}

/** Every element of `expected` is, by value, in `actual`. */
export function assertArrayIncludes<T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  msg?: string,
): void {
  const there = Array.from(actual);
  const missing = Array.from(expected).filter((wanted) =>
    !there.some((element) => differenceOf(element, wanted) === undefined)
  );
  if (missing.length > 0) {
    throw new AssertionError(
      withMessage(
        `Expected actual: ${show(actual)} to include: ${show(expected)}.\nmissing: ${
          show(missing)
        }`,
        msg,
      ),
    );
  }
}

/** `actual` has at least the properties of `expected`, to any depth. */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  assertEquals(partOf(actual, expected), expected as unknown, msg);
}

/** `actual` > `expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual > expected)) {
    throw new AssertionError(withMessage(`Expect ${show(actual)} > ${show(expected)}`, msg));
  }
}

/** `actual` < `expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual < expected)) {
    throw new AssertionError(withMessage(`Expect ${show(actual)} < ${show(expected)}`, msg));
  }
}

/** `fn` throws; returns what, an Error of `ErrorClass` whose message includes `msgIncludes`. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: abstract new (...args: never[]) => E,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(fn: () => unknown, ...expected: unknown[]): unknown {
  const { message, check } = expectedError(expected);
  let error: unknown;
  try {
    fn();
  } catch (caught) {
    error = caught;
    return check(error);
  }
  throw new AssertionError(withMessage("Expected function to throw", message));
}

/** `fn` returns a promise that is rejected; resolves to the reason. Otherwise as assertThrows. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: abstract new (...args: never[]) => E,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  ...expected: unknown[]
): Promise<unknown> {
  const { message, check } = expectedError(expected);
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (error) {
    throw new AssertionError(
      withMessage(`Function throws when expected to reject: ${show(error)}`, message),
    );
  }
  try {
    await promise;
  } catch (error) {
    return check(error);
  }
  throw new AssertionError(withMessage("Expected function to reject", message));
}

/** Reads `[msg]` or `[ErrorClass, msgIncludes, msg]`. */
function expectedError(expected: unknown[]) {
  const [first, includes, last] = expected;
  const ErrorClass = typeof first === "function" ? first as Constructor : undefined;
  const message = (ErrorClass ? last : first) as string | undefined;
  const check = (error: unknown): unknown => {
    if (!ErrorClass) return error;
    if (!(error instanceof ErrorClass)) {
      throw new AssertionError(
        withMessage(`Expected error to be "${ErrorClass.name}", but was ${show(error)}`, message),
      );
    }
    if (includes !== undefined && !error.message.includes(includes as string)) {
      throw new AssertionError(
        withMessage(
          `Expected error message to include "${includes}", but got "${error.message}"`,
          message,
        ),
      );
    }
    return error;
  };
  return { message, check };
}

/** How the values differ, for a person to read; undefined where they are equal. */
function differenceOf(actual: unknown, expected: unknown): string | undefined {
  try {
    deepStrictEqual(actual, expected);
    return undefined;
  } catch (error) {
    if (!(error instanceof NodeAssertionError)) throw error;
    return error.message;
  }
}

/** What of `actual` has a counterpart in `expected`. */
function partOf(actual: unknown, expected: unknown): unknown {
  if (!isPlain(actual) || !isPlain(expected)) return actual;
  if (Array.isArray(expected) || Array.isArray(actual)) {
    if (!Array.isArray(actual) || !Array.isArray(expected)) return actual;
    return actual.map((element, index) =>
      index < expected.length ? partOf(element, expected[index]) : element
    );
  }
  return Object.fromEntries(
    Reflect.ownKeys(expected).filter((key) => Object.hasOwn(actual, key)).map((key) => [
      key,
      partOf(actual[key as string], expected[key as string]),
    ]),
  );
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype ||
    Object.getPrototypeOf(value) === null;
}

function show(value: unknown): string {
  return inspect(value, { depth: 6 });
}

function withMessage(text: string, msg: string | undefined): string {
  return msg ? `${text}: ${msg}` : text;
}
