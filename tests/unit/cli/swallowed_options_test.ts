import { assertEquals, assertStringIncludes } from "@std/assert";
import { Command } from "commander";
import { swallowedOptions } from "../../../shared/cli/arguments/swallowed_options.ts";
import { KEY, run, withProject } from "../../support/programs/cli.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;

/** Runs npm as a person does, against a project that counts the requests it gets. */
async function npm(args: string[], npmrc = "") {
  const bodies: unknown[] = [];
  const userconfig = await Deno.makeTempFile();
  await Deno.writeTextFile(userconfig, npmrc);
  let ended!: Awaited<ReturnType<typeof run>>;
  await withProject(async (request) => {
    bodies.push(await request.json());
    return Response.json({ code: "table_not_found", status: 404, detail: "There is no table." }, {
      status: 404,
      headers: { "content-type": "application/problem+json" },
    });
  }, async (url) => {
    ended = await run("npm", args, {
      cwd: ROOT,
      env: { SUPABASE_URL: url, SUPABASE_SECRET_KEY: KEY, npm_config_userconfig: userconfig },
    });
  });
  await Deno.remove(userconfig);
  return { ...ended, bodies };
}

Deno.test("a plan that npm took the flag of is not carried out, and the right command line is printed", async () => {
  for (
    const [args, command] of [
      ["cli rename-table a b --plan", "npm run cli -- rename-table a b --plan"],
      ["cli finalize-rename x --plan", "npm run cli -- finalize-rename x --plan"],
      ["cli rename-table a b --sql", "npm run cli -- rename-table a b --sql"],
      ["types --check", "npm run types -- --check"],
    ]
  ) {
    const { code, stderr, bodies } = await npm(["run", ...args.split(" ")]);
    assertEquals([code, bodies], [2, []], args);
    assertStringIncludes(stderr, "Nothing was done");
    assertEquals(stderr.split("\n").includes(`  ${command}`), true, stderr);
  }
});

