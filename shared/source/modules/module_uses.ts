/** Collects the uses in one module: each place that takes a table's name says so, and strings are left over. */
import { type Check, type Imports, Literals } from "./literals.ts";
import type { Module, NodePath } from "./module.ts";
import type { PlacedText } from "./placed_text.ts";
import { namesInSql } from "../sql_text.ts";
import {
  certain,
  type Found,
  possible,
  type Renamed,
  type Span,
  type UseKind,
  type WantedNames,
  wordPattern,
} from "../uses.ts";

/** What a place makes of the name of a table. */
export interface NamePlace {
  kind: UseKind;
  /** Null: it is not known. */
  schema: string | null;
  /** Why it may be no table; null if it is one. */
  doubt: string | null;
}

/** An edit in a string, by indices of its text. */
export interface TextEdit {
  renamed: Renamed;
  start: number;
  end: number;
  replacement: string;
  /** Why it may not be made; null if it may. */
  doubt: string | null;
}

interface Pending {
  kind: UseKind;
  renamed: Renamed;
  span: Span;
  replacement: string;
  doubt: string | null;
  checks: Check[];
}

export class ModuleUses {
  readonly literals: Literals;
  private others = new Map<Module, ModuleUses>();
  private readonly pending: Pending[] = [];
  /** Where names stand that are also used for tables which are not renamed. */
  private readonly otherTables = new Set<number>();
  /** Strings that are known, be they names of tables or something else. */
  private readonly known = new Set<unknown>();

  constructor(
    readonly module: Module,
    readonly wanted: WantedNames,
    /** The schema of clients of which only the import is known; null: some are made for other schemas. */
    readonly usualSchema: string | null,
  ) {
    this.literals = new Literals(module);
  }

  /** Follows constants into other modules, and collects their uses there. */
  follow(imports: Imports, others: Map<Module, ModuleUses>, explained: Set<unknown>): void {
    this.others = others;
    this.literals.follow(imports, explained);
  }

  /** The string is known to be something else than the name of a table. */
  isKnown(path: NodePath): void {
    this.known.add(path.node);
  }

  /** The expression is the name of a table, and nothing else. */
  addName(path: NodePath, place: NamePlace): void {
    this.addTexts(path, place.kind, (text) => this.editsOfName(text, 0, text.length, place));
  }

  /** The type is the name of a table, or several. */
  addNameType(path: NodePath, place: NamePlace): void {
    for (const { path: literal, module, checks } of this.literals.ofType(path)) {
      this.ownerOf(module).add(
        literal,
        place.kind,
        checks,
        (text) => this.editsOfName(text, 0, text.length, place),
      );
    }
  }

  /** The expression is a text in which names are to be changed as `edits` says. */
  addTexts(
    path: NodePath,
    kind: UseKind,
    edits: (text: string) => TextEdit[] | null,
    placeholder = PLACEHOLDER,
  ): void {
    for (const { path: literal, module, checks } of this.literals.of(path)) {
      this.ownerOf(module).add(literal, kind, checks, edits, placeholder);
    }
  }

  /** Where the uses in another module of the application are collected. */
  private ownerOf(module: Module): ModuleUses {
    return this.others.get(module) ?? this;
  }

  /** A part of a text is the name of a table. */
  editsOfName(text: string, start: number, end: number, place: NamePlace): TextEdit[] {
    return this.renamedBy(text.slice(start, end), place.schema).map(({ renamed, doubt }) => ({
      ...{ renamed, start, end, replacement: renamed.to },
      doubt: place.doubt ?? doubt,
    }));
  }

  /** The renames that a name can be about; the schema, null, is not known. */
  renamedBy(name: string, schema: string | null): { renamed: Renamed; doubt: string | null }[] {
    if (schema === null) {
      return this.wanted.named(name).map((renamed) => ({
        renamed,
        doubt: "the schema of the client is not known",
      }));
    }
    const renamed = this.wanted.inSchema(schema, name);
    return renamed === undefined ? [] : [{ renamed, doubt: null }];
  }

