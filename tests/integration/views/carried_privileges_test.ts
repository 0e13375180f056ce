/** Privileges that were changed on the old name alone: reported, and carried to the table where that is asked for. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Finding } from "../../../shared/contract/responses.ts";
import { databaseTest } from "../../support/servers/database.ts";
import { finalize } from "../../support/finalize.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import { aclOf, outcomes, prepareOutcomes, testRoles } from "../../support/roles.ts";
import { databaseState, stateDifferences } from "../../support/catalog/state.ts";
import { changingNothing } from "../../support/renamed.ts";

const TABLES = `
  create table experts (id int primary key, name text, secret text);
  insert into experts values (1, 'Ada', 'x');
  revoke all on experts from anon, authenticated, service_role;
  grant select, insert on experts to anon;
  grant select on experts to authenticated with grant option;
  grant update (name) on experts to service_role;`;

/** What column privileges bring with them when there is no row-level security. */
async function renamed(functions: Functions): Promise<string> {
  const { migrations: [{ id }] } = await functions.rename({
    old_name: "experts",
    new_name: "expert_profiles",
  });
  return id;
}

for (
  const [what, change, gained, lost] of [
    ["a grant", "grant delete on experts to anon", ["postgres: DELETE to anon"], []],
    ["a revoke", "revoke select on experts from anon", [], ["postgres: SELECT to anon"]],
    [
      "a grant to everybody",
      "grant select on experts to public",
      ["postgres: SELECT to PUBLIC"],
      [],
    ],
    [
      "a grant option",
      "grant select on experts to anon with grant option",
      ["postgres: SELECT to anon with grant option"],
      ["postgres: SELECT to anon"],
    ],
    [
      "the end of a grant option",
      "revoke grant option for select on experts from authenticated",
      ["postgres: SELECT to authenticated"],
      ["postgres: SELECT to authenticated with grant option"],
    ],
    [
      "a grant on a column",
      "grant select (name), insert (id) on experts to service_role",
      ["postgres: INSERT (id) to service_role", "postgres: SELECT (name) to service_role"],
      [],
    ],
    [
      "a revoke on a column",
      "revoke update (name) on experts from service_role",
      [],
      ["postgres: UPDATE (name) to service_role"],
    ],
    [
      "a right that the owner gave up",
      "revoke truncate on experts from postgres",
      [],
      ["postgres: TRUNCATE to postgres"],
    ],
    [
      "a right that was given on by others",
      "set role authenticated; grant select on experts to dashboard_user; reset role",
      ["authenticated: SELECT to dashboard_user"],
      [],
    ],
    [
      "everything at once",
      `revoke all on experts from anon, authenticated, service_role;
       grant select on experts to authenticated with grant option;
       grant update on experts to service_role`,
      ["postgres: UPDATE to service_role"],
      [
        "postgres: INSERT to anon",
        "postgres: SELECT to anon",
        "postgres: UPDATE (name) to service_role",
      ],
    ],
  ] as const
) {
  databaseTest(
    `${what} on the old name is carried to the table, and nothing else`,
    async ({ db }) => {
      await using functions = functionsFor(db.url);
      await db.sql.unsafe(TABLES).simple();
      const id = await renamed(functions);
      const before = await aclOf(db.sql, "expert_profiles");
      await db.sql.unsafe(change).simple();
      const answer = await functions.rollback({ migration_id: id, carry_privileges: true });
      assert(answer.verification?.passed, JSON.stringify(answer.verification, null, 2));
      assertEquals(
        answer.findings.filter(({ code }) => code.startsWith("view_grants"))
          .map(({ code, severity }) => [code, severity]),
        [["view_grants_carried", "info"]],
      );
      const expected = [...before.filter((entry) => !lost.includes(entry as never)), ...gained];
      assertEquals(await aclOf(db.sql, "experts"), expected.sort());
    },
  );
}

databaseTest(
  "what was granted or revoked on the table meanwhile stays, beside what is carried",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(TABLES).simple();
    const id = await renamed(functions);
    await db.sql.unsafe(`
    revoke insert on expert_profiles from anon;
    grant references on expert_profiles to anon;
    revoke select on experts from anon;
    grant delete on experts to service_role`).simple();
    await functions.rollback({ migration_id: id, carry_privileges: true });
    const ofOthers = (await aclOf(db.sql, "experts")).filter((entry) =>
      !entry.includes("to postgres")
    );
    assertEquals(ofOthers, [
      "postgres: DELETE to service_role",
      "postgres: REFERENCES to anon",
      "postgres: SELECT to authenticated with grant option",
      "postgres: UPDATE (name) to service_role",
    ]);
  },
);

