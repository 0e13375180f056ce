/** What is written to the console while something runs. */

export interface ConsoleLine {
  stream: "stdout" | "stderr";
  text: string;
}

const STREAMS = {
  debug: "stdout",
  info: "stdout",
  log: "stdout",
  warn: "stderr",
  error: "stderr",
} as const;

/** Keeps the console's lines off the test's output while `work` runs, and gives them in their order. */
export async function consoleOf(work: () => Promise<unknown>): Promise<ConsoleLine[]> {
  const methods = Object.keys(STREAMS) as (keyof typeof STREAMS)[];
  const originals = methods.map((method) => console[method]);
  const lines: ConsoleLine[] = [];
  for (const method of methods) {
    console[method] = (...parts: unknown[]) =>
      void lines.push({ stream: STREAMS[method], text: parts.map(String).join(" ") });
  }
  try {
    await work();
  } finally {
    methods.forEach((method, index) => console[method] = originals[index]);
  }
  return lines;
}
