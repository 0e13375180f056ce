/** Uses of renamed tables in source: what is looked for, and what is found. */
import { type TableIndex, tableIndex } from "../sql/references/table_references.ts";

/** A rename to look for. With `--to-old` the names have changed places. */
export interface WantedRename {
  schema: string;
  /** The name that is looked for. */
  from: string;
  /** The name that takes its place. */
  to: string;
}

export interface Renamed extends WantedRename {
  /** Why no use of it can be changed; null in the usual case. */
  unclear: string | null;
}

/** What a use is. */
export type UseKind =
  | "table"
  | "embedded"
  | "realtime"
  | "type"
  | "query"
  | "definition"
  | "sql"
  | "text";

/** A use in a text. `certain`: it is the table, and the edit is right. */
export interface Found {
  kind: UseKind;
  renamed: Renamed;
  /** In UTF-16 units from the beginning of the file. */
  offset: number;
  length: number;
  certainty: "certain" | "possible";
  /** What takes the place of the text; null if it is not certain. */
  replacement: string | null;
  /** Why it is only possible; null if it is certain. */
  reason: string | null;
}

export interface Use extends Found {
  file: string;
  /** Both from 1; the column in UTF-16 units. */
  line: number;
  column: number;
  /** What stands there now. */
  text: string;
}

/** A use that is certain. */
export const certain = (
  kind: UseKind,
  renamed: Renamed,
  { offset, length }: Span,
  replacement: string,
): Found =>
  renamed.unclear === null
    ? { kind, renamed, offset, length, certainty: "certain", replacement, reason: null }
    : possible(kind, renamed, { offset, length }, renamed.unclear);

/** A use that a person has to look at. */
export const possible = (
  kind: UseKind,
  renamed: Renamed,
  { offset, length }: Span,
  reason: string,
): Found => ({
  kind,
  renamed,
  offset,
  length,
  certainty: "possible",
  replacement: null,
  reason,
});

export interface Span {
  offset: number;
  length: number;
}

/** A regular expression, of those with the flag u, that matches this text. */
export const patternOf = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

/** The text as a whole word, wherever it is. */
export const wordPattern = (text: string, flags = "gu"): RegExp =>
  new RegExp(`(?<![\\p{L}\\p{N}_$])${patternOf(text)}(?![\\p{L}\\p{N}_$])`, flags);

/** The renames to look for, by the name that is looked for. */
export class WantedNames {
  readonly all: Renamed[];
  readonly index: TableIndex;
  private readonly byName: Map<string, Renamed[]>;
  private readonly words: RegExp;

  /**
   * A name that one rename looks for and another puts in its place can mean either table, so neither rename is made.
   */
  constructor(renames: WantedRename[]) {
    const keyOf = (schema: string, name: string) => JSON.stringify([schema, name]);
    const sources = new Set(renames.map(({ schema, from }) => keyOf(schema, from)));
    const targets = new Set(renames.map(({ schema, to }) => keyOf(schema, to)));
    this.all = renames.map((rename) => {
      const shared = [rename.from, rename.to].find((name) =>
        sources.has(keyOf(rename.schema, name)) && targets.has(keyOf(rename.schema, name))
      );
      const unclear = shared === undefined
        ? null
        : `${shared} is an old name and a new one: nobody can tell which table is meant`;
      return { ...rename, unclear };
    });
    this.byName = Map.groupBy(this.all, ({ from }) => from);
    this.index = tableIndex(this.all.map(({ schema, from }, oid) => ({
      ...{ oid, schema, name: from, kind: "r", columns: [], constraints: [], children: [] },
    })));
    const words = [...this.byName.keys()].map(patternOf);
    this.words = new RegExp(words.join("|") || "(?!)", "iu");
  }

  /** A quick look, in any case and as any part of a word. */
  mayBeIn(text: string): boolean {
    return this.words.test(text);
  }

  named(name: string): Renamed[] {
    return this.byName.get(name) ?? [];
  }

  /** The rename of the table with this name in this schema. */
  inSchema(schema: string, name: string): Renamed | undefined {
    return this.named(name).find((renamed) => renamed.schema === schema);
  }
}

/** Turns offsets into lines and columns. */
export class Lines {
  private readonly starts = [0];

  constructor(text: string) {
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) {
      this.starts.push(at + 1);
    }
  }

  placeOf(offset: number): { line: number; column: number } {
    let [low, high] = [0, this.starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle] <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - this.starts[low] + 1 };
  }
}

/** In the order of the text, each place once; what is certain comes before what is possible. */
export function inOrder(found: Found[]): Found[] {
  const rank = ({ certainty }: Found) => certainty === "certain" ? 0 : 1;
  const sorted = found.toSorted((a, b) => a.offset - b.offset || rank(a) - rank(b));
  const kept: Found[] = [];
  for (const one of sorted) {
    const last = kept.at(-1);
    const isNew = last === undefined || one.offset >= last.offset + Math.max(1, last.length);
    if (isNew) kept.push(one);
    else if (rank(one) < rank(last)) kept[kept.length - 1] = one;
  }
  return kept;
}
