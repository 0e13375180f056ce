/** Texts within texts: the bodies of DO and CREATE FUNCTION, and whole texts by their language. */
import { asksCatalogs } from "../references/catalogs.ts";
import { lex, type Token } from "./lexer.ts";
import { nest, statementsOf } from "./nodes.ts";
import { readPlpgsql } from "./plpgsql.ts";
import type { Certainty, Reading } from "./reading.ts";
import { readStatement } from "./statements.ts";
import { readStrings } from "./strings.ts";
import { mentionOf, tablesMentioned } from "../references/table_index.ts";

/** Reads a body that is a string in another text. */
export function readBody(
  body: Token,
  language: string,
  certainty: Certainty,
  reading: Reading,
): void {
  const place = (at: number) => body.inner < 0 ? body.start : body.inner + at;
  readText(language, reading.within(body.value, certainty, place));
}

/**
 * Reads a whole text. In languages that are not read, and in texts that cannot be, a word that is a table's
 * name is a possible use.
 */
export function readText(language: string, reading: Reading): void {
  if (language !== "sql" && language !== "plpgsql") return readMentions(reading);
  const { nodes, faults } = nest(lex(reading.text, { blanks: false }));
  if (language === "plpgsql") readPlpgsql(nodes, reading);
  else {
    const strings = asksCatalogs(nodes) ? "beside execute" : "elsewhere";
    for (const statement of statementsOf(nodes)) {
      readStatement(statement, null, reading);
      readStrings(statement, strings, reading);
    }
  }
  if (faults.length === 0) return;
  readMentions(reading, faults[0].what);
  // What cannot be read may declare anything.
  for (const { oid } of tablesMentioned(reading.text, reading.index)) {
    reading.rows.variables.add(oid);
  }
}

function readMentions(reading: Reading, fault: string | null = null): void {
  for (const table of tablesMentioned(reading.text, reading.index)) {
    const at = mentionOf(reading.text, table.name);
    reading.use([{ table, certain: false }], at, "unparsed_text", fault);
  }
}
