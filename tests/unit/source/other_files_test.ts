/** Names of renamed tables in files that are not parsed: Prisma's schemas, and other languages. */
import { assertEquals } from "@std/assert";
import { renamedBack, renamedIn } from "../../support/documents/source.ts";

Deno.test("a model of Prisma is changed where it is mapped to the table", () => {
  const schema = (mapped: string, inApp: string) => `
// @@map("old")
model Thing {
  id   Int  @id // old
  /// old
  data Json @default("{}")
  old  Int?
  @@index([old])
  @@map("${mapped}")
}

model Other {
  id Int @id
  @@map(name: "${inApp}")
  @@schema("app")
}

model Last {
  id Int @id
  @@map("old")
  @@schema("elsewhere")
}
`;
  const there = renamedIn(schema("old", "things"), "prisma/schema.prisma");
  assertEquals(there.text, schema("new", "stuff"));
  assertEquals(there.possible, []);
  assertEquals(renamedBack(there.text, "prisma/schema.prisma").text, schema("old", "things"));
});

Deno.test("a model that is called like the table is listed with what to add", () => {
  const text = "model old {\n  id Int @id\n}\n";
  const { text: after, possible } = renamedIn(text, "schema.prisma");
  assertEquals(after, text);
  assertEquals(possible.map(({ reason, offset }) => [reason, offset]), [
    ['the model is called like the table; add @@map("new") to it', 6],
  ]);
});

/** A file, its text, and the strings or words in it that are listed. */
const LISTED: [file: string, text: string, ...listed: string[]][] = [
  [
    "a.py",
    `db.table("old").select("b, old(*)")\nrun("""select *\nfrom old""")\n# old`,
    "old",
    "old",
    "old",
  ],
  ["a.dart", "db.from('old').stream(primaryKey: ['id']); var old = 'an old one';", "old"],
  ["a.swift", `client.from("old").select("*")`, "old"],
  ["a.kt", `db.from("old").select()`, "old"],
  ["a.go", "db.Query(`delete from public.old`)", "old"],
  ["a.rb", "self.table_name = 'old'", "old"],
  ["a.cs", `[Table("old")] class Old {}`, "old"],
  ["a.yml", "table: old\ncolumn: older", "old"],
  [
    "a.graphql",
    "{ oldCollection { edges { node { id } } } }\nmutation { insertIntooldCollection(objects: []) { records { id } } }",
    "oldCollection",
    "insertIntooldCollection",
  ],
];

Deno.test("in other languages the name is listed where it may be the table, and nothing is changed", () => {
  for (const [file, text, ...listed] of LISTED) {
    const { text: after, possible } = renamedIn(text, file);
    assertEquals(after, text, file);
    assertEquals(possible.map((use) => use.text), listed, file);
  }
});
