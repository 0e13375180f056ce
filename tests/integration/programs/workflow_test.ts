import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { databaseTest } from "../../support/servers/database.ts";
import { functionsFor, SECRET_KEY } from "../../support/http/functions.ts";
import { startGatewayProcess } from "../../support/programs/gateway_process.ts";
import {
  hasPrograms,
  job,
  pullRequest,
  type Step,
  workflow,
  workflowText,
} from "../../support/workflow.ts";

/** The steps are scripts for the programs that GitHub's runners have. */
const MISSING = hasPrograms ? false as const : "bash, curl and jq are not all here";

const RENAME =
  '{ "renames": [{ "old_name": "experts", "new_name": "expert_profiles" }], "notes": "phase 2" }';

Deno.test("the workflow has no more rights than it needs, and nothing of a pull request in its scripts", () => {
  assertEquals(workflow.permissions, {});
  assertEquals(job.permissions, { contents: "read", "pull-requests": "write" });
  assertEquals(Object.keys(workflow.on), ["pull_request", "pull_request_review"]);
  for (const step of job.steps as Step[]) {
    assert(!step.run.includes("${{"), step.id);
    // No action of somebody else's, that could become another one.
    assert(!("uses" in step), step.id);
  }
  // A title, a branch's name or a comment is nowhere, not even in a variable.
  assertEquals(workflowText.match(/\.title|head_ref|head\.ref|\.body\s*\}|head\.label/g), null);
  assertStringIncludes(
    job.if,
    "github.event.pull_request.head.repo.full_name == github.repository",
  );
  assertStringIncludes(job.if, "github.event.review.state == 'approved'");
  const when = Object.fromEntries((job.steps as Step[]).map((step) => [step.id, step.if]));
  const closed = "github.event_name == 'pull_request' && github.event.action == 'closed' && ";
  assertEquals(when, {
    tools: undefined,
    plan: "github.event_name == 'pull_request' && github.event.action != 'closed'",
    propose: "github.event_name == 'pull_request_review'",
    apply: `${closed}github.event.pull_request.merged`,
    withdraw: `${closed}!github.event.pull_request.merged`,
  });
  // The key is in the steps that use it, and from environments only.
  assertEquals(job.env.SUPABASE_SECRET_KEY, undefined);
  assertMatch(job.environment, /'rename-tables-plan' \|\| 'rename-tables' }}$/);
});

