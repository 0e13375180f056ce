import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { OperationAnswer } from "../../../shared/contract/responses.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import { catalogState, stateDifferences } from "../../support/catalog/state.ts";
import { changingNothing } from "../../support/renamed.ts";

interface Proposed {
  db: TestDatabase;
  functions: Functions;
  proposal: OperationAnswer;
  batch_id: string;
}

const RENAMES = [
  { old_name: "experts", new_name: "expert_profiles" },
  { old_name: "teams", new_name: "expert_teams" },
];

/** A test that begins with two renames proposed. */
function proposedTest(name: string, body: (proposed: Proposed) => Promise<void>): void {
  databaseTest(name, async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`
      create table teams (id int primary key, name text default 'x');
      create table experts (id int primary key, team_id int references teams);
      insert into teams values (1); insert into experts values (1, 1);`).simple();
    const before = await catalogState(db.admin);
    const proposal = await functions.rename({
      renames: RENAMES,
      mode: "propose",
      notes: "phase 2",
    });
    assertEquals(stateDifferences(before, await catalogState(db.admin)), []);
    await body({ db, functions, proposal, batch_id: proposal.batch_id! });
  });
}

/** A request that must be refused, and leave database and records as they are. */
async function refused(
  { db, functions }: Proposed,
  code: string,
  name: string,
  body: Record<string, unknown>,
) {
  const problem = await changingNothing(db, () => functions.refused(code, name, body));
  return problem;
}

proposedTest(
  "a proposal is pending, says what it would do, and changes no table",
  async ({ db, functions, proposal }) => {
    assertEquals(proposal.mode, "propose");
    assertEquals([proposal.lock, proposal.verification], [null, null]);
    assert(proposal.statements.some(({ sql }) => sql.startsWith("create view")));
    assertEquals(
      proposal.migrations.map(({ status, migrated_at, migrated_by, notes }) => ({
        status,
        migrated_at,
        migrated_by,
        notes,
      })),
      RENAMES.map(() => ({
        status: "pending" as const,
        migrated_at: null,
        migrated_by: null,
        notes: "phase 2",
      })),
    );
    const { migrations } = await functions.list({ status: "pending" });
    assertEquals(migrations.length, 2);
    const events = await db.sql`
    select operation, outcome, details ->> 'proposed' as proposed from table_rename.sys_table_migration_events`;
    assertEquals([...events], [{ operation: "rename", outcome: "succeeded", proposed: "true" }]);
  },
);

proposedTest(
  "a proposal is applied as it was proposed, and says who proposed and who applied it",
  async ({ db, functions, proposal, batch_id }) => {
    const response = await functions.fetch("rename", {
      method: "POST",
      headers: { "content-type": "application/json", "x-actor": "merger" },
      body: JSON.stringify({ batch_id }),
    });
    const answer: OperationAnswer = await response.json();
    assertEquals(response.status, 200, JSON.stringify(answer));
    assert(answer.verification?.passed, JSON.stringify(answer.verification));
    assertEquals([answer.batch_id, answer.plan_hash], [batch_id, proposal.plan_hash]);
    assertEquals(
      answer.migrations.map(({ id, status }) => [id, status]),
      proposal.migrations.map(({ id }) => [id, "active"]),
    );
    const [{ requested_by, migrated_by, view_oid, notes }] = answer.migrations;
    assert(requested_by !== migrated_by && migrated_by!.endsWith("merger"));
    assert(view_oid !== null);
    assertEquals(notes, "phase 2");
    assertEquals(
      (await db.sql`select e.id from experts e join teams t on t.id = e.team_id`).length,
      1,
    );
    const back = await functions.rollback({ batch_id });
    assert(back.verification?.passed, JSON.stringify(back.verification, null, 2));
    assertEquals(back.migrations.map(({ status }) => status), ["rolled_back", "rolled_back"]);
  },
);

proposedTest(
  "a proposal whose table has changed is not applied, and the difference can be read",
  async (proposed) => {
    const { db, functions, batch_id } = proposed;
    await db.sql`alter table teams add column email text`;
    const problem = await refused(proposed, "plan_changed", "rename", { batch_id });
    assertEquals(problem.changes, [
      '-   select "id", "name" from "public"."teams"',
      '+   select "id", "name", "email" from "public"."teams"',
    ]);
    assert(problem.plan_hash !== problem.expected_plan_hash);
    const plan = await functions.rename({ batch_id, mode: "plan" });
    assertEquals(plan.plan_hash, problem.plan_hash);
    await db.sql`alter table teams drop column email`;
    await functions.rename({ batch_id });
  },
);

