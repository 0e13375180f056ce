import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Problem } from "../../../shared/contract/problems.ts";
import type { RelationFacts } from "../../../shared/facts/facts.ts";
import { planFinalize } from "../../../shared/plan/finalize.ts";
import type { BuiltObject } from "../../../shared/facts/built_on.ts";
import { dependentsOf, type Refused } from "../../../shared/dependents/collect_dependents.ts";
import { inStages } from "../../../shared/dependents/stages.ts";
import { recreation } from "../../../shared/dependents/recreate.ts";
import { renameCasts } from "../../../shared/dependents/definitions.ts";
import { planRollback } from "../../../shared/plan/rollback.ts";
import {
  builtOn,
  builtView,
  column,
  factsOf,
  freeName,
  frozen,
  recorded,
  SESSION_USER,
  table,
  viewOver,
} from "../../support/catalog/handwritten_facts.ts";

const experts = frozen(table("expert_profiles"));
const bare = frozen(viewOver(experts, "experts"));
const teams = frozen(table("groups", { oid: 16_500 }));
const teamsView = frozen(viewOver(teams, "teams"));

const built = (view: RelationFacts, ...objects: BuiltObject[]): RelationFacts => ({
  ...view,
  built_on: builtOn(...objects),
});

const uses = (relation: number, more: Partial<BuiltObject["uses"][number]> = {}) => ({
  relation,
  column: null,
  row_type: false,
  routine: null,
  ...more,
});

/** Why one object, built on the view of `experts`, cannot follow. */
function reasonFor(more: Partial<BuiltObject>, on: RelationFacts = experts): string {
  const view = built(bare, builtView("report", bare.oid, more));
  const problem = assertThrows(
    () => dependentsOf([{ view, table: on, columns: on.columns }], [on]),
    Problem,
  );
  assertEquals(problem.code, "dependants_cannot_follow");
  const [{ view: of, reason }] = problem.fields.dependants as Refused[];
  assertEquals(of, '"public"."experts"');
  return reason;
}

Deno.test("every reason why an object cannot follow is reported", () => {
  const cases: [RegExp, Partial<BuiltObject>][] = [
    [/row type/, { number: 2, kind: "table column", definition: null }],
    [/rebuilt/, { subkind: "i", kind: "index", definition: null }],
    [/this kind \(sequence\) cannot be repointed/, {
      subkind: "S",
      kind: "sequence",
      definition: null,
    }],
    [/aggregate/, { catalog: "pg_proc", subkind: "a", kind: "aggregate", definition: null }],
    [/this kind \(operator\) cannot/, { catalog: "pg_operator", kind: "operator" }],
    [/extension "pgcrypto"/, { extension: "pgcrypto" }],
    [/temporary/, { temporary: true }],
    [/role "other", of which this role is not a member/, { owned: false, owner: "other" }],
    [/may not create in the schema "public"/, { can_create: false }],
    [/may not use the schema "closed", "shut"/, { closed_schemas: ["closed", "shut"] }],
    [/column "gone", which the table does not have/, {
      uses: [uses(bare.oid, { column: "gone" })],
    }],
    [/cannot become/, { recreated: true, owner_settable: false }],
    [/security label/, { recreated: true, labels: 1 }],
    [/depends on an extension/, { recreated: true, extension_dependencies: 1 }],
  ];
  for (const [reason, more] of cases) assertMatch(reasonFor(more), reason);
});

Deno.test("a column must have the type that it has in the view, whole rows all of them in order", () => {
  const id = column("id", { type: "bigint", collation: null });
  const retyped = { ...experts, columns: [{ ...id, type: "integer" }] };
  assertMatch(reasonFor({}, retyped), /uses the column "id", which is integer in the table/);
  const longer = { ...experts, columns: [id, column("late")] };
  assertMatch(reasonFor({ whole_rows: true }, longer), /whole rows/);
  assertMatch(reasonFor({ uses: [uses(bare.oid, { row_type: true })] }, longer), /whole rows/);
  const view = built(bare, builtView("report", bare.oid));
  const [dependent] = dependentsOf([{ view, table: longer, columns: longer.columns }], [longer]);
  assertEquals(dependent.printed, null);
});

