/**
 * Looking for names in many texts at once: a quick look that may find too much and never too little. A name
 * is looked for by its longest run of plain characters, which whatever names the relation has as a word.
 */
import { literal } from "../sql/quoting.ts";

/** Up to so many names are looked for with one regular expression; more, word by word. */
const MAX_ALTERNATIVES = 20;

/** SQL condition that the text expression may name one of these relations; null where there are none. */
export function mayName(names: string[], text: string): string | null {
  const words = [...new Set(names.map(longestWord))];
  const plain = words.filter((word) => word !== null);
  const odd = names.filter((name) => longestWord(name) === null);
  const conditions = [
    ...(plain.length === 0
      ? []
      : [plain.length <= MAX_ALTERNATIVES ? oneOf(plain, text) : anyOf(plain, text)]),
    ...odd.map((name) => `strpos(${text}, ${literal(name)}) > 0`),
  ];
  return conditions.length === 0 ? null : `(${conditions.join("\n    or ")})`;
}

const oneOf = (words: string[], text: string) =>
  `${text} ~* ${literal(`(^|[^a-z0-9_])(${words.join("|")})([^a-z0-9_]|$)`)}`;

const anyOf = (words: string[], text: string) =>
  `exists (
      select from regexp_split_to_table(lower(${text}), '[^a-z0-9_]+') w
      where w = any(${literal(`{${words.join(",")}}`)}::text[]))`;

/** The longest run of plain characters, in lower case; null where there is none. */
export function longestWord(name: string): string | null {
  const words = name.replace(/[A-Z]/g, (letter) => letter.toLowerCase()).match(/[a-z0-9_]+/g);
  return words?.reduce((longest, word) => word.length > longest.length ? word : longest) ?? null;
}
