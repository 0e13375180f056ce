import { assert, assertEquals, assertLess } from "@std/assert";
import fc from "fast-check";
import { sqlish } from "../../support/sqlish.ts";
import { foldCase, lex, type Token, truncateIdentifier } from "../../../shared/sql/parser/lexer.ts";

/** The tokens that mean something, as `kind value`. */
function tokens(text: string): string[] {
  return meaning(lex(text).tokens).map(({ kind, value }) => `${kind} ${value}`);
}

const meaning = (all: Token[]) => all.filter(({ kind }) => kind !== "space" && kind !== "comment");

const faults = (text: string) => lex(text).faults.map(({ what }) => what);

/** One token, and nothing the server would refuse. */
function one(text: string): string {
  assertEquals(faults(text), [], text);
  const found = tokens(text);
  assertEquals(found.length, 1, `${text}: ${JSON.stringify(found)}`);
  return found[0];
}

Deno.test("identifiers are folded unless quoted, but only A to Z", () => {
  assertEquals(one("Old"), "word old");
  assertEquals(one('"Old"'), "quoted Old");
  assertEquals(one("_x$1"), "word _x$1");
  assertEquals(one("ÄRGER"), "word ÄrGER".replace("rGER", "rger"));
  assertEquals(one("עברית"), "word עברית");
  // A no-break space is a letter to the server.
  assertEquals(one("a\u00a0b"), "word a\u00a0b");
  assertEquals(one('"a""b c"'), 'quoted a"b c');
  assertEquals(tokens("old.Col"), ["word old", "mark .", "word col"]);
  assertEquals(foldCase("ÇA"), "Ça");
});

Deno.test("identifiers are cut to 63 bytes where a character ends", () => {
  assertEquals(one("x".repeat(70)), `word ${"x".repeat(63)}`);
  assertEquals(one(`"${"é".repeat(40)}"`), `quoted ${"é".repeat(31)}`);
  assertEquals(truncateIdentifier("a".repeat(62) + "é"), "a".repeat(62));
  assertEquals(truncateIdentifier("👩".repeat(16)), "👩".repeat(15));
  assertEquals(truncateIdentifier("é".repeat(31) + "x"), "é".repeat(31) + "x");
});

Deno.test("identifiers in U& quotes are decoded, with the escape character of UESCAPE", () => {
  assertEquals(one(String.raw`U&"d\0061t\+000061"`), "quoted data");
  assertEquals(one(`u&"d!0061ta" UESCAPE '!'`), "quoted data");
  assertEquals(one(`U&"a!!b"uescape'!'`), "quoted a!b");
  assertEquals(one(String.raw`U&"\D83D\DE00"`), "quoted 😀");
  assertEquals(tokens(`u & "x"`), ["word u", "operator &", "quoted x"]);
});

Deno.test("the value of a string constant is its text, whatever its form", () => {
  assertEquals(one("''"), "string ");
  assertEquals(one("'it''s'"), "string it's");
  // standard_conforming_strings is on: a backslash is a backslash.
  assertEquals(one("'a\\'"), "string a\\");
  assertEquals(one("E'a\\'b'"), "string a'b");
  assertEquals(one("e'it''s\\\\'"), "string it's\\");
  assertEquals(one(String.raw`E'\x6f\154\u0064\n'`), "string old\n");
  assertEquals(one(String.raw`E'\U0001F600 \xc3\xa9'`), "string 😀 é");
  assertEquals(one(String.raw`U&'\006Fld'`), "string old");
  assertEquals(one("N'old'"), "string old");
  assertEquals(one("B'101'"), "bits 101");
  assertEquals(one("x'1F'"), "bits 1F");
  assertEquals(tokens("a'b'"), ["word a", "string b"]);
});

Deno.test("constants on following lines are one, on the same line two", () => {
  assertEquals(one("'o'\n  'l' -- comment\n 'd'"), "string old");
  assertEquals(tokens("'o' 'ld'"), ["string o", "string ld"]);
  assertEquals(tokens("'o' /* \n */ 'ld'"), ["string o", "string ld"]);
});

