/** Names of renamed tables in SQL: where each stands, and what takes its place. */
import type { Token } from "../sql/parser/lexer.ts";
import { isMark, isWord, parse, statementsOf } from "../sql/parser/nodes.ts";
import {
  identifiersOf,
  type NamePlace,
  partsAt,
  placeOfName,
  tokensOf,
  writtenAt,
} from "../sql/references/name_places.ts";
import {
  type Qualifier,
  readNames,
  type TableReference,
} from "../sql/references/table_references.ts";
import { patternOf, type Renamed, type WantedNames } from "./uses.ts";

/** A name in the text. */
interface NameInSql {
  renamed: Renamed;
  start: number;
  end: number;
  /** What takes the place of it; null if it is only possible. */
  replacement: string | null;
  reason: string | null;
}

/** All names of renamed tables in a text of SQL. Never throws. */
export function namesInSql(text: string, wanted: WantedNames): NameInSql[] {
  if (!wanted.mayBeIn(text)) return [];
  const reader = new SqlReader(text, wanted);
  return reader.read();
}

interface Place extends NamePlace {
  renamed: Renamed;
  reason: string | null;
  /** `relation`: it names one. `qualifier`: it says the name of one again. `row`: alone, for the row. */
  role: "relation" | "qualifier" | "row";
  /** Where the relation is named: this one, or the one whose name it says again. */
  of: number;
}

/** What the reader notes of a relation where its name does not stand, but a column, a constraint or a word. */
const AT_OTHER_PLACES = new Set<string>(
  `system_columns set_default on_conflict_on_constraint group_by_primary_key where_current_of merge`
    .split(" "),
);

class SqlReader {
  private readonly places: Place[] = [];
  /** Where relations are named, and where any of the places begins. */
  private readonly relations = new Map<number, Place>();
  private readonly starts = new Set<number>();
  /** Where names are said again, whatever they belong to. */
  private readonly explained = new Set<number>();
  private readonly tokens: Token[];
  private readonly fault: string | null;
  private readonly setsPath: boolean;

  constructor(private readonly text: string, private readonly wanted: WantedNames) {
    this.tokens = tokensOf(text);
    this.fault = parse(text).faults[0]?.what ?? null;
    this.setsPath = setsSearchPath(text);
  }

  read(): NameInSql[] {
    const { references, qualifiers } = readNames(
      { language: "sql", text: this.text, search_path: null, schema: "public" },
      this.wanted.index,
    );
    const again = new Set(qualifiers.filter(({ whole }) => !whole).map(({ at }) => at));
    for (const reference of references) {
      const isElsewhere = again.has(reference.at) || AT_OTHER_PLACES.has(reference.code ?? "");
      if (!isElsewhere) this.addReference(reference);
    }
    for (const qualifier of qualifiers) this.addQualifier(qualifier);
    const found: NameInSql[] = [];
    const places = this.places.sort((a, b) => a.start - b.start);
    let next = 0;
    for (const { start, end } of statementRanges(this.text)) {
      const first = next;
      while (next < places.length && places[next].start < end) next++;
      const byTable = Map.groupBy(places.slice(first, next), ({ renamed }) => renamed);
      for (const same of byTable.values()) found.push(...this.inStatement(start, end, same));
    }
    return [...found, ...this.strings(found)].sort((a, b) => a.start - b.start);
  }

  private addReference({ table, at, certainty, code, detail }: TableReference): void {
    const renamed = this.wanted.all[table.oid];
    const { schema, from: name } = renamed;
    const found = placeOfName(this.text, this.tokens, at, { schema, name });
    if (found === null || this.starts.has(found.start)) return;
    const unread = code === "unparsed_text" ? detail ?? "another language" : null;
    const [located, reason] = "escaped" in found
      ? [
        { ...found, quoted: false, qualified: true, quote: null },
        "its characters are written with escapes",
      ]
      : [found, this.reasonOf(certainty, unread, found, renamed)];
    const place: Place = { ...located, renamed, of: at, role: "relation", reason };
    this.add(place);
    if (!this.relations.has(at)) this.relations.set(at, place);
  }

