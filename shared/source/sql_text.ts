/** Names of renamed tables in SQL: where each stands, and what takes its place. */
import { lex, type Token } from "../sql/parser/lexer.ts";
import { parse, statementsOf } from "../sql/parser/nodes.ts";
import { ident, identIfNeeded } from "../sql/quoting.ts";
import {
  type Qualifier,
  readNames,
  type TableReference,
} from "../sql/references/table_references.ts";
import { patternOf, type Renamed, type WantedNames } from "./uses.ts";

/** A name in the text. */
export interface NameInSql {
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

interface Located {
  start: number;
  end: number;
  quoted: boolean;
  /** It is in a string, so that its text must not end the string. */
  nested: boolean;
  qualified: boolean;
  /** It is somewhere in a string with escapes. */
  escaped?: boolean;
}

interface Place extends Located {
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
    const { tokens } = lex(text, { blanks: false });
    this.tokens = tokens;
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
    const located = locate(this.text, at, renamed, this.tokens);
    if (located === null || this.starts.has(located.start)) return;
    const unread = code === "unparsed_text" ? detail ?? "another language" : null;
    const reason = this.reasonOf(certainty, unread, located, renamed);
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
    { qualified, escaped }: Located,
    { schema }: Renamed,
  ): string | null {
    const unread = fault ?? this.fault;
    if (escaped) return "its characters are written with escapes";
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
    const { renamed, nested, reason } = relation;
    const role = whole ? "row" : "qualifier";
    const [quoted, qualified] = [kind === "quoted", part > 0];
    this.add({ start, end, quoted, nested, qualified, renamed, of, role, reason });
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
        aliasAfter(this.text, end, quoted ? ident(to) : identIfNeeded(to)) > 0
      );
    for (const [token, before, after] of identifiersIn(statement, from, starts)) {
      const isQualifier = token.value === name && after === "." && before !== ".";
      if (isQualifier && !this.starts.has(token.start) && !this.explained.has(token.start)) {
        return `${name} is said here in a way that is not understood`;
      }
      const isExpression = after === "as" || before === "with";
      if (token.value === to && before !== "." && (!dropsAlias || isExpression)) {
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

  private replaced(
    { renamed, start, end, nested, quoted, role }: Place,
    hasRow: boolean,
  ): NameInSql {
    const write = quoted ? ident : identIfNeeded;
    const [name, old] = [write(renamed.to), write(renamed.from)];
    if (nested && /[^\w"]/.test(name + old)) {
      return {
        renamed,
        start,
        end,
        replacement: null,
        reason: "the name needs quotes in a string",
      };
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

/** The name that begins at an index, or the one in the string that begins there. */
function locate(text: string, at: number, renamed: Renamed, tokens: Token[]): Located | null {
  const outer = tokenAt(tokens, at);
  const isString = outer?.kind === "string" && outer.start === at;
  if (isString && outer.inner < 0) {
    return {
      start: outer.start,
      end: outer.end,
      quoted: false,
      nested: true,
      qualified: true,
      escaped: true,
    };
  }
  const begin = isString ? outer.inner : at;
  const parts = partsAt(text, begin);
  const index = parts.findIndex(({ value }, i) =>
    value === renamed.from && (i === 0 || parts[i - 1].value === renamed.schema)
  );
  if (index < 0) return null;
  const { start, end, kind } = parts[index];
  const nested = outer?.kind === "string";
  return { start, end, quoted: kind === "quoted", nested, qualified: index > 0 };
}

/** The token that has an index in it. */
function tokenAt(tokens: Token[], at: number): Token | undefined {
  let [low, high] = [0, tokens.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (tokens[middle].start <= at) low = middle;
    else high = middle - 1;
  }
  const token = tokens[low];
  return token !== undefined && token.start <= at && at < token.end ? token : undefined;
}

/** Longer names with more parts than a schema, a table and a column are not looked at. */
const MAX_NAME = 400;

/** The identifiers, with dots between them, from an index on. */
function partsAt(text: string, at: number): Token[] {
  const { tokens } = lex(text.slice(at, at + MAX_NAME), { blanks: false });
  const parts: Token[] = [];
  for (let i = 0; i < tokens.length; i += 2) {
    const token = tokens[i];
    if (token.kind !== "word" && token.kind !== "quoted") break;
    parts.push({ ...token, start: token.start + at, end: token.end + at });
    const dot = tokens[i + 1];
    if (dot?.kind !== "mark" || dot.value !== ".") break;
  }
  return parts;
}

/** The statements of a text, with their semicolons and what is before the next. */
function statementRanges(text: string): { start: number; end: number }[] {
  const starts = statementsOf(parse(text).nodes).map(([first]) => first.start);
  return starts.map((start, i) => ({ start, end: starts[i + 1] ?? text.length }));
}

/** All identifiers, also those in strings that have one of the places, with what is before and after each. */
function* identifiersIn(
  text: string,
  offset: number,
  places: number[],
): Generator<[Token, string, string]> {
  const { tokens } = lex(text, { blanks: false });
  for (const [i, token] of tokens.entries()) {
    if (token.kind === "string" && token.inner >= 0) {
      const start = offset + token.inner;
      const isRead = places.some((at) => at >= start && at < start + token.value.length);
      if (isRead) yield* identifiersIn(token.value, start, places);
    } else if (token.kind === "word" || token.kind === "quoted") {
      const { start, end } = token;
      const placed = { ...token, start: start + offset, end: end + offset };
      yield [placed, tokens[i - 1]?.value ?? "", tokens[i + 1]?.value ?? ""];
    }
  }
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
