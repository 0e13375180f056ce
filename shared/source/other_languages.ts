/** Names in files that are not parsed: in strings, and in Prisma's schemas. */
import {
  certain,
  type Found,
  patternOf,
  possible,
  type Renamed,
  type WantedNames,
  wordPattern,
} from "./uses.ts";

const STRINGS =
  /"""([^]*?)"""|'''([^]*?)'''|"((?:[^"\\\n]|\\[^])*)"|'((?:[^'\\\n]|\\[^])*)'|`((?:[^`\\]|\\[^])*)`/g;

/** The name in any string, if it is the whole of it, or the text looks like SQL or a query of the Data API. */
export function namesInStrings(source: string, wanted: WantedNames): Found[] {
  const found: Found[] = [];
  for (const match of source.matchAll(STRINGS)) {
    const text = match.slice(1).find((one) => one !== undefined) ?? "";
    if (!wanted.mayBeIn(text)) continue;
    const quotes = /^(?:"""|''')/.test(match[0]) ? 3 : 1;
    found.push(...mentionsIn(text, match.index + quotes, wanted));
  }
  return found;
}

const SQL_WORDS = /\b(?:from|join|into|update|table|references|truncate)\s/i;

/** Where a string of any language may name one of the tables. */
export function mentionsIn(text: string, offset: number, wanted: WantedNames): Found[] {
  return wanted.all.flatMap((renamed) => {
    const at = mentionOf(text, renamed);
    if (at < 0) return [];
    const span = { offset: offset + at, length: renamed.from.length };
    return [possible("text", renamed, span, "a string that may name the table")];
  });
}

/** Index of the name in a text that may be about the table; -1 if it is not, as in a sentence. */
function mentionOf(text: string, { schema, from }: Renamed): number {
  if (text === from) return 0;
  if (text === `${schema}.${from}`) return schema.length + 1;
  const found = wordPattern(from, "u").exec(text);
  if (found === null) return -1;
  const before = text.slice(0, found.index);
  const after = text.slice(found.index + from.length);
  const isPath = /\brest\/v1\/$/.test(before);
  // An embedded resource, or a column in a filter.
  const isResource = /^(?:![\w!]+)?\(/.test(after) || (before === "" && /^\.\w+$/.test(after));
  return isPath || isResource || SQL_WORDS.test(text) ? found.index : -1;
}

/** The name as a word anywhere, as in YAML, and as the server's GraphQL spells it. */
export function namesAsWords(source: string, wanted: WantedNames, graphql: boolean): Found[] {
  return wanted.all.flatMap((renamed) => {
    const name = patternOf(renamed.from);
    const spelled = graphql ? `(?:insertInto|update|deleteFrom)?${name}(?:Collection)?` : name;
    const word = new RegExp(`(?<![\\p{L}\\p{N}_$])${spelled}(?![\\p{L}\\p{N}_$])`, "giu");
    return [...source.matchAll(word)].map((match) =>
      possible(
        "text",
        renamed,
        { offset: match.index, length: match[0].length },
        "a word that may name the table",
      )
    );
  });
}

/** It ends at a brace in a line of its own: `@default("{}")` has others. */
const MODEL = /^[ \t]*(?:model|view)\s+(\w+)\s*\{([^]*?)^[ \t]*\}/gm;
const MAPPED = /@@map\(\s*(?:name\s*:\s*)?"((?:[^"\\]|\\.)*)"\s*\)/;
const IN_SCHEMA = /@@schema\(\s*"([^"]*)"\s*\)/;

/** `@@map("old")` in a Prisma schema; a model that is called like the table needs one. */
export function namesInPrisma(source: string, wanted: WantedNames): Found[] {
  // Comments become blanks, so that places stay.
  const code = source.replace(/\/\/[^\n]*/g, (comment) => " ".repeat(comment.length));
  return [...code.matchAll(MODEL)].flatMap((match) => {
    const [whole, model, body] = match;
    const schema = IN_SCHEMA.exec(body)?.[1] ?? "public";
    const mapped = MAPPED.exec(body);
    const renamed = wanted.inSchema(schema, mapped?.[1] ?? model);
    if (renamed === undefined) return [];
    const start = match.index + whole.indexOf("{") + 1;
    if (mapped === null) {
      const span = { offset: match.index + whole.indexOf(model), length: model.length };
      const reason = `the model is called like the table; add @@map("${renamed.to}") to it`;
      return [possible("definition", renamed, span, reason)];
    }
    const offset = start + mapped.index + mapped[0].indexOf('"') + 1;
    const to = renamed.to.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
    return [certain("definition", renamed, { offset, length: mapped[1].length }, to)];
  });
}