  private add(place: Place): void {
    this.places.push(place);
    this.starts.add(place.start);
  }

  private reasonOf(
    certainty: TableReference["certainty"],
    fault: string | null,
    { qualified }: NamePlace,
    { schema }: Renamed,
  ): string | null {
    const unread = fault ?? this.fault;
    if (unread !== null) return `the SQL cannot be read: ${unread}`;
    if (certainty === "dynamic") return "it is in SQL that is put together when it runs";
    if (!qualified && (schema !== "public" || this.setsPath)) {
      return "which schema is meant depends on the search path";
    }
    return certainty === "named" ? null : "it may be something else";
  }

  private addQualifier({ at, part, of, whole }: Qualifier): void {
    const token = partsAt(this.text, at)[part];
    if (token === undefined) return;
    this.explained.add(token.start);
    const relation = of === null ? undefined : this.relations.get(of);
    if (relation === undefined || this.starts.has(token.start)) return;
    if (of === null || token.value !== relation.renamed.from) return;
    const { start, end, kind } = token;
    const { renamed, quote, reason } = relation;
    const role = whole ? "row" : "qualifier";
    const [quoted, qualified] = [kind === "quoted", part > 0];
    this.add({ start, end, quoted, quote, qualified, renamed, of, role, reason });
  }

  /** Decides about the names of one table in one statement, of which all are certain or none. */
  private inStatement(from: number, to: number, places: Place[]): NameInSql[] {
    const [{ renamed }] = places;
    const statement = this.text.slice(from, to);
    const reason = renamed.unclear ??
      places.find((place) => place.reason !== null)?.reason ??
      this.objection(statement, from, places) ?? this.rowObjection(statement, places);
    if (reason !== null) {
      return places.filter(({ role }) => role !== "row").map(({ start, end }) => ({
        ...{ renamed, start, end, replacement: null, reason },
      }));
    }
    // With an alias that is the old name, everything else that says it can stay.
    const rows = new Set(places.filter(({ role }) => role === "row").map(({ of }) => of));
    return places.filter(({ role, of }) => role === "relation" || !rows.has(of))
      .map((place) => this.replaced(place, rows.has(place.of)));
  }

  /** Why names in the statement cannot be changed though each is a table. */
  private objection(
    statement: string,
    from: number,
    places: Place[],
  ): string | null {
    const starts = places.map(({ start }) => start);
    const { from: name, to } = places[0].renamed;
    // Where every relation has an alias, and one of them is the other name, that alias goes.
    const relations = places.filter(({ role }) => role === "relation");
    const following = relations.map(({ end }) => this.text.slice(end, end + to.length + 10));
    const dropsAlias = following.every((text) => /^\s+as\s/i.test(text)) &&
      relations.some(({ end, quoted }) =>
        aliasAfter(this.text, end, writtenAt({ quote: null }, to, quoted)) > 0
      );
    for (const { value, start, before, after } of identifiersOf(statement, starts, from)) {
      const isQualifier = value === name && isMark(after, ".") && !isMark(before, ".");
      if (isQualifier && !this.starts.has(start) && !this.explained.has(start)) {
        return `${name} is said here in a way that is not understood`;
      }
      const isExpression = isWord(after, "as") || isWord(before, "with");
      if (value === to && !isMark(before, ".") && (!dropsAlias || isExpression)) {
        return `the statement says ${to} already`;
      }
    }
    if (makesTemporary(this.text, to)) return `the file makes a temporary table ${to}`;
    return null;
  }

