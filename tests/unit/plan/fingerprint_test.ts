import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import type { RelationFacts } from "../../../shared/facts/facts.ts";
import {
  changesFrom,
  columnDefinition,
  differences,
  fingerprint,
  withChanges,
} from "../../../shared/facts/fingerprint.ts";
import { column, frozen, grant, table } from "../../support/catalog/handwritten_facts.ts";

const base = frozen(table("experts", {
  columns: [column("id", { number: 1 }), column("name", { number: 2 })],
  acl: [grant("anon", "SELECT"), grant("authenticated", "SELECT")],
}));

/** What is said to differ after a change of the facts. */
const changed = (change: Partial<RelationFacts>) =>
  differences(fingerprint(base), fingerprint({ ...base, ...change })).map(({ object }) => object);

Deno.test("equal tables have equal fingerprints, whatever they are called", () => {
  assertEquals(changed({}), []);
  assertEquals(changed({ name: "expert_profiles", oid: 1, schema: "app" }), []);
});

Deno.test("every change of a table is a difference that names the object", () => {
  const one = { name: "x", definition: "d" };
  const cases: [Partial<RelationFacts>, string][] = [
    [{ kind: "p" }, "kind"],
    [{ persistence: "u" }, "persistence"],
    [{ owner: "app" }, "owner"],
    [{ options: ["fillfactor=70"] }, "options"],
    [{ row_security: true }, "row level security"],
    [{ force_row_security: true }, "row level security"],
    [{ replica_identity: "f" }, "replica identity"],
    [{ access_method: "zheap" }, "access method"],
    [{ tablespace: "fast" }, "tablespace"],
    [{ comment: "c" }, "comment"],
    [{ partition_key: "RANGE (id)" }, "partition key"],
    [{ partition_bound: "DEFAULT" }, "partition bound"],
    [{ parents: ["public.p"] }, "parents"],
    [{ children: ["public.c"] }, "children"],
    [{ constraints: [one] }, "constraint x"],
    [{ indexes: [one] }, "index x"],
    [{ triggers: [one] }, "trigger x"],
    [{ policies: [one] }, "policy x"],
    [{ rules: [one] }, "rule x"],
    [{ statistics: [one] }, "statistics x"],
    [{ publications: [one] }, "publication x"],
    [{ owned_sequences: [one] }, "sequence x"],
    [{ security_labels: [one] }, "security label x"],
    [{ referencing: [one] }, "referenced by x"],
    [{ acl: [...base.acl, grant(null, "SELECT")] }, "grant to PUBLIC by postgres"],
    [{ acl: base.acl.slice(1) }, "grant to anon by postgres"],
    [{ columns: base.columns.toReversed() }, "column order"],
  ];
  for (const [change, object] of cases) assertEquals(changed(change), [object]);
});

Deno.test("every change of a column is a difference that names the column", () => {
  const [id, name] = base.columns;
  const changes: Partial<typeof name>[] = [
    { type: "varchar(10)" },
    { collation: "pg_catalog.C" },
    { not_null: true },
    { identity: "a" },
    { generated: "s" },
    { default: "'x'::text" },
    { settings: "storage e" },
    { comment: "c" },
  ];
  const seen = new Set<string>();
  for (const change of changes) {
    assertEquals(changed({ columns: [id, { ...name, ...change }] }), ["column name"]);
    seen.add(columnDefinition({ ...name, ...change }));
  }
  assertEquals(seen.size, changes.length);
  assertEquals(changed({ columns: [id, { ...name, acl: [grant("anon", "SELECT")] }] }), [
    "column name grant to anon by postgres",
  ]);
  assertEquals(changed({ columns: [id] }), ["column name", "column order"]);
});

Deno.test("a default and a comment of the same text are distinguished", () => {
  assertNotEquals(
    columnDefinition(column("a", { default: 'comment "x"' })),
    columnDefinition(column("a", { comment: "x" })),
  );
});

Deno.test("the order of grants does not matter; grantor and grant option do", () => {
  assertEquals(changed({ acl: base.acl.toReversed() }), []);
  const [first, ...rest] = base.acl;
  assertEquals(changed({ acl: [{ ...first, grantable: true }, ...rest] }), [
    "grant to anon by postgres",
  ]);
  assertEquals(changed({ acl: [{ ...first, grantor: "app" }, ...rest] }), [
    "grant to anon by app",
    "grant to anon by postgres",
  ]);
});

Deno.test("a difference says what was there before and what is there after", () => {
  const after = { ...base, comment: "new", columns: base.columns.slice(0, 1) };
  const found = differences(fingerprint(base), fingerprint(after));
  assertEquals(found.map(({ object }) => object), ["column name", "column order", "comment"]);
  assertMatch(found[0].before!, /^text /);
  assertEquals(found[0].after, null);
  assertEquals(found[2], { object: "comment", before: "", after: "new" });
});

Deno.test("of objects that share a name, none is lost", () => {
  const constraints = [{ name: "x", definition: "a" }, { name: "x", definition: "b" }];
  assertEquals(fingerprint({ ...base, constraints })["constraint x"], "a; b");
});

Deno.test("objects named like members of Object are compared like others", () => {
  const named = (name: string) => ({ ...base, columns: [column(name)] });
  for (const name of ["__proto__", "constructor", "toString"]) {
    const difference = differences(fingerprint(base), fingerprint(named(name)))
      .find(({ object }) => object === `column ${name}`);
    assertEquals(difference?.before, null);
    assertMatch(difference!.after!, /^text /);
  }
});

Deno.test("a state that is kept by what differs is the same state again", () => {
  const before = fingerprint(base);
  const states = [
    before,
    fingerprint({ ...base, comment: "c", columns: [column("toString"), column("changed")] }),
    fingerprint({ ...base, acl: [], constraints: [{ name: "x", definition: "d" }] }),
    {},
  ];
  for (const state of states) {
    const changes = changesFrom(before, state);
    assertEquals(withChanges(before, JSON.parse(JSON.stringify(changes))), state);
  }
  assertEquals(changesFrom(before, before), { without: [], changed: {} });
});
