/** One text while it is read: what names mean in it, what hides them, and the uses found so far. */
import type { FindingCode } from "../../contract/findings.ts";
import type { IndexedTable, TableIndex } from "./table_index.ts";

/**
 * `named`: the text names the table. `dynamic`: SQL that the text puts together does. `possible`: it may be
 * the table, or no name at all.
 */
export type Certainty = "named" | "dynamic" | "possible";

export class Use {
  constructor(
    readonly table: IndexedTable,
    /** Index into the text. */
    readonly at: number,
    readonly certainty: Certainty,
    /** What a view in the table's place cannot do, or does otherwise; null where it serves. */
    readonly code: FindingCode | null,
    /** The constraint, column, function or statement that it is about. */
    readonly detail: string | null,
    private readonly text: string,
    private readonly inText: number,
  ) {}

  /**
   * The text around it, white space folded, at most 120 characters. Made when it is asked for: of the many
   * uses that a view serves nobody wants it.
   */
  get excerpt(): string {
    return excerptOf(this.text, this.inText);
  }
}

/** Stands in SQL that is put together at run time for what is not known before. */
export const UNKNOWN = "\ue000";

export interface Resolved {
  table: IndexedTable;
  certain: boolean;
}

/** Where a text keeps rows of tables, so that a session which has compiled it knows their row types. */
export class KeptRows {
  /** OIDs of tables that variables have the row type of. */
  readonly variables = new Set<number>();
  /** OIDs of tables of which whole rows are made; a variable of the type record can take them. */
  readonly wholeRows = new Set<number>();
  /** Whether there is a variable of the type record. */
  records = false;
}

export interface TextScope {
  /** Schemas in which names without one are looked for; null: the caller's. */
  searchPath: string[] | null;
  /** The routine's own schema. */
  schema: string | null;
}

/** What a caller's search path holds unless somebody changed it; on Supabase, extensions too. */
const DEFAULT_SEARCH_PATH = ["public", "extensions"];

export class Reading {
  readonly uses: Use[];
  readonly rows: KeptRows;
  /** Names that the text makes temporary tables of, which come before all others. */
  private readonly temporary: Set<string>;

  constructor(
    readonly text: string,
    readonly index: TableIndex,
    private readonly scope: TextScope,
    readonly certainty: Certainty = "named",
    private readonly outer: { reading: Reading; place: (at: number) => number } | null = null,
  ) {
    this.uses = outer?.reading.uses ?? [];
    this.rows = outer?.reading.rows ?? new KeptRows();
    this.temporary = outer?.reading.temporary ?? new Set();
  }

  /** A text within this one, of which `place` says where it is in this one. */
  within(text: string, certainty: Certainty, place: (at: number) => number): Reading {
    return new Reading(text, this.index, this.scope, weaker(this.certainty, certainty), {
      reading: this,
      place,
    });
  }

  /** For a look at something that is read elsewhere, too: its uses are not noted here. */
  aside(): Reading {
    return new Reading(this.text, this.index, this.scope);
  }

  /** From here on the name means a temporary table. */
  hide(name: string): void {
    this.temporary.add(name);
  }

  /** The tables that a name can mean, most often none or one. */
  resolve(parts: string[]): Resolved[] {
    const last = parts[parts.length - 1];
    const name = last.includes(UNKNOWN) ? last.replaceAll(UNKNOWN, "") : last;
    const candidates = this.index.byName.get(name);
    if (candidates === undefined) return [];
    const certain = last === name;
    if (parts.length > 1) {
      const schema = parts.at(-2)!;
      if (schema.includes(UNKNOWN)) return candidates.map((table) => ({ table, certain: false }));
      return candidates.filter((table) => table.schema === schema)
        .map((table) => ({ table, certain }));
    }
    if (this.temporary.has(name)) return [];
    return this.unqualified(candidates).map((one) => ({ ...one, certain: one.certain && certain }));
  }

  /**
   * With a search path of its own, the first schema that has the name. Otherwise the caller's is unknown: the
   * name is taken for that of the table in a schema of the default path, or in the routine's own schema, whose
   * callers will have it in their path; elsewhere it is only possible. Where the first schema to have the name
   * has another relation by it, none of these tables is meant.
   */
  private unqualified(candidates: IndexedTable[]): Resolved[] {
    const { searchPath, schema } = this.scope;
    const { namesakes } = this.index;
    const isAnother = (there: string, { name }: IndexedTable) =>
      namesakes.get(name)?.has(there) ?? false;
    if (searchPath !== null) {
      for (const one of searchPath) {
        const table = candidates.find((candidate) => candidate.schema === one);
        if (table) return [{ table, certain: true }];
        if (isAnother(one, candidates[0])) return [];
      }
      return [];
    }
    return candidates.flatMap((table) => {
      const near = table.schema === schema || DEFAULT_SEARCH_PATH.includes(table.schema);
      // Of two tables that are both off the default path, a routine means the one beside it.
      const meansItsOwn = !near && schema !== null && !DEFAULT_SEARCH_PATH.includes(schema) &&
        isAnother(schema, table);
      return meansItsOwn ? [] : [{ table, certain: near }];
    });
  }

  /** Notes a use of each of the tables. */
  use(
    tables: Resolved[],
    at: number,
    code: FindingCode | null = null,
    detail: string | null = null,
  ): void {
    for (const { table, certain } of tables) {
      const certainty = certain ? this.certainty : "possible";
      this.uses.push(new Use(table, this.placed(at), certainty, code, detail, this.text, at));
    }
  }

  private placed(at: number): number {
    return this.outer === null ? at : this.outer.reading.placed(this.outer.place(at));
  }
}

const STRENGTH: Certainty[] = ["possible", "dynamic", "named"];

export const weaker = (a: Certainty, b: Certainty): Certainty =>
  STRENGTH.indexOf(a) < STRENGTH.indexOf(b) ? a : b;

const MAX_EXCERPT = 120;
const BEFORE = 40;

/** What stands around a place, on one line, cut to 120 characters. */
export function excerptOf(text: string, at: number): string {
  // White space takes no room once it is folded, so more is looked at than is shown.
  const from = Math.max(0, at - 4 * BEFORE);
  const [head, tail] = [text.slice(from, at), text.slice(at, at + 4 * MAX_EXCERPT)].map(folded);
  const start = [...head.trimStart()];
  const cutBefore = from > 0 || start.length > BEFORE;
  const line = [...start.slice(-BEFORE), ...tail.trimEnd()];
  const begin = cutBefore ? ["…"] : [];
  const room = MAX_EXCERPT - begin.length;
  const cutAfter = line.length > room || text.length > at + 4 * MAX_EXCERPT;
  const shown = cutAfter ? [...line.slice(0, room - 1), "…"] : line;
  return [...begin, ...shown].join("").toWellFormed();
}

const folded = (text: string) => text.replace(/\s+/g, " ").replaceAll(UNKNOWN, "…");
