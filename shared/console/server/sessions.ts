/**
 * Who may use the page: whoever has opened a link that the command printed. A link works once; the browser that opens
 * it gets a cookie, which ends with the serving process.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";

/** Bytes of a token: too many to be guessed. */
const TOKEN_BYTES = 32;

/** How long a link can be opened, in milliseconds. */
const LINK_MS = 15 * 60_000;

const newToken = () => randomBytes(TOKEN_BYTES).toString("base64url");

export class Sessions {
  #links = new Map<string, number>();
  #sessions = new Set<string>();
  readonly #cookie: string;

  /** @param port Of the page: a browser sends a cookie to all ports of an address, so that its name has to differ. */
  constructor(port: number) {
    this.#cookie = `table_rename_console_${port}`;
  }

  /** The token of a link that can be opened once, within fifteen minutes. */
  newLinkToken(): string {
    const token = newToken();
    this.#links.set(token, performance.now() + LINK_MS);
    return token;
  }

  /** The value of Set-Cookie for a link's token; null where it is wrong, used or too old. */
  open(token: string): string | null {
    const link = [...this.#links.keys()].find((known) => isSame(known, token));
    if (link === undefined) return null;
    const until = this.#links.get(link)!;
    this.#links.delete(link);
    if (performance.now() > until) return null;
    const session = newToken();
    this.#sessions.add(session);
    return `${this.#cookie}=${session}; Path=/; HttpOnly; SameSite=Strict`;
  }

  /** Whether a request comes from a browser that has opened a link. */
  has(request: Request): boolean {
    const values = (request.headers.get("cookie") ?? "").split(";").flatMap((part) => {
      const [name, value] = part.trim().split("=", 2);
      return name === this.#cookie && value !== undefined ? [value] : [];
    });
    return values.some((value) => [...this.#sessions].some((known) => isSame(known, value)));
  }
}

/** In a time that does not depend on where they differ. */
function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
