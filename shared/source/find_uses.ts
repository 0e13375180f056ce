/** All uses in one file, by what kind of file it is. */
import { scriptsIn } from "./modules/components.ts";
import { readDatabaseTypes } from "./forms/database_types.ts";
import { beginsStatement, readEmbeddedSql } from "./forms/embedded_sql.ts";
import { type Module, type NodePath, type Parser } from "./modules/module.ts";
import { ModuleUses } from "./modules/module_uses.ts";
import { mentionsIn, namesAsWords, namesInPrisma, namesInStrings } from "./other_languages.ts";
import { readKyselyTypes, readQueryBuilders } from "./forms/query_builders.ts";
import { importersOf, Program, type Resolve } from "./modules/program.ts";
import { namesInSql, withoutPsql } from "./sql_text.ts";
import { readSupabaseCalls } from "./forms/supabase_client.ts";
import {
  certain,
  type Found,
  inOrder,
  Lines,
  possible,
  type Use,
  type WantedNames,
} from "./uses.ts";

const MODULES = /\.(?:[cm]?[jt]sx?|vue|svelte|astro)$/i;
const JSX = /\.(?:[jt]sx|[cm]?js|astro)$/i;
const COMPONENT = /\.(vue|svelte|astro)$/i;
const SQL = /\.(?:sql|psql|pgsql)$/i;
const STRINGS = /\.(?:py|dart|swift|kts?|java|scala|go|rb|cs|php|rs|exs?)$/i;
const WORDS = /\.(ya?ml|graphql|gql)$/i;
const PRISMA = /\.prisma$/i;

/** Whether the file is of a kind that is read. */
export const isSource = (path: string): boolean =>
  [MODULES, SQL, STRINGS, WORDS, PRISMA].some((kind) => kind.test(path));

/** Whether reading the file needs the parser. */
export const isModule = (path: string): boolean => MODULES.test(path);

interface SourceFile {
  /** As it is to be shown. */
  path: string;
  text: string;
}

interface FindOptions {
  wanted: WantedNames;
  /** For modules. */
  parser: Parser | null;
  /** The schema of clients that are made elsewhere; null: it differs. Default: public. */
  usualSchema?: string | null;
}

/** The comment that says of its line, or of the one after it, that it has no use. */
const IGNORE = "find-uses-ignore";

/** Whether a file that was changed can be read as before. */
export function isReadable({ path, text }: SourceFile, parser: Parser | null): boolean {
  if (!MODULES.test(path)) return true;
  const [, component] = COMPONENT.exec(path) ?? [];
  const script = component ? scriptsIn(text, component.toLowerCase()).script : text;
  return parseModule(parser, script, path)?.errors === 0;
}

/** All uses in the file, read alone, in its order. Never throws. */
export const usesIn = (file: SourceFile, options: FindOptions): Use[] =>
  usesInAll([file], options)[0];

/**
 * All uses in each of the files. Constants are followed from one file to another. Never throws.
 *
 * @param resolve What the files import of each other. Default: nothing is known of it.
 */
export function usesInAll(
  files: SourceFile[],
  options: FindOptions,
  resolve?: Resolve,
): Use[][] {
  const { wanted } = options;
  const modules = new Map<SourceFile, ReadModule>();
  const readModule = (file: SourceFile) => {
    if (MODULES.test(file.path)) modules.set(file, moduleIn(file, options));
  };
  for (const file of files) {
    if (wanted.mayBeIn(file.text)) readModule(file);
  }
  if (resolve !== undefined) {
    const sources = [...modules].flatMap(([{ path }, { uses }]) =>
      uses === null ? [] : [{ path, module: uses.module }]
    );
    const rest = files.filter((file) => MODULES.test(file.path) && !modules.has(file));
    for (const file of importersOf(sources, rest, wanted, resolve)) readModule(file);
    followed(modules, resolve);
  }
  for (const { uses } of modules.values()) {
    for (const read of uses === null ? [] : READERS) read(uses!);
  }
  return files.map((file) => usesOf(file, options, modules.get(file)));
}

const READERS = [
  readSupabaseCalls,
  readDatabaseTypes,
  readKyselyTypes,
  readQueryBuilders,
  readEmbeddedSql,
];

function followed(modules: Map<SourceFile, ReadModule>, resolve: Resolve): void {
  const read = [...modules].flatMap(([{ path }, { uses, markup }]) =>
    uses === null ? [] : [{ path, markup, uses }]
  );
  const program = new Program(read, resolve);
  const others = new Map(read.map(({ uses }) => [uses.module, uses]));
  const explained = new Set<unknown>();
  for (const { uses } of read) uses.follow(program, others, explained);
}

function usesOf({ path, text }: SourceFile, options: FindOptions, module?: ReadModule): Use[] {
  if (!options.wanted.mayBeIn(text)) return [];
  const lines = new Lines(text);
  const ignored = ignoredLines(text);
  const all = module === undefined
    ? foundInOthers(path, text, options.wanted)
    : foundInModule(module, options.wanted);
  return inOrder(all).flatMap((found) => {
    const place = lines.placeOf(found.offset);
    const { offset, length } = found;
    return ignored.has(place.line)
      ? []
      : [{ ...found, file: path, ...place, text: text.slice(offset, offset + length) }];
  });
}

