/**
 * Splits SQL and PL/pgSQL into tokens (manual, 4.1; the server's scan.l, which both use).
 *
 * The tokens cover the whole text without gaps. What the server would refuse is reported as a fault and does not
 * stop the lexer. `standard_conforming_strings` is assumed to be on, which is the default.
 */
import { MAX_IDENTIFIER_BYTES } from "../../contract/names.ts";

type TokenKind =
  | "space"
  | "comment"
  /** An identifier or key word without quotes; the value is in lower case. */
  | "word"
  | "quoted"
  | "string"
  /** B'…' and X'…' */
  | "bits"
  | "number"
  /** $1 */
  | "parameter"
  /** Any operator but the marks; `:=`, `=>` and a lone `:` included. */
  | "operator"
  /** One of `( ) [ ] , ; .` and `::`, `..`. */
  | "mark"
  /** A character that begins no token. */
  | "other";

export interface Token {
  kind: TokenKind;
  /** Index of the first character, and of the one after the last. */
  start: number;
  end: number;
  /** The identifier or the string that it stands for; for all others, their text. */
  value: string;
  /** Index at which a string's value is in the text, character for character; -1 if it contains escapes. */
  inner: number;
}

export interface Fault {
  at: number;
  what: string;
}

interface Lexed {
  tokens: Token[];
  faults: Fault[];
}

interface LexOptions {
  /** Whether white space and comments are wanted. Default: true. */
  blanks?: boolean;
}

/** Splits a text into tokens. Never throws. */
export function lex(text: string, { blanks = true }: LexOptions = {}): Lexed {
  const lexer = new Lexer(text, blanks);
  lexer.run();
  return { tokens: lexer.tokens, faults: lexer.faults };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Turns A to Z into lower case, as the server does in UTF-8 databases; other letters keep their case. */
export function foldCase(name: string): string {
  return /[A-Z]/.test(name) ? name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : name;
}

/** The first 63 bytes of a name, which is what the server keeps; never ends within a character. */
export function truncateIdentifier(name: string): string {
  // No character has more than 3 bytes for each of its UTF-16 units.
  if (name.length * 3 <= MAX_IDENTIFIER_BYTES) return name;
  const bytes = encoder.encode(name);
  if (bytes.length <= MAX_IDENTIFIER_BYTES) return name;
  let end = MAX_IDENTIFIER_BYTES;
  while ((bytes[end] & 0xc0) === 0x80) end--;
  return decoder.decode(bytes.subarray(0, end));
}

/** Classes of ASCII characters: white space, first character of a word, any of a word, an upper-case letter. */
const [BLANK, BEGIN, PART, UPPER] = [1, 2, 4, 8];
const CLASSES = new Uint8Array(128);
for (
  const [characters, classes] of [
    [" \t\n\r\f\v", BLANK],
    ["abcdefghijklmnopqrstuvwxyz_", BEGIN | PART],
    ["ABCDEFGHIJKLMNOPQRSTUVWXYZ", BEGIN | PART | UPPER],
    ["0123456789$", PART],
  ] as const
) {
  for (const character of characters) CLASSES[character.charCodeAt(0)] = classes;
}
/** Characters beyond ASCII are letters. */
const classOf = (code: number) => code < 128 ? CLASSES[code] : BEGIN | PART;

const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;
const PARAMETER = /\$[0-9]+/y;
const NUMBER =
  /0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:[0-9](?:_?[0-9])*(?:\.(?!\.)(?:[0-9](?:_?[0-9])*)?)?|\.[0-9](?:_?[0-9])*)(?:[eE][+-]?[0-9](?:_?[0-9])*)?/y;
