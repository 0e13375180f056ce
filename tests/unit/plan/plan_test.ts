import type { NameHolder, RecordedRename } from "../../../shared/facts/migration.ts";
import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { Problem } from "../../../shared/contract/problems.ts";
import type { Facts, RelationFacts, TextFacts } from "../../../shared/facts/facts.ts";
import { requireAccepted } from "../../../shared/plan/accept_plan.ts";
import { makePlan, type Plan, planStatements } from "../../../shared/plan/plan.ts";
import { interimName } from "../../../shared/plan/view/interim_name.ts";
import { planRename } from "../../../shared/plan/rename.ts";
import { isOffLimits, lookUp, requireServer } from "../../../shared/plan/refusals.ts";
import { planRollback } from "../../../shared/plan/rollback.ts";
import { SCAN_COUNTER_NAMES, scanCounterName } from "../../../shared/plan/view/scan_counter.ts";
import {
  builtOn,
  builtView,
  column,
  factsOf,
  freeName,
  frozen,
  grant,
  ownersPrivileges,
  recorded,
  renaming,
  rowTypeUser,
  table,
  viewOver,
} from "../../support/catalog/handwritten_facts.ts";

const VIEW = { compatibilityView: true };

const experts = frozen(table("experts", {
  comment: "who's who",
  columns: [
    column("id", { type: "bigint", not_null: true, identity: "a" }),
    column("name", { default: "'x'::text", comment: "full name" }),
    column("slug", { generated: "s", default: "lower(name)" }),
  ],
  acl: [...ownersPrivileges(), grant("anon", "SELECT"), grant("authenticated", "SELECT")],
  default_grantees: ["anon", "service_role"],
}));

const factsBefore = frozen(factsOf([experts], ["expert_profiles"]));
const request = frozen([renaming("experts", "expert_profiles")]);

const planOf = (facts: Facts = factsBefore, renames = request, tracked: NameHolder[] = []) =>
  planRename(renames, facts, tracked, VIEW);

/** The facts before, with something changed about the one table. */
const withTable = (change: Partial<RelationFacts>) =>
  factsOf([{ ...experts, ...change }], ["expert_profiles"]);

/** The statements without the checks, which are long. */
const changesOf = (plan: Plan) =>
  plan.changes.map(({ sql }) => sql).filter((sql) => !sql.startsWith("do $check$"));

async function refused(
  code: string,
  facts: Facts,
  renames = request,
  tracked: NameHolder[] = [],
): Promise<Problem> {
  const problem = await assertRejects(() => planOf(facts, renames, tracked), Problem);
  assertEquals(problem.code, code, problem.message);
  return problem;
}

Deno.test("a plan is made of facts and request alone, and changes neither", async () => {
  // All is frozen: a write to it would throw.
  const first = await planOf();
  const again = await planOf(structuredClone(factsBefore), structuredClone(request));
  assertEquals(again, first);
});

const INTERIM = `"public"."table_rename_view_874f79cdc59eeed9"`;

/** The statements before the locks, without the checks. */
const preparedIn = (plan: Plan) =>
  plan.preparations.filter(({ once }) => !once).map(({ sql }) => sql);

Deno.test("the view is made with all it needs before the locks; under them only names change", async () => {
  const plan = await planOf();
  assertEquals(preparedIn(plan), [
    `create view ${INTERIM} with (security_invoker = true) as\n` +
    `  select "id", "name", "slug" from "public"."experts"`,
    `alter table ${INTERIM}\n  alter column "name" set default 'x'::text`,
    `revoke all on table ${INTERIM} from public, "anon", "service_role", "postgres"`,
    `grant insert, select, update, delete, truncate, references, trigger on table ${INTERIM} to "postgres"`,
    `grant select on table ${INTERIM} to "anon", "authenticated"`,
    `comment on view ${INTERIM} is 'who''s who'`,
    `comment on column ${INTERIM}."name" is 'full name'`,
  ]);
  assertEquals(changesOf(plan), [
    `alter table "public"."experts" rename to "expert_profiles"`,
    `alter view ${INTERIM} rename to "experts"`,
    "notify pgrst, 'reload schema'",
  ]);
});