Deno.test("an object that uses two tables is read again while both names mean what they say", () => {
  // One view goes; the other table is called by its new name.
  const mixed = builtView("mixed", bare.oid, { uses: [uses(bare.oid), uses(teams.oid)] });
  const dropped = [
    { view: built(bare, mixed), table: experts, columns: experts.columns },
    { view: built(teamsView), table: teams, columns: teams.columns },
  ];
  const dependents = dependentsOf(dropped, [experts, teams]);
  assertEquals([...dependents[0].names], [[experts.oid, "experts"], [teams.oid, "groups"]]);
  const names = new Map([[experts.oid, "experts"], [teams.oid, "teams"]]);
  const { stages } = inStages(dependents, names);
  assertEquals(stages.map(({ renames }) => renames), [[[teams.oid, "groups"]]]);
  assertEquals(names.get(teams.oid), "groups");
});

Deno.test("tables change their names no more often than they must", () => {
  const both = builtView("both", bare.oid, { oid: 1, uses: [uses(bare.oid), uses(teamsView.oid)] });
  const first = builtView("first", bare.oid, { oid: 2 });
  const second = builtView("second", teamsView.oid, { oid: 3 });
  const newName = builtView("new_name", bare.oid, {
    oid: 4,
    uses: [uses(bare.oid), uses(teams.oid)],
  });
  const dropped = [
    { view: built(bare, first, newName, both), table: experts, columns: experts.columns },
    { view: built(teamsView, both, second), table: teams, columns: teams.columns },
  ];
  const dependents = dependentsOf(dropped, [experts, teams]);
  assertEquals(dependents.length, 4);
  const names = new Map([[experts.oid, experts.name], [teams.oid, teams.name]]);
  const { stages } = inStages(dependents, names);
  assertEquals(
    stages.map(({ dependents }) => dependents.map(({ object }) => object.name).sort()),
    [["first", "new_name"], ["both", "second"]],
  );
});

Deno.test("a table that goes by two old names in one request cannot have both at once", () => {
  const middle = viewOver(experts, "people", { oid: 17_900 });
  const both = builtView("both", bare.oid, { uses: [uses(bare.oid), uses(middle.oid)] });
  const dropped = [
    { view: built(middle, both), table: experts, columns: experts.columns },
    { view: built(bare, both), table: experts, columns: experts.columns },
  ];
  const problem = assertThrows(() => dependentsOf(dropped, [experts]), Problem);
  const [{ reason }] = problem.fields.dependants as Refused[];
  assertMatch(reason, /under two names, "public"."people" and "public"."experts"/);
});

Deno.test("what is made again comes before what depends on it, and circles are reported", () => {
  const totals = builtView("totals", bare.oid, { oid: 40, subkind: "m", recreated: true });
  const routine = (oid: number, calls: number | null): BuiltObject =>
    builtView(`f${oid}`, bare.oid, {
      catalog: "pg_proc",
      oid,
      recreated: true,
      uses: [uses(bare.oid, { row_type: true }), { ...uses(0), relation: null, routine: calls }],
    });
  const above = builtView("above", totals.oid, { oid: 39 });
  const order = (...objects: BuiltObject[]) => {
    const dependents = objects.map((object) => ({
      object,
      views: [],
      names: new Map<number, string>(),
      printed: null,
    }));
    const { stages, circular } = inStages(dependents, new Map());
    return [stages.flatMap((stage) => stage.dependents), circular]
      .map((some) => some.map(({ object }) => object.oid));
  };
  assertEquals(order(above, totals), [[40, 39], []]);
  assertEquals(order(routine(1, 2), routine(2, 3), routine(3, null)), [[3, 2, 1], []]);
  assertEquals(order(routine(1, 2), routine(2, 1), routine(3, null)), [[3], [1, 2]]);
  // OIDs of different catalogs may be the same.
  assertEquals(order(routine(40, null), above), [[40, 39], []]);
});

// Statements ----------------------------------------------------------------------------------------

const NAME = 'a"b; --';
const QUOTED = '"a""b; --"';

const statementsFor = (more: Partial<BuiltObject>): string[] => {
  const { setAside, recreate, dropOld } = recreation(builtView(NAME, bare.oid, more), SESSION_USER);
  return [...setAside, ...recreate, ...dropOld].map(({ sql }) => sql);
};

Deno.test("a view is replaced with its columns and options, whatever these are called", () => {
  const { kept } = builtView(NAME, bare.oid);
  assertEquals(
    statementsFor({
      kept: {
        ...kept,
        options: ["security_barrier=true", "check_option=it's"],
        columns: [{ ...kept!.columns![0], name: NAME }],
      },
    }),
    [
      `create or replace view "public".${QUOTED} (${QUOTED}) with ` +
      `("security_barrier" = 'true', "check_option" = 'it''s') as\n` +
      " SELECT id\n   FROM public.experts",
    ],
  );
  assertEquals(statementsFor({ kept: { ...kept, options: [], columns: [] } }), [
    `create or replace view "public".${QUOTED} as\n SELECT id\n   FROM public.experts`,
  ]);
});