databaseTest(
  "rights that were given on and taken back go from the last to the first",
  async ({ db }) => {
    await using roles = await testRoles(db, "first", "second");
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(TABLES).simple();
    await db.admin.unsafe(`
    grant ${roles.first}, ${roles.second} to postgres;
    grant usage on schema public to ${roles.first}, ${roles.second}`).simple();
    await db.sql.unsafe(`
    grant select on experts to ${roles.first} with grant option;
    set role ${roles.first}; grant select on experts to ${roles.second} with grant option;
    set role ${roles.second}; grant select on experts to dashboard_user; reset role`).simple();
    const id = await renamed(functions);
    await db.sql.unsafe(`revoke select on experts from ${roles.first} cascade`);
    await functions.rollback({ migration_id: id, carry_privileges: true });
    const left = (await aclOf(db.sql, "experts")).filter((entry) => entry.includes(db.name));
    assertEquals(left, []);
  },
);

databaseTest(
  "a rollback without being asked to carry says that the table is more open",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(TABLES).simple();
    const id = await renamed(functions);
    await db.sql`revoke select on experts from anon`;
    const problem = await changingNothing(
      db,
      () => functions.refused("breaking_findings", "rollback", { migration_id: id }),
    );
    const [finding] = problem.findings as Finding[];
    assertEquals([finding.code, finding.severity], ["view_grants_changed", "breaking"]);
    assertStringIncludes(
      finding.message,
      "more open than the view: SELECT to anon was revoked on the view",
    );
    assertStringIncludes(finding.remedy, '"carry_privileges": true');
    // Acknowledged, the right is back.
    await functions.rollback({ migration_id: id, acknowledge: ["view_grants_changed"] });
    assert((await aclOf(db.sql, "experts")).includes("postgres: SELECT to anon"));
  },
);

databaseTest(
  "who lost a right to the old name does not get it back when the old name ends",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(TABLES).simple();
    await prepareOutcomes(db);
    const id = await renamed(functions);
    await db.sql`revoke select on experts from anon`;
    const read = ["select name from expert_profiles"];
    assertEquals(await outcomes(db, "anon", read), ["ok 1 Ada"]);
    await functions.refused("breaking_findings", "finalize", { migration_id: id });
    await finalize(db, { migration_id: id, carry_privileges: true });
    assertEquals(await outcomes(db, "anon", read), ["42501"]);
  },
);

databaseTest(
  "a right that others hold through the one who lost it is not revoked",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(TABLES).simple();
    const id = await renamed(functions);
    await db.sql.unsafe(`
    set role authenticated; grant select on expert_profiles to dashboard_user; reset role;
    revoke select on experts from authenticated`).simple();
    const before = await databaseState(db.admin);
    const problem = await functions.refused("breaking_findings", "rollback", {
      migration_id: id,
      carry_privileges: true,
    });
    const finding = (problem.findings as Finding[]).find(({ severity }) =>
      severity === "breaking"
    )!;
    assertEquals(finding.code, "view_grants_changed");
    assertStringIncludes(finding.message, "SELECT to authenticated (revoked)");
    assertStringIncludes(finding.remedy, "given on");
    assertEquals(stateDifferences(before, await databaseState(db.admin)), []);
  },
);

databaseTest(
  "a right whose grantor is out of reach is granted by the owner, and never revoked by another",
  async ({ db }) => {
    await using roles = await testRoles(db, "grantor");
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`${TABLES}
    grant select on experts to ${roles.grantor} with grant option`).simple();
    await db.admin.unsafe(`grant usage on schema public to ${roles.grantor}`).simple();
    const id = await renamed(functions);
    await db.admin.unsafe(`
    set role ${roles.grantor}; grant select on experts to dashboard_user; reset role`).simple();
    await functions.rollback({ migration_id: id, carry_privileges: true });
    assert((await aclOf(db.sql, "experts")).includes("postgres: SELECT to dashboard_user"));

    await db.sql`revoke select on experts from dashboard_user`;
    await db.admin.unsafe(`
    set role ${roles.grantor}; grant select on experts to dashboard_user; reset role`).simple();
    const again = await renamed(functions);
    await db.sql`revoke select on experts from dashboard_user`;
    const problem = await functions.refused("breaking_findings", "rollback", {
      migration_id: again,
      carry_privileges: true,
    });
    const finding = (problem.findings as Finding[]).find(({ severity }) =>
      severity === "breaking"
    )!;
    assertStringIncludes(finding.message, "SELECT to dashboard_user (revoked)");
  },
);

databaseTest(
  "privileges of the table that change while they are carried are not overwritten",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(TABLES).simple();
    const id = await renamed(functions);
    await db.sql`grant delete on experts to anon`;
    const plan = await functions.rollback({
      migration_id: id,
      mode: "plan",
      carry_privileges: true,
    });
    await db.sql`grant update on expert_profiles to anon`;
    // The same plan as far as statements go, but for the check of the outcome.
    await functions.refused("plan_changed", "rollback", {
      migration_id: id,
      carry_privileges: true,
      expected_plan_hash: plan.plan_hash,
    });
  },
);
