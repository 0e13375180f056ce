const { error } = console;
let quiet = 0;

/** Runs `work` without what the functions log about failures that a test makes on purpose. */
export async function quietly<T>(work: () => Promise<T>): Promise<T> {
  quiet++;
  console.error = () => {};
  try {
    return await work();
  } finally {
    if (--quiet === 0) console.error = error;
  }
}
