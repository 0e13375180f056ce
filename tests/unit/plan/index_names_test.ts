import { assert, assertEquals, assertThrows } from "@std/assert";
import { Problem } from "../../../shared/contract/problems.ts";
import type { IndexFacts } from "../../../shared/facts/facts.ts";
import {
  indexNameAfter,
  indexRenames,
  indexStatements,
  restoredIndexes,
} from "../../../shared/plan/index_names.ts";
import { freeName, renaming, table } from "../../support/catalog/handwritten_facts.ts";

const index = (name: string, more: Partial<IndexFacts> = {}): IndexFacts => ({
  oid: 20_000,
  schema: "public",
  name,
  kind: "i",
  roots: [16_400],
  table: 16_400,
  owned: true,
  constraints: [],
  ...more,
});

const tables = [{ rename: renaming("experts", "people"), facts: table("experts") }];

const renamesOf = (indexes: IndexFacts[], taken: string[] = []) =>
  indexRenames(tables, {
    indexes,
    relation_names: taken.map((name) => ({ schema: "public", name })),
  });

Deno.test("an index is named after its table only where the table's whole name begins it", () => {
  const after = (name: string) => indexNameAfter(name, "experts", "people");
  assertEquals(after("experts_pkey"), "people_pkey");
  assertEquals(after("experts_experts_idx"), "people_experts_idx");
  assertEquals(after("experts_"), "people_");
  assertEquals(after("experts"), "people");
  for (
    const name of ["expertspkey", "expert_pkey", "Experts_pkey", "idx_experts", "my_experts_x"]
  ) {
    assertEquals(after(name), null, name);
  }
});

Deno.test("a name of more than 63 bytes loses whole characters of the table's part, no more than it must", () => {
  const bytes = (name: string) => new TextEncoder().encode(name).length;
  for (const character of ["x", "ä", "€", "👩"]) {
    const long = character.repeat(Math.floor(63 / bytes(character)));
    for (const rest of ["_pkey", "_a_very_long_list_of_columns_idx", `_${"y".repeat(60)}`]) {
      const name = indexNameAfter(`t${rest}`, "t", long)!;
      assert(name.endsWith(rest), name);
      assertEquals(
        name.slice(0, -rest.length),
        character.repeat([...name.slice(0, -rest.length)].length),
      );
      assert(bytes(name) <= 63, name);
      assert(bytes(name) + bytes(character) > 63, name);
    }
  }
});

Deno.test("a name that is free in its own schema is free, whatever other schemas have", () => {
  const elsewhere = { ...index("experts_pkey"), schema: "archive" };
  const { byTable, findings } = renamesOf([elsewhere], ["people_pkey"]);
  assertEquals(findings, []);
  assertEquals(byTable.get(16_400), [
    { oid: 20_000, schema: "archive", from: "experts_pkey", to: "people_pkey" },
  ]);
});

Deno.test("the names that tables and views of the batch take are taken", () => {
  const batch = [
    { rename: renaming("a", "b"), facts: table("a") },
    { rename: renaming("x", "b_pkey"), facts: table("x", { oid: 16_500 }) },
  ];
  const { byTable, findings } = indexRenames(batch, {
    indexes: [index("a_pkey"), index("a_idx", { oid: 20_001 })],
    relation_names: [],
  });
  assertEquals(findings.map(({ code, object }) => [code, object]), [
    ["index_name_taken", '"public"."a_pkey"'],
  ]);
  assertEquals(byTable.get(16_400)!.map(({ to }) => to), ["b_idx"]);
});

Deno.test("a constraint's name is asked for only where the index backs one", () => {
  const constraints = ["experts_pkey", "people_pkey", "people_idx"];
  assertEquals(renamesOf([index("experts_pkey", { constraints })]).findings.length, 1);
  assertEquals(renamesOf([index("experts_idx")]).findings.length, 0);
});

Deno.test("each index is renamed by a statement of its own, and all are looked at again", () => {
  const facts = {
    indexes: [index("experts_pkey"), index("experts_x", { oid: 20_001, kind: "I" })],
  };
  const renames = renamesOf(facts.indexes).byTable.get(16_400)!;
  const { preparations, statements } = indexStatements(renames, facts, "p");
  assertEquals(statements.slice(0, -1).map(({ sql }) => sql), [
    'alter index "public"."experts_pkey" rename to "people_pkey"',
    'alter index "public"."experts_x" rename to "people_x"',
  ]);
  assert(statements.at(-1)!.sql.includes("execute table_rename_check_indexes"));
  assert(preparations[0].sql.includes("20001::int8, 'I'"));
  assertEquals(indexStatements([], facts, "p"), { preparations: [], statements: [] });
});

const recorded = (from: string, to: string, oid = 20_000) => ({ oid, schema: "public", from, to });

Deno.test("an index is found by its OID, or by the name it was given on the same table", () => {
  const restore = (found: IndexFacts) =>
    restoredIndexes([{ indexes: [recorded("a_x", "b_x")], table_oid: 16_400 }], {
      indexes: [found],
      names: [freeName("a_x")],
    });
  const wanted = (oid: number) => ({
    renames: [{ oid, schema: "public", from: "b_x", to: "a_x" }],
    findings: [],
  });
  assertEquals(restore(index("b_x")), wanted(20_000));
  assertEquals(restore(index("b_x", { roots: [] })), wanted(20_000));
  assertEquals(restore(index("b_x", { oid: 30_000 })), wanted(30_000));
  assertEquals(restore(index("b_x", { oid: 30_000, roots: [1] })), { renames: [], findings: [] });
  assertEquals(restore(index("other", { oid: 30_000 })), { renames: [], findings: [] });
  assertEquals(restore(index("a_x")), { renames: [], findings: [] });
  const { renames, findings } = restore(index("mine"));
  assertEquals([renames, findings.map(({ code, severity }) => [code, severity])], [
    [],
    [["index_renamed_since", "info"]],
  ]);
});

Deno.test("through several renames of one table, an index goes back name by name", () => {
  const { renames } = restoredIndexes([
    { indexes: [recorded("b_x", "c_x")], table_oid: 16_400 },
    { indexes: [recorded("a_x", "b_x")], table_oid: 16_400 },
  ], { indexes: [index("c_x")], names: [freeName("b_x"), freeName("a_x")] });
  assertEquals(renames.map(({ from, to }) => [from, to]), [["c_x", "b_x"], ["b_x", "a_x"]]);
});

Deno.test("an earlier name that an index of the same rollback leaves is free", () => {
  const both = [recorded("a_x", "b_x"), recorded("c_x", "a_x", 20_001)];
  const names = [
    { ...freeName("a_x"), relation: { oid: 20_001, kind: "i" as const } },
    freeName("c_x"),
  ];
  const indexes = [index("b_x"), index("a_x", { oid: 20_001 })];
  const migrations = (first: number, second: number) =>
    [first, second].map((n) => ({ indexes: [both[n]], table_oid: 16_400 }));
  assertEquals(
    restoredIndexes(migrations(1, 0), { indexes, names }).renames.map(({ to }) => to),
    ["c_x", "a_x"],
  );
  const problem = assertThrows(
    () => restoredIndexes(migrations(0, 1), { indexes, names }),
    Problem,
  );
  assertEquals(problem.code, "name_taken");
});