Deno.test("the interim name is another one where it is taken, and never too long", async () => {
  const first = interimName(experts, { interim_taken: [] });
  const taken = (schema: string, ...names: string[]) => ({
    interim_taken: names.map((name) => ({ schema, name })),
  });
  assertEquals(first, "table_rename_view_874f79cdc59eeed9");
  assertEquals(interimName(experts, taken("public", first, `${first}_2`)), `${first}_3`);
  assertEquals(interimName(experts, taken("other", first)), first);
  assertNotEquals(interimName({ schema: "other", name: "experts" }, taken("public")), first);
  const long = interimName({ schema: "s".repeat(63), name: "ü".repeat(31) }, taken("public"));
  assert(new TextEncoder().encode(`${long}_999`).length <= 63);
  const plan = await planOf({ ...factsBefore, ...taken("public", first) });
  assert(preparedIn(plan)[0].startsWith(`create view "public"."${first}_2"`));
  assertEquals(changesOf(plan)[1], `alter view "public"."${first}_2" rename to "experts"`);
});

Deno.test("views are checked right after they are made, and with their tables before the commit", async () => {
  const { preparations, changes } = await planOf();
  const made = preparations.findLastIndex(({ once }) => !once);
  assertMatch(preparations[made + 1].sql, /^do \$check\$[^]*has other columns[^]*16400/);
  assertMatch(preparations[made + 1].sql, /has other privileges/);
  const sql = changes.map((one) => one.sql);
  const [check] = sql.filter((one) => one.startsWith("do $check$"));
  assertMatch(check, /execute table_rename_check_exchange'/);
  assertEquals(sql.slice(-2), [check, "notify pgrst, 'reload schema'"]);
});

Deno.test("the check under the locks is planned before anything is locked", async () => {
  const prepared = (await planOf()).preparations.map((one) => one.sql)
    .filter((sql) => sql.startsWith("prepare "));
  assertEquals(prepared.length, 1);
  assertMatch(
    prepared[0],
    /^prepare table_rename_check_exchange as[^]*has other privileges[^]*expert_profiles[^]*16400/,
  );
  const explained = (await planOf()).preparations.filter(({ sql }) => sql.startsWith("explain "));
  assertEquals(explained.map(({ sql }) => sql), [
    "explain (costs off) execute table_rename_check_exchange",
  ]);
});

Deno.test("without a view there is nothing but the new name", async () => {
  const plan = await planRename(request, factsBefore, [], { compatibilityView: false });
  assertEquals(changesOf(plan), [
    `alter table "public"."experts" rename to "expert_profiles"`,
    "notify pgrst, 'reload schema'",
  ]);
  assertEquals(plan.tables[0].view, null);
});

Deno.test("locks are taken in the order of names whatever the request's, and share an attempt's time", async () => {
  const facts = factsOf(
    [table("a", { oid: 30 }), table("b", { oid: 10 }), table("c", { oid: 20 })],
    ["a2", "b2", "c2"],
  );
  const names = ["a", "b", "c"];
  const locks = async (order: string[]) =>
    (await planOf(facts, order.map((name) => renaming(name, `${name}2`)))).locks
      .map(({ sql, timeout_share }) => [sql, timeout_share]);
  assertEquals(await locks(names), [
    [`lock table only "public"."a" in access exclusive mode`, 1],
    [`lock table only "public"."b" in access exclusive mode`, 0],
    [`lock table only "public"."c" in access exclusive mode`, 0],
  ]);
  assertEquals(await locks(names.toReversed()), await locks(names));
});

Deno.test("what is printed is what runs, in its order", async () => {
  const plan = await planOf();
  assertEquals(
    planStatements(plan).map(({ sql }) => sql),
    [...plan.preparations, ...plan.beforeLocks, ...plan.locks, ...plan.changes].map(({ sql }) =>
      sql
    ),
  );
});

Deno.test("the same facts give the same hash, in every process", async () => {
  const { hash } = await planOf();
  assertMatch(hash, /^sha256:[0-9a-f]{64}$/);
  assertEquals((await planOf(structuredClone(factsBefore))).hash, hash);
  // printf 'lock;\nchange' | sha256sum
  const statement = (sql: string) => ({ sql, purpose: "p" });
  const small = await makePlan({
    preparations: [],
    beforeLocks: [],
    locks: [{ ...statement("lock"), timeout_share: 1, relations: [] }],
    changes: [statement("change")],
    findings: [],
  });
  assertEquals(
    small.hash,
    "sha256:3b65030711520eb46c59144d42393708eddcbe930789de50dc8b13e59c8e0eba",
  );
});

Deno.test("whatever changes a statement changes the hash; findings and purposes do not", async () => {
  const { hash } = await planOf();
  const changes: Partial<RelationFacts>[] = [
    { kind: "p" },
    { columns: experts.columns.slice(1) },
    { columns: experts.columns.toReversed() },
    { acl: experts.acl.slice(0, -1) },
    { default_grantees: [] },
    { comment: "another" },
    { owner: "app" },
  ];
  const hashes = [hash];
  for (const change of changes) hashes.push((await planOf(withTable(change))).hash);
  assertEquals(new Set(hashes).size, changes.length + 1);
  // In another database, or made anew, the same table has another OID and other column numbers.
  const elsewhere = await planOf(withTable({ oid: 1 }));
  assertEquals(elsewhere.hash, hash);
  assert(planStatements(elsewhere).some(({ sql }) => sql.includes(" 1::int8")));
  const published = await planOf(
    withTable({ publications: [{ name: "supabase_realtime", definition: "all" }] }),
  );
  assertEquals(published.hash, hash);
  assertEquals(published.findings.map(({ code }) => code), ["realtime_publication"]);
});

Deno.test("hostile names stay single identifiers in every statement", async () => {
  const hostile = "x\"; drop table canary; -- $check$ \\ \n'";
  const facts = factsOf(
    [table(hostile, {
      schema: hostile,
      columns: [column(hostile, { comment: hostile, acl: [grant(hostile, "SELECT")] })],
      comment: hostile,
      acl: [grant(hostile, "SELECT", { grantor: hostile })],
    })],
    [],
  );
  const renames = [renaming(hostile, `${hostile}2`, hostile)];
  const plan = await planOf(
    { ...facts, names: [...facts.names, freeName(`${hostile}2`, hostile)] },
    renames,
  );
  for (const { sql } of planStatements(plan)) {
    const bare = withoutQuoted(sql);
    if (sql.startsWith("do ")) assertEquals(bare, "do ?");
    assert(!/\bdrop\b|;/.test(bare), bare);
  }
});

/** The statement with quoted identifiers, constants and dollar-quoted bodies taken out, as they are scanned. */
function withoutQuoted(sql: string): string {
  const token = /(\$[A-Za-z_]\w*\$)[^]*?\1|"(?:[^"]|"")*"|E'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'/gs;
  return sql.replace(token, "?");
}

