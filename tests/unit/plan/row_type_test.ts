import { assert, assertEquals, assertMatch } from "@std/assert";
import type { RelationFacts } from "../../../shared/facts/facts.ts";
import type { Plan } from "../../../shared/plan/plan.ts";
import { planRename } from "../../../shared/plan/rename.ts";
import {
  dropRowType,
  rowCastGrantees,
  rowCastWanted,
  rowTypeStatements,
} from "../../../shared/plan/view/row_type.ts";
import {
  column,
  factsOf,
  frozen,
  grant,
  ownersPrivileges,
  renaming,
  rowTypeUser,
  SESSION_USER,
  table,
  viewOver,
} from "../../support/catalog/handwritten_facts.ts";

const used = (...users: RelationFacts["row_type"]["users"]): Partial<RelationFacts> => ({
  row_type: { users, inherited_functions: [], casts: [] },
});

const experts = frozen(table("experts", {
  columns: [column("id"), column('Odd "Näme"'), column("slug", { generated: "s", default: "''" })],
  acl: [...ownersPrivileges(), grant("anon", "SELECT"), grant("clerk", "TRIGGER")],
  default_executors: ["anon", "service_role"],
  ...used(rowTypeUser("public.full_name(public.experts)")),
}));

const target = {
  view: "experts",
  table: "expert_profiles",
  owner: SESSION_USER,
  sessionUser: SESSION_USER,
};

const sqlOf = (facts: RelationFacts, more: Partial<Parameters<typeof rowTypeStatements>[1]> = {}) =>
  rowTypeStatements(facts, { ...target, ...more }).map(({ sql }) => sql);

Deno.test("the cast is a function over all columns, granted like the view, commented, and implicit", () => {
  const [made, revoked, granted, comment, cast, ...others] = sqlOf(experts);
  const signature = '"public"."compatibility_cast_874f79cdc59eeed9"("public"."experts")';
  assertEquals(
    made,
    `create function ${signature} returns "public"."expert_profiles"\n` +
      `  language sql immutable parallel safe\n` +
      `  return row($1."id", $1."Odd ""Näme""", $1."slug")::"public"."expert_profiles"`,
  );
  assertEquals(
    revoked,
    `revoke all on function ${signature} from public, "anon", "service_role", "pg_read_all_data"`,
  );
  assertEquals(granted, `grant execute on function ${signature} to "anon", "pg_read_all_data"`);
  assert(comment.startsWith(`comment on function ${signature} is 'Makes rows`));
  assertEquals(
    cast,
    `create cast ("public"."experts" as "public"."expert_profiles") with function ${signature} as implicit`,
  );
  assertEquals(others, []);
});

Deno.test("NULL stays NULL where somebody could distinguish it from a row of NULLs", () => {
  const strict = { ...experts, ...used(rowTypeUser("f", { tells_null: true }), rowTypeUser("g")) };
  assertMatch(
    sqlOf(strict)[0],
    /return case when \$1 is distinct from null then row\([^]*\)::[^ ]* end$/,
  );
});

Deno.test("where the view belongs to another role its function does, and keeps that role's rights", () => {
  const facts = { ...experts, acl: [...experts.acl, grant("keeper", "SELECT")] };
  const sql = sqlOf(facts, { owner: "keeper" });
  assertEquals(
    sql[1],
    'alter function "public"."compatibility_cast_874f79cdc59eeed9"("public"."experts") owner to "keeper"',
  );
  assertEquals(sql.some((one) => /^(grant|revoke)[^]*"keeper"/.test(one)), false);
});

Deno.test("whoever may do something with rows of the view is granted the cast, through columns too", () => {
  const facts = table("t", {
    acl: [
      ...ownersPrivileges(),
      grant(null, "INSERT"),
      ...["TRIGGER", "REFERENCES", "TRUNCATE", "MAINTAIN"].map((privilege) =>
        grant("nobody", privilege)
      ),
      grant("deleter", "DELETE"),
    ],
    columns: [column("id", { acl: [grant("reader", "SELECT"), grant("nobody", "REFERENCES")] })],
  });
  assertEquals(rowCastGrantees(facts, SESSION_USER), [
    null,
    "deleter",
    "reader",
    "pg_read_all_data",
  ]);
});

Deno.test("a cast that is there is replaced in place", () => {
  const present = {
    function: "compatibility_cast_16400",
    target: 16_400,
    cast: true,
    executors: ["anon", "clerk"],
  };
  const sql = sqlOf(experts, { present });
  assert(sql[0].startsWith("create or replace function"));
  // Whoever may no longer use the view may no longer use the cast.
  assertMatch(sql[1], / from public, [^]*"clerk"/);
  assertEquals(sql.length, 3);
  assertMatch(sqlOf(experts, { present: { ...present, cast: false } }).at(-1)!, /^create cast/);
});

Deno.test("a view that leaves columns out has a function that never looks at them", () => {
  const [made] = sqlOf(experts, { columns: ["slug", "id"] });
  assertMatch(
    made,
    /\(\"public\"\.\"experts\", out r "public"\."expert_profiles"\)\n {2}language plpgsql immutable strict/,
  );
  assertMatch(made, /r\."id" := \$1\."id";\s+r\."slug" := \$1\."slug";/);
  assertEquals(made.includes("Näme"), false);
});

Deno.test("what goes with a view is what is there: the cast, then its function", () => {
  const view = viewOver(experts, "aside");
  const names = { view: "aside", table: "expert_profiles" };
  assertEquals(dropRowType(view, names), []);
  const casts = [{
    function: "compatibility_cast_16400",
    target: 16_400,
    cast: true,
    executors: [],
  }];
  assertEquals(
    dropRowType({ ...view, row_type: { ...view.row_type, casts } }, names).map(({ sql }) => sql),
    [
      'drop cast if exists ("public"."aside" as "public"."expert_profiles")',
      'drop function if exists "public"."compatibility_cast_16400"("public"."aside") restrict',
    ],
  );
});

Deno.test("a cast is made only where something could ask for it, and is checked before the locks", async () => {
  const session = { server_version: 170_004, user: SESSION_USER, sql_functions: true };
  assertEquals(rowCastWanted(experts, session), true);
  assertEquals(rowCastWanted(table("t"), session), false);
  assertEquals(rowCastWanted(experts, { ...session, sql_functions: false }), false);
  const plan = (facts: RelationFacts, view = true) =>
    planRename(
      [renaming("experts", "expert_profiles")],
      factsOf([facts], ["expert_profiles"]),
      [],
      {
        compatibilityView: view,
      },
    );
  const text = ({ preparations, changes }: Plan) =>
    [...preparations, ...changes].map(({ sql }) => sql).join("\n");
  const made = await plan(experts);
  assertMatch(text(made), /create view[^]*create cast[^]*has not the planned cast[^]*alter table/);
  assertEquals(made.findings.map(({ code, severity }) => [code, severity]), [
    ["row_type_functions", "info"],
  ]);
  for (const without of [await plan({ ...experts, ...used() }), await plan(experts, false)]) {
    assertEquals(/cast/.test(text(without)), false);
    assertEquals(without.findings, []);
  }
});
