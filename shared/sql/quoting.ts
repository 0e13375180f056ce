/**
 * SQL quoting: the only place where names and values become SQL text.
 *
 * Statements are sent whole, as text, because the critical section is one simple-query message, which
 * cannot carry parameters (PostgreSQL manual, 55.2.2). So nothing reaches a statement unquoted.
 */

/** Quotes an identifier, always, so that case, reserved words and odd characters keep their meaning. */
export function ident(name: string): string {
  refuseNul(name);
  return `"${name.replaceAll('"', '""')}"`;
}

/** A schema-qualified relation name. */
export function qualified(schema: string, name: string): string {
  return `${ident(schema)}.${ident(name)}`;
}

/** Reads a list of identifiers as a setting holds it: `"$user", public`; an empty one is none. */
export function identsOf(list: string): string[] {
  return [...list.matchAll(/"((?:[^"]|"")*)"|([^\s,"]+)/g)]
    .map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain.toLowerCase())
    .filter((name) => name !== "");
}

/**
 * Quotes a string constant. With backslashes in it the E'' form is used, which means the same whatever
 * `standard_conforming_strings` says (PostgreSQL manual, 4.1.2.2).
 */
export function literal(text: string): string {
  refuseNul(text);
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return quoted.includes("\\") ? `E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}

/** A JSON value as a `jsonb` constant. */
export function jsonbLiteral(value: unknown): string {
  return `${literal(JSON.stringify(value))}::jsonb`;
}

/** A duration as the constant that settings take; at least a millisecond, since 0 would mean no limit. */
export function millisecondsLiteral(ms: number): string {
  return literal(`${Math.max(1, Math.floor(ms))}ms`);
}

/** A string constant or NULL. */
export function nullableLiteral(text: string | null | undefined): string {
  return text === null || text === undefined ? "null" : literal(text);
}

/**
 * Dollar-quotes a body with a tag that is not in the body (PostgreSQL manual, 4.1.2.4), nor made up by its
 * end together with the closing delimiter.
 */
export function dollarQuoted(body: string, tag = "body"): string {
  refuseNul(body);
  let delimiter = `$${tag}$`;
  for (let n = 1; `${body}${delimiter}`.indexOf(delimiter) < body.length; n++) {
    delimiter = `$${tag}${n}$`;
  }
  return `${delimiter}${body}${delimiter}`;
}

/** A comment of one line, which nothing in the text can end: what is no character to be seen is a space. */
export function commentLine(text: string): string {
  return `-- ${text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ")}`;
}

function refuseNul(text: string): void {
  if (text.includes("\0")) throw new TypeError("PostgreSQL text cannot contain NUL characters");
}
