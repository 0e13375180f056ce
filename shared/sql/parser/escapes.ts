/** Escapes in string constants and identifiers (PostgreSQL manual, 4.1.2.2 and 4.1.2.3). */

/** Takes back that the quote is doubled within quotes. */
export const undoubled = (raw: string, quote: string) => raw.split(quote + quote).join(quote);

const LETTERS: Record<string, string> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

/** What E'…' means, quotes taken off. Bytes above 127 are read as the UTF-8 that they have to be. */
export function escapedString(raw: string): string {
  const pattern =
    /''|\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([^]))/g;
  let bytes: number[] = [];
  let value = "";
  let last = 0;
  const flush = () => {
    if (bytes.length > 0) value += new TextDecoder().decode(new Uint8Array(bytes));
    bytes = [];
  };
  for (const match of raw.matchAll(pattern)) {
    const between = raw.slice(last, match.index);
    last = match.index + match[0].length;
    if (between !== "") flush();
    value += between;
    const [whole, octal, hex, short, long, letter] = match;
    if (octal !== undefined) bytes.push(parseInt(octal, 8) & 0xff);
    else if (hex !== undefined) bytes.push(parseInt(hex, 16));
    else {
      flush();
      if (whole === "''") value += "'";
      else if (letter !== undefined) value += LETTERS[letter] ?? letter;
      else value += character(parseInt(short ?? long, 16)) ?? "";
    }
  }
  flush();
  return value + raw.slice(last);
}

/** What U&'…' or U&"…" means with this escape character; null where an escape means no character. */
export function unicodeEscapes(raw: string, escape: string): string | null {
  if (!raw.includes(escape)) return raw;
  let value = "";
  for (let i = 0; i < raw.length; i++) {
    if (!raw.startsWith(escape, i)) {
      value += raw[i];
      continue;
    }
    const rest = raw.slice(i + escape.length, i + escape.length + 7);
    if (rest.startsWith(escape)) {
      value += escape;
      i += 2 * escape.length - 1;
      continue;
    }
    const digits = /^(?:\+([0-9a-fA-F]{6})|([0-9a-fA-F]{4}))/.exec(rest);
    const decoded = digits && character(parseInt(digits[1] ?? digits[2], 16));
    if (digits === null || decoded === null) return null;
    value += decoded;
    i += escape.length + digits[0].length - 1;
  }
  return value;
}

/** Halves of surrogate pairs are kept: the other half follows in an escape of its own. */
function character(code: number): string | null {
  return code === 0 || code > 0x10ffff ? null : String.fromCodePoint(code);
}