Deno.test("policies, rules, defaults and constraints are altered where they are", () => {
  const on = (catalog: string, more: Partial<BuiltObject>) => statementsFor({ catalog, ...more });
  assertEquals(on("pg_policy", { definition: { qual: "(a)", check: null } }), [
    `alter policy ${QUOTED} on "public".${QUOTED} using ((a))`,
  ]);
  assertEquals(on("pg_policy", { definition: { qual: null, check: "(b)" } }), [
    `alter policy ${QUOTED} on "public".${QUOTED} with check ((b))`,
  ]);
  assertEquals(on("pg_rewrite", { definition: { text: "CREATE RULE r AS ON ...;" } }), [
    "create or replace rule r AS ON ...",
  ]);
  assertEquals(
    on("pg_attrdef", {
      definition: { expression: "f('x')" },
      kept: { column: NAME, generated: "" },
    }),
    [`alter table only "public".${QUOTED} alter column ${QUOTED} set default f('x')`],
  );
  assertEquals(
    on("pg_constraint", {
      definition: { text: "CHECK ((a > 0)) NOT VALID" },
      kept: { comment: "it's" },
    }),
    [
      `alter table only "public".${QUOTED} drop constraint ${QUOTED} restrict`,
      `alter table only "public".${QUOTED} add constraint ${QUOTED} CHECK ((a > 0)) NOT VALID`,
      `comment on constraint ${QUOTED} on "public".${QUOTED} is 'it''s'`,
    ],
  );
});

Deno.test("a routine that is made again is never made over another one", () => {
  const routine: Partial<BuiltObject> = {
    catalog: "pg_proc",
    recreated: true,
    kind: "function",
    definition: {
      text: "CREATE OR REPLACE FUNCTION public.f(public.experts)\n AS $$CREATE OR REPLACE $$;\n",
    },
    routine: {
      signature: "public.f(public.experts)",
      procedure: "public.f(public.experts)",
      definable: true,
      same_on_table: null,
    },
    acl: [],
  };
  const [aside, again, ...rest] = statementsFor(routine);
  assertEquals(
    aside,
    'alter routine public.f(public.experts) rename to "__compatibility_routine_7cec41374ad316a8"',
  );
  assertEquals(again, "create FUNCTION public.f(public.experts)\n AS $$CREATE OR REPLACE $$");
  assertEquals(rest, [
    `revoke all on routine public.f(public.experts) from public, "${SESSION_USER}"`,
    'drop routine "public"."__compatibility_routine_7cec41374ad316a8" restrict',
  ]);
});

Deno.test("casts to the row type go to it by its other name, constants and like names do not", () => {
  const renamed = (text: string, type = "public.expert_profiles") =>
    renameCasts({ query: text, check: null }, type, '"public"."experts"');
  const cases: [string, string][] = [
    ["f((e.*)::public.expert_profiles)", 'f((e.*)::"public"."experts")'],
    ["(x)::public.expert_profiles[]", '(x)::"public"."experts"[]'],
    ["'(e)::public.expert_profiles'", "'(e)::public.expert_profiles'"],
    ["E'\\'::public.expert_profiles'", "E'\\'::public.expert_profiles'"],
    ["'it''s ::public.expert_profiles' || a", "'it''s ::public.expert_profiles' || a"],
    ["$f$ ::public.expert_profiles $f$", "$f$ ::public.expert_profiles $f$"],
    ['"::public.expert_profiles"', '"::public.expert_profiles"'],
    ["x::public.expert_profiles_v2", "x::public.expert_profiles_v2"],
    ["x::public.expert_profiles.y", "x::public.expert_profiles.y"],
    ["x::other_public.expert_profiles", "x::other_public.expert_profiles"],
  ];
  for (const [text, expected] of cases) {
    const { definition, casts, mentions } = renamed(text);
    assertEquals(definition, { query: expected, check: null });
    assertEquals(casts, text === expected ? 0 : 1, text);
    assertEquals(mentions, 0, text);
  }
  assertEquals(
    renamed("RETURNS public.expert_profiles AS t(a public.expert_profiles)").mentions,
    2,
  );
  assertEquals(renamed("my_public.expert_profiles").mentions, 0);
  const odd = renamed('(e.*)::"My (S)"."a.b" = \'"My (S)"."a.b"\'', '"My (S)"."a.b"');
  assertEquals(odd.definition.query, '(e.*)::"public"."experts" = \'"My (S)"."a.b"\'');
});

