/** The value of a string in source, with the place of each of its characters. */
import type { Span } from "../uses.ts";

export class PlacedText {
  /** `starts[i]` and `ends[i]`: where the character `text[i]` is written in the source. */
  private constructor(
    readonly text: string,
    private readonly starts: number[],
    private readonly ends: number[],
    /** How a text is written in that place of the source. */
    readonly written: (text: string) => string,
  ) {}

  /** A text that is in the source as it is. */
  static plain(text: string, offset = 0): PlacedText {
    const starts = Array.from({ length: text.length }, (_, i) => offset + i);
    return new PlacedText(text, starts, starts.map((start) => start + 1), (same) => same);
  }

  /** The content of a string of JavaScript, between its quotes. */
  static quoted(source: string, start: number, end: number, quote: string): PlacedText {
    let text = "";
    const starts: number[] = [];
    const ends: number[] = [];
    for (let at = start; at < end;) {
      ESCAPE.lastIndex = at;
      const escape = ESCAPE.exec(source);
      const length = escape?.[0].length ??
        (quote === "`" && source.startsWith("\r\n", at) ? 2 : 1);
      const value = escape === null ? (length === 2 ? "\n" : source[at]) : valueOf(escape);
      for (let i = 0; i < value.length; i++) {
        starts.push(at);
        ends.push(at + length);
      }
      text += value;
      at += length;
    }
    return new PlacedText(text, starts, ends, (inserted) => escaped(inserted, quote));
  }

  /** What an expression stands for; it has a place, and no value that is known. */
  static unknown(placeholder: string, start: number, end: number): PlacedText {
    const each = Array.from(placeholder);
    return new PlacedText(placeholder, each.map(() => start), each.map(() => end), (text) => text);
  }

  static joined(parts: PlacedText[]): PlacedText {
    return new PlacedText(
      parts.map(({ text }) => text).join(""),
      parts.flatMap(({ starts }) => starts),
      parts.flatMap(({ ends }) => ends),
      parts.find(({ text }) => text !== "")?.written ?? ((text) => text),
    );
  }

  /** Where a part of the text is in the source; null if it is not written there in one piece. */
  span(from: number, to: number): Span | null {
    for (let i = from; i + 1 < to; i++) {
      const together = this.starts[i + 1] === this.ends[i] ||
        (this.starts[i + 1] === this.starts[i] && this.ends[i + 1] === this.ends[i]);
      if (!together) return null;
    }
    const offset = this.starts[from];
    return { offset, length: this.ends[to - 1] - offset };
  }
}

const ESCAPE =
  /\\(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([0-7]{1,3})|(\r\n|[^]))/y;

const LETTERS: Record<string, string> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

function valueOf([, braces, four, two, octal, other]: string[]): string {
  const hex = braces ?? four ?? two;
  if (hex !== undefined) {
    const code = parseInt(hex, 16);
    return code > 0x10ffff ? "" : String.fromCodePoint(code);
  }
  if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8));
  return /[\r\n\u2028\u2029]/.test(other) ? "" : LETTERS[other] ?? other;
}

/** A name in a string of JavaScript. */
function escaped(text: string, quote: string): string {
  const inside = text.replaceAll("\\", "\\\\").replaceAll(quote, `\\${quote}`);
  return quote === "`" ? inside.replaceAll("${", "\\${") : inside;
}