Deno.test("the view honours the caller's row-level security wherever grants allow it", async () => {
  const partly = [column("id", { partial_readers: ["anon"] }), column("secret")];
  const definition = async (change: Partial<RelationFacts>) => {
    const plan = await planOf(withTable(change));
    const view = preparedIn(plan).find((sql) => sql.startsWith("create view"))!;
    return [view.includes("security_invoker = true"), plan.findings.map((f) => f.severity)];
  };
  assertEquals(await definition({}), [true, []]);
  assertEquals(await definition({ row_security: true }), [true, []]);
  // Over column grants alone an invoker's view would hide everything; with policies it must stay one.
  assertEquals(await definition({ columns: partly }), [false, ["warning"]]);
  assertEquals(await definition({ columns: partly, row_security: true }), [true, ["breaking"]]);
  // An owner who gave rights away cannot lend them to those who have them.
  const acl = experts.acl.filter(({ grantee }) => grantee !== experts.owner);
  assertEquals(await definition({ columns: partly, acl }), [true, ["breaking"]]);
});

Deno.test("a table without columns gets a view without columns", async () => {
  const plan = await planOf(withTable({ columns: [] }));
  assertEquals(
    preparedIn(plan)[0],
    `create view ${INTERIM} with (security_invoker = true) as\n  select from "public"."experts"`,
  );
  assertEquals(plan.findings.map(({ code }) => code), ["no_columns"]);
});

