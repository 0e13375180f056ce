import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Migration, OperationAnswer } from "../../../shared/contract/responses.ts";
import { isLocal } from "../../../shared/cli/connection.ts";
import { KEY, runMain, type Screen, withProject } from "../../support/programs/cli.ts";

const HASH = `sha256:${"0123456789abcdef".repeat(4)}`;

const MIGRATION = {
  id: "7b9e3c0a-5a55-4d2e-9a7e-0d6b1a1f0c01",
  schema_name: "public",
  old_name: "experts",
  new_name: "expert_profiles",
  status: "active",
  compatibility_view_created: true,
  dependencies: {},
  ready_to_finalize: {
    ready: true,
    earliest: null,
    reasons: [{ code: "quiet", message: "No use was seen for 9 days (7 asked for)." }],
  },
} as unknown as Migration;

const PLAN: OperationAnswer = {
  batch_id: null,
  mode: "plan",
  plan_hash: HASH,
  migrations: [MIGRATION],
  statements: [{ sql: "select 1", purpose: "No reason" }],
  findings: [],
  lock: null,
  verification: null,
  tables: [{
    schema: "public",
    old_name: "experts",
    new_name: "expert_profiles",
    compatibility_view: true,
    dependants: {},
  }],
};

/** Runs a command against a project that is on this machine, or as good as not. */
async function asked(
  args: string[],
  { elsewhere = true, plan = PLAN, ...screen }: Screen & {
    elsewhere?: boolean;
    plan?: OperationAnswer;
  } = {},
) {
  const bodies: Record<string, unknown>[] = [];
  let ended!: Awaited<ReturnType<typeof runMain>>;
  await withProject(async (request) => {
    const body = await request.json();
    bodies.push(body);
    const mode = body.mode ?? "apply";
    return Response.json(mode === "plan" ? plan : { ...plan, mode, tables: undefined });
  }, async (local) => {
    // Leads to this machine, and does not say so.
    const url = elsewhere ? local.replace("127.0.0.1", "0.0.0.0") : local;
    ended = await runMain(args, { SUPABASE_URL: url, SUPABASE_SECRET_KEY: KEY }, screen);
  });
  const modes = bodies.map(({ mode, expected_plan_hash }) => [mode, expected_plan_hash]);
  return { ...ended, modes };
}

const RENAME = ["rename-table", "experts", "expert_profiles"];
const COMMANDS = [RENAME, ["rollback-rename", "experts"], ["refresh-view", "experts"], [
  "finalize-rename",
  "experts",
]];

Deno.test("before a change elsewhere somebody sees project and tables, and says yes to that plan", async () => {
  for (const command of COMMANDS) {
    const { code, stderr, modes } = await asked(command, { typed: "y" });
    assertEquals([code, modes], [0, [["plan", undefined], [undefined, HASH]]], stderr);
    assertStringIncludes(stderr, " → ");
    assertStringIncludes(stderr, "1 table on http://0.0.0.0:");
  }
});

Deno.test("without a yes nothing is changed", async () => {
  for (const typed of ["", "n", "yesterday"]) {
    const { code, stderr, modes } = await asked(RENAME, { typed });
    assertEquals([code, modes], [1, [["plan", undefined]]]);
    assertStringIncludes(stderr, "Nothing was changed.\n");
  }
});

Deno.test("where nobody is there to ask, the command line with --yes is shown, and nothing is sent", async () => {
  for (const [command, ...args] of COMMANDS) {
    const { code, stderr, modes } = await asked([command, ...args]);
    assertEquals([code, modes], [2, []]);
    assertStringIncludes(stderr, "Nothing was done.");
    assertStringIncludes(stderr, `\n  npm run cli -- ${command} --yes ${args.join(" ")}\n`);
    const yes = await asked([command, "--yes", ...args]);
    assertEquals([yes.code, yes.modes], [0, [[undefined, undefined]]]);
  }
});

Deno.test("plans and proposals are never asked about", async () => {
  for (const option of ["--plan", "--propose"]) {
    const { code, modes } = await asked([...RENAME, option]);
    assertEquals([code, modes], [0, [[option.slice(2), undefined]]]);
  }
});

Deno.test("on this machine only a finalization is asked about, with the evidence", async () => {
  for (const command of COMMANDS.slice(0, 3)) {
    assertEquals((await asked(command, { elsewhere: false })).modes, [[undefined, undefined]]);
  }
  const nobody = await asked(["finalize-rename", "experts"], { elsewhere: false });
  assertEquals([nobody.code, nobody.modes], [2, []]);
  const { shown } = await asked(["finalize-rename", "experts"], { elsewhere: false, typed: "n" });
  assertEquals(
    shown.replaceAll(/127\.0\.0\.1:\d+/g, "HOST"),
    `Plan  finalization of the rename of 1 table  on http://HOST
The compatibility view will be dropped: queries that use the old name fail then. This cannot be undone.

  experts → expert_profiles

ready  experts
  No use was seen for 9 days (7 asked for).

Finalize the rename of 1 table on http://HOST? This cannot be undone. [y/N] n
Nothing was changed.
`,
  );
});

Deno.test("what would be refused is shown as a plan, and not asked about", async () => {
  const plan = {
    ...PLAN,
    would_be_refused: { code: "name_taken" as const, detail: "It is taken." },
  };
  const { code, stdout, modes } = await asked(RENAME, { typed: "y", plan });
  assertEquals([code, modes], [5, [["plan", undefined]]]);
  assertStringIncludes(stdout, "An apply would be refused  name_taken\n  It is taken.");
});

Deno.test("the URL of a database in SUPABASE_URL is refused, and its password is not repeated", async () => {
  for (
    const url of [
      "postgresql://postgres:s3cret@db.example.com:5432/postgres",
      "POSTGRES://postgres:s3cret@db.example.com",
      "https://user:s3cret@example.com",
    ]
  ) {
    for (const key of [KEY, ""]) {
      const env = { SUPABASE_URL: url, SUPABASE_SECRET_KEY: key };
      const { code, shown } = await runMain(["list-migrations"], env);
      assertEquals([code, shown.includes("s3cret")], [2, false], shown);
      assertStringIncludes(shown, "https://abcd.supabase.co");
    }
  }
});

Deno.test("a project or database on this machine is known by its host", () => {
  const here = ["http://127.0.0.1:54321", "http://localhost/x", "127.0.0.1:5432/postgres"];
  const local = [...here, "localhost:5432/postgres", "[::1]:5432/postgres"];
  const elsewhere = ["https://abcd.supabase.co", "db.abcd.supabase.co:5432/postgres", "a b", ""];
  assertEquals([local.map(isLocal), elsewhere.map(isLocal)], [
    local.map(() => true),
    elsewhere.map(() => false),
  ]);
});
