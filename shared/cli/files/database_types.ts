/** Reads a database.types.ts, whatever its formatting. */

/** Comments, strings, words, and every other character by itself. */
const TOKEN =
  /\/\/.*|\/\*[^]*?\*\/|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[\p{ID_Continue}$]+|[^\s]/gu;

const LAYOUT = new Set([",", ";", "|", "(", ")"]);

function tokensOf(source: string): string[] {
  return (source.match(TOKEN) ?? []).filter((token) => !LAYOUT.has(token));
}

const meaningOf = (source: string) => tokensOf(source).map(plain).join("\0");

const plain = (token: string) => /^["']/.test(token) ? unquoted(token) : token.replace(/\s+/g, " ");

function unquoted(token: string): string {
  const inner = token.slice(1, -1);
  const json = token[0] === "'"
    ? `"${inner.replace(/\\'|"/g, (found) => found === '"' ? '\\"' : "'")}"`
    : token;
  try {
    return JSON.parse(json);
  } catch {
    // An escape that JSON does not know.
    return inner;
  }
}

/** Whether two sources differ only in layout: white space, optional quotes and separators. */
export function sameButForLayout(one: string, other: string): boolean {
  return one === other || meaningOf(one) === meaningOf(other);
}

/** The schemas of `export type Database` with their tables; null if there is no such type. */
export function tablesIn(source: string): Map<string, Set<string>> | null {
  const tokens = tokensOf(source);
  const start = tokens.findIndex((token, index) =>
    token === "Database" && tokens[index - 1] === "type" && tokens[index + 1] === "=" &&
    tokens[index + 2] === "{"
  );
  if (start < 0) return null;
  const found = new Map<string, Set<string>>();
  const path: string[] = [];
  let key = "";
  for (let index = start + 2; index < tokens.length; index++) {
    const token = tokens[index];
    if (token === "{") path.push(key);
    else if (token === "}") path.pop();
    else if (tokens[index + 1] === ":" && token !== "]") {
      key = plain(token);
      if (path.length === 1 && key !== "__InternalSupabase") found.set(key, new Set());
      if (path.length === 3 && path[2] === "Tables") found.get(path[1])?.add(key);
    }
    if (path.length === 0) break;
  }
  return found;
}
