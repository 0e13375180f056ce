/** Random names, and how they are kept apart. */
import fc from "fast-check";
import { identifierFault } from "../../../shared/contract/names.ts";

const NAMES = [
  ..."items orders users log a b1 snake_case_name entries tags notes events".split(" "),
  ..."User Orders select table user order default new old excluded".split(" "),
  "Order Details",
  'a"b',
  '"quoted"',
  "it's",
  "naïve",
  "数据",
  "😀 emoji",
  "x; drop table y; --",
  "a.b",
  "$1",
  "%I %s",
  "back\\slash",
  "tab\tname",
  "line\nbreak",
  " leading",
  "trailing ",
  "1st",
  "$$",
  "/* c */",
  "x".repeat(63),
  "ü".repeat(31),
];

const oddName = fc.string({ unit: "grapheme", minLength: 1, maxLength: 24 })
  .filter((name) => identifierFault(name) === null);

/** Names of any kind: usual, reserved, quoted, of other alphabets, as long as can be. */
export const name = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...NAMES) }, {
  weight: 1,
  arbitrary: oddName,
});

/** Names that columns can have: not those of the columns that every table has. */
export const columnName = name.filter((one) => !/^(ctid|xmin|xmax|cmin|cmax|tableoid)$/.test(one));

/** Gives out names that differ from each other and from those taken: with a number behind, where need be. */
export function nameGiver(...reserved: string[]): (wanted: string) => string {
  const taken = new Set(reserved);
  return (wanted) => {
    let found = wanted;
    for (let n = 2; taken.has(found); n++) found = cut(wanted, 60) + n;
    taken.add(found);
    return found;
  };
}

/** The first so many bytes of a text, whole characters only. */
function cut(text: string, bytes: number): string {
  let result = "";
  for (const character of text) {
    if (new TextEncoder().encode(result + character).length > bytes) break;
    result += character;
  }
  return result;
}
