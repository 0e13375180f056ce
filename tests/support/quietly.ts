/** Keeps what functions log about failures that a test makes on purpose out of the test's output. */

/** Runs `work` with console.error silent; for files whose tests run one after the other. */
export async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const { error } = console;
  console.error = () => {};
  try {
    return await work();
  } finally {
    console.error = error;
  }
}