proposedTest(
  "a finding that came after the proposal stops it unless it is acknowledged",
  async (proposed) => {
    const { db, functions, batch_id } = proposed;
    await db.admin`alter publication supabase_realtime add table teams`;
    await refused(proposed, "breaking_findings", "rename", { batch_id });
    await functions.rename({ batch_id, acknowledge: ["realtime_publication"] });
  },
);

proposedTest(
  "what was acknowledged in the proposal is acknowledged when it is applied",
  async (proposed) => {
    const { db, functions, batch_id } = proposed;
    await db.admin`alter publication supabase_realtime add table teams`;
    await functions.rollback({ batch_id });
    await functions.refused("breaking_findings", "rename", { renames: RENAMES, mode: "propose" });
    const again = await functions.rename({
      renames: RENAMES,
      mode: "propose",
      acknowledge: ["realtime_publication"],
    });
    await functions.rename({ batch_id: again.batch_id! });
  },
);

proposedTest(
  "a proposal is withdrawn by a rollback, and its names are free again",
  async (proposed) => {
    const { db, functions, batch_id } = proposed;
    const plan = await functions.rollback({ batch_id, mode: "plan" });
    assertEquals(plan.migrations.map(({ status }) => status), ["pending", "pending"]);
    const answer = await functions.rollback({ batch_id, notes: "not now" });
    assertEquals(answer.migrations.map(({ status, notes }) => [status, notes]), [
      ["rolled_back", "not now"],
      ["rolled_back", "not now"],
    ]);
    const [event] = await db.sql`
    select operation, migration_ids, details from table_rename.sys_table_migration_events order by id desc limit 1`;
    assertEquals(event.operation, "rollback");
    assertEquals(event.migration_ids, answer.migrations.map(({ id }) => id));
    assertEquals(event.details, { withdrawn: true });
    await refused(proposed, "not_active", "rollback", { batch_id });
    await refused(proposed, "not_active", "rename", { batch_id });
    await functions.rename({ renames: RENAMES });
  },
);

proposedTest("one table of a proposal is withdrawn by its name", async ({ functions }) => {
  const answer = await functions.rollback({ table: "expert_teams" });
  assertEquals(answer.migrations.map(({ old_name, status }) => [old_name, status]), [
    ["teams", "rolled_back"],
  ]);
});

proposedTest("names that are proposed are taken for everybody else", async (proposed) => {
  const { db, proposal: { batch_id, migrations: [{ id, requested_by }] } } = proposed;
  await db.sql`create table others (id int)`;
  const about = { migration_id: id, migration_status: "pending", batch_id, requested_by };
  for (const mode of ["plan", "apply", "propose"]) {
    const old = await refused(proposed, "already_renamed", "rename", {
      old_name: "experts",
      new_name: "people",
      mode,
    });
    assertStringIncludes(old.detail, `is proposed to become "public"."expert_profiles"`);
    const held = await refused(proposed, "name_taken", "rename", {
      old_name: "others",
      new_name: "expert_profiles",
      mode,
    });
    assertStringIncludes(held.detail, "held by a proposal of key:default");
    for (const problem of [old, held]) {
      assertEquals({ ...problem, ...about }, problem);
      assertStringIncludes(problem.hint!, batch_id!);
    }
  }
});

proposedTest(
  "a proposal is applied once, however many ask at the same time",
  async ({ db, functions, batch_id }) => {
    const answers = await Promise.all(Array.from({ length: 6 }, async () => {
      const response = await functions.fetch("rename", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ batch_id }),
      });
      return [response.status, (await response.json()).code];
    }));
    assertEquals(answers.filter(([status]) => status === 200).length, 1, JSON.stringify(answers));
    const others = answers.filter(([status]) => status !== 200);
    assertEquals([...new Set(others.map(([, code]) => code))], ["not_active"]);
    const [{ count }] = await db.sql`
    select count(*)::int from sys_table_migrations where status = 'active'`;
    assertEquals(count, 2);
  },
);

proposedTest("only a rename can be proposed", async (proposed) => {
  const { batch_id } = proposed;
  for (const name of ["rollback", "refresh"]) {
    const selection = name === "refresh" ? { migration_id: batch_id } : { batch_id };
    const problem = await refused(proposed, "invalid_request", name, {
      ...selection,
      mode: "propose",
    });
    assertStringIncludes(problem.detail, "only a rename can be proposed");
  }
  await refused(proposed, "invalid_request", "rename", { batch_id, mode: "propose" });
  await refused(proposed, "invalid_request", "rename", { batch_id, compatibility_view: false });
  await refused(proposed, "migration_not_found", "rename", { batch_id: crypto.randomUUID() });
});