const OPERATOR = /[~!@#^&|`?+\-*/%<>=]+/y;
const LINE_COMMENT = /--[^\n\r]*/y;
const UESCAPE =
  /(?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*uescape(?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*'([^'])'/iy;
/** Separates the parts of one string constant: white space that contains a new line. */
const CONTINUATION = /[ \t\f\v]*(?:--[^\n\r]*)?[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*'/y;

class Lexer {
  readonly tokens: Token[] = [];
  readonly faults: Fault[] = [];
  private at = 0;

  constructor(private readonly text: string, private readonly blanks: boolean) {}

  run(): void {
    while (this.at < this.text.length) {
      const start = this.at;
      this.next(this.text[start]);
      if (this.at === start) this.push("other", start + 1);
    }
  }

  private next(char: string): void {
    const classes = classOf(char.charCodeAt(0));
    if (classes & BLANK) return this.space();
    if (classes & BEGIN && !this.isPrefix(char)) return this.word();
    if (char === "'") return this.string(0, "plain");
    if (char === '"') return this.quoted(0);
    if (char === "$") {
      if (!this.match("parameter", PARAMETER)) this.dollarQuoted();
      return;
    }
    const following = this.text[this.at + 1];
    if (char === "e" || char === "E") return this.string(1, "escaped");
    if (char === "n" || char === "N") return this.string(1, "plain");
    if (char === "u" || char === "U") {
      return this.text[this.at + 2] === '"' ? this.quoted(2) : this.string(2, "unicode");
    }
    if (classes & BEGIN) return this.string(1, "bits");
    const isNumber = isDigit(char) || (char === "." && isDigit(following ?? ""));
    if (isNumber && this.match("number", NUMBER)) return;
    if ("()[],;".includes(char)) return this.push("mark", this.at + 1);
    if (char === ".") return this.push("mark", this.at + (following === "." ? 2 : 1));
    if (char === ":") {
      if (following === ":") return this.push("mark", this.at + 2);
      return this.push("operator", this.at + (following === "=" ? 2 : 1));
    }
    if (char === "-" && following === "-" && this.match("comment", LINE_COMMENT)) return;
    if (char === "/" && following === "*") return this.blockComment();
    this.operator();
  }

  private push(kind: TokenKind, end: number, value?: string, inner = -1): void {
    const start = this.at;
    this.at = end;
    if (!this.blanks && (kind === "space" || kind === "comment")) return;
    this.tokens.push({ kind, start, end, value: value ?? this.text.slice(start, end), inner });
  }

  private match(kind: TokenKind, pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    if (!pattern.test(this.text)) return false;
    this.push(kind, pattern.lastIndex);
    return true;
  }

  private space(): void {
    let end = this.at + 1;
    while (end < this.text.length && classOf(this.text.charCodeAt(end)) & BLANK) end++;
    this.push("space", end, "");
  }

  /** Whether the letter is the prefix of something in quotes: E'…', U&"…" and so on. */
  private isPrefix(char: string): boolean {
    const following = this.text[this.at + 1];
    if (following === "'") return "eEbBxXnN".includes(char);
    const quote = this.text[this.at + 2];
    return following === "&" && (char === "u" || char === "U") && (quote === "'" || quote === '"');
  }

  private word(): void {
    let end = this.at;
    let upper = 0;
    for (; end < this.text.length; end++) {
      const classes = classOf(this.text.charCodeAt(end));
      if (!(classes & PART)) break;
      upper |= classes & UPPER;
    }
    const name = this.text.slice(this.at, end);
    this.push("word", end, truncateIdentifier(upper ? foldCase(name) : name));
  }

  private fault(at: number, what: string): void {
    this.faults.push({ at, what });
  }

  /** The content up to the closing quote, with doubled quotes in it, and the index after it. */
  private content(
    from: number,
    quote: string,
    what: string,
    backslashes = false,
  ): { content: string; end: number; closed: boolean } {
    for (let i = from; i < this.text.length; i++) {
      const char = this.text[i];
      if (backslashes && char === "\\") i++;
      else if (char === quote) {
        if (this.text[i + 1] !== quote) {
          return { content: this.text.slice(from, i), end: i + 1, closed: true };
        }
        i++;
      }
    }
    this.fault(this.at, `a ${what} that does not end`);
    return { content: this.text.slice(from), end: this.text.length, closed: false };
  }

  private string(prefix: number, form: "plain" | "escaped" | "unicode" | "bits"): void {
    const begin = this.at + prefix + 1;
    let part = this.content(begin, "'", "string", form === "escaped");
    let raw = part.content;
    let inner = begin;
    for (;;) {
      CONTINUATION.lastIndex = part.end;
      if (!part.closed || !CONTINUATION.test(this.text)) break;
      part = this.content(CONTINUATION.lastIndex, "'", "string", form === "escaped");
      raw += part.content;
      inner = -1;
    }
    let { end } = part;
    if (form === "bits") return this.push("bits", end, raw);
    let value = form === "escaped" ? escapedString(raw) : undoubled(raw, "'");
    if (form === "unicode") [value, end] = this.unicode(value, end);
    this.push("string", end, value, value === raw ? inner : -1);
  }

  private quoted(prefix: number): void {
    const { content, end: closing } = this.content(this.at + prefix + 1, '"', "quoted identifier");
    let [value, end] = [undoubled(content, '"'), closing];
    if (prefix > 0) [value, end] = this.unicode(value, end);
    if (value === "") this.fault(this.at, "an empty identifier");
    this.push("quoted", end, truncateIdentifier(value));
  }

  /** Decodes U&'…' or U&"…"; a UESCAPE clause after it can set the escape character. */
  private unicode(value: string, end: number): [string, number] {
    UESCAPE.lastIndex = end;
    const clause = UESCAPE.exec(this.text);
    const decoded = unicodeEscapes(value, clause?.[1] ?? "\\");
    if (decoded === null) this.fault(this.at, "a unicode escape that means no character");
    return [decoded ?? value, clause ? UESCAPE.lastIndex : end];
  }

  private dollarQuoted(): void {
    DOLLAR_TAG.lastIndex = this.at;
    const tag = DOLLAR_TAG.exec(this.text)?.[0];
    if (tag === undefined) {
      this.fault(this.at, "a lone $");
      return this.push("other", this.at + 1);
    }
    const from = this.at + tag.length;
    const close = this.text.indexOf(tag, from);
    if (close < 0) this.fault(this.at, "a dollar-quoted string that does not end");
    const end = close < 0 ? this.text.length : close + tag.length;
    this.push("string", end, this.text.slice(from, close < 0 ? undefined : close), from);
  }

  private blockComment(): void {
    const mark = /\/\*|\*\//g;
    mark.lastIndex = this.at;
    let depth = 0;
    for (let found = mark.exec(this.text); found !== null; found = mark.exec(this.text)) {
      depth += found[0] === "/*" ? 1 : -1;
      if (depth === 0) return this.push("comment", mark.lastIndex);
    }
    this.fault(this.at, "a comment that does not end");
    this.push("comment", this.text.length);
  }

  /** The longest run of operator characters, up to a comment; scan.l has the rule for + and - at its end. */
  private operator(): void {
    OPERATOR.lastIndex = this.at;
    const run = OPERATOR.exec(this.text)?.[0];
    if (run === undefined) {
      this.fault(this.at, "a character that is no SQL");
      return this.push("other", this.at + 1);
    }
    const comment = run.search(/--|\/\*/);
    let length = comment < 0 ? run.length : comment;
    while (
      length > 1 && /[+-]/.test(run[length - 1]) &&
      !/[~!@#^&|`?%]/.test(run.slice(0, length - 1))
    ) length--;
    this.push("operator", this.at + length);
  }
}

const isDigit = (char: string) => char >= "0" && char <= "9";

/** The content of quotes, in which the quote itself is doubled. */
const undoubled = (raw: string, quote: string) => raw.split(quote + quote).join(quote);

const LETTERS: Record<string, string> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };
const BYTES = /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2}))/g;
const ESCAPES =
  /''|((?:\\(?:[0-7]{1,3}|x[0-9a-fA-F]{1,2}))+)|\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([^]))/g;

