import type { RecordedRename } from "../../shared/facts/migration.ts";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import pc from "picocolors";
import { ProgressDisplay } from "../../shared/cli/terminal/progress.ts";
import { Problem } from "../../shared/contract/problems.ts";
import { parseVerifyRequest } from "../../shared/contract/parse_requests.ts";
import { VERIFY_CHECKS } from "../../shared/contract/requests.ts";
import { columnFailures, missingTriggers } from "../../shared/verify/definitions.ts";
import { figuresOf } from "../../shared/verify/cost.ts";
import type { ColumnTypeFacts, RoleFacts, VerifyFacts } from "../../shared/facts/verify_facts.ts";
import { compatibilityInMarkdown } from "../../shared/report/compatibility.ts";
import {
  changedValue,
  constantValue,
  freshValue,
  type TypedColumn,
} from "../../shared/verify/values.ts";
import { personasOf } from "../../shared/verify/personas.ts";
import { fingerprint } from "../../shared/facts/fingerprint.ts";
import { column, table } from "../support/catalog/handwritten_facts.ts";

const UUID = "6b0f2f0e-3a4f-4b5f-8f53-2d8e3c0f9a11";

Deno.test("a request has every test and bounded times unless it says otherwise", () => {
  assertEquals(parseVerifyRequest({ migration_id: UUID }), {
    migration_id: UUID,
    checks: [...VERIFY_CHECKS],
    claims: [],
    max_ms: 2_000,
    max_rows: 1_000,
    max_cost: 10_000,
    acknowledge: [],
  });
  const { claims } = parseVerifyRequest({
    migration_id: UUID,
    claims: [{ sub: "a", n: { m: 1 } }],
  });
  assertEquals(claims, [{ role: "authenticated", sub: "a", n: { m: 1 } }]);
});

Deno.test("a request is refused by the field that is wrong", () => {
  const wrong: [Record<string, unknown>, string][] = [
    [{ migration_id: "a" }, "migration_id"],
    [{ checks: ["reads", "read"] }, "checks.1"],
    [{ claims: Array(21).fill({}) }, "claims"],
    [{ claims: [{ role: 1 }] }, "claims.0.role"],
    [{ max_ms: 30_001 }, "max_ms"],
    [{ max_rows: 0 }, "max_rows"],
    [{ max_cost: -1 }, "max_cost"],
    [{ batch_id: UUID }, ""],
  ];
  for (const [more, path] of wrong) {
    const problem = assertThrows(
      () => parseVerifyRequest({ migration_id: UUID, ...more }),
      Problem,
    );
    assertEquals((problem.fields.issues as { path: string }[])[0].path, path);
  }
});

Deno.test("columns differ by name, type, collation and order", () => {
  const [a, b] = [column("a"), column("b", { number: 2 })];
  const judge = (columns: typeof a[], without: string[] = []) =>
    columnFailures(table("new", { columns: [a, b] }), table("old", { columns }), without)
      .map(({ expected, got }) => [expected, got]);
  assertEquals(judge([a, b]), []);
  assertEquals(judge([b, a]), [['"a", "b"', '"b", "a"']]);
  assertEquals(judge([a]), [['column "b" text', "no such column"]]);
  assertEquals(judge([a], ["b"]), []);
  assertEquals(judge([a, b], ["b"]), [["no such column", 'column "b" text']]);
  assertEquals(judge([a, { ...b, type: "bigint" }]), [['column "b" text', 'column "b" bigint']]);
  assertEquals(judge([a, { ...b, collation: 'pg_catalog."C"' }]), [
    ['column "b" text', 'column "b" text collate pg_catalog."C"'],
  ]);
});

const role = (name: string, settable = true): RoleFacts => ({
  name,
  settable,
  select: [],
  insert: [],
  update: [],
});

const verifyFacts = (roles: RoleFacts[]): VerifyFacts => ({
  user: "postgres",
  separate: false,
  roles,
  columns: [],
  keys: [],
  indexed: [],
  watched: [],
  partition_columns: [],
  foreign_keys: [],
  side_effects: [],
  untrusted: [],
});

Deno.test("the owner is tried first, then the API's roles, others, and each set of claims", () => {
  const roles = ["anon", "authenticated", "reader"].map((name) => role(name));
  const all = [...roles, role("hidden", false), role("keeper")];
  const { personas, untriedRoles } = personasOf(verifyFacts(all), "keeper", [
    { role: "reader", sub: "1" },
    { role: "hidden" },
    { role: "gone" },
  ]);
  assertEquals(personas.map(({ label, api }) => [label, api]), [
    ["keeper", false],
    ["anon", true],
    ["authenticated", true],
    ["reader", false],
    ["reader with claims[0]", true],
  ]);
  assertEquals(personas[0].claims, { role: "keeper" });
  assertEquals(personas.at(-1)!.claims, { role: "reader", sub: "1" });
  assertEquals(untriedRoles.map(({ role }) => role), [
    ...["hidden", "hidden with claims[1]", "gone with claims[2]"],
  ]);
});

Deno.test("an owner to whom SET ROLE is not allowed is named, and the session's role is tried instead", () => {
  const { personas, untriedRoles } = personasOf(verifyFacts([role("keeper", false)]), "keeper", []);
  assertEquals(personas.map(({ label }) => label), ["postgres"]);
  assertEquals(untriedRoles, [{ role: "keeper", why: "postgres may not SET ROLE to it" }]);
});