Deno.test("routines that keep rows of the table are compiled again before the locks; those of others are named", async () => {
  const routine = (identity: string, more: Partial<TextFacts> = {}): TextFacts => ({
    kind: "routine",
    identity,
    schema: "public",
    language: "plpgsql",
    text: "declare e public.experts; begin null; end",
    search_path: null,
    owned: true,
    security_definer: false,
    parameters: [],
    record_parameters: false,
    trigger_of: [],
    calls: null,
    role: null,
    object_identity: identity,
    ...more,
  });
  const texts = [
    routine('"public"."f"(integer)'),
    routine('"public"."g"()', { security_definer: true }),
    routine('"public"."keeps_none"()', { text: "begin delete from public.experts; end" }),
    routine('"other"."h"()', { schema: "other", owned: false }),
    routine('"auth"."i"()', { schema: "auth", owned: false }),
  ];
  const plan = await planOf({ ...factsBefore, texts });
  assertEquals(plan.beforeLocks.map(({ sql }) => sql), [
    'alter routine "public"."f"(integer) security invoker',
    'alter routine "public"."g"() security definer',
  ]);
  assertEquals(plan.findings.map(({ code, object }) => [code, object]), [
    ["routine_kept_compiled", '"other"."h"()'],
  ]);
  const bare = await planRename(request, { ...factsBefore, texts }, [], {
    compatibilityView: false,
  });
  assertEquals(bare.beforeLocks, []);
  assert(bare.findings.every(({ code }) => code === "old_name_gone"));
});

Deno.test("a server older than 15 is refused, since its views would show hidden rows", async () => {
  for (const version of [90_624, 130_014, 140_000, 149_999]) {
    const problem = thrown(() => requireServer(version));
    assertEquals(problem.code, "unsupported_server");
    assertEquals(problem.fields.server_version, version);
  }
  for (const version of [150_000, 150_012, 170_004, 180_000]) requireServer(version);
  const old = structuredClone(factsBefore);
  old.session.server_version = 140_013;
  assertMatch((await refused("unsupported_server", old)).message, /PostgreSQL 14 /);
});

Deno.test("schemas of the platform and the tracking tables are refused, whatever the database has there", () => {
  const codes = (...one: Parameters<typeof renaming>) =>
    lookUp([renaming(...one)], factsOf([]), []).refusals.map(({ field, problem }) => [
      field,
      problem.code,
    ]);
  for (const schema of ["auth", "pg_catalog", "supabase_migrations"]) {
    assertEquals(codes("a", "b", schema), [["schema", "protected_schema"]]);
    assert(isOffLimits(renaming("a", "b", schema)));
  }
  assertEquals(codes("sys_table_migrations", "b"), [["old_name", "protected_schema"]]);
  assertEquals(codes("a", "sys_table_migration_events"), [["new_name", "protected_schema"]]);
  assert(isOffLimits(renaming("a", "sys_table_migration_events")));
  assert(!isOffLimits(renaming("a", "b")) && !isOffLimits(renaming("a", "b", "app")));
});

