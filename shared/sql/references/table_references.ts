/**
 * References to tables in SQL sources: bodies of routines, commands of pg_cron, recorded statements. A name counts if
 * it stands where SQL has a relation or a type; a column, an alias, a variable or a comment does not count.
 */
import { lex, type Token } from "../parser/lexer.ts";
import {
  NameResolver,
  type Qualifier,
  type RowTypes,
  TableReference,
  weaker,
} from "../parser/name_resolver.ts";
import { indexOfWord, isWord, parse, statementsOf } from "../parser/nodes.ts";
import { RunTimeNames } from "../parser/run_time_names.ts";
import { type Readers, Scope } from "../parser/scope.ts";
import { mentionOf, type TableIndex, tablesMentioned, wordsOf } from "../parser/table_index.ts";
import { namesCatalog } from "./catalog_queries.ts";
import { readPlpgsql } from "./plpgsql.ts";
import { readQuery } from "./queries.ts";
import { readStrings } from "./sql_in_strings.ts";
import { readStatement } from "./statements.ts";
import { readTriggerNames, readTriggerNamesUnparsed, usesTriggerName } from "./trigger_names.ts";

export { type Certainty, type Qualifier, TableReference } from "../parser/name_resolver.ts";
export { type TableIndex, tableIndex } from "../parser/table_index.ts";

export interface SqlSource {
  /** `sql`, `plpgsql` and so on; other languages are only searched for mentions. */
  language: string;
  text: string;
  /** What SET search_path gives a routine; null: the caller's. */
  search_path: string[] | null;
  schema: string | null;
  /** OIDs of tables of which it is a trigger function. */
  trigger_of?: number[];
}

export interface SourceReferences {
  /** In the order of the source. */
  references: TableReference[];
  /** The row types of tables that it uses; null if it is not read. */
  rows: RowTypes | null;
}

/** Languages whose source is the name of a compiled function. */
const COMPILED = new Set(["c", "internal"]);

/** All references to the tables, in the order of the source. Never throws. */
export const referencesIn = (source: SqlSource, tables: TableIndex): TableReference[] =>
  readReferences(source, tables).references;

/** The same, with the row types that the source uses. Never throws. */
export function readReferences(source: SqlSource, tables: TableIndex): SourceReferences {
  const { references, rows } = readNames(source, tables);
  return { references, rows };
}

/** The same, with all places where the source says the name of a relation again. Never throws. */
export function readNames(
  source: SqlSource,
  tables: TableIndex,
): SourceReferences & { qualifiers: Qualifier[] } {
  const { language, text, search_path: searchPath, schema } = source;
  if (COMPILED.has(language)) return { references: [], rows: null, qualifiers: [] };
  const triggerOf = (source.trigger_of ?? []).flatMap((oid) => tables.byOid.get(oid) ?? []);
  const isTrigger = triggerOf.length > 0 && language === "plpgsql";
  const runTime = new RunTimeNames(isTrigger);
  const names = new NameResolver(text, tables, { searchPath, schema }, runTime);
  const scope = new Scope(names, READERS);
  if (mayName(source, tables) || (isTrigger && usesTriggerName(text))) {
    readSource(language, scope);
  }
  if (isTrigger) readTriggerNames(lex(text, { blanks: false }).tokens, triggerOf, scope);
  else if (triggerOf.length > 0) readTriggerNamesUnparsed(triggerOf, scope);
  // At the same place, what a trigger function does with its table's name comes first.
  const rank = ({ code }: TableReference) => code === "tg_table_name" ? 0 : 1;
  const references = scope.names.references.sort((a, b) => a.at - b.at || rank(a) - rank(b));
  return { references, rows: scope.names.rows, qualifiers: scope.names.qualifiers };
}

const READERS: Readers = { query: readQuery, statement: readStatement, body: readBody };

function readBody(body: Token, language: string, scope: Scope): void {
  const place = (at: number) => body.inner < 0 ? body.start : body.inner + at;
  readSource(language, scope.within(body.value, "named", place));
}

/**
 * Reads a whole source. In another language, or if there is a syntax error, each word that is a table's name is a
 * possible reference.
 */
