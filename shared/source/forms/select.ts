/**
 * PostgREST's `select` parameter, with places (postgrest.org, "Resource Embedding"; its grammar is in
 * PostgREST's QueryParams.hs):
 *
 *     items    = item { "," item }
 *     item     = [ "..." ] [ alias ":" ] name { "!" hint } "(" [ items ] ")"      an embedded resource
 *              | [ alias ":" ] ( name { json path } | "*" ) [ "::" cast ] [ "." aggregate "()" [ "::" cast ] ]
 *
 * Blanks outside of quotes are ignored, as supabase-js removes them. `UNKNOWN` stands for an expression.
 */

/** Stands for a part of the text that is not known. */
export const UNKNOWN = "\ufffc";

interface SelectName {
  value: string;
  /** Index of its first character, quotes included, and of the one after its last. */
  start: number;
  end: number;
}

export interface Embedded {
  name: SelectName;
  alias: SelectName | null;
  hints: SelectName[];
  spread: boolean;
}

/** All embedded resources, nested ones after the one they are in; null if the text is no select parameter. */
export function embeddedIn(text: string): Embedded[] | null {
  const parser = new SelectParser(text);
  return parser.items() && parser.atEnd() ? parser.found : null;
}

class SelectParser {
  readonly found: Embedded[] = [];
  private at = 0;

  constructor(private readonly text: string) {}

  atEnd(): boolean {
    this.blanks();
    return this.at === this.text.length;
  }

  items(): boolean {
    do {
      if (!this.item()) return false;
    } while (this.take(","));
    return true;
  }

  private item(): boolean {
    const spread = this.take("...");
    const first = this.name();
    if (first === null) return false;
    // A cast begins with two colons.
    const alias = this.peek() === ":" && !this.isNext("::") && this.take(":") ? first : null;
    const name = alias === null ? first : this.name();
    if (name === null) return false;
    const hints: SelectName[] = [];
    while (this.take("!")) {
      const hint = this.name();
      if (hint === null) return false;
      hints.push(hint);
    }
    if (this.take("(")) {
      // `count()` without a column.
      const isAggregate = hints.length === 0 && !spread && name.value === "count" &&
        this.peek() === ")";
      if (!isAggregate) this.found.push({ name, alias, hints, spread });
      if (this.take(")")) return isAggregate ? this.cast() : true;
      return this.items() && this.take(")");
    }
    if (hints.length > 0 || spread) return name.value === UNKNOWN;
    return this.path() && this.cast() && this.aggregate();
  }

  /** `->key`, `->>key`, `->0` */
  private path(): boolean {
    while (this.take("->")) {
      this.take(">");
      if (this.name(true) === null) return false;
    }
    return true;
  }

  private cast(): boolean {
    return !this.take("::") || this.name() !== null;
  }

  /** `.sum()`; after an expression anything can follow. */
  private aggregate(): boolean {
    while (this.take(".")) {
      if (this.name() === null) return false;
      if (this.take("(") && !this.take(")")) return false;
    }
    return this.cast();
  }

  /** A quoted name, `*`, or characters that have no meaning of their own; blanks in it do not count. */
  private name(inPath = false): SelectName | null {
    this.blanks();
    const start = this.at;
    if (this.text[start] === '"') return this.quoted();
    let value = "";
    let end = start;
    for (; this.at < this.text.length; this.at++) {
      const character = this.text[this.at];
      if (/\s/.test(character)) continue;
      const isArrow = character === "-" && this.text[this.at + 1] === ">";
      if (",():!.".includes(character) || character === '"' || isArrow) break;
      if (inPath && character === ">") break;
      value += character;
      end = this.at + 1;
    }
    this.at = end;
    return value === "" ? null : { value, start, end };
  }

  private quoted(): SelectName | null {
    const start = this.at;
    let value = "";
    for (let i = start + 1; i < this.text.length; i++) {
      if (this.text[i] === "\\") value += this.text[++i] ?? "";
      else if (this.text[i] === '"') {
        this.at = i + 1;
        return { value, start, end: this.at };
      } else value += this.text[i];
    }
    return null;
  }

  private blanks(): void {
    while (/\s/.test(this.text[this.at] ?? "")) this.at++;
  }

  private peek(): string {
    this.blanks();
    return this.text[this.at] ?? "";
  }

  private isNext(mark: string): boolean {
    this.blanks();
    return this.text.startsWith(mark, this.at);
  }

  private take(mark: string): boolean {
    if (!this.isNext(mark)) return false;
    this.at += mark.length;
    return true;
  }
}

/** A name as a select parameter has it: in quotes if it has characters with a meaning of their own. */
export const selectName = (name: string): string =>
  /^[\p{L}\p{N}_$]+$/u.test(name)
    ? name
    : `"${name.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;

/**
 * The text that makes an embedded resource the renamed table and keeps its key in the answer: `old` becomes
 * `old:new`. An alias that is the new name already goes, since it says nothing more.
 *
 * @returns What to write from `start` to `end`; null if the key would change.
 */
export function renamedResource(
  { name, alias, spread }: Embedded,
  to: string,
): { start: number; end: number; text: string } {
  const { start, end } = name;
  if (alias?.value === to) return { start: alias.start, end, text: selectName(to) };
  // What is spread has no key.
  if (alias !== null || spread) return { start, end, text: selectName(to) };
  return { start, end, text: `${selectName(name.value)}:${selectName(to)}` };
}