Deno.test("every refusal of a batch is in the issues of its problem, in the batch's order", async () => {
  const taken = table("taken", { oid: 98 });
  const view = table("aside", { oid: 99, kind: "v" });
  const facts = factsOf([experts, taken, view], ["gone", "x", "y", "public.people"]);
  const problem = await assertRejects(
    () =>
      planRename(
        [
          renaming("experts", "x"),
          renaming("gone", "taken"),
          renaming("aside", "y"),
          renaming("taken", "public.people"),
        ],
        facts,
        [],
        { ...VIEW, schemas: ["public"] },
      ),
    Problem,
  );
  assertEquals([problem.code, problem.status], ["table_not_found", 404]);
  assertMatch(problem.message, /There is no table "public"\."gone"\. \(and 3 more\)/);
  const issues = problem.fields.issues as Record<string, unknown>[];
  assertEquals(issues.map(({ path, code }) => [path, code]), [
    ["renames.1.old_name", "table_not_found"],
    ["renames.1.new_name", "name_taken"],
    ["renames.2.old_name", "unsupported_relation"],
    ["renames.3.new_name", "invalid_identifier"],
  ]);
  assert(issues.every(({ message, hint }) => message && hint));
  assertEquals(problem.fields.issues_total, 4);
});

Deno.test("names that a proposal holds are reported with the proposal and who made it", async () => {
  const proposal = {
    ...recorded(table("x", { oid: 5 }), null, "experts", { status: "pending" }),
    batch_id: "0a0a0a0a-0000-4000-8000-000000000001",
    requested_by: "key:default ada",
  };
  const facts = factsOf([experts, table("other", { oid: 98 })], ["expert_profiles", "x"]);
  const about = {
    migration_id: proposal.id,
    migration_status: "pending",
    batch_id: proposal.batch_id,
    requested_by: proposal.requested_by,
  };
  const old = await refused("already_renamed", facts, request, [proposal]);
  assertMatch(old.message, /is proposed to become "public"\."x", by key:default ada/);
  const held = await refused("name_taken", facts, [renaming("other", "x")], [proposal]);
  assertMatch(held.message, /"x" is held by a proposal of key:default ada to rename .*"experts"/);
  for (const { fields, hint } of [old, held]) {
    assertMatch(hint!, /withdraw it/);
    assertEquals({ ...fields, ...about }, fields);
  }
});

Deno.test("a table that is not there is distinguished from a schema that is not there", async () => {
  const noTable = factsOf([], ["experts", "expert_profiles"]);
  assertMatch((await refused("table_not_found", noTable)).hint!, /spelling/);
  const noSchema = structuredClone(noTable);
  for (const name of noSchema.names) name.schema_oid = null;
  assertMatch((await refused("table_not_found", noSchema)).hint!, /no schema "public"/);
});

Deno.test("what is no table of ours is refused, each with its code and the way on", async () => {
  const cases: [Partial<RelationFacts>, string, RegExp][] = [
    [{ kind: "v" }, "unsupported_relation", /is a view/],
    [{ kind: "m" }, "unsupported_relation", /is a materialized view/],
    [{ kind: "f" }, "unsupported_relation", /is a foreign table/],
    [{ kind: "i" }, "unsupported_relation", /is an index/],
    [{ kind: "I" }, "unsupported_relation", /is a partitioned index/],
    [{ kind: "S" }, "unsupported_relation", /is a sequence/],
    [{ kind: "c" }, "unsupported_relation", /is a composite type/],
    [{ persistence: "t" }, "unsupported_relation", /is a temporary table/],
    [{ extension: "postgis" }, "extension_owned", /extension "postgis"/],
    [{ owned: false, owner: "app" }, "not_table_owner", /role "app"/],
  ];
  for (const [change, code, message] of cases) {
    const problem = await refused(code, withTable(change));
    assertMatch(problem.message, message);
    assert(problem.hint);
  }
});