function readSource(language: string, scope: Scope): void {
  if (language !== "sql" && language !== "plpgsql") return noteMentions(scope);
  const { nodes, faults } = parse(scope.names.text);
  if (language === "plpgsql") readPlpgsql(nodes, scope);
  else {
    const context = namesCatalog(nodes) ? "beside execute" : "elsewhere";
    for (const statement of statementsOf(nodes)) {
      readStatement(statement, scope);
      readStrings(statement, context, scope);
    }
  }
  if (faults.length === 0) return;
  noteMentions(scope, faults[0].what);
  // What cannot be read may declare anything.
  for (const { oid } of tablesMentioned(scope.names.text, scope.names.index)) {
    scope.names.rows.variables.add(oid);
  }
}

function noteMentions(scope: Scope, fault: string | null = null): void {
  for (const table of tablesMentioned(scope.names.text, scope.names.index)) {
    const at = mentionOf(scope.names.text, table.name);
    scope.note([{ table, certain: false }], at, "unparsed_text", fault);
  }
}

/** The words of each source, since many indexes may be searched for in it, one by one. */
const wordsOfSource = new WeakMap<SqlSource, Set<string>>();

/** A quick look, since most sources name none of the tables. Escapes can spell a name with other characters. */
function mayName(source: SqlSource, { byWord }: TableIndex): boolean {
  if (byWord.has("") || source.text.includes("\\")) return true;
  let words = wordsOfSource.get(source);
  if (words === undefined) wordsOfSource.set(source, words = new Set(wordsOf(source.text)));
  const [fewer, more] = words.size < byWord.size ? [words, byWord] : [byWord, words];
  return [...fewer.keys()].some((word) => more.has(word));
}

/** The first of the most certain references. */
export function strongest(references: TableReference[]): TableReference {
  return references.reduce((best, one) =>
    weaker(best.certainty, one.certainty) === best.certainty && best.certainty !== one.certainty
      ? one
      : best
  );
}

/** `pg_get_serial_sequence($1, …)`, perhaps with a cast, is used to reset sequences. */
const SERIAL_SEQUENCE = /\bpg_get_serial_sequence\s*\(\s*(?:cast\s*\(\s*)?\$\d+/i;

/**
 * Adds lookups of a sequence by `$1`, with which the server replaces constants in recorded statements. In one like
 * `select setval(pg_get_serial_sequence($1, $2), max(id)) from authors` it may be a sequence of any table there.
 */
export function withLookupsByParameter(
  text: string,
  references: TableReference[],
): TableReference[] {
  const at = SERIAL_SEQUENCE.exec(text)?.index;
  if (at === undefined) return references;
  const code = "serial_sequence_lookup";
  const known = new Set(
    references.filter((one) => one.code === code).map(({ table }) => table.oid),
  );
  const tables = new Map(references.map(({ table }) => [table.oid, table]));
  const lookups = [...tables.values()].filter(({ oid }) => !known.has(oid))
    .map((table) => new TableReference(table, at, "possible", code, null, text, at));
  return [...references, ...lookups];
}

/** White space and comments, with no ambiguity that would make matching slow, and the first word after them. */
const FIRST_WORD = /^(?:\s|--[^\n]*\n|\/\*(?:[^*]|\*(?!\/))*\*\/)*([a-z]+)/i;
const ONE_TIME = new Set(
  "create drop comment grant revoke security do cluster reindex alter".split(" "),
);

/**
 * Whether a recorded statement is one that a migration or a person runs once, so that one call does not suggest
 * another. Disabling and enabling triggers is not: applications do that each time.
 */
export function isOneTimeStatement(text: string): boolean {
  const word = FIRST_WORD.exec(text)?.[1].toLowerCase() ?? "";
  return ONE_TIME.has(word) && !(word === "alter" && /\btrigger\b/i.test(text));
}

/**
 * Whether a definition succeeds when it is run again. `CREATE INDEX IF NOT EXISTS` does; `CREATE INDEX name` does only
 * after somebody has dropped the index, as when migrations are tried up and down.
 */
export function isRepeatable(text: string): boolean {
  const { nodes } = parse(text);
  const [first, second, third] = nodes;
  const hasIf = indexOfWord(nodes, 1, "if") > 0;
  if (isWord(first, "create")) return hasIf || (isWord(second, "or") && isWord(third, "replace"));
  if (isWord(first, "drop")) return hasIf;
  if (!isWord(first, "alter")) return true;
  return hasIf || indexOfWord(nodes, 1, "add", "drop", "rename", "attach", "detach") < 0;
}
