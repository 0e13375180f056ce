import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { type Ended, run, runCli, withProject } from "../../support/programs/cli.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { type Functions, functionsFor, SECRET_KEY } from "../../support/http/functions.ts";

interface Project {
  functions: Functions;
  /** A folder of its own. */
  dir: string;
  env: Record<string, string>;
  /** Runs generate-types with the files in `dir`. */
  generate(args?: string[], env?: Record<string, string>): Promise<Ended>;
  read(name: string): Promise<string>;
  write(name: string, text: string): Promise<void>;
}

async function withTypes(db: TestDatabase, work: (project: Project) => Promise<void>) {
  await using functions = functionsFor(db.url);
  const dir = await Deno.makeTempDir({ prefix: "rename-types-" });
  try {
    await withProject((request) => {
      const { pathname, search } = new URL(request.url);
      const headers = Object.fromEntries(request.headers);
      return functions.fetch(pathname.replace("/functions/v1/", ""), { headers, query: search });
    }, async (url) => {
      const env = {
        SUPABASE_URL: url,
        SUPABASE_SECRET_KEY: SECRET_KEY,
        SUPABASE_DB_URL: db.url,
      };
      await work({
        functions,
        dir,
        env,
        generate: (args = [], more = {}) =>
          runCli(["generate-types", "--out", dir, ...args], { ...env, ...more }),
        read: (name) => Deno.readTextFile(join(dir, name)),
        write: (name, text) => Deno.writeTextFile(join(dir, name), text),
      });
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Fails unless the command ended so; gives what it said. */
function ended({ code, stdout, stderr }: Ended, expected: number): string {
  assertEquals(code, expected, stdout + stderr);
  assertEquals(stderr.includes("    at "), false, `a stack: ${stderr}`);
  return stdout + stderr;
}

databaseTest(
  "both files are written, are found current, go stale with a rename, and are written again",
  async ({ db }) => {
    await db.sql`create table experts (id int primary key, name text not null)`;
    await withTypes(db, async ({ functions, generate, read, write }) => {
      assertStringIncludes(ended(await generate(["--check"]), 1), "stale");
      const first = ended(await generate(), 0);
      assertMatch(first, /^written +\S*database\.types\.ts\nwritten +\S*table-aliases\.ts$/m);
      assertStringIncludes(first, "No old names");
      assertStringIncludes(await read("database.types.ts"), '"experts"');
      assertStringIncludes(await read("table-aliases.ts"), "Record<never, never>");
      assertMatch(ended(await generate(["--check"]), 0), /^up to date .*\nup to date /);

      await functions.rename({ old_name: "experts", new_name: "expert_profiles" });
      const stale = ended(await generate(["--check"]), 1);
      assertStringIncludes(stale, "npm run cli -- generate-types");
      assertStringIncludes(await read("table-aliases.ts"), "Record<never, never>");

      const second = await generate(["--json"]);
      assertEquals(second.code, 0, second.stderr);
      const { files, aliases } = JSON.parse(second.stdout);
      assertEquals(files.map(({ state }: { state: string }) => state), ["written", "written"]);
      assertEquals(aliases, [
        { schema: "public", old_name: "experts", new_name: "expert_profiles" },
      ]);
      assertStringIncludes(await read("table-aliases.ts"), "experts: Database");

      // A formatter has its own idea of them.
      const formatted = (await read("database.types.ts")).replace(/\n\s+/g, "\n");
      await write("database.types.ts", formatted);
      assertMatch(ended(await generate(), 0), /^up to date .*\nup to date [^]*expert_profiles/);
      assertEquals(await read("database.types.ts"), formatted);
    });
  },
);

databaseTest(
  "types that something else makes stay as they are, and only the aliases are written",
  { versions: [17] },
  async ({ db }) => {
    await db.sql`create table experts (id int primary key)`;
    await withTypes(db, async ({ functions, dir, generate, read, write }) => {
      const noDatabase = { SUPABASE_DB_URL: "" };
      const none = ended(await generate(["--existing"], noDatabase), 2);
      assertStringIncludes(none, `${join(dir, "database.types.ts")} does not exist`);

      const types = (table: string) =>
        `export type Database = { public: { Tables: { ${table}: {} }; Views: {} } };`;
      await write("database.types.ts", types("experts"));
      await functions.rename({ old_name: "experts", new_name: "expert_profiles" });
      const behind = ended(await generate(["--existing"], noDatabase), 2);
      assertStringIncludes(behind, "does not have the table public.expert_profiles");

      await write("database.types.ts", types("expert_profiles"));
      ended(await generate(["--existing", "--check"], noDatabase), 1);
      assertMatch(ended(await generate(["--existing"], noDatabase), 0), /^written .*aliases\.ts$/m);
      ended(await generate(["--existing", "--check"], noDatabase), 0);
      assertEquals(await read("database.types.ts"), types("expert_profiles"));

      await write("database.types.ts", "export {};");
      assertStringIncludes(ended(await generate(["--existing"], noDatabase), 2), "type Database");
      ended(await generate(["--existing", "--remote", db.url]), 2);
    });
  },
);

databaseTest(
  "only the schemas that are named are in the files",
  { versions: [17] },
  async ({ db }) => {
    await db.sql`create schema shop`;
    await db.sql`create table shop."Order Items" ()`;
    await db.sql`create table experts ()`;
    await withTypes(db, async ({ functions, generate, read }) => {
      await functions.rename({ schema: "shop", old_name: "Order Items", new_name: "items" });
      await functions.rename({ old_name: "experts", new_name: "expert_profiles" });
      ended(await generate(["--schema", "shop"]), 0);
      assertEquals((await read("table-aliases.ts")).includes("experts"), false);
      assertStringIncludes(await read("table-aliases.ts"), '"Order Items": "items"');

      const both = ended(await generate(["--schema", "public,shop"]), 0);
      assertMatch(both, / {2}public {2}experts +expert_profiles\n {2}shop +Order Items {2}items/);
      const unknown = ended(await generate(["--schema", "public", "--schema", "nowhere"]), 2);
      assertStringIncludes(unknown, "there is no schema nowhere");

      // Types of a schema that is left out have no aliases either.
      const some = ended(await generate(), 0);
      assertEquals(some.includes("Order Items"), false, some);
    });
  },
);

databaseTest(
  "what is missing is named, with the exit code for it, and no file is touched",
  { versions: [17] },
  async ({ db }) => {
    await db.sql`create table experts ()`;
    await withTypes(db, async ({ dir, generate, write }) => {
      const says = async (code: number, text: string, args: string[], env = {}) =>
        assertStringIncludes(ended(await generate(args, env), code), text);
      await says(2, "SUPABASE_DB_URL", [], { SUPABASE_DB_URL: "" });
      await says(2, "not a postgresql:// URL", [], { SUPABASE_DB_URL: "http://localhost" });
      const closed = "postgresql://postgres:secret-word@127.0.0.1:1/postgres";
      const unreachable = ended(await generate(["--remote", closed]), 7);
      assertStringIncludes(unreachable, "failed to connect");
      assertEquals(unreachable.includes("secret-word"), false);
      const wrong = new URL(db.url);
      wrong.password = "secret-word";
      await says(7, "password authentication failed", ["--remote", wrong.href]);
      await says(7, "No answer from", [], { SUPABASE_URL: "http://127.0.0.1:1" });
      await says(3, "not valid", [], { SUPABASE_SECRET_KEY: "wrong" });

      await write("file", "");
      await says(2, "cannot be written", ["--out", join(dir, "file", "types")]);
      await db.sql`drop table sys_table_migrations cascade`;
      await says(7, "The tracking tables are not in this database", []);
      const files = (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name);
      assertEquals(files, ["file"]);
    });
  },
);

databaseTest(
  "npm run types writes to the folder that is named from where npm was called",
  { versions: [17] },
  async ({ db }) => {
    await db.sql`create table experts ()`;
    await withTypes(db, async ({ dir, env, read }) => {
      const root = new URL("../../../", import.meta.url).pathname;
      const args = ["--prefix", root, "run", "--silent", "types", "--", "--out", "src/types"];
      const { code, stderr } = await run("npm", args, { env, cwd: dir });
      assertEquals(code, 0, stderr);
      assert((await read("src/types/table-aliases.ts")).includes("DatabaseWithAliases"));
    });
  },
);
