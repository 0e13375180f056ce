/**
 * Uses of tables in texts: bodies of routines, commands of pg_cron, recorded statements. A name counts where SQL
 * has a relation or a type, not where it is a column, an alias, a variable or part of a comment.
 */
import type { TextFacts } from "../../facts/facts.ts";
import { readText } from "../parser/bodies.ts";
import { lex } from "../parser/lexer.ts";
import { type KeptRows, Reading, type Use, weaker } from "../parser/reading.ts";
import { type TableIndex, wordsOf } from "./table_index.ts";
import { RunTimeNames } from "./run_time_names.ts";
import { asksForName, readTriggerNames, readTriggerNamesElsewhere } from "./trigger_names.ts";

export { type Certainty, Use } from "../parser/reading.ts";
export { type TableIndex, tableIndex } from "./table_index.ts";

/** What is read of a text. */
export type ReadableText = Pick<TextFacts, "language" | "text" | "search_path" | "schema"> & {
  trigger_of?: number[];
};

/** Languages whose texts are names of compiled functions. */
const COMPILED = new Set(["c", "internal"]);

/** What reading a text gives. */
export interface UsesAndRows {
  /** Every use of the tables, in the order of the text. */
  uses: Use[];
  rows: KeptRows | null;
}

/** Every use of the tables in the text, in the order of the text. Never throws. */
export const usesOf = (text: ReadableText, tables: TableIndex): Use[] =>
  readUses(text, tables).uses;

/** The same, with the rows of tables that the text keeps. Never throws. */
export function readUses(text: ReadableText, tables: TableIndex): UsesAndRows {
  if (COMPILED.has(text.language)) return { uses: [], rows: null };
  const scope = { searchPath: text.search_path, schema: text.schema };
  const ofTriggers = (text.trigger_of ?? []).flatMap((oid) => tables.byOid.get(oid) ?? []);
  const isTrigger = ofTriggers.length > 0 && text.language === "plpgsql";
  const names = new RunTimeNames(isTrigger);
  const reading = new Reading(text.text, tables, scope, "named", null, names);
  if (mayName(text, tables) || (isTrigger && asksForName(text.text))) {
    readText(text.language, reading);
  }
  if (isTrigger) {
    readTriggerNames(lex(text.text, { blanks: false }).tokens, ofTriggers, reading);
  } else if (ofTriggers.length > 0) readTriggerNamesElsewhere(ofTriggers, reading);
  // At one place, what a trigger's name comes to is told before what else is done there.
  const rank = ({ code }: Use) => code === "tg_table_name" ? 0 : 1;
  const uses = reading.uses.sort((a, b) => a.at - b.at || rank(a) - rank(b));
  return { uses, rows: reading.rows };
}

/** The first of the most certain uses. */
export function strongest(uses: Use[]): Use {
  return uses.reduce((best, use) =>
    weaker(best.certainty, use.certainty) === best.certainty &&
      best.certainty !== use.certainty
      ? use
      : best
  );
}

/** Comments and white space, each to be read in one way only, and the first word behind them. */
const FIRST_WORD = /^(?:\s|--[^\n]*\n|\/\*(?:[^*]|\*(?!\/))*\*\/)*([a-z]+)/i;
const ONE_TIME = new Set(
  "create drop comment grant revoke security do cluster reindex alter".split(" "),
);

/**
 * Whether a recorded statement is such as a migration or a person runs once, so that one call says nothing of
 * another one; to switch triggers off and on is what applications do each time.
 */
export function isOneTimeStatement(text: string): boolean {
  const word = FIRST_WORD.exec(text)?.[1].toLowerCase() ?? "";
  return ONE_TIME.has(word) && !(word === "alter" && /\btrigger\b/i.test(text));
}

/** The words of texts, since many tables may ask after them one by one. */
const words = new WeakMap<ReadableText, Set<string>>();

/** A quick look, since most texts name none of the tables. Escapes can spell a name in other letters. */
function mayName(text: ReadableText, { byWord }: TableIndex): boolean {
  if (byWord.has("") || text.text.includes("\\")) return true;
  let there = words.get(text);
  if (there === undefined) words.set(text, there = new Set(wordsOf(text.text)));
  const [fewer, more] = there.size < byWord.size ? [there, byWord] : [byWord, there];
  return [...fewer.keys()].some((word) => more.has(word));
}
