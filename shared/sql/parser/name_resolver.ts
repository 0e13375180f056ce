/** Resolves the names in one SQL source to tables, and collects the references to them. */
import type { FindingCode } from "../../contract/findings.ts";
import {
  type DerivedName,
  hasPlaceholder,
  RunTimeNames,
  TRIGGER_TABLE,
  withoutPlaceholders,
} from "./run_time_names.ts";
import type { IndexedTable, Resolved, TableIndex } from "./table_index.ts";

/**
 * `named`: the source names the table. `dynamic`: SQL that the source puts together does. `possible`: it may be
 * the table, or no name at all.
 */
export type Certainty = "named" | "dynamic" | "possible";

const STRENGTH: Certainty[] = ["possible", "dynamic", "named"];

export const weaker = (a: Certainty, b: Certainty): Certainty =>
  STRENGTH.indexOf(a) < STRENGTH.indexOf(b) ? a : b;

export class TableReference {
  constructor(
    readonly table: IndexedTable,
    readonly at: number,
    readonly certainty: Certainty,
    /** What a view in the table's place cannot do, or does differently; null if it serves. */
    readonly code: FindingCode | null,
    /** The constraint, column, function or statement that the code is about. */
    readonly detail: string | null,
    private readonly text: string,
    private readonly inText: number,
    /**
     * Where an alias can be written: after a relation in FROM, or the target of a change, that has none. Null
     * everywhere else.
     */
    readonly aliasAt: number | null = null,
  ) {}

  /** What surrounds it, on one line of at most 120 characters. Computed on demand: few are ever shown. */
  get excerpt(): string {
    return excerptOf(this.text, this.inText);
  }
}

/** Where a source says the name of a relation again: `old.column`, `old.*`, or `old` for the row. */
export interface Qualifier {
  /** Index of the first part of the name. */
  at: number;
  /** Which of its parts is the relation's name. */
  part: number;
  /** Where the relation is named; null: what has the name is an alias or no table of the index. */
  of: number | null;
  /** It stands alone, so that it is the row, or a column of the same name. */
  whole: boolean;
}

/** Row types of tables that a source uses; a session that has compiled it keeps them. */
export class RowTypes {
  readonly variables = new Set<number>();
  /** OIDs of tables of which whole rows are made; a variable of type record can take them. */
  readonly wholeRows = new Set<number>();
  records = false;
}

interface SearchContext {
  /** Schemas in which names without one are looked up; null: the caller's. */
  searchPath: string[] | null;
  schema: string | null;
}

/** A caller's usual search path; Supabase adds extensions. */
const DEFAULT_SEARCH_PATH = ["public", "extensions"];

export class NameResolver {
  readonly references: TableReference[];
  readonly rows: RowTypes;
  readonly qualifiers: Qualifier[];
  /** Temporary tables that the source makes, which come before all others. */
  private readonly temporary: Set<string>;
  /** Where strings begin that have been read already. */
  private readonly readStrings: Set<number>;
  private suppressed: FindingCode | null = null;

  /** @param outer The source that contains this one, with the index there for an index here. */
  constructor(
    readonly text: string,
    readonly index: TableIndex,
    private readonly context: SearchContext,
    readonly runTime = new RunTimeNames(false),
    readonly certainty: Certainty = "named",
    private readonly outer: { resolver: NameResolver; place: (at: number) => number } | null = null,
  ) {
    this.references = outer?.resolver.references ?? [];
    this.rows = outer?.resolver.rows ?? new RowTypes();
    this.qualifiers = outer?.resolver.qualifiers ?? [];
    this.temporary = outer?.resolver.temporary ?? new Set();
    this.readStrings = outer?.resolver.readStrings ?? new Set();
  }

  /** For a source within this one; `place` gives the index here for an index there. */
  within(text: string, certainty: Certainty, place: (at: number) => number): NameResolver {
    const weakest = weaker(this.certainty, certainty);
    const outer = { resolver: this, place };
    return new NameResolver(text, this.index, this.context, this.runTime, weakest, outer);
  }

  /** For a second look at the same source; what it finds is not added here. */
  detached(): NameResolver {
    return new NameResolver(this.text, this.index, this.context);
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
    for (const expanded of this.runTime.expand(name)) {
      for (const within of schemas) {
        for (const resolved of this.resolveExpanded(within, expanded)) {
          if (!found.get(resolved.table.oid)?.certain) found.set(resolved.table.oid, resolved);
        }
      }
    }
    return [...found.values()];
  }

  private schemasOf(schema: string): string[] {
    const values = this.runTime.expand(schema);
    return values.length === 1
      ? values
      : values.filter((value) => hasPlaceholder(value) || this.index.schemas.has(value));
  }

  /** Tables of the name in any schema, or in the one that the text qualifies it with. */
  inAnySchema(text: string): IndexedTable[] {
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
    if (schema === null) return this.temporary.has(name) ? [] : this.unqualified(candidates);
    return candidates.filter((table) => table.schema === schema)
      .map((table) => ({ table, certain: true }));
  }