databaseTest(
  "a pull request is planned, proposed once it is approved, and applied once it is merged",
  { ignore: MISSING },
  async ({ db }) => {
    await db.sql`create table experts (id int primary key)`;
    await using functions = functionsFor(db.url);
    await using gateway = await startGatewayProcess(db.url);
    await using pull = await pullRequest(gateway.url);
    await pull.commit("renames/1.json", RENAME);
    await pull.commit("README.md", "not for us");
    await pull.commit("renames/$(touch x).json", "not for us either");

    const planned = await pull.run("plan");
    assertEquals(planned.code, 0, planned.output);
    const [plan] = await pull.comments();
    assertMatch(plan, /^<!-- rename-tables plan renames\/1\.json [0-9a-f]{40} -->\n/);
    assertStringIncludes(plan, "## Plan: rename of 1 table");
    assertEquals((await functions.list()).migrations, []);
    // Planned again, the comment is a new one in the old one's place.
    await pull.run("plan");
    assertEquals((await pull.comments()).length, 1);

    const proposed = await pull.run("propose");
    assertEquals(proposed.code, 0, proposed.output);
    const [batch] = (await functions.list({ status: "pending" })).migrations;
    assertMatch(batch.notes!, /^acme\/shop#7 renames\/1\.json [0-9a-f]{40}\nphase 2$/);
    assertEquals(batch.requested_by, "key:default github:ada");
    assertStringIncludes(plan, batch.plan_hash);
    assertStringIncludes((await pull.comments())[1], "## Proposed: rename of 1 table");
    // A second approval proposes nothing new.
    assertEquals((await pull.run("propose")).code, 0);
    assertEquals((await functions.list()).migrations.map(({ id }) => id), [batch.id]);

    const applied = await pull.run("apply");
    assertEquals(applied.code, 0, applied.output);
    const [migration] = (await functions.list()).migrations;
    assertEquals([migration.id, migration.status], [batch.id, "active"]);
    assertStringIncludes((await pull.comments())[2], "## Renamed 1 table");
    // Run once more, it finds its work done.
    assertEquals((await pull.run("apply")).code, 0);
    assertEquals((await pull.comments()).length, 3);

    for (const text of [planned.output, proposed.output, applied.output, ...await pull.calls()]) {
      assert(!text.includes(SECRET_KEY), text);
    }
  },
);

databaseTest(
  "what was not approved as it is now is neither proposed nor applied",
  { ignore: MISSING },
  async ({ db }) => {
    await db.sql`create table experts (id int primary key)`;
    await using functions = functionsFor(db.url);
    await using gateway = await startGatewayProcess(db.url);
    await using pull = await pullRequest(gateway.url);
    const statuses = async () =>
      (await functions.list()).migrations.map(({ new_name, status }) => `${new_name} ${status}`);
    await pull.commit("renames/1.json", RENAME);
    // Approved before there was a plan.
    assertEquals((await pull.run("propose")).code, 1);
    assertStringIncludes((await pull.comments())[0], "There is no plan of this content");
    await pull.run("plan");
    // The table changes between plan and approval.
    await db.sql`alter table experts add column name text`;
    const other = await pull.run("propose");
    assertEquals(other.code, 1, other.output);
    assertStringIncludes((await pull.comments())[0], "`plan_changed` (409)");
    assertEquals(await statuses(), []);

    await pull.run("plan");
    pull.approve("commit-0");
    assertStringIncludes((await pull.run("propose")).output, "newer commits");
    pull.approve("commit-1");
    assertEquals((await pull.run("propose")).code, 0);
    assertEquals(await statuses(), ["expert_profiles pending"]);
    // Another content, merged without another approval.
    await pull.commit("renames/1.json", RENAME.replace("expert_profiles", "specialists"));
    assertEquals((await pull.run("apply")).code, 1);
    assertStringIncludes((await pull.comments()).at(-1)!, "Nothing was renamed");
    assertEquals(await statuses(), ["expert_profiles pending"]);
    // Approved anew, the earlier proposal makes way; closed, nothing is left.
    await pull.run("plan");
    assertEquals((await pull.run("propose")).code, 0);
    assertEquals(await statuses(), ["specialists pending", "expert_profiles rolled_back"]);
    await pull.close();
    assertEquals((await pull.run("withdraw")).code, 0);
    // An approval that comes late, or is worked on late.
    assertEquals((await pull.run("propose")).code, 0);
    assertEquals(await statuses(), ["specialists rolled_back", "expert_profiles rolled_back"]);
  },
);

databaseTest(
  "what cannot be planned is reported in the comment, and the check fails",
  { ignore: MISSING },
  async ({ db }) => {
    await using gateway = await startGatewayProcess(db.url);
    await using pull = await pullRequest(gateway.url);
    await pull.commit("renames/array.json", "[1]");
    await pull.commit("renames/broken.json", "{");
    await pull.commit("renames/gone.json", RENAME);
    const { code, output } = await pull.run("plan");
    assertEquals(code, 1, output);
    const comments = await pull.comments();
    assertEquals(comments.length, 3);
    assertStringIncludes(comments[0], "This is no JSON object");
    assertStringIncludes(comments[1], "This is no JSON object");
    assertStringIncludes(comments[2], "## Not done: No such table");
    // Where GitHub does not answer, nothing passes for done.
    await Deno.remove(`${pull.dir}/files.json`);
    for (const step of ["plan", "propose", "apply"] as const) {
      assert((await pull.run(step)).code !== 0, step);
    }
  },
);
