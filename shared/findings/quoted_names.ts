/** Names that have to be written in quotes wherever they are used, and what they could be instead. */
import type { Finding } from "../contract/responses.ts";
import { MAX_IDENTIFIER_BYTES } from "../contract/names.ts";
import { ident, qualified } from "../sql/quoting.ts";

/**
 * Key words that cannot name a table without quotes: those that PostgreSQL 15 to 18 list as reserved
 * (`pg_get_keywords()`, catcode R and T).
 */
export const RESERVED_WORDS = new Set(
  `all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate
  collation column concurrently constraint create cross current_catalog current_date current_role
  current_schema current_time current_timestamp current_user default deferrable desc distinct do else end
  except false fetch for foreign freeze from full grant group having ilike in initially inner intersect into
  is isnull join lateral leading left like limit localtime localtimestamp natural not notnull null offset on
  only or order outer overlaps placing primary references returning right select session_user similar some
  symmetric system_user table tablesample then to trailing true union unique user using variadic verbose when
  where window with`.split(/\s+/),
);

/** Why a name needs quotes, in words; empty where it needs none. */
function reasons(name: string): string[] {
  return [
    [/^[\p{Z}\p{C}]|[\p{Z}\p{C}]$/u.test(name), "blanks at its ends"],
    [/[\p{Z}\p{C}]/u.test(name.replace(/^[\p{Z}\p{C}]+|[\p{Z}\p{C}]+$/gu, "")), "blanks in it"],
    [/[A-Z]/.test(name), "capitals"],
    [/^[0-9$]/.test(name), `${name[0]} as its first character`],
    // Letters of other scripts need none.
    [
      /[\x21-\x23\x25-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7e]/.test(name),
      "characters besides letters, digits and _",
    ],
    [RESERVED_WORDS.has(name), "a reserved word for a name"],
  ].flatMap(([applies, words]) => applies ? [words as string] : []);
}

/** A name like this one that needs no quotes; null where there is none to be thought of. */
export function plainName(name: string): string | null {
  const plain = name
    .replace(/(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, "_")
    .replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase())
    .replace(/[^\p{L}\p{M}\p{N}_]+/gu, "_")
    .replace(/^[_\p{M}]+|_+$/gu, "")
    .replace(/_{2,}/g, "_")
    .replace(/^(?=\p{N})/u, "_");
  const free = RESERVED_WORDS.has(plain) ? `${plain}_table` : plain;
  const fits = new TextEncoder().encode(free).length <= MAX_IDENTIFIER_BYTES;
  return free === "" || !fits || reasons(free).length > 0 ? null : free;
}

/** The warning that a new name needs quotes, and is not like others because of that. */
export function nameNeedsQuotes(
  table: { schema: string; name: string },
  newName: string,
): Finding[] {
  const why = reasons(newName);
  if (why.length === 0) return [];
  const plain = plainName(newName);
  return [{
    code: "name_needs_quotes",
    severity: "warning",
    object: qualified(table.schema, table.name),
    message:
      `The new name ${
        ident(newName)
      } has to be written in quotes in every SQL text, since it has ` +
      `${why.join(", ")}.`,
    remedy: plain === null || plain === table.name
      ? "Choose a name of small letters, digits and underscores."
      : `Choose a name that needs no quotes, such as ${plain}.`,
  }];
}
