/** Definitions of objects, as the server prints them and as DDL takes them. */
import type { Statement } from "../contract/responses.ts";
import type { Definition } from "../facts/built_on.ts";
import { ident, literal } from "../sql/quoting.ts";

export const withPurpose = (purpose: string, statements: string[]): Statement[] =>
  statements.map((sql) => ({ sql, purpose }));

/** A printed definition without the semicolon and white space at its end. */
export function withoutEnd(sql: string): string {
  let end = sql.length;
  while (end > 0 && /[;\s]/.test(sql[end - 1])) end--;
  return sql.slice(0, end);
}

/** `pg_class.reloptions` and the like, as a list in DDL. */
export function optionList(options: string[]): string {
  const settings = options.map((option) => {
    const [, name, value] = /^([^=]*)=(.*)$/s.exec(option)!;
    return `${name.split(".").map(ident).join(".")} = ${literal(value)}`;
  });
  return `(${settings.join(", ")})`;
}

export const withOptions = (options: string[]): string =>
  options.length === 0 ? "" : ` with ${optionList(options)}`;

interface RenamedCasts {
  definition: Definition;
  /** How many casts use the other name now. */
  casts: number;
  /** How often the type is named elsewhere, outside of constants. */
  mentions: number;
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Constants as the server prints them; nothing in them is a name. */
const CONSTANTS = String.raw`E'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\$(\w*)\$[^]*?\$\1\$`;

/**
 * Makes the casts to a type use another name. The server writes out what the compatibility cast does to rows of
 * the old name, as in `title((e.*)::public.expert_profiles)`; while that definition is read again, the table has
 * its old name, and so does its row type.
 *
 * @param type As the server prints it, `format_type`.
 * @param other Qualified and quoted.
 */
export function renameCasts(definition: Definition, type: string, other: string): RenamedCasts {
  let casts = 0;
  let mentions = 0;
  const name = escaped(type);
  const tokens = new RegExp(
    `${CONSTANTS}|(::)${name}(?![\\w$".])|(?<![\\w$".])(${name})(?![\\w$".])|"(?:[^"]|"")*"`,
    "g",
  );
  const renamed = (text: string) =>
    text.replace(tokens, (token, _tag, cast: string | undefined, mention: string | undefined) => {
      if (cast !== undefined) {
        casts++;
        return `::${other}`;
      }
      if (mention !== undefined) mentions++;
      return token;
    });
  const result = Object.fromEntries(
    Object.entries(definition).map((
      [member, text],
    ) => [member, text == null ? text : renamed(text)]),
  );
  return { definition: result, casts, mentions };
}
