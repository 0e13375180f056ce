/** JSON with the line of each value, and every member of an object, even if a name occurs twice. */

export type JsonNode =
  & { line: number }
  & (
    | { kind: "object"; members: JsonMember[] }
    | { kind: "array"; items: JsonNode[] }
    | { kind: "scalar"; value: string | number | boolean | null }
  );

interface JsonMember {
  name: string;
  line: number;
  node: JsonNode;
}

/** The text is not JSON (RFC 8259). */
export class JsonTextError extends Error {
  override name = "JsonTextError";

  constructor(readonly line: number, column: number, what: string) {
    super(`column ${column}: ${what}`);
  }
}

const TOKEN =
  // deno-lint-ignore no-control-regex -- the ones that a string cannot hold
  /[{}[\],:]|"(?:[^"\\\u0000-\u001f]|\\.)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

const SPACE = /[ \t\r\n]*/y;

/** Deeper than any file of renames; a hostile one must not exhaust the stack. */
const MAX_DEPTH = 20;

/** @throws {JsonTextError} The text is not JSON, or nested more than twenty deep. */
export function parseJsonText(text: string): JsonNode {
  let start = 0;
  let token = "";
  let lineNow = 1;
  const fail = (what: string): never => {
    throw new JsonTextError(lineNow, start - text.lastIndexOf("\n", start - 1), what);
  };
  const advance = () => {
    const end = start + token.length;
    SPACE.lastIndex = end;
    SPACE.test(text);
    start = SPACE.lastIndex;
    // A token has no line breaks in it.
    lineNow += text.slice(end, start).split("\n").length - 1;
    TOKEN.lastIndex = start;
    token = TOKEN.exec(text)?.[0] ?? "";
  };
  const found = () => {
    if (start >= text.length) return "the end of the file";
    if (token !== "") return token;
    const character = String.fromCodePoint(text.codePointAt(start)!);
    return character === '"' ? "a string that does not end on its line" : character;
  };
  const expect = (wanted: string) => {
    if (token !== wanted) fail(`expected ${wanted}, found ${found()}`);
    advance();
  };
  const scalar = (): string | number | boolean | null => {
    try {
      return JSON.parse(token);
    } catch {
      return fail("this string has an escape that JSON does not know");
    }
  };
  const name = (): string => {
    if (!token.startsWith('"')) fail(`expected a name in double quotes, found ${found()}`);
    return scalar() as string;
  };
  const list = <T>(end: string, item: () => T): T[] => {
    const items: T[] = [];
    advance();
    if (token !== end) {
      items.push(item());
      while (token === ",") {
        const comma = [lineNow, start - text.lastIndexOf("\n", start - 1)] as const;
        advance();
        if (token === end) {
          throw new JsonTextError(...comma, `remove this comma: nothing follows it before ${end}`);
        }
        items.push(item());
      }
      if (token !== end) fail(`expected , or ${end}, found ${found()}`);
    }
    advance();
    return items;
  };
  const value = (depth: number): JsonNode => {
    if (depth > MAX_DEPTH) fail("this is nested too deep");
    const line = lineNow;
    if (token === "{") {
      const member = () => {
        const line = lineNow;
        const key = name();
        advance();
        expect(":");
        return { name: key, line, node: value(depth + 1) };
      };
      return { line, kind: "object", members: list("}", member) };
    }
    if (token === "[") return { line, kind: "array", items: list("]", () => value(depth + 1)) };
    if (/^[\]},:]?$/.test(token)) fail(`expected a value, found ${found()}`);
    const node: JsonNode = { line, kind: "scalar", value: scalar() };
    advance();
    return node;
  };
  advance();
  const node = value(0);
  if (start < text.length) fail(`expected the end of the file, found ${found()}`);
  return node;
}