Deno.test("dollar quotes end with their own tag only", () => {
  assertEquals(one("$$it's$$"), "string it's");
  assertEquals(one("$a$ $$ $b$ $a $a$"), "string  $$ $b$ $a ");
  assertEquals(one("$é$old$é$"), "string old");
  assertEquals(tokens("$1$2"), ["parameter $1", "parameter $2"]);
  assertEquals(tokens("a$$b"), ["word a$$b"]);
  assertEquals(tokens("x = $1::int"), [
    "word x",
    "operator =",
    "parameter $1",
    "mark ::",
    "word int",
  ]);
});

Deno.test("a string has the place of its text, if the text is there character for character", () => {
  const inner = (text: string) => {
    const { inner, value } = meaning(lex(text).tokens)[0];
    return inner < 0 ? null : text.slice(inner, inner + value.length) === value;
  };
  for (const text of ["'old'", "$x$ old $x$", "E'old'", "U&'old'"]) assertEquals(inner(text), true);
  for (const text of ["'it''s'", "E'\\n'", "'a'\n'b'"]) assertEquals(inner(text), null);
});

Deno.test("comments may be nested and contain quotes", () => {
  assertEquals(tokens("a /* b /* c ' */ d \" */ e"), ["word a", "word e"]);
  assertEquals(tokens("a -- b ' \" $$ /*\nc"), ["word a", "word c"]);
  assertEquals(tokens("a--b\rc"), ["word a", "word c"]);
  assertEquals(tokens("a/**/b"), ["word a", "word b"]);
  assertEquals(tokens("'--' /* */"), ["string --"]);
});

Deno.test("operators are as long as the server makes them", () => {
  assertEquals(tokens("a<>b"), ["word a", "operator <>", "word b"]);
  assertEquals(tokens("a=-1"), ["word a", "operator =", "operator -", "number 1"]);
  assertEquals(tokens("a@-1"), ["word a", "operator @-", "number 1"]);
  assertEquals(tokens("a->>'b'"), ["word a", "operator ->>", "string b"]);
  assertEquals(tokens("a||'b'"), ["word a", "operator ||", "string b"]);
  assertEquals(tokens("a*/*x*/b"), ["word a", "operator *", "word b"]);
  assertEquals(tokens("a+--x\nb"), ["word a", "operator +", "word b"]);
  assertEquals(tokens("a := b::c; d=>e"), [
    "word a",
    "operator :=",
    "word b",
    "mark ::",
    "word c",
    "mark ;",
    "word d",
    "operator =>",
    "word e",
  ]);
});

Deno.test("numbers end before the dots of a range", () => {
  assertEquals(tokens("1..10"), ["number 1", "mark ..", "number 10"]);
  assertEquals(tokens("1.5e-3 .5 1. 0x1F 1_000"), [
    "number 1.5e-3",
    "number .5",
    "number 1.",
    "number 0x1F",
    "number 1_000",
  ]);
});

Deno.test("what is not closed is a fault and extends to the end of the text", () => {
  for (const text of ["'old", 'x "old', "$a$ old $b$", "/* old /* */", "E'old\\'", "U&'a"]) {
    assertEquals(faults(text).length, 1, text);
    assertEquals(lex(text).tokens.at(-1)!.end, text.length);
  }
  assertEquals(faults('""'), ["an empty identifier"]);
  assertEquals(faults("a $ b"), ["a lone $"]);
  assertEquals(faults("a \\ {"), ["a character that is no SQL", "a character that is no SQL"]);
  assertEquals(faults(String.raw`U&"\zzzz"`), ["a unicode escape that means no character"]);
});

Deno.test("tokens cover any text without a gap", () => {
  fc.assert(
    fc.property(sqlish, (text) => {
      const { tokens, faults } = lex(text);
      let at = 0;
      for (const token of tokens) {
        assertEquals(token.start, at);
        assertLess(token.start, token.end);
        if (token.inner >= 0) {
          assertEquals(text.slice(token.inner, token.inner + token.value.length), token.value);
        }
        at = token.end;
      }
      assertEquals(at, text.length);
      for (const fault of faults) assert(fault.at >= 0 && fault.at < text.length);
    }),
    { numRuns: 2_000 },
  );
});