Deno.test("a taken name is refused, by whatever has it", async () => {
  for (const kind of ["r", "v", "S", "i", "c"] as const) {
    const taken = factsOf([experts, table("expert_profiles", { oid: 99, kind })]);
    const problem = await refused("name_taken", taken);
    assertEquals((problem.fields.taken_by as { name: string }).name, "expert_profiles");
  }
  const byType = structuredClone(factsBefore);
  byType.names[1].type = { oid: 99, kind: "enum type" };
  assertMatch((await refused("name_taken", byType)).message, /enum type/);
});

Deno.test("a table that is already renamed is not looked for behind its view", async () => {
  const renamed = table("expert_profiles");
  const view = viewOver(renamed, "experts");
  const active = recorded(renamed, view, "experts");
  const facts = factsOf([view, renamed], ["people"]);
  const again = [renaming("experts", "people")];
  const problem = await refused("already_renamed", facts, again, [active]);
  assertEquals(problem.fields.migration_id, active.id);
  // On from its present name: a chain.
  const chain = await planOf(facts, [renaming("expert_profiles", "people")], [active]);
  assertEquals(chain.tables[0].facts.oid, renamed.oid);
  // Back by a rename, which would collide with the view.
  const back = await refused(
    "name_taken",
    facts,
    [renaming("expert_profiles", "experts")],
    [active],
  );
  assertMatch(back.message, /is taken by the compatibility view of/);
});

Deno.test("another plan than the expected one is not accepted", async () => {
  const plan = await planOf();
  requireAccepted(plan, { expected_plan_hash: plan.hash, acknowledge: [] });
  const expected = `sha256:${"0".repeat(64)}`;
  const problem = thrown(() =>
    requireAccepted(plan, { expected_plan_hash: expected, acknowledge: [] })
  );
  assertEquals(problem.code, "plan_changed");
  assertEquals(problem.fields, { plan_hash: plan.hash, expected_plan_hash: expected });
});

Deno.test("breaking findings stop a plan until each code is acknowledged, warnings do not", async () => {
  const plan = await planOf(withTable({
    publications: [
      { name: "supabase_realtime", definition: "all" },
      { name: "warehouse", definition: "all" },
    ],
    row_type: {
      users: [rowTypeUser("public.f(experts)", { ambiguous: true })],
      inherited_functions: [],
      casts: [],
    },
  }));
  assertEquals(
    plan.findings.map(({ code, severity }) => [code, severity]),
    [
      ["realtime_publication", "breaking"],
      ["publication_name_change", "warning"],
      ["row_type_functions", "breaking"],
    ],
  );
  for (const acknowledge of [[], ["realtime_publication"], ["row_type_functions", "other"]]) {
    const problem = thrown(() => requireAccepted(plan, { acknowledge }));
    assertEquals(problem.code, "breaking_findings");
    assertEquals(problem.fields.findings, plan.findings);
  }
  requireAccepted(plan, { acknowledge: ["row_type_functions", "realtime_publication"] });
});

const renamed = frozen({ ...structuredClone(experts), name: "expert_profiles" });
const view = frozen(viewOver(renamed, "experts"));
const record = frozen(recorded(renamed, view, "experts"));

const rollbackOf = (
  relations: RelationFacts[] = [renamed, view],
  migrations: RecordedRename[] = [record],
  acknowledge: string[] = [],
) => {
  const facts = factsOf(relations.filter(({ name }) => name === "experts"));
  if (facts.names.length === 0) facts.names.push(freeName("experts"));
  return planRollback(migrations, { ...facts, relations }, migrations, { acknowledge });
};

Deno.test("a rollback drops the view, which is locked first, and gives the table its name back", async () => {
  const plan = await rollbackOf();
  assertEquals(plan.locks.map(({ sql, timeout_share }) => [sql, timeout_share]), [
    [`alter view "public"."experts" owner to "postgres"`, 0.5],
    [`lock table only "public"."expert_profiles" in access exclusive mode`, 0.5],
  ]);
  assertEquals(changesOf(plan), [
    `drop view "public"."experts" restrict`,
    `alter table "public"."expert_profiles" rename to "experts"`,
    "notify pgrst, 'reload schema'",
  ]);
  assertEquals(plan.findings, []);
  assertEquals(plan.tables[0].kept, []);
});

