/** What an attack has found: counts of what held, and each thing that did not. */

/** Most failures that are shown of one part. */
const SHOWN = 20;

export class Report {
  readonly #held = new Map<string, number>();
  readonly failures: { part: string; what: string }[] = [];
  readonly #say: (line: string) => void;

  /** @param say Called with what goes on, a line at a time. Default: not at all. */
  constructor(say: (line: string) => void = () => {}) {
    this.#say = say;
  }

  say(line: string): void {
    this.#say(line);
  }

  /** Counts what held. */
  held(what: string, count = 1): void {
    this.#held.set(what, (this.#held.get(what) ?? 0) + count);
  }

  count(what: string): number {
    return this.#held.get(what) ?? 0;
  }

  failed(part: string, what: unknown): void {
    const text = what instanceof Error ? `${what.name}: ${what.message}` : String(what);
    const line = text.replaceAll(/\s+/g, " ").slice(0, 1_200);
    this.failures.push({ part, what: line });
    if (this.failures.filter((one) => one.part === part).length <= SHOWN) {
      this.#say(`  FAILED ${part}: ${line}`);
    }
  }

  /** Counts work as held, or what it throws as a failure. */
  async trying(part: string, what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.held(part);
    } catch (error) {
      this.failed(part, error instanceof Error ? `${what}: ${error.message}` : `${what}: ${error}`);
    }
  }

  describe(): string {
    const counts = [...this.#held].map(([what, count]) =>
      `  ${String(count).padStart(7)}  ${what}`
    );
    return [...counts, `  ${String(this.failures.length).padStart(7)}  failures`].join("\n");
  }
}
