/** PostgREST's select parameter, and texts of all kinds that are no source at all. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { embeddedIn, renamedResource } from "../../../shared/source/forms/select.ts";
import { renamedBack, renamedIn } from "../../support/documents/source.ts";
import { sqlish } from "../../support/sqlish.ts";

/** An item as it is written, and as it is to be written after the rename. */
type Item = { before: string; after: string };

const plain = (text: string): Item => ({ before: text, after: text });

const COLUMN = fc.constantFrom(
  ..."id * old a:old old::text data->old data->old->>b old.sum() n:old.avg()::int count() a:data->>old"
    .split(" "),
  '"old"',
  '"a,(b"',
).map(plain);

const HINTS = fc.constantFrom("", "!inner", "!left", "!b_old_fkey", "!b_old_fkey!inner");
const BLANK = fc.constantFrom("", "", " ", "\n  ");

const { items } = fc.letrec<{ items: Item; item: Item; resource: Item }>((tie) => ({
  item: fc.oneof({ maxDepth: 4, withCrossShrink: true }, COLUMN, tie("resource")),
  resource: fc.tuple(
    fc.constantFrom("old", "b", "older", '"old"'),
    fc.constantFrom("", "", "x:", "old:", "x : ", "..."),
    HINTS,
    BLANK,
    tie("items"),
  ).map(([name, prefix, hints, blank, inner]) => {
    const isOld = name === "old" || name === '"old"';
    const renamed = prefix === "" ? "old:new" : "new";
    return {
      before: `${prefix}${name}${hints}${blank}(${inner.before})`,
      after: `${prefix}${isOld ? renamed : name}${hints}${blank}(${inner.after})`,
    };
  }),
  items: fc.tuple(fc.array(tie("item"), { minLength: 1, maxLength: 4 }), BLANK).map((
    [list, blank],
  ) => ({
    before: list.map(({ before }) => before).join(`,${blank}`),
    after: list.map(({ after }) => after).join(`,${blank}`),
  })),
}));

/** The text with every resource `old` renamed. */
function renamed(text: string): string {
  const edits = (embeddedIn(text) ?? []).filter(({ name }) => name.value === "old")
    .map((embedded) => renamedResource(embedded, "new"))
    .toSorted((a, b) => b.start - a.start);
  return edits.reduce(
    (changed, { start, end, text }) => changed.slice(0, start) + text + changed.slice(end),
    text,
  );
}

Deno.test("any select parameter is read, and its resources alone are renamed", () => {
  fc.assert(
    fc.property(items, ({ before, after }) => assertEquals(renamed(before), after)),
    { numRuns: 500 },
  );
});

Deno.test("what is no select parameter is not read", () => {
  for (const text of ["", "a,,b", "old(", "old)", "a(b))", "old(*", "a:b:c", "old!(*)", "->a"]) {
    assertEquals(embeddedIn(text), null, text);
  }
});

const FILES = ["a.ts", "a.tsx", "a.vue", "a.astro", "a.sql", "a.prisma", "a.py", "a.yml", "a.gql"];

const CODE = fc.array(
  fc.constantFrom(
    ...'old \'old\' "old" `old` from select ( ) { } [ ] < > , ; . : => = const let class function <script> </script> --- -- /* */ // ${ } \\ model @@map("old") db.from( .select( sql` @'
      .split(" "),
    "\n",
    "\r\n",
    " ",
  ),
  { maxLength: 40 },
).map((parts) => parts.join(""));

Deno.test("any text is read to its end, and only certain places of it are changed", () => {
  fc.assert(
    fc.property(fc.constantFrom(...FILES), fc.oneof(CODE, sqlish), (file, text) => {
      const { text: after, uses } = renamedIn(text, file);
      for (const { offset, length, text: there } of uses) {
        assertEquals(text.slice(offset, offset + length), there);
      }
      if (uses.every(({ replacement }) => replacement === null)) assertEquals(after, text);
      renamedBack(after, file);
    }),
    { numRuns: 400 },
  );
});
