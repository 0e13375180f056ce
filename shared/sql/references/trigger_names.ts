/**
 * Trigger functions that ask for the name of their table: TG_TABLE_NAME is the new name from the rename on. What
 * compares it with the old name takes another way, or none, without an error; what is named after the table is
 * not found any more.
 */
import { ident, qualified } from "../quoting.ts";
import type { Token } from "../parser/lexer.ts";
import type { Reading } from "../parser/reading.ts";
import { type MadeName, TRIGGER_SCHEMA, TRIGGER_TABLE, UNKNOWN } from "./run_time_names.ts";
import type { IndexedTable, TableIndex } from "./table_index.ts";

/**
 * What is done with the name. `compares`: with the old name, and not with the new one. `pattern`: with a
 * pattern that the old name matches, where the new one is not known yet. `relation`, `channel`, `setting`: a
 * name of another one is made of it. `lookup`: rows are found by it. `uses`: anything else.
 */
export type NameUse = "compares" | "pattern" | MadeName["use"] | "uses";

/** Functions whose first argument is a name of something else. */
const OTHER_NAMES = new Set(["pg_notify", "nextval", "currval", "set_config", "current_setting"]);

/** Notes what a trigger function of these tables does with the name of its table. */
export function readTriggerNames(
  tokens: Token[],
  tables: IndexedTable[],
  reading: Reading,
): void {
  const name = tokens.find((_, i) => isTablesName(tokens, i));
  const asksForOid = tokens.some((token) => isWord(token, "tg_relid"));
  if (name === undefined && !asksForOid) return;
  const strings = tokens.flatMap((token, i) =>
    token.kind === "string" && !isOtherName(tokens, i) ? [{ token, i }] : []
  );
  for (const table of tables) {
    const found = (token: Token, use: NameUse) =>
      reading.use([{ table, certain: true }], token.start, "tg_table_name", use);
    const same = strings.find(({ token, i }) =>
      isNameOf(token.value, table, table.name) && (name !== undefined || isRegclass(tokens, i))
    );
    const { newName } = table;
    const knowsNew = newName !== null &&
      strings.some(({ token }) => isNameOf(token.value, table, newName));
    if (same && !knowsNew) found(same.token, "compares");
    else if (name !== undefined) {
      const made = knowsNew
        ? undefined
        : reading.names.made.find((one) => losesItsOwn(one, table, reading.index));
      if (made !== undefined) {
        reading.use([{ table, certain: true }], made.at, "tg_table_name", made.use);
        continue;
      }
      const pattern = knowsNew ? undefined : strings.find(({ i }) => {
        const matches = patternOf(tokens, i);
        return matches?.(table.name) && !(newName !== null && matches(newName));
      });
      if (pattern) found(pattern.token, newName === null ? "pattern" : "compares");
      else found(name, "uses");
    }
  }
}

/** What the name is called in PL/pgSQL and PL/v8, PL/Tcl, PL/Python and PL/Perl. */
const NAME_IN_ANY_LANGUAGE = /\b(?:tg_table_name|tg_relname|table_name|relname)\b/i;

/** The same of a language that is not read: where the name stands in quotes, it is compared with. */
export function readTriggerNamesElsewhere(tables: IndexedTable[], reading: Reading): void {
  const { text } = reading;
  const at = text.search(NAME_IN_ANY_LANGUAGE);
  if (at < 0) return;
  const knows = (name: string) =>
    [`'${name}'`, `"${name}"`].some((quoted) => text.includes(quoted));
  for (const table of tables) {
    const compares = knows(table.name) && !(table.newName !== null && knows(table.newName));
    const use: NameUse = compares ? "compares" : "uses";
    reading.use([{ table, certain: true }], at, "tg_table_name", use);
  }
}

const isWord = (token: Token | undefined, ...words: string[]) =>
  token?.kind === "word" && words.includes(token.value);

/** Whether a text asks for the name of the trigger's table, at a quick look. */
export const asksForName = (text: string) => /\btg_(?:table_name|relname|relid)\b/i.test(text);

/** Whether what was found under the old name is not there under the new one. */
function losesItsOwn(
  { use, schema, name }: MadeName,
  table: IndexedTable,
  { byName }: TableIndex,
): boolean {
  if (use !== "relation") return true;
  const others = schema === null || schema === TRIGGER_SCHEMA || schema === UNKNOWN;
  const within = others ? table.schema : schema;
  // By its name alone the table itself is meant, which has the new one.
  if (name === TRIGGER_TABLE && within === table.schema) return false;
  const { newName } = table;
  if (newName === null || name.includes(UNKNOWN)) return true;
  const named = (by: string) => name.replaceAll(TRIGGER_TABLE, () => by);
  // What is renamed with it in the same way is found.
  return !(byName.get(named(table.name)) ?? []).some((other) =>
    other.schema === within && other.newName === named(newName)
  );
}

/** TG_TABLE_NAME, its older name, and TG_RELID made a name. */
function isTablesName(tokens: Token[], i: number): boolean {
  if (isWord(tokens[i], "tg_table_name", "tg_relname")) return true;
  return isWord(tokens[i], "tg_relid") && isRegclass(tokens, i);
}

const isRegclass = (tokens: Token[], i: number) =>
  tokens[i + 1]?.value === "::" && isWord(tokens[i + 2], "regclass");

const isOtherName = (tokens: Token[], i: number) =>
  tokens[i - 1]?.value === "(" && OTHER_NAMES.has(tokens[i - 2]?.value);

/** Whether a string is the name, with its schema or without, quoted or not, whatever its case. */
function isNameOf(text: string, { schema }: IndexedTable, name: string): boolean {
  const spellings = [
    name,
    ident(name),
    `${schema}.${name}`,
    `${schema}.${ident(name)}`,
    qualified(schema, name),
  ];
  return spellings.some((spelling) => spelling.toLowerCase() === text.toLowerCase());
}

/** What matches the string at index `i`, where it is the pattern of LIKE or of a regular expression. */
function patternOf(tokens: Token[], i: number): ((name: string) => boolean) | null {
  const operator = tokens[i - 1];
  const { value } = tokens[i];
  const insensitive = isWord(operator, "ilike") ||
    ["~~*", "!~~*", "~*", "!~*"].includes(operator?.value);
  const flags = insensitive ? "isu" : "su";
  try {
    if (
      isWord(operator, "like", "ilike") || ["~~", "!~~", "~~*", "!~~*"].includes(operator?.value)
    ) {
      const pattern = value.replace(
        /\\?[^]/g,
        (part) => part === "%" ? ".*" : part === "_" ? "." : escaped(part.at(-1)!),
      );
      const expression = new RegExp(`^${pattern}$`, flags);
      return (name) => expression.test(name);
    }
    if (["~", "!~", "~*", "!~*"].includes(operator?.value)) {
      const expression = new RegExp(value, flags);
      return (name) => expression.test(name);
    }
  } catch {
    // A regular expression that only the server knows: taken for one that the name matches.
    return () => true;
  }
  return null;
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