  /** A name that stands for a row keeps its meaning by an alias; some statements have no place for one. */
  private rowObjection(statement: string, places: Place[]): string | null {
    const rows = new Set(places.filter(({ role }) => role === "row").map(({ of }) => of));
    if (rows.size === 0) return null;
    const begin = withoutComments(statement);
    const hasNoPlace = /^(?:create|alter)\b/i.test(begin) && !HAS_QUERY.test(begin);
    const cannot = places.some(({ role, of, qualified, end }) =>
      rows.has(of) &&
      (role === "relation" ? /^\s*[*)]/.test(this.text.slice(end, end + 20)) : qualified)
    );
    return hasNoPlace || cannot ? "it stands for a row here" : null;
  }

  private replaced(place: Place, hasRow: boolean): NameInSql {
    const { renamed, start, end, quote, quoted, role } = place;
    const [name, old] = [renamed.to, renamed.from].map((one) => writtenAt(place, one, quoted));
    if (quote !== null && /[^\w"]/.test(name + old)) {
      const reason = "the name needs quotes in a string";
      return { renamed, start, end, replacement: null, reason };
    }
    if (role !== "relation") return { renamed, start, end, replacement: name, reason: null };
    const alias = aliasAfter(this.text, end, name);
    const replacement = hasRow && alias === 0 ? `${name} as ${old}` : name;
    return { renamed, start, end: end + alias, replacement, reason: null };
  }

  /** Strings that are just the name, which can be a table's or anything else. */
  private strings(found: NameInSql[]): NameInSql[] {
    return this.tokens.flatMap((token) => {
      if (token.kind !== "string" || token.inner < 0) return [];
      const parts = token.value.split(".");
      const name = parts.at(-1)!;
      const renamed = parts.length === 1
        ? this.wanted.named(name)[0]
        : parts.length === 2
        ? this.wanted.inSchema(parts[0], name)
        : undefined;
      const end = token.inner + token.value.length;
      const start = end - name.length;
      if (renamed === undefined || found.some((one) => one.start < end && one.end > start)) {
        return [];
      }
      return [{ renamed, start, end, replacement: null, reason: "a string that is the name" }];
    });
  }
}

/** Definitions in which a query or a body has the names. */
const HAS_QUERY =
  /^create\s+(?:or\s+replace\s+)?(?:(?:materialized|recursive|temp|temporary)\s+)?(?:view|function|procedure)\b/i;

/** The length of ` as to` after the name, in the one form in which it is written here; or 0. */
function aliasAfter(text: string, end: number, to: string): number {
  const alias = ` as ${to}`;
  return text.startsWith(alias, end) && !/^[\w$]/.test(text.slice(end + alias.length))
    ? alias.length
    : 0;
}

/** The statements of a text, with their semicolons and what is before the next. */
function statementRanges(text: string): { start: number; end: number }[] {
  const starts = statementsOf(parse(text).nodes).map(([first]) => first.start);
  return starts.map((start, i) => ({ start, end: starts[i + 1] ?? text.length }));
}

/** Schemas that do not change which table a name without a schema means. */
const USUAL_PATH = /^(?:public|extensions|pg_catalog|pg_temp|\$user|"\$user"|on|off)?$/;

/** Whether the text sets a search path with other schemas. */
function setsSearchPath(text: string): boolean {
  const settings = text.matchAll(
    /\bsearch_path\b['"]?\s*(?:=|,|\bto\b)\s*((?:['"$\w]+|''|"")(?:\s*,\s*['"$\w]+)*)/gi,
  );
  return [...settings].some(([, list]) =>
    list.split(",").some((schema) =>
      !USUAL_PATH.test(schema.trim().replace(/^'(.*)'$/, "$1").replace(/^"(.*)"$/, "$1"))
    )
  );
}

function makesTemporary(text: string, name: string): boolean {
  const made = `\\btemp(?:orary)?\\s+(?:table|view)[^;(]*\\b${patternOf(name)}\\b`;
  return new RegExp(made, "iu").test(text);
}

const withoutComments = (statement: string) =>
  statement.replace(/^(?:\s|--[^\n]*\n|\/\*(?:[^*]|\*(?!\/))*\*\/)*/, "");

const COPIED_ROWS = /^(copy\b[^;]*\bfrom\s+stdin\b[^;]*;[^\n]*\n)([^]*?)^\\\.\r?$/gim;
const PSQL_COMMAND = /^\\[^\n]*$/gm;

/** A file of SQL without what psql does itself: rows after COPY … FROM stdin, and commands. Places stay. */
export function withoutPsql(text: string): string {
  const blank = (part: string) => part.replace(/[^\n\r]/g, " ");
  return text
    .replace(COPIED_ROWS, (all, copy: string) => copy + blank(all.slice(copy.length)))
    .replace(PSQL_COMMAND, blank);
}
