/** What a name in a query can refer to: the relations and common table expressions of its level and those around it. */
import type { FindingCode } from "../../contract/findings.ts";
import type { Token } from "./lexer.ts";
import type { Certainty, NameResolver } from "./name_resolver.ts";
import { isIdentifier, type Name, type Node } from "./nodes.ts";
import type { IndexedTable, Resolved } from "./table_index.ts";

/** Readers that the readers of smaller parts call. They come with the scope, so that imports form no circle. */
export interface Readers {
  query(nodes: Node[], scope: Scope): void;
  statement(nodes: Node[], scope: Scope): void;
  /** A string that is the body of a routine or a DO block. */
  body(body: Token, language: string, scope: Scope): void;
}

export interface VisibleRelation {
  /** What qualifies its columns: the alias, or else the table's name. Null: nothing does. */
  name: string | null;
  /** Null for every relation that is not in the index. */
  table: IndexedTable | null;
  certain: boolean;
  /**
   * The system columns that a subquery, a function or a common table expression can have; null for every other
   * relation, which has them all.
   */
  exposes: Set<string> | null;
  /** Whether it is part of a JOIN, whose system columns must be qualified. */
  joined: boolean;
  /** Index of its name in the outermost source if it has no alias; else null. */
  at: number | null;
}

export class Scope {
  /** Common table expressions, with the system columns that each can have. They hide tables of the same name. */
  readonly expressions = new Map<string, Set<string>>();
  readonly relations: VisibleRelation[] = [];
  /** Columns that USING merges. NATURAL can merge any. */
  readonly merged = new Set<string>();
  natural = false;

  constructor(
    readonly names: NameResolver,
    readonly readers: Readers,
    private readonly outer: Scope | null = null,
  ) {}

  /** The scope of a query within this one. */
  inner(): Scope {
    return new Scope(this.names, this.readers, this);
  }

  /** The scope of a source within this one; `place` gives the index here for an index there. */
  within(text: string, certainty: Certainty, place: (at: number) => number): Scope {
    return new Scope(this.names.within(text, certainty, place), this.readers);
  }

  /** For a second look at something; the references that it finds are dropped. */
  detached(): Scope {
    return new Scope(this.names.detached(), this.readers);
  }

  /** Notes a reference to each of the tables; `aliasAt` is where an alias can be written. */
  note(
    tables: Resolved[],
    at: number,
    code?: FindingCode | null,
    detail?: string | null,
    aliasAt?: number | null,
  ): void {
    this.names.note(tables, at, code, detail, aliasAt);
  }

  /** Notes a reference to each table that a name can mean, and returns these. */
  noteName(
    { parts, start }: Pick<Name, "parts" | "start">,
    code?: FindingCode | null,
    detail?: string | null,
  ): Resolved[] {
    const tables = this.names.resolve(parts);
    this.note(tables, start, code, detail);
    return tables;
  }

  /**
   * Adds a relation, once for each table that its name can mean.
   *
   * @param at Where it is named, if it has no alias. Default: it has one.
   */
  add(
    name: string | null,
    tables: Resolved[],
    exposes: Set<string> | null = null,
    at: number | null = null,
  ): void {
    const placed = at === null ? null : this.names.placed(at);
    const relation = { name, table: null, certain: true, exposes, joined: false, at: placed };
    if (tables.length === 0) this.relations.push(relation);
    this.relations.push(...tables.map((resolved) => ({ ...relation, ...resolved })));
  }

  /** The system columns of the common table expression of this name; null if there is none. */
  expressionNamed(name: string): Set<string> | null {
    return this.expressions.get(name) ?? this.outer?.expressionNamed(name) ?? null;
  }

  relationNamed(name: string): VisibleRelation | null {
    return this.relations.find((relation) => relation.name === name) ??
      this.outer?.relationNamed(name) ?? null;
  }

  /**
   * The relation that an unqualified system column belongs to: never one of a JOIN, as measured. If one of several
   * relations at a level is in the index, it is that one: if another had the column, the name would be ambiguous.
   */
  systemColumnOwner(column: string): VisibleRelation | null {
    const owner = this.relations.find(({ table, joined }) => table !== null && !joined);
    if (owner) return owner;
    const hasColumn = ({ exposes, joined }: VisibleRelation) =>
      exposes === null ? !joined : exposes.has(column);
    if (this.relations.some(hasColumn)) return null;
    return this.outer?.systemColumnOwner(column) ?? null;
  }
}

/** Columns that every table has and no view (manual, 5.5). */
export const SYSTEM_COLUMNS = new Set(["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"]);

/** Names of system columns among the nodes of a subquery, which it can have as columns. */
export function systemColumnsIn(nodes: Node[], found = new Set<string>()): Set<string> {
  for (const node of nodes) {
    if (node.kind === "group") systemColumnsIn(node.nodes, found);
    else if (isIdentifier(node) && SYSTEM_COLUMNS.has(node.value)) found.add(node.value);
  }
  return found;
}