// Plans ---------------------------------------------------------------------------------------------

const record = frozen(recorded(experts, bare, "experts"));

Deno.test("a rollback locks the view, what is on it, and the table; and looks again before anything else", async () => {
  const view = built(bare, builtView("report", bare.oid));
  const plan = await planRollback([record], factsOf([view, experts]), [record], {
    acknowledge: [],
  });
  assertEquals(plan.locks.map(({ sql, timeout_share }) => [sql, timeout_share]), [
    ['alter view "public"."experts" owner to "postgres"', 0.5],
    ['alter view "public"."report" owner to "postgres"', 0],
    ['lock table only "public"."expert_profiles" in access exclusive mode', 0.5],
  ]);
  assertMatch(plan.changes[0].sql, /nothing_moved/);
  assertEquals(plan.changes.map(({ sql }) => sql).filter((sql) => !sql.startsWith("do ")), [
    'alter view "public"."experts" rename to "__compatibility_view_874f79cdc59eeed9"',
    'alter table "public"."expert_profiles" rename to "experts"',
    `create or replace view "public"."report" ("id") with ("security_invoker" = 'true') as\n` +
    " SELECT id\n   FROM public.experts",
    'drop view "public"."__compatibility_view_874f79cdc59eeed9" restrict',
    "notify pgrst, 'reload schema'",
  ]);
});

Deno.test("a finalize gives the table its name again once all is read; without dependants it stays as it is", async () => {
  const of = async (view: RelationFacts) => {
    const plan = await planFinalize([record], factsOf([view, experts]), [record], {
      acknowledge: [],
    });
    return [plan.locks, plan.changes.filter(({ sql }) => !sql.startsWith("do "))]
      .map((some) => some.map(({ sql }) => sql));
  };
  assertEquals(await of(bare), [
    ['alter view "public"."experts" owner to "postgres"'],
    ['drop view "public"."experts" restrict', "notify pgrst, 'reload schema'"],
  ]);
  const [locks, changes] = await of(built(bare, builtView("report", bare.oid)));
  assertEquals(locks.length, 3);
  assertEquals(changes.slice(-3), [
    'drop view "public"."__compatibility_view_874f79cdc59eeed9" restrict',
    'alter table "public"."experts" rename to "expert_profiles"',
    "notify pgrst, 'reload schema'",
  ]);
});

Deno.test("a finalize of an earlier rename leaves the table the name of the later one", async () => {
  const renamedOn = { ...experts, name: "specialists" };
  const later = recorded(renamedOn, null, "expert_profiles", {
    id: "6b0f2f0e-3a4f-4b5f-8f53-000000000002",
    new_name: "specialists",
  });
  const view = built(bare, builtView("report", bare.oid));
  const facts = factsOf([view, renamedOn]);
  const plan = await planFinalize([record], facts, [record, later], { acknowledge: [] });
  const moves = plan.changes.map(({ sql }) => sql).filter((sql) => sql.startsWith("alter table"));
  assertEquals(moves, [
    'alter table "public"."specialists" rename to "experts"',
    'alter table "public"."experts" rename to "specialists"',
  ]);
  await assertDrifted(() => planRollback([record], facts, [record, later], { acknowledge: [] }));
  // By hand it is drift, for both.
  await assertDrifted(() => planFinalize([record], facts, [record], { acknowledge: [] }));
});

Deno.test("a finalize without a view changes nothing but the record", async () => {
  const without = { ...record, compatibility_view_created: false, view_oid: null };
  for (
    const facts of [
      factsOf([experts], ["experts"]),
      factsOf([experts, table("experts", { oid: 9 })]),
    ]
  ) {
    const plan = await planFinalize([without], { ...facts, relations: [experts] }, [without], {
      acknowledge: [],
    });
    assertEquals(plan.locks, []);
    assert(plan.changes.every(({ sql }) => /^do |^notify/.test(sql)));
  }
});

Deno.test("a view that is gone is no obstacle to a finalize once acknowledged", async () => {
  const facts = { ...factsOf([experts]), names: [freeName("experts")] };
  const planned = (acknowledge: string[]) =>
    planFinalize([record], facts, [record], { acknowledge });
  await assertDrifted(() => planned([]));
  assertEquals((await planned(["view_missing"])).tables[0].view, null);
});

async function assertDrifted(work: () => Promise<unknown>): Promise<void> {
  const problem = await work().then(() => null, (error) => error);
  assert(problem instanceof Problem, "nothing was thrown");
  assertEquals(problem.code, "drifted");
}