  /** A name that is put together, with the known values of its variables in it. */
  private resolveExpanded(schema: string | null, name: string): Resolved[] {
    if (name.includes(TRIGGER_TABLE)) {
      this.noteDerivedName("relation", schema, name, 0);
      return [];
    }
    const known = withoutPlaceholders(name);
    if (known === name) {
      // A value that is inserted without quotes can be a name with its schema.
      const qualified = this.index.byName.has(name) ? [] : this.inAnySchema(name);
      if (schema === null && qualified.length > 0) {
        return qualified.map((table) => ({ table, certain: true }));
      }
      if (schema === null || !hasPlaceholder(schema)) return this.resolveKnown(schema, name);
    }
    const candidates = this.index.byName.get(known) ?? [];
    const tables = schema === null
      ? this.unqualified(candidates).map(({ table }) => table)
      : candidates.filter((table) => hasPlaceholder(schema) || table.schema === schema);
    return tables.map((table) => ({ table, certain: false }));
  }

  /**
   * With a search path of its own, a routine means the first schema that has the name. Otherwise the caller's path is
   * unknown: a table in a schema of the default path is meant, or one in the routine's own schema, which its callers
   * will have in their path; any other is only possible. If the first schema that has the name has another relation
   * by it, none of these tables is meant.
   */
  private unqualified(candidates: IndexedTable[]): Resolved[] {
    if (candidates.length === 0) return [];
    const { searchPath, schema } = this.context;
    const hasAnother = (schema: string, { name }: IndexedTable) =>
      this.index.namesakes.get(name)?.has(schema) ?? false;
    if (searchPath !== null) {
      for (const searched of searchPath) {
        const table = candidates.find((candidate) => candidate.schema === searched);
        if (table) return [{ table, certain: true }];
        if (hasAnother(searched, candidates[0])) return [];
      }
      return [];
    }
    return candidates.flatMap((table) => {
      const near = table.schema === schema || DEFAULT_SEARCH_PATH.includes(table.schema);
      // Of two tables that are both off the default path, a routine means the one in its own schema.
      const meansItsOwn = !near && schema !== null && !DEFAULT_SEARCH_PATH.includes(schema) &&
        hasAnother(schema, table);
      return meansItsOwn ? [] : [{ table, certain: near }];
    });
  }

  reports(code: FindingCode): boolean {
    return this.suppressed !== code;
  }

  /** Reads something in which the code does not matter. */
  without(code: FindingCode, read: () => void): void {
    const before = this.suppressed;
    this.suppressed = code;
    read();
    this.suppressed = before;
  }

  /** Notes a reference to each of the tables. */
  note(
    tables: Resolved[],
    at: number,
    code: FindingCode | null = null,
    detail: string | null = null,
    aliasAt: number | null = null,
  ): void {
    const reported = code === this.suppressed ? null : code;
    for (const { table, certain } of tables) {
      const certainty = certain ? this.certainty : "possible";
      const placed = this.placed(at);
      const alias = aliasAt === null ? null : this.placed(aliasAt);
      this.references.push(
        new TableReference(table, placed, certainty, reported, detail, this.text, at, alias),
      );
    }
  }

  /** Notes what is done with a name that is made of the name of the trigger's table. */
  noteDerivedName(use: DerivedName["use"], schema: string | null, name: string, at: number): void {
    this.runTime.derived.push({ use, schema, name, at: this.placed(at) });
  }

  /** Notes that the string that begins here has been read. */
  noteReadString(at: number): void {
    this.readStrings.add(this.placed(at));
  }

  isReadString(at: number): boolean {
    return this.readStrings.has(this.placed(at));
  }

  /** Index into the outermost source. */
  placed(at: number): number {
    return this.outer === null ? at : this.outer.resolver.placed(this.outer.place(at));
  }
}

const unquoted = (name: string) => name.replace(/^"(.*)"$/s, "$1");

const MAX_EXCERPT = 120;
const BEFORE = 40;

/** What surrounds an index of the text, on one line of at most 120 characters. */
function excerptOf(text: string, at: number): string {
  // Runs of white space become one character each, so this starts with more text than is shown.
  const from = Math.max(0, at - 4 * BEFORE);
  const [head, tail] = [text.slice(from, at), text.slice(at, at + 4 * MAX_EXCERPT)].map(onOneLine);
  const start = [...head.trimStart()];
  const cutBefore = from > 0 || start.length > BEFORE;
  const line = [...start.slice(-BEFORE), ...tail.trimEnd()];
  const begin = cutBefore ? ["…"] : [];
  const room = MAX_EXCERPT - begin.length;
  const cutAfter = line.length > room || text.length > at + 4 * MAX_EXCERPT;
  const shown = cutAfter ? [...line.slice(0, room - 1), "…"] : line;
  return [...begin, ...shown].join("").toWellFormed();
}

const onOneLine = (text: string) => text.replace(/\s+/g, " ").replaceAll(/[\ue000-\uf8ff]/g, "…");
