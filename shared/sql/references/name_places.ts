/** Where the reader's references have the names of tables in a text, character by character, and how a name is written there. */
import { lex, type Token } from "../parser/lexer.ts";
import { isIdentifier, isMark, onlyName, parse } from "../parser/nodes.ts";
import { ident, identIfNeeded, literal } from "../quoting.ts";

/** The name of a table in a text, without its schema. */
export interface NamePlace {
  start: number;
  end: number;
  /** Whether it is an identifier in quotes. */
  quoted: boolean;
  /** Whether its schema stands before it. */
  qualified: boolean;
  /** The character around the string that it is in, as in 'public.old'; null if it is in none. */
  quote: string | null;
}

/** A name in a string with escapes, of which no place is known: the string's own. */
interface EscapedName {
  start: number;
  end: number;
  escaped: true;
}

/** The tokens of a text without blanks, for `placeOfName`. */
export const tokensOf = (text: string): Token[] => lex(text, { blanks: false }).tokens;

/**
 * The name that begins at an index, or the one that the string there consists of.
 *
 * @param at A reference's position.
 * @returns Null if there is something else.
 */
export function placeOfName(
  text: string,
  tokens: Token[],
  at: number,
  table: { schema: string; name: string },
): NamePlace | EscapedName | null {
  const outer = tokenAt(tokens, at);
  const isString = outer?.kind === "string";
  const isWhole = isString && outer.start === at;
  if (isWhole && outer.inner < 0) return { start: outer.start, end: outer.end, escaped: true };
  if (isWhole && onlyName(parse(outer.value).nodes) === null) return null;
  const parts = partsAt(text, isWhole ? outer.inner : at);
  const named = parts.map(({ value }) => value);
  const index = named.findIndex((name, i) => name === table.name && named[i - 1] === table.schema);
  const found = parts[Math.max(index, 0)];
  if (found?.value !== table.name) return null;
  const { start, end, kind } = found;
  const quote = isString && outer.inner > 0 ? text[outer.inner - 1] : null;
  return { start, end, quoted: kind === "quoted", qualified: index > 0, quote };
}

/** The token that has an index in it. */
function tokenAt(tokens: Token[], at: number): Token | undefined {
  let [low, high] = [0, tokens.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (tokens[middle].start <= at) low = middle;
    else high = middle - 1;
  }
  const token = tokens[low];
  return token !== undefined && token.start <= at && at < token.end ? token : undefined;
}

/** What a name can be long at most: three parts of 63 characters, each doubled and in quotes, and blanks. */
const LONGEST_NAME = 600;

/** The identifiers, with dots between them, from an index on. */
export function partsAt(text: string, at: number): Token[] {
  const tokens = tokensOf(text.slice(at, at + LONGEST_NAME));
  const parts: Token[] = [];
  for (let i = 0; isIdentifier(tokens[i]); i += 2) {
    const token = tokens[i];
    parts.push({ ...token, start: token.start + at, end: token.end + at });
    if (!isMark(tokens[i + 1], ".")) break;
  }
  return parts;
}

/** An identifier with the tokens next to it. */
export interface Identifier extends Token {
  before: Token | undefined;
  after: Token | undefined;
}

/** All identifiers of a text, those in strings that have one of the places, too. Positions are counted from `from`. */
export function* identifiersOf(
  text: string,
  places: Iterable<number>,
  from = 0,
): Generator<Identifier> {
  const tokens = tokensOf(text);
  const all = [...places];
  for (const [i, token] of tokens.entries()) {
    if (isIdentifier(token)) {
      const [start, end] = [token.start + from, token.end + from];
      yield { ...token, start, end, before: tokens[i - 1], after: tokens[i + 1] };
    } else if (token.kind === "string" && token.inner >= 0) {
      const inner = from + token.inner;
      const isRead = all.some((at) => at >= inner && at < from + token.end);
      if (isRead) yield* identifiersOf(token.value, all, inner);
    }
  }
}

/**
 * A name as it is written at a place: fit for the string around it.
 *
 * @param quoted Whether it gets quotes though it needs none. Default: false.
 */
export function writtenAt(
  { quote }: Pick<NamePlace, "quote">,
  name: string,
  quoted = false,
): string {
  const written = quoted ? ident(name) : identIfNeeded(name);
  return quote === "'" ? literal(written).slice(1, -1) : written;
}

/** Whether a name can be written there: not into a string that it would end, or with escapes. */
export const fitsAt = ({ quote }: Pick<NamePlace, "quote">, name: string): boolean =>
  quote === null || !/[\\$]/.test(name);
