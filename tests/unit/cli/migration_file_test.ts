/** `--migration-file` and `--no-history`: what is asked for, what is written, and what is said of it. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import type { OperationAnswer } from "../../../shared/contract/responses.ts";
import { answered } from "../../support/programs/cli.ts";

const ANSWER: OperationAnswer = {
  batch_id: null,
  mode: "plan",
  plan_hash: `sha256:${"0".repeat(64)}`,
  migrations: [],
  statements: [{ sql: 'alter table "experts" rename to "b"', purpose: "Rename it" }],
  findings: [],
  lock: null,
  verification: null,
};

const FILE = { version: "20261123120000", name: "rename_a_to_b", sql: "select 1;\n" };

const COMMANDS = [
  ["rename-table", "a", "b"],
  ["rollback-rename", "a"],
  ["finalize-rename", "a", "--yes"],
  ["refresh-view", "6f0b9c1e-2f6e-4a53-9d2c-1d1f6f3c7a10"],
];

/** Runs a command; gives its end, and the body that it sent. */
async function sent(args: string[], answer: OperationAnswer) {
  let body: Record<string, unknown> = {};
  const ended = await answered(async (request) => {
    body = await request.json();
    return Response.json(answer);
  }, args);
  return { ...ended, body };
}

async function inFolder(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await work(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("each command that changes something writes a file of its plan, and says how to apply it", async () => {
  for (const command of COMMANDS) {
    await inFolder(async (dir) => {
      const args = [...command, "--migration-file", dir];
      const { code, stdout, stderr, body } = await sent(args, { ...ANSWER, migration_file: FILE });
      assertEquals([code, stderr], [0, ""]);
      assertEquals([body.mode, body.migration_file], ["plan", true]);
      const path = join(dir, "20261123120000_rename_a_to_b.sql");
      assertEquals(await Deno.readTextFile(path), FILE.sql);
      assertStringIncludes(stdout, `✓ Written  ${path}\n\nTo apply it, and have it tracked:\n`);
      assertEquals(stdout.includes("--expected-plan-hash"), false);
    });
  }
});

Deno.test("the file comes after those that are there, and what is in its place is left as it is", async () => {
  await inFolder(async (dir) => {
    const last = join(dir, "20301231235959_last.sql");
    await Deno.writeTextFile(last, "");
    const answer = { ...ANSWER, migration_file: FILE };
    await sent(["rename-table", "a", "b", `--migration-file=${dir}/`], answer);
    await Deno.stat(join(dir, "20310101000000_rename_a_to_b.sql"));
    const json = await sent(
      ["rename-table", "a", "b", "--json", `--migration-file=${dir}`],
      answer,
    );
    assertEquals(JSON.parse(json.stdout).migration_file, {
      ...FILE,
      path: join(dir, "20310101000001_rename_a_to_b.sql"),
    });
    const again = await sent(["rename-table", "a", "b", `--migration-file=${last}`], answer);
    assertEquals(again.code, 2);
    assertStringIncludes(again.stderr, `${last} cannot be written: it exists already`);
    assertEquals(await Deno.readTextFile(last), "");
  });
});

Deno.test("an answer cannot have a file written elsewhere", async () => {
  await inFolder(async (dir) => {
    for (const wrong of [{ name: "../a" }, { name: "a/b" }, { version: "../20261123120" }]) {
      const answer = { ...ANSWER, migration_file: { ...FILE, ...wrong } };
      const { code } = await sent(["rename-table", "a", "b", `--migration-file=${dir}`], answer);
      assertEquals([code, [...Deno.readDirSync(dir)]], [2, []]);
    }
  });
});

Deno.test("where only the record would change, there is no file to write", async () => {
  await inFolder(async (dir) => {
    const { code, stderr } = await sent(
      ["rollback-rename", "a", `--migration-file=${dir}`],
      ANSWER,
    );
    assertEquals(code, 2);
    assertStringIncludes(stderr, "there is nothing to write");
  });
});

Deno.test("a change says what it is called in the migration history, unless it is kept out of it", async () => {
  const done = { ...ANSWER, mode: "apply" as const };
  const history = { version: "20261123120000", name: "rename_a_to_b" };
  const recorded = await sent(["rename-table", "a", "b"], { ...done, history });
  assertEquals(recorded.body.record_history, undefined);
  assertStringIncludes(
    recorded.stdout,
    "To get its migration file into your repository:\n  npx supabase migration fetch",
  );
  const verbose = await sent(["rename-table", "a", "b", "--verbose"], { ...done, history });
  assertStringIncludes(verbose.stdout, "Migration history  20261123120000_rename_a_to_b\n");
  for (const command of COMMANDS) {
    const { body, stdout } = await sent([...command, "--no-history"], done);
    assertEquals(body.record_history, "never");
    assertEquals(stdout.includes("migration fetch"), false);
  }
});
