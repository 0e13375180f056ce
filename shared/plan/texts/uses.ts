/**
 * Uses of tables in texts: bodies of routines, commands of pg_cron, recorded statements. A name counts where SQL
 * has a relation or a type, not where it is a column, an alias, a variable or part of a comment.
 */
import type { TextFacts } from "../facts.ts";
import { readText } from "./bodies.ts";
import { lex } from "./lexer.ts";
import { Reading, type Use } from "./reading.ts";
import { type TableIndex, wordsOf } from "./table_index.ts";
import { readTriggerNames } from "./trigger_names.ts";

export type { Certainty, Use } from "./reading.ts";
export { type TableIndex, tableIndex } from "./table_index.ts";

/** What is read of a text. */
export type ReadableText = Pick<TextFacts, "language" | "text" | "search_path" | "schema"> & {
  trigger_of?: number[];
};

/** Languages whose texts are names of compiled functions. */
const COMPILED = new Set(["c", "internal"]);

/** Every use of the tables in the text, in the order of the text. Never throws. */
export function usesOf(text: ReadableText, tables: TableIndex): Use[] {
  if (COMPILED.has(text.language)) return [];
  const scope = { searchPath: text.search_path, schema: text.schema };
  const reading = new Reading(text.text, tables, scope);
  const ofTriggers = (text.trigger_of ?? []).flatMap((oid) => tables.byOid.get(oid) ?? []);
  if (ofTriggers.length > 0 && text.language === "plpgsql") {
    readTriggerNames(lex(text.text).tokens, ofTriggers, reading);
  }
  if (mayName(text.text, tables)) readText(text.language, reading);
  return reading.uses.sort((a, b) => a.at - b.at);
}

/** A quick look, since most texts name none of the tables. Escapes can spell a name in other letters. */
function mayName(text: string, { byWord }: TableIndex): boolean {
  if (byWord.has("") || text.includes("\\")) return true;
  return wordsOf(text).some((word) => byWord.has(word));
}