  /** @param edits Gives null if it cannot read the text, which is then left for others. */
  private add(
    literal: NodePath,
    kind: UseKind,
    checks: Check[],
    edits: (text: string) => TextEdit[] | null,
    placeholder = PLACEHOLDER,
  ): void {
    const text = this.module.textOf(literal, placeholder);
    if (text === null) return;
    const found = edits(text.text);
    if (found === null) return;
    this.markKnown(literal);
    // A table of this name in a schema in which it is not renamed.
    const isOther = found.length === 0 && this.wanted.named(text.text).length > 0;
    const whole = isOther ? text.span(0, text.text.length) : null;
    if (whole !== null) this.otherTables.add(whole.offset);
    for (const { renamed, start, end, replacement, doubt } of found) {
      this.push(text, { kind, renamed, start, end, replacement, doubt }, checks);
    }
  }

  /** The expression is SQL. */
  addSql(path: NodePath, kind: UseKind, doubt: string | null): void {
    this.addTexts(path, kind, (text) => {
      const begins = text.trimStart().startsWith(PARAMETER) ? "it begins with an expression" : null;
      return namesInSql(text, this.wanted).map(({ replacement, reason, ...name }) => ({
        ...name,
        replacement: replacement ?? "",
        doubt: reason ?? doubt ?? begins,
      }));
    }, PARAMETER);
  }

  /** Each word of the expression that is the name of a table may be one. */
  addWords(path: NodePath, kind: UseKind, doubt: string): void {
    this.addTexts(
      path,
      kind,
      (text) =>
        this.wanted.all.flatMap((renamed) =>
          [...text.matchAll(wordPattern(renamed.from))].map(({ index: start }) => ({
            ...{ renamed, start, end: start + renamed.from.length, replacement: "", doubt },
          }))
        ),
    );
  }

  /** A part of the source that is no string of an expression, such as a key. */
  addSpan(span: Span, renamed: Renamed, kind: UseKind, doubt: string | null, to?: string): void {
    const replacement = to ?? renamed.to;
    this.pending.push({ kind, renamed, span, replacement, doubt, checks: [] });
  }

  private push(
    text: PlacedText,
    { kind, renamed, start, end, replacement, doubt }: TextEdit & { kind: UseKind },
    checks: Check[],
  ): void {
    const span = text.span(start, end);
    if (span === null) return;
    const written = text.written(replacement);
    this.pending.push({ kind, renamed, span, replacement: written, doubt, checks });
  }

  private markKnown(literal: NodePath): void {
    this.known.add(literal.node);
    if (literal.isBinaryExpression()) {
      literal.traverse({ StringLiteral: (path) => void this.known.add(path.node) });
    }
  }

  isLeft(path: NodePath): boolean {
    return !this.known.has(path.node) &&
      path.findParent((one) => this.known.has(one.node)) === null;
  }

  addPossible(span: Span, renamed: Renamed, reason: string): void {
    this.addSpan(span, renamed, "text", reason);
  }

  /** All uses. Two readings of one place that do not agree make it only possible. */
  found(): Found[] {
    const byPlace = Map.groupBy(this.pending, ({ span }) => span.offset);
    return [...byPlace.values()].map((readings) => {
      const [{ kind, renamed, span, replacement }] = readings;
      const doubt = readings.map(({ doubt }) => doubt).find((doubt) => doubt !== null);
      const failed = readings.flatMap(({ checks }) => checks).map((check) => check())
        .find((reason) => reason !== null);
      const differs = readings.some((other) =>
        other.replacement !== replacement || other.span.length !== span.length
      ) || this.otherTables.has(span.offset);
      const reason = failed ?? doubt ?? (differs ? "it is used for different tables" : null);
      return reason == null
        ? certain(kind, renamed, span, replacement)
        : possible(kind, renamed, span, reason);
    });
  }
}

/** Stands for an expression in a name; no name has it. */
const PLACEHOLDER = "\ufffc";
/** Stands for an expression in SQL, where most are values. */
const PARAMETER = "$1";
