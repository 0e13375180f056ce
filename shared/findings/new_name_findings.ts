/** New names that need quotes wherever they are used, and names that need none. */
import { MAX_IDENTIFIER_BYTES } from "../contract/names.ts";
import type { Finding } from "../contract/responses.ts";
import { ident, qualified } from "../sql/quoting.ts";
import { RESERVED_WORDS } from "../sql/reserved_words.ts";

/** Why a name needs quotes, in words; empty where it needs none. */
function reasons(name: string): string[] {
  const checks: [boolean, string][] = [
    [/^[\p{Z}\p{C}]|[\p{Z}\p{C}]$/u.test(name), "spaces at its ends"],
    [/[\p{Z}\p{C}]/u.test(name.replace(/^[\p{Z}\p{C}]+|[\p{Z}\p{C}]+$/gu, "")), "spaces"],
    [/[A-Z]/.test(name), "capital letters"],
    [/^[0-9$]/.test(name), `${name[0]} as its first character`],
    // Letters of other scripts need no quotes.
    [
      /[\x21-\x23\x25-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7e]/.test(name),
      "characters other than letters, digits and _",
    ],
  ];
  const found = checks.filter(([applies]) => applies).map(([, words]) => words);
  return [
    ...(found.length > 0 ? [`it has ${found.join(", ")}`] : []),
    ...(RESERVED_WORDS.has(name) ? ["it is a reserved word"] : []),
  ];
}

/** A name like this one that needs no quotes; null where there is none. */
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

export function nameNeedsQuotes(
  table: { schema: string; name: string },
  newName: string,
): Finding[] {
  const why = reasons(newName).join(" and ");
  if (why === "") return [];
  const plain = plainName(newName);
  return [{
    code: "name_needs_quotes",
    severity: "warning",
    object: qualified(table.schema, table.name),
    message: `The new name ${ident(newName)} must be quoted everywhere in SQL, because ${why}.`,
    remedy: plain === null || plain === table.name
      ? "Choose a name of small letters, digits and underscores."
      : `Choose a name that needs no quotes, such as ${plain}.`,
  }];
}