Deno.test("of very many roles the first are tried, and the others are named", () => {
  const roles = Array.from({ length: 40 }, (_, n) => role(`r${n}`));
  const { personas, untriedRoles } = personasOf(
    verifyFacts([role("postgres"), ...roles]),
    "postgres",
    [],
  );
  assertEquals([personas.length, untriedRoles.length], [30, 11]);
});

const typedColumn = (type: string, facts: Partial<ColumnTypeFacts>): TypedColumn => ({
  ...column("c", { type }),
  type_facts: {
    name: "c",
    base: null,
    category: "U",
    kind: "b",
    typmod: -1,
    label: null,
    ...facts,
  },
});

Deno.test("fresh values fit their columns", () => {
  const text = typedColumn("character varying(5)", { base: "varchar", category: "S", typmod: 9 });
  assertStringIncludes(freshValue(text, "source.c", "new")!, ", 5))::character varying(5)");
  assertStringIncludes(freshValue(text, "source.c", "suffixed")!, "concat(source.c, ");
  // Ten digits, two of them behind the point (numerictypmodin).
  const numeric = (typmod: number) => typedColumn("numeric", { base: "numeric", typmod });
  assertStringIncludes(freshValue(numeric((10 << 16) + 2 + 4), "x", "new")!, "10000000 +");
  assertEquals(freshValue(numeric((3 << 16) + 2 + 4), "x", "new"), null);
  assertEquals(
    freshValue(typedColumn("boolean", { base: "bool", category: "B" }), "x", "new"),
    null,
  );
  const mood = typedColumn("app.mood", { kind: "e", category: "E", label: "it's" });
  assertEquals(freshValue(mood, "x", "new"), null);
  assertEquals(changedValue(mood, "x"), null);
  assertEquals(constantValue(mood), "('it''s')::app.mood");
  assertEquals(constantValue(typedColumn("app.unknown", {})), "null");
});

Deno.test("a trigger that is there as it was is not missing, whatever its comment says", () => {
  const trigger = (definition: string) => [{ name: "touch", definition }];
  const was = table("expert_profiles", { triggers: trigger("CREATE TRIGGER touch enabled O") });
  const recorded = {
    new_name: "expert_profiles",
    fingerprint: { before: {}, after: fingerprint(was), view: null, without_columns: [] },
  } as unknown as RecordedRename;
  const missing = (triggers: typeof was.triggers, name = "expert_profiles") =>
    missingTriggers(recorded, { ...was, name, triggers }).map(({ expected }) => expected);
  assertEquals(missing(was.triggers), []);
  assertEquals(missing(trigger("CREATE TRIGGER touch enabled O comment 'it''s new'")), []);
  assertEquals(missing(trigger("CREATE TRIGGER touch enabled D")).length, 1);
  assertEquals(missing([]).length, 1);
  // Under a later name the definition has that name in it.
  assertEquals(missing(trigger("CREATE TRIGGER touch on people enabled O"), "people"), []);
  assertEquals(missing([], "people").length, 1);
});

Deno.test("medians of the times are reported, and their ratio", () => {
  const times = (execution: number[], planning: number[]) => ({ execution, planning });
  assertEquals(
    figuresOf({
      left_out: null,
      table: times([5, 1, 2], [0.1, 0.1, 9]),
      view: times([4, 2, 3], [0.2, 0.3, 0.1]),
    }),
    {
      runs: 3,
      table_ms: 2,
      view_ms: 3,
      ratio: 1.5,
      table_planning_ms: 0.1,
      view_planning_ms: 0.2,
    },
  );
});

Deno.test("a terminal shows which test is being made", () => {
  const lines: string[] = [];
  let now = 0;
  const stream = {
    write: (text: string) => void lines.push(text),
    colors: pc.createColors(false),
    width: Infinity,
  };
  const display = new ProgressDisplay(stream, () => now);
  for (const [done, check] of VERIFY_CHECKS.entries()) {
    display.note({ phase: "verifying", check, done, total: 5 });
    now += 1_500;
    display.tick();
  }
  display.end();
  assertEquals(lines, VERIFY_CHECKS.map((check, done) => `Verifying ${check}, ${done + 1} of 5`));
});

Deno.test("a Markdown report shows texts as they are, whatever is in them", () => {
  const hostile = "a`b``c | <script> *d* [e](f)\n# g";
  const report = compatibilityInMarkdown(
    { id: UUID, schema_name: "public", old_name: hostile },
    { name: "`new`" },
    {
      passed: false,
      session: {
        login: hostile,
        separate: false,
        executed: false,
        detail: hostile,
        untrusted: [{ object: hostile, owner: hostile }],
      },
      checks: [{
        name: "reads",
        passed: false,
        detail: hostile,
        figures: { personas: [{ persona: hostile, rows: 1 }] },
        failures: [{ statement: "select '```'", expected: hostile, got: "`" }],
      }],
    },
  );
  const [heading] = report.split("\n");
  assertEquals(
    heading,
    "# ```public.a`b``c | <script> *d* [e](f)\\n# g``` stands for `` public.`new` ``: did not pass",
  );
  assertStringIncludes(report, "a\\`b\\`\\`c \\| \\<script\\> \\*d\\* \\[e\\](f) \\# g");
  assertStringIncludes(report, "````sql\nselect '```'\n````");
  assertStringIncludes(report, "- got: `` ` ``");
  // Every row of a table has as many cells as its head.
  const tables = report.split("\n").filter((line) => line.startsWith("|"));
  assert(tables.length > 5);
  for (const line of tables) {
    const cells = line.replaceAll("\\|", "").split("|").length;
    assert(cells === 5 || cells === 4, line);
  }
});
