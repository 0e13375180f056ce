/** Hostile names, texts and bodies, the same for the same seed. */

/** Numbers from 0 to 1 that depend on the seed alone (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type Random = () => number;

export const oneOf = <T>(random: Random, values: readonly T[]): T =>
  values[Math.floor(random() * values.length)];

/** Names that break something somewhere; every kind at least once. */
const NAMES = [
  "",
  " ",
  '"',
  '""',
  "'",
  "\\",
  "\\'",
  "`",
  ".",
  "a.b",
  '"."',
  "\0",
  "a\0b",
  "\n",
  "a\r\nb",
  "\t",
  "\u0001\u001f\u007f",
  "\ud83d",
  "a\ude00",
  "\ufeff",
  "\uffff\ufffe",
  "\u202eabc",
  "\u200b",
  "e\u0301",
  "é",
  "ﬁ",
  "İi",
  "ß",
  "Ω".repeat(31),
  "Ω".repeat(32),
  "a".repeat(63),
  "a".repeat(64),
  "👩".repeat(15) + "abc",
  "👩".repeat(16),
  "👩‍👩‍👧‍👧",
  "עִברִית",
  "الجدول",
  "表",
  "a".repeat(10_000),
  "select",
  "table",
  "user",
  "null",
  "true",
  "default",
  "only",
  "public",
  "pg_class",
  "int4",
  "__proto__",
  "constructor",
  "toString",
  "Canary",
  "CANARY",
  "$check$",
  "$lock$",
  "$$",
  "$body$ $check1$",
  "$1",
  "?",
  ":name",
  "%I%s%%",
  "${name}",
  "{{name}}",
  "--",
  "/*",
  "*/",
  ";",
  "; drop table canary; --",
  '"; drop table canary; --',
  "'; drop table canary; --",
  "\\'; drop table canary; --",
  "$check$; drop table canary; --",
  "end $check$; drop table canary; do $check$ begin",
  "x'::regclass; commit; drop table canary; --",
  "E'\\x41'",
  'U&"\\0061"',
  "canary rename to gone",
  "'); rollback; drop table canary; --",
  "0",
  "-1",
  "1e3",
  "a b",
  "  a  ",
  "a,b",
  "(a)",
  "[a]",
  "*",
  "&lt;script&gt;",
  "../../etc/passwd",
];

const FRAGMENTS = [
  ..."abzXYZ019_$ \"'`\\;-/*.,()[]{}<>%&?!@#^~|=+:\n\t\r",
  "--",
  "$$",
  "$check$",
  "''",
  '""',
  "é",
  "e\u0301",
  "\u202e",
  "\u200d",
  "👩",
  "漢",
  "\ufeff",
  "\0",
  "\ud800",
  "drop table canary",
  "commit",
  " or true",
];

/** `count` hostile names, all different: the fixed ones first, then random ones of every length around 63 bytes. */
export function hostileNames(random: Random, count: number): string[] {
  const names = new Set(NAMES);
  while (names.size < count) {
    let name = "";
    const length = Math.floor(random() * 24) + 1;
    for (let n = 0; n < length; n++) {
      const fragment = oneOf(random, FRAGMENTS);
      // Few of those that make a name impossible, or most would be.
      if (/[\0\ud800]/.test(fragment) && random() < 0.8) continue;
      name += fragment;
    }
    if (random() < 0.3) name += "x".repeat(Math.max(0, 60 - byteLength(name)) + random() * 6);
    names.add(name);
  }
  return [...names].slice(0, count);
}

export const byteLength = (text: string) => new TextEncoder().encode(text).length;

/** Whether PostgreSQL can have it as a name, said apart from the product's own rule. */
export function isStorableName(name: string): boolean {
  return name !== "" && !name.includes("\0") && name.isWellFormed() && byteLength(name) <= 63;
}

/** A text with one to three bytes changed, left out, doubled, or cut off. */
export function mutated(random: Random, text: string): Uint8Array<ArrayBuffer> {
  let bytes = [...new TextEncoder().encode(text)];
  const changes = 1 + Math.floor(random() * 3);
  for (let n = 0; n < changes; n++) {
    const at = Math.floor(random() * bytes.length);
    const byte = random() < 0.5
      ? Math.floor(random() * 256)
      : oneOf(random, [..."\"'\\{}[],:0nt\n\0"]).charCodeAt(0);
    switch (Math.floor(random() * 5)) {
      case 0:
        bytes[at] = byte;
        break;
      case 1:
        bytes.splice(at, 1);
        break;
      case 2:
        bytes.splice(at, 0, byte);
        break;
      case 3:
        bytes = [...bytes.slice(0, at), ...bytes.slice(Math.max(0, at - 8))];
        break;
      default:
        bytes = random() < 0.3 ? bytes.slice(0, at) : bytes;
    }
  }
  return new Uint8Array(bytes);
}
