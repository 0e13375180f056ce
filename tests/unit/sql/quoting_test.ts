import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  dollarQuoted,
  ident,
  identsOf,
  jsonbLiteral,
  literal,
  nullableLiteral,
  qualified,
} from "../../../shared/sql/quoting.ts";

const HOSTILE = [
  "",
  "experts",
  "Experts",
  "select",
  "a b",
  'a"b',
  'a""b"',
  '"; drop table canary; --',
  "a'b",
  "''",
  "'; drop table canary; --",
  "a\\",
  "\\'",
  "\\\\'",
  "a\nb\r\n\tc",
  "/* a */ -- b",
  "$$",
  "$body$",
  "$check$ $check1$",
  "$1 ? :a @b",
  "e\u0301 é ß İ",
  "עברית\u202e",
  "👩‍👩‍👧‍👧",
  "\u0001\u007f\ufeff\uffff",
];

/** Reads an SQL token the way the server does (manual, 4.1), and gives what it means. */
function readIdentifier(sql: string): string {
  const match = /^"((?:[^"]|"")*)"$/.exec(sql);
  assert(match, `no single quoted identifier: ${sql}`);
  return match[1].replaceAll('""', '"');
}

function readConstant(sql: string): string {
  const match = /^(E?)'((?:[^'\\]|''|\\\\)*)'$/s.exec(sql);
  assert(match, `no single string constant: ${sql}`);
  const [, escapes, inside] = match;
  assert(escapes || !inside.includes("\\"), `a backslash without E: ${sql}`);
  return inside.replaceAll("''", "'").replaceAll("\\\\", "\\");
}

/** The first closing delimiter ends it: what the server's scanner does, whatever was meant. */
function readDollarQuoted(sql: string): string {
  const delimiter = /^\$[A-Za-z_]\w*\$/.exec(sql)?.[0];
  assert(delimiter, `no dollar quote: ${sql}`);
  const end = sql.indexOf(delimiter, delimiter.length);
  assertEquals(sql.slice(end + delimiter.length), "", `the quote ends early: ${sql}`);
  return sql.slice(delimiter.length, end);
}

Deno.test("a quoted identifier is one token that means the name", () => {
  for (const name of HOSTILE) assertEquals(readIdentifier(ident(name)), name);
  assertEquals(ident("experts"), '"experts"');
});

Deno.test("a qualified name is two quoted identifiers, dots in names notwithstanding", () => {
  assertEquals(qualified("a.b", 'c"."d'), '"a.b"."c"".""d"');
});

Deno.test("a list of identifiers is read as the server reads a search_path", () => {
  assertEquals(identsOf(HOSTILE.map(ident).join(", ")), HOSTILE.filter((name) => name !== ""));
  assertEquals(identsOf('"$user", public,Extensions'), ["$user", "public", "extensions"]);
  assertEquals(identsOf('""'), []);
});

Deno.test("a string constant is one token that means the text", () => {
  for (const text of HOSTILE) assertEquals(readConstant(literal(text)), text);
});

Deno.test("a string constant with a backslash means the same whatever standard_conforming_strings says", () => {
  assertEquals(literal("it's"), "'it''s'");
  assertEquals(literal("C:\\temp'"), "E'C:\\\\temp'''");
});

Deno.test("an absent text is NULL, an empty one is not", () => {
  assertEquals(nullableLiteral(null), "null");
  assertEquals(nullableLiteral(undefined), "null");
  assertEquals(nullableLiteral(""), "''");
});

Deno.test("a jsonb constant means the value", () => {
  const value = { texts: HOSTILE, number: 1.5, nothing: null, 'ke"y\\': [[true]] };
  const sql = jsonbLiteral(value);
  assert(sql.endsWith("::jsonb"));
  assertEquals(JSON.parse(readConstant(sql.slice(0, -"::jsonb".length))), value);
});

Deno.test("a dollar-quoted body is one token that means the body", () => {
  const bodies = [
    ...HOSTILE,
    "begin raise '$body$'; end",
    "$check$",
    "$check$ $check1$ $check2$",
    "$check$check1$",
    // These would end the quote together with the closing delimiter.
    "$check",
    "$check$check1",
    "x $check1 $check",
    "$",
    "check$",
  ];
  for (const body of bodies) {
    assertEquals(readDollarQuoted(dollarQuoted(body, "check")), body);
    assertEquals(readDollarQuoted(dollarQuoted(body)), body);
  }
});

Deno.test("text with a NUL character is never quoted, since the server would cut it there", () => {
  for (const quote of [ident, literal, nullableLiteral, dollarQuoted]) {
    assertThrows(() => quote("a\0; drop table canary"), TypeError);
  }
  assertThrows(() => qualified("public", "\0"), TypeError);
  assertThrows(() => qualified("\0", "a"), TypeError);
});
