/** What is logged while `work` runs, kept off the test's output. */
export async function loggedBy(work: () => Promise<void>): Promise<string[]> {
  const { error } = console;
  const lines: string[] = [];
  console.error = (...parts: unknown[]) => void lines.push(parts.map(String).join(" "));
  try {
    await work();
  } finally {
    console.error = error;
  }
  return lines;
}
