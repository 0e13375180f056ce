/** Looks for secrets in the output of a test run: whatever the tests use for secrets is known by its form. */

/**
 * How secrets look: the platform's keys, those of webhooks, URLs with a password, signed tokens, and the tests' own
 * words for what nobody may see.
 */
const FORMS: [what: string, form: RegExp][] = [
  ["a secret key", /sb_secret_[\w-]+/],
  ["a webhook's secret", /whsec_[A-Za-z0-9+/=]{6,}/],
  ["a webhook's signature", /v1,[A-Za-z0-9+/]{43}=/],
  ["a URL with a password", /postgres(?:ql)?:\/\/[^\s:/@"']+:[^\s:/@"']+@/],
  ["a token", /eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/],
  ["a receiver's URL", /token-of-the-receiver/],
  ["a password", /secret-of-the-database|wrong-password-of-the-test/],
];

/** Longest line that is kept to be looked at; of a longer one the rest is looked at on its own. */
const MAX_LINE = 100_000;

/** Reads a stream as it goes by, and notes which secrets it had; never the secrets themselves. */
export class SecretWatch {
  readonly #secrets: string[];
  readonly #found = new Map<string, string>();
  readonly #decoder = new TextDecoder();
  #line = "";

  /** @param secrets Texts that must not occur, besides what has the form of a secret. */
  constructor(secrets: string[] = []) {
    this.#secrets = secrets;
  }

  /** What was found, and after which words. */
  get found(): string[] {
    this.#look(this.#line);
    return [...this.#found].map(([what, before]) => `${what}, after ${JSON.stringify(before)}`);
  }

  read(bytes: Uint8Array): void {
    const lines = (this.#line + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#line = lines.pop()!.slice(-MAX_LINE);
    for (const line of lines) this.#look(line);
  }

  #look(line: string): void {
    const note = (what: string, index: number) => {
      if (index < 0 || this.#found.has(what)) return;
      this.#found.set(what, line.slice(Math.max(0, index - 40), index));
    };
    for (const [what, form] of FORMS) note(what, line.search(form));
    for (const secret of this.#secrets) note("a server's password", line.indexOf(secret));
  }
}

/** Passes a stream on, and has it watched. */
export async function watched(
  from: ReadableStream<Uint8Array>,
  to: { write(bytes: Uint8Array): Promise<number> },
  watch: SecretWatch,
): Promise<void> {
  for await (const bytes of from) {
    watch.read(bytes);
    for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
  }
}
