/** What a machine cannot test, since it lacks something. */

/**
 * Name and `ignore` of a test that needs what may be missing.
 *
 * @param missing What is missing, or false.
 */
export const needing = (name: string, missing: string | false) => ({
  name: missing ? `${name} (skipped: ${missing})` : name,
  ignore: missing !== false,
});

/** Says in the output what is not tested, and why, where there is no test that could be left out. */
export function notTested(what: string, why: string): void {
  console.warn(`NOT TESTED: ${what}: ${why}`);
}
