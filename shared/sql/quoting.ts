/**
 * SQL quoting: the only place where names and values become SQL. Statements have no parameters, since the critical
 * section is one simple-query message, which cannot carry any (PostgreSQL manual, 55.2.2).
 */
import { needsNoQuotes } from "./key_words.ts";

/** Quotes an identifier. Throws a TypeError for NUL, as do all functions here. */
export function ident(name: string): string {
  refuseNul(name);
  return `"${name.replaceAll('"', '""')}"`;
}

/** The identifier as people write it: quoted only where it must be. */
export const identIfNeeded = (name: string): string => needsNoQuotes(name) ? name : ident(name);

export function qualified(schema: string, name: string): string {
  return `${ident(schema)}.${ident(name)}`;
}

/** The identifiers of a list as in a setting: `"$user", public`. Empty ones are left out. */
export function identsOf(list: string): string[] {
  return [...list.matchAll(/"((?:[^"]|"")*)"|([^\s,"]+)/g)]
    .map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain.toLowerCase())
    .filter((name) => name !== "");
}

/** Quotes a string constant; one with backslashes as E'', which does not depend on `standard_conforming_strings`. */
export function literal(text: string): string {
  refuseNul(text);
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return quoted.includes("\\") ? `E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}

export function jsonbLiteral(value: unknown): string {
  return `${literal(JSON.stringify(value))}::jsonb`;
}

/** The same for megabytes: dollar-quoted, so that nothing in it has to be doubled. */
export function largeJsonb(value: unknown): string {
  return `${dollarQuoted(JSON.stringify(value), "json")}::jsonb`;
}

/** A duration as a constant for settings; at least a millisecond, since 0 would mean no limit. */
export function millisecondsLiteral(ms: number): string {
  return literal(`${Math.max(1, Math.floor(ms))}ms`);
}

export function nullableLiteral(text: string | null | undefined): string {
  return text === null || text === undefined ? "null" : literal(text);
}

/** Dollar-quotes a body, with a tag so that the delimiter is found only at its end (PostgreSQL manual, 4.1.2.4). */
export function dollarQuoted(body: string, tag = "body"): string {
  refuseNul(body);
  // Bodies can be large: only the end is copied to find out where it would meet the delimiter.
  const ends = (delimiter: string) => {
    const end = body.slice(-delimiter.length);
    return body.includes(delimiter) || `${end}${delimiter}`.indexOf(delimiter) < end.length;
  };
  let delimiter = `$${tag}$`;
  for (let n = 1; ends(delimiter); n++) delimiter = `$${tag}${n}$`;
  return `${delimiter}${body}${delimiter}`;
}

/** A comment of one line. Characters that are not printed become spaces, so that the text cannot end it. */
export function commentLine(text: string): string {
  return `-- ${text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ")}`;
}

function refuseNul(text: string): void {
  if (text.includes("\0")) throw new TypeError("PostgreSQL text cannot contain NUL characters");
}