/** The value of the content of E'…' (manual, 4.1.2.2). Bytes above 127 are decoded as UTF-8. */
function escapedString(raw: string): string {
  return raw.replace(
    ESCAPES,
    (_, bytes?: string, short?: string, long?: string, letter?: string) => {
      if (bytes !== undefined) {
        const codes = [...bytes.matchAll(BYTES)]
          .map(([, octal, hex]) => octal === undefined ? parseInt(hex, 16) : parseInt(octal, 8));
        return decoder.decode(new Uint8Array(codes));
      }
      if (letter !== undefined) return LETTERS[letter] ?? letter;
      const code = short ?? long;
      return code === undefined ? "'" : character(parseInt(code, 16)) ?? "";
    },
  );
}

/** The value of the content of U&'…' or U&"…" (manual, 4.1.2.3); null if an escape is no character. */
function unicodeEscapes(raw: string, escape: string): string | null {
  let valid = true;
  const mark = escape.replace(/[\\^$.*+?()[\]{}|/-]/, "\\$&");
  const escapes = new RegExp(`${mark}(?:(${mark})|\\+([0-9a-fA-F]{6})|([0-9a-fA-F]{4}))?`, "g");
  const value = raw.replace(escapes, (_, doubled?: string, long?: string, short?: string) => {
    if (doubled !== undefined) return escape;
    const code = long ?? short;
    const decoded = code === undefined ? null : character(parseInt(code, 16));
    valid &&= decoded !== null;
    return decoded ?? "";
  });
  return valid ? value : null;
}

/** Half of a surrogate pair is kept: the other half follows in an escape of its own. */
function character(code: number): string | null {
  return code === 0 || code > 0x10ffff ? null : String.fromCodePoint(code);
}
