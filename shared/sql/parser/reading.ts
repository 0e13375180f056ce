/** One text while it is read: what names mean in it, what hides them, and the uses found so far. */
import type { FindingCode } from "../../contract/findings.ts";
import {
  hasPlaceholder,
  type MadeName,
  RunTimeNames,
  TRIGGER_TABLE,
  withoutPlaceholders,
} from "../references/run_time_names.ts";
import type { IndexedTable, TableIndex } from "../references/table_index.ts";

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
  /** What names are put together at run time. */
  readonly names: RunTimeNames;
  /** Names that the text makes temporary tables of, which come before all others. */
  private readonly temporary: Set<string>;
  /** Where strings begin that need no other look. */
  private readonly done: Set<number>;
  private untold: FindingCode | null = null;

  constructor(
    readonly text: string,
    readonly index: TableIndex,
    private readonly scope: TextScope,
    readonly certainty: Certainty = "named",
    private readonly outer: { reading: Reading; place: (at: number) => number } | null = null,
    names?: RunTimeNames,
  ) {
    this.uses = outer?.reading.uses ?? [];
    this.rows = outer?.reading.rows ?? new KeptRows();
    this.names = outer?.reading.names ?? names ?? new RunTimeNames(false);
    this.temporary = outer?.reading.temporary ?? new Set();
    this.done = outer?.reading.done ?? new Set();
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
    const name = parts[parts.length - 1];
    const schema = parts.length > 1 ? parts.at(-2)! : null;
    if (!hasPlaceholder(name) && !(schema !== null && hasPlaceholder(schema))) {
      return this.resolveKnown(schema, name);
    }
    const schemas = schema === null ? [null] : this.schemasOf(schema);
    const found = new Map<number, Resolved>();
    for (const one of this.names.expand(name)) {
      for (const within of schemas) {
        for (const resolved of this.resolveMade(within, one)) {
          const there = found.get(resolved.table.oid);
          if (!there?.certain) found.set(resolved.table.oid, resolved);
        }
      }
    }
    return [...found.values()];
  }

  /** Of many values that a variable has, those that can be schemas. */
  private schemasOf(schema: string): string[] {
    const values = this.names.expand(schema);
    return values.length === 1
      ? values
      : values.filter((one) => hasPlaceholder(one) || this.index.schemas.has(one));
  }

  /** Tables of the name in every schema, or in the one that stands before it. */
  everyNamed(text: string): IndexedTable[] {
    const { byName } = this.index;
    const exact = byName.get(text);
    if (exact !== undefined) return exact;
    const dot = text.lastIndexOf(".");
    if (dot < 0) return [];
    const [schema, name] = [text.slice(0, dot), text.slice(dot + 1)].map(unquoted);
    return (byName.get(name) ?? []).filter((table) => table.schema === schema);
  }

  private resolveKnown(schema: string | null, name: string): Resolved[] {
    const candidates = this.index.byName.get(name);
    if (candidates === undefined) return [];
    if (schema !== null) {
      return candidates.filter((table) => table.schema === schema)
        .map((table) => ({ table, certain: true }));
    }
    return this.temporary.has(name) ? [] : this.unqualified(candidates);
  }

  /** A name that is put together, with what is known of its variables put in. */
  private resolveMade(schema: string | null, name: string): Resolved[] {
    if (name.includes(TRIGGER_TABLE)) {
      this.madeName("relation", schema, name, 0);
      return [];
    }
    const known = withoutPlaceholders(name);
    if (known === name) {
      // Put in as it is, a value can be a name with its schema.
      const qualified = this.index.byName.has(name) ? [] : this.everyNamed(name);
      if (schema === null && qualified.length > 0) {
        return qualified.map((table) => ({ table, certain: true }));
      }
      if (schema === null || !hasPlaceholder(schema)) return this.resolveKnown(schema, name);
    }
    const candidates = this.index.byName.get(known) ?? [];
    const within = schema === null
      ? this.unqualified(candidates).map(({ table }) => table)
      : hasPlaceholder(schema)
      ? candidates
      : candidates.filter((table) => table.schema === schema);
    return within.map((table) => ({ table, certain: false }));
  }

  /** Notes what is done with a name that is made of the trigger's table's. */
  madeName(use: MadeName["use"], schema: string | null, name: string, at: number): void {
    this.names.made.push({ use, schema, name, at: this.placed(at) });
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

  /** Notes that the string that begins there has been understood. */
  understood(at: number): void {
    this.done.add(this.placed(at));
  }

  isUnderstood(at: number): boolean {
    return this.done.has(this.placed(at));
  }

  /** Whether uses are noted with the code. */
  tells(code: FindingCode): boolean {
    return this.untold !== code;
  }

  /** Reads something in which that is no matter. */
  without(code: FindingCode, read: () => void): void {
    const before = this.untold;
    this.untold = code;
    read();
    this.untold = before;
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
      const told = code === this.untold ? null : code;
      this.uses.push(new Use(table, this.placed(at), certainty, told, detail, this.text, at));
    }
  }

  private placed(at: number): number {
    return this.outer === null ? at : this.outer.reading.placed(this.outer.place(at));
  }
}

const unquoted = (name: string) => name.replace(/^"(.*)"$/s, "$1");

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

const folded = (text: string) => text.replace(/\s+/g, " ").replaceAll(/[\ue000-\uf8ff]/g, "…");
