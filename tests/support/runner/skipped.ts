/** A test that a machine lacks something for, so that the output says what was not tested. */
export const skippedTest = (name: string, why: string): void =>
  Deno.test({ name: `${name} (skipped: ${why})`, ignore: true, fn: () => {} });