Deno.test("npm reports every option that it took", async () => {
  const options = new Map<string, boolean>();
  const source = await Promise.all(
    ["", "arguments/", "commands/", "files/"].map((folder) =>
      Array.fromAsync(Deno.readDir(`${ROOT}shared/cli/${folder}`), ({ name }) => folder + name)
    ),
  );
  for (const name of source.flat().filter((name) => name.endsWith(".ts"))) {
    const text = await Deno.readTextFile(`${ROOT}shared/cli/${name}`);
    for (
      const [, flag, value] of text.matchAll(/ption\(\s*"(--[a-z-]+)( <[^>]+>| \[[^\]]+\])?"/g)
    ) {
      options.set(flag, value !== undefined);
    }
  }
  // npm has settings by the names of the first two; it refuses the values of its own --include.
  for (const none of ["--verbose", "--quiet", "--include"]) {
    assertEquals(options.delete(none), true);
  }
  // What --plan is read as hides --all, which belongs to another command, and --sql.
  for (const plan of ["--plan", "--sql"]) assertEquals(options.delete(plan), true);
  assertEquals(options.size > 30, true, String(options.size));
  const written = [...options].map(([flag, valued]) => valued ? `${flag}=7` : flag);
  const { code, stderr, bodies } = await npm(["run", "cli", "rename-table", "a", "b", ...written]);
  assertEquals([code, bodies], [2, []]);
  const line = stderr.split("\n").find((line) => line.startsWith("  npm run cli -- "))!;
  const missing = written.filter((option) => !line.split(" ").includes(option));
  assertEquals(missing, [], stderr);
});

Deno.test("a command line with -- runs, whatever an .npmrc file sets", async () => {
  const npmrc = "json=true\nlong = true\nall\nparseable=true\nschema=x\n";
  const { code, bodies } = await npm(
    ["run", "cli", "--", "rename-table", "a", "b", "--plan"],
    npmrc,
  );
  assertEquals(code, 4);
  assertEquals(bodies, [{ renames: [{ old_name: "a", new_name: "b" }], mode: "plan" }]);
  assertEquals((await npm(["run", "--silent", "cli", "--", "rename-table", "a", "b"])).code, 4);
});

const SCRIPT = "deno run -A shared/cli/main.ts";

/** What is said in an environment that npm made. */
function said(
  args: string[],
  env: Record<string, string>,
  files: Record<string, string> = {},
): string | null {
  const program = new Command("test");
  program.command("rename-table").option("--schema <name>", "").option("--plan", "")
    .option("--notes <text>", "").option("--propose", "").option("--json", "");
  program.command("list-migrations").option("--all", "").option("--json", "");
  const npm = {
    npm_config_user_agent: "npm/11.1.0 node/v22.0.0 linux x64 workspaces/false",
    npm_lifecycle_event: "cli",
    npm_lifecycle_script: SCRIPT,
  };
  const all: Record<string, string> = { ...npm, ...env };
  return swallowedOptions(program, args, (name) => all[name], (path) => files[path] ?? null);
}

const PLAN = { npm_config_parseable: "true", npm_config_long: "true", npm_config_all: "true" };

Deno.test("a flag that the command did get is not missed", () => {
  assertEquals(said(["rename-table", "a", "b", "--plan"], PLAN), null);
  assertEquals(said(["rename-table", "a", "b", "--json"], { npm_config_json: "true" }), null);
  assertEquals(said(["rename-table", "a", "--schema=x"], { npm_config_schema: "x" }), null);
  assertEquals(said(["rename-table", "a", "b"], { npm_config_json: "" }), null);
});

Deno.test("what is mistyped for --plan, or is npm's for it, renames nothing either", () => {
  for (const env of [{ npm_config_parseable: "true" }, { npm_config_dry_run: "true" }]) {
    assertStringIncludes(
      said(["rename-table", "a", "b"], env as never)!,
      "rename-table a b --plan",
    );
  }
  const all = said(["list-migrations"], { npm_config_all: "true" })!;
  assertStringIncludes(all, "npm run cli -- list-migrations --all");
});

Deno.test("a value whose place is unknown is not put into the command line", () => {
  const text = said(["rename-table", "a", "b", "s"], { npm_config_schema: "true" })!;
  assertStringIncludes(text, "npm run cli -- rename-table … --schema VALUE");
  const valued = said(["rename-table", "a", "b"], { npm_config_notes: "phase 2" })!;
  assertStringIncludes(valued, "npm run cli -- rename-table a b '--notes=phase 2'");
});

Deno.test("settings of files and of the environment are no options of the command line", () => {
  const file = (place: Record<string, string>, path: string) =>
    said(["rename-table", "a", "b"], { npm_config_json: "true", ...place }, {
      [path]: "json=true",
    });
  assertEquals(file({ npm_config_userconfig: "/u/.npmrc" }, "/u/.npmrc"), null);
  assertEquals(file({ npm_config_globalconfig: "/etc/npmrc" }, "/etc/npmrc"), null);
  assertEquals(file({ npm_config_local_prefix: "/p" }, "/p/.npmrc"), null);
  assertEquals(file({ npm_execpath: "/n/npm/bin/npm-cli.js" }, "/n/npm/npmrc"), null);
  assertStringIncludes(file({ npm_config_local_prefix: "/p" }, "/q/.npmrc")!, "--json");
  assertEquals(
    said(["rename-table", "a", "b"], { npm_config_json: "true", NPM_CONFIG_JSON: "true" }) === null,
    Deno.build.os !== "windows",
  );
});

Deno.test("other package managers and other scripts are left alone", () => {
  const other = (env: Record<string, string>) => said(["rename-table", "a"], { ...PLAN, ...env });
  assertEquals(other({ npm_config_user_agent: "pnpm/9.0.0 npm/? node/v22.0.0" }), null);
  assertEquals(other({ npm_lifecycle_script: "deno run -A tests/run.ts" }), null);
  assertStringIncludes(
    other({ npm_lifecycle_event: "ship", npm_lifecycle_script: `${SCRIPT} rename-table` })!,
    "npm run ship -- a --plan",
  );
});
