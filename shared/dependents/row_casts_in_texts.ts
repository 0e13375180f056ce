/**
 * Casts to the table's row type in definitions: the server writes out what the compatibility cast does to rows
 * of the old name, as in `title((e.*)::public.expert_profiles)`. While the definition is read again the table
 * has its old name, and its row type with it.
 */
import type { Definition } from "../facts/built_on.ts";

export interface Renamed {
  definition: Definition;
  /** How many casts go to the type by its other name now. */
  casts: number;
  /** How often the type is named elsewhere, outside of constants. */
  mentions: number;
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Constants, in which nothing is a name, as the server prints them. */
const CONSTANTS = String.raw`E'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\$(\w*)\$[^]*?\$\1\$`;

/**
 * Has the casts to a type go to it by another name.
 *
 * @param type As the server prints it, `format_type`.
 * @param other Qualified and quoted.
 */
export function renameCasts(definition: Definition, type: string, other: string): Renamed {
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
  const texts = Object.entries(definition) as [keyof Definition, string | null][];
  const result = Object.fromEntries(
    texts.map(([member, text]) => [member, text === null ? null : renamed(text)]),
  );
  return { definition: result, casts, mentions };
}