Deno.test("a rollback's plan is pure, and its hash as stable as a rename's", async () => {
  const again = await rollbackOf(structuredClone([renamed, view]), structuredClone([record]));
  assertEquals(again, await rollbackOf());
  assertNotEquals(again.hash, (await planOf()).hash);
});

Deno.test("what was changed on the table since is kept, and listed", async () => {
  const changed = { ...renamed, comment: "later" };
  const plan = await rollbackOf([changed, view]);
  assertEquals(plan.findings.map(({ code, severity }) => [code, severity]), [
    ["table_changed_since", "info"],
  ]);
  assertEquals(plan.tables[0].kept?.map(({ object }) => object), ["comment"]);
});

Deno.test("what was changed on the view alone would be lost, and stops the rollback", async () => {
  const acl = [...view.acl, grant("app", "SELECT")];
  const plan = await rollbackOf([renamed, { ...view, acl, comment: "changed" }]);
  assertEquals(plan.findings.map(({ code, severity }) => [code, severity]), [
    ["view_grants_changed", "breaking"],
    ["view_changed", "breaking"],
  ]);
});

Deno.test("where record and database disagree, a rollback refuses and names the difference", async () => {
  const cases: [RelationFacts[], string][] = [
    [[view], "table_missing"],
    [[{ ...renamed, name: "people" }, view], "table_renamed"],
    [[{ ...renamed, schema: "app" }, view], "table_renamed"],
    [[renamed], "view_missing"],
    [[renamed, table("experts", { oid: 5 })], "old_name_taken"],
    [[renamed, { ...view, name: "moved" }], "view_renamed"],
    [[renamed, { ...view, view_reads: [5] }], "view_replaced"],
    [[renamed, { ...view, view_reads: [renamed.oid, 5] }], "view_replaced"],
  ];
  for (const [relations, code] of cases) {
    const problem = await assertRejects(() => rollbackOf(relations), Problem);
    assertEquals(problem.code, "drifted");
    const [first] = problem.fields.differences as { code: string; remedy: string }[];
    assertEquals(first.code, code);
    assert(first.remedy && problem.hint);
  }
});

Deno.test("only a missing view can be acknowledged", async () => {
  const all = ["view_missing", "table_missing", "table_renamed", "old_name_taken"];
  const plan = await rollbackOf([renamed], [record], all);
  assertEquals(changesOf(plan), [
    `alter table "public"."expert_profiles" rename to "experts"`,
    "notify pgrst, 'reload schema'",
  ]);
  const moved = { ...renamed, name: "people" };
  await assertRejects(() => rollbackOf([moved, view], [record], all), Problem);
});

Deno.test("what was built on the view is never lost with it", async () => {
  const built: Partial<RelationFacts>[] = [
    { built_on: builtOn(builtView("report", view.oid, { owned: false, owner: "other" })) },
    { triggers: [{ name: "t", definition: "d" }] },
    { rules: [{ name: "r", definition: "d" }] },
  ];
  for (const change of built) {
    const problem = await assertRejects(
      () => rollbackOf([renamed, { ...view, ...change }]),
      Problem,
    );
    assertEquals(problem.code, "dependants_cannot_follow");
    assertEquals((problem.fields.dependants as unknown[]).length, 1);
  }
});

function thrown(work: () => void): Problem {
  try {
    work();
  } catch (error) {
    assert(error instanceof Problem);
    return error;
  }
  throw new Error("nothing was thrown");
}

Deno.test("the names that scan counters get are the names that the catalog is searched for", () => {
  assertMatch(
    scanCounterName({ schema: "public", name: "experts" }),
    new RegExp(SCAN_COUNTER_NAMES),
  );
});
