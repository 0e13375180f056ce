/**
 * A test that a machine lacks something for: the output says what was not tested, and why. It never passes; run all the
 * same, it fails.
 */
export function skippedTest(name: string, why: string): void {
  const fn = () => {
    throw new Error(`not tested: ${why}`);
  };
  Deno.test({ name: `${name} (skipped: ${why})`, ignore: true, fn });
}