function ignoredLines(text: string): Set<number> {
  const ignored = new Set<number>();
  if (!text.includes(IGNORE)) return ignored;
  for (const [index, line] of text.split("\n").entries()) {
    if (!line.includes(IGNORE)) continue;
    ignored.add(index + 1);
    // A line with nothing but the comment is about the next one.
    if (/^\s*(?:\/\/|\/\*|--|#|<!--|\{\s*\/\*)/.test(line)) ignored.add(index + 2);
  }
  return ignored;
}

function foundInOthers(path: string, text: string, wanted: WantedNames): Found[] {
  if (SQL.test(path)) return foundInSql(text, wanted);
  if (PRISMA.test(path)) return namesInPrisma(text, wanted);
  const words = WORDS.exec(path);
  if (words !== null) return namesAsWords(text, wanted, !/^y/i.test(words[1]));
  return namesInStrings(text, wanted);
}

function foundInSql(text: string, wanted: WantedNames): Found[] {
  return namesInSql(withoutPsql(text), wanted).map((name) => {
    const { renamed, start, end, replacement, reason } = name;
    const span = { offset: start, length: end - start };
    return replacement === null
      ? possible("sql", renamed, span, reason ?? "")
      : certain("sql", renamed, span, replacement);
  });
}

/** A file of TypeScript or JavaScript, as long as it is read. */
interface ReadModule {
  script: string;
  markup: string;
  /** Null if it cannot be parsed. */
  uses: ModuleUses | null;
}

function moduleIn({ path, text }: SourceFile, options: FindOptions): ReadModule {
  const { wanted, parser, usualSchema = "public" } = options;
  const [, component] = COMPONENT.exec(path) ?? [];
  const { script, markup } = component
    ? scriptsIn(text, component.toLowerCase())
    : { script: text, markup: "" };
  const module = parseModule(parser, script, path);
  return { script, markup, uses: module && new ModuleUses(module, wanted, usualSchema) };
}

function foundInModule({ script, markup, uses }: ReadModule, wanted: WantedNames): Found[] {
  const inMarkup = markup === "" ? [] : namesInStrings(markup, wanted);
  if (uses === null) {
    const unread = namesInStrings(script, wanted)
      .map((found) => ({ ...found, reason: "the file cannot be parsed" }));
    return [...inMarkup, ...unread];
  }
  const found = [...uses.found(), ...leftOver(uses)];
  // What the parser had to guess is for a person to decide.
  const read = uses.module.errors === 0
    ? found
    : found.map((one) =>
      one.certainty === "possible"
        ? one
        : possible(one.kind, one.renamed, one, "the file has errors")
    );
  return [...inMarkup, ...read];
}

/** With JSX where the name of the file allows it; a file that cannot be read so is read without. */
function parseModule(parser: Parser | null, script: string, path: string): Module | null {
  if (parser === null) return null;
  const [first, second] = JSX.test(path) ? [true, false] : [false, true];
  const module = parser.parse(script, { jsx: first });
  if (module !== null && module.errors === 0) return module;
  const other = parser.parse(script, { jsx: second });
  return other !== null && (module === null || other.errors === 0) ? other : module;
}

/** Strings that no reader knows, and that may name a table all the same. */
function leftOver(uses: ModuleUses): Found[] {
  const { module, wanted } = uses;
  return module.paths.flatMap((path) => {
    if (!path.isStringLiteral() && !path.isTemplateLiteral()) return [];
    if (isSpecifier(path) || !uses.isLeft(path)) return [];
    const text = module.textOf(path, "\ufffc");
    if (text === null || !wanted.mayBeIn(text.text)) return [];
    if (beginsStatement(text.text)) return sqlOf(text.text, wanted, text);
    return mentionsIn(text.text, 0, wanted).flatMap((found) => {
      const span = text.span(found.offset, found.offset + found.length);
      return span === null ? [] : [{ ...found, ...span }];
    });
  });
}

/** A string that looks like SQL, of which nobody knows who reads it. */
function sqlOf(
  sql: string,
  wanted: WantedNames,
  text: { span(from: number, to: number): { offset: number; length: number } | null },
): Found[] {
  return namesInSql(sql, wanted).flatMap(({ renamed, start, end }) => {
    const span = text.span(start, end);
    const reason = "a string that looks like SQL";
    return span === null ? [] : [possible("sql", renamed, span, reason)];
  });
}

/** `import … from "…"`, `import("…")`, and keys of objects that are only quoted. */
function isSpecifier(path: NodePath): boolean {
  const parent = path.parentPath;
  return parent === null || parent.isImportDeclaration() || parent.isExportDeclaration() ||
    parent.isTSExternalModuleReference() || parent.isTSImportType() || parent.isDirective() ||
    (parent.isCallExpression() && parent.node.callee.type === "Import");
}
