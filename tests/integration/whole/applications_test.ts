/**
 * Applications as people have them: after `find-uses --write`, and what was listed changed by hand, they compile with
 * the new types, and do the same on a database that has no old name any more.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { identIfNeeded } from "../../../shared/sql/quoting.ts";
import { wordPattern } from "../../../shared/source/uses.ts";
import { run, runMain } from "../../support/programs/cli.ts";
import { dataApiStandIn } from "../../support/http/data_api_stand_in.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { databaseTypes } from "../../support/catalog/database_types.ts";
import { functionsFor, SECRET_KEY } from "../../support/http/functions.ts";
import { ROOT_FOLDER } from "../../support/documents/module_graph.ts";
import { typeErrors, withTypeScriptProject } from "../../support/programs/type_check.ts";

interface Rename {
  schema?: string;
  old_name: string;
  new_name: string;
}

/** Copies an application to a project, with what it needs to be compiled and run. */
async function withApplication(
  name: string,
  work: (dir: string, renames: Rename[]) => Promise<void>,
): Promise<void> {
  await withTypeScriptProject(async (dir) => {
    const source = join(ROOT_FOLDER, "tests/corpus", name);
    assertEquals((await run("cp", ["-r", `${source}/.`, dir], { env: {} })).code, 0);
    const config = JSON.parse(await Deno.readTextFile(join(dir, "tsconfig.json")));
    Object.assign(config.compilerOptions, {
      jsx: "react-jsx",
      target: "es2023",
      types: ["node"],
      paths: { "@/*": ["./src/*"] },
    });
    config.include = ["**/*.ts", "**/*.tsx"];
    await Deno.writeTextFile(join(dir, "tsconfig.json"), JSON.stringify(config));
    const deno = { nodeModulesDir: "manual", imports: { "@/": "./src/" } };
    await Deno.writeTextFile(join(dir, "deno.json"), JSON.stringify(deno));
    await work(dir, JSON.parse(await Deno.readTextFile(join(dir, "renames.json"))));
  });
}

async function outputOf(dir: string, env: Record<string, string>): Promise<string> {
  const args = ["run", "-A", "--unstable-sloppy-imports", "src/run.ts"];
  const { code, stdout, stderr } = await run(Deno.execPath(), args, { cwd: dir, env });
  assertEquals(code, 0, stderr);
  return stdout;
}

interface ShownUse {
  file: string;
  line: number;
  kind: string;
  text: string;
  certainty: string;
  renamed_to: string;
}

/** Changes what is certain, or with `--to-old` changes it back, and gives the rest. */
async function findUses(dir: string, ...args: string[]): Promise<ShownUse[]> {
  const { code, stdout, stderr } = await runMain(
    ["find-uses", ".", "--from-file", "renames.json", "--write", "--json", ...args],
    { npm_lifecycle_event: "cli", INIT_CWD: dir },
  );
  assertEquals(code, 0, stderr);
  const { uses } = JSON.parse(stdout) as { uses: ShownUse[] };
  return uses.filter(({ certainty }) => certainty === "possible");
}

const placeOf = ({ file, line, text }: ShownUse): string => `${file}:${line} ${text}`;

/** What a person does about what is listed: these are tables, and so many others are something else. */
async function changeByHand(
  dir: string,
  listed: ShownUse[],
  tables: string[],
  others: number,
): Promise<void> {
  const meant = [
    ...new Map(
      listed.filter((use) => tables.includes(placeOf(use))).map((use) => [placeOf(use), use]),
    ),
  ];
  assertEquals(meant.map(([place]) => place), tables);
  const left = listed.filter((use) => !tables.includes(placeOf(use)));
  assertEquals(left.length, others, left.map(placeOf).join("\n"));
  for (const [, { file, line, kind, text: old, renamed_to }] of meant) {
    const path = join(dir, file);
    const lines = (await Deno.readTextFile(path)).split("\n");
    lines[line - 1] = kind === "sql"
      ? lines[line - 1].replaceAll(wordPattern(old), identIfNeeded(renamed_to))
      : lines[line - 1].replace(`"${old}"`, `"${renamed_to}"`);
    await Deno.writeTextFile(path, lines.join("\n"));
  }
}

/** Renames and finalizes, so that no old name is left. */
async function finalized(db: TestDatabase, renames: Rename[]): Promise<void> {
  await using functions = functionsFor(db.url);
  // The application of before is stopped meanwhile, so that it does not matter what would break.
  const { findings } = await functions.rename({ renames, mode: "plan" });
  const acknowledge = findings.map(({ code }) => code);
  const { batch_id } = await functions.rename({ renames, acknowledge });
  await functions.finalize({
    batch_id: batch_id!,
    rewrite_texts: true,
    acknowledge: ["old_name_in_use"],
  });
  for (const { schema = "public", old_name } of renames) {
    const [{ there }] = await db.sql`select to_regclass(${`${schema}.${old_name}`}) as there`;
    assertEquals(there, null);
  }
}

/** Every file of the application, by its path. */
async function filesOf(dir: string, folder = ""): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name, isDirectory, isFile } of Deno.readDir(join(dir, folder))) {
    const path = join(folder, name);
    if (isDirectory) Object.assign(found, await filesOf(dir, path));
    else if (isFile) found[path] = await Deno.readTextFile(join(dir, path));
  }
  return found;
}

async function restore(dir: string, files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) await Deno.writeTextFile(join(dir, path), text);
}

/**
 * With `--to-old` the files are what they were, byte by byte.
 *
 * @param kept Lines that keep the new names, since they say an old one, too: each with what it says then.
 */
async function isBack(
  dir: string,
  written: Record<string, string>,
  sources: Record<string, string>,
  kept: { path: string; line: string; says: string }[] = [],
): Promise<void> {
  await restore(dir, written);
  await findUses(dir, "--to-old");
  const expected = { ...sources };
  for (const { path, line, says } of kept) {
    assert(expected[path].includes(line), line);
    expected[path] = expected[path].replace(line, says);
  }
  assertEquals(await filesOf(dir), expected);
}

databaseTest(
  "a shop on supabase-js, with its tables in constants of another file, runs without the old names",
  async ({ db }) => {
    await withApplication("storefront", async (dir, renames) => {
      await db.sql.unsafe(await Deno.readTextFile(join(dir, "supabase/schema.sql"))).simple();
      await using api = await dataApiStandIn(db);
      const env = { SUPABASE_URL: api.url, SUPABASE_SECRET_KEY: SECRET_KEY };
      const types = join(dir, "src/lib/database.types.ts");
      await Deno.writeTextFile(types, await databaseTypes(db.sql));
      assertEquals(await typeErrors("typescript", dir), []);
      const before = await outputOf(dir, env);
      const sources = await filesOf(dir);

      const listed = await findUses(dir);
      const written = await filesOf(dir);
      await changeByHand(dir, listed, [
        "src/data/customers.ts:45 orders",
        "src/data/customers.ts:45 reviews",
        // They are also shown to somebody.
        "src/lib/tables.ts:6 orders",
        "src/lib/tables.ts:7 order_items",
      ], 30);
      await finalized(db, renames);
      await api.reload();
      await Deno.writeTextFile(types, await databaseTypes(db.sql));
      assertEquals(await typeErrors("typescript", dir), []);
      assertEquals(await outputOf(dir, env), before);
      // A column is called as the table was.
      await isBack(dir, written, sources, [{
        path: "supabase/seed.sql",
        line: "select count(*) from orders where orders.customer_id = customers.id",
        says: "select count(*) from purchases where purchases.customer_id = customers.id",
      }]);
    });
  },
);

databaseTest(
  "an application with SQL in its code, for two clients, runs without the old names",
  async ({ db }) => {
    await withApplication("courses", async (dir, renames) => {
      for (const file of ["schema", "functions"]) {
        await db.sql.unsafe(await Deno.readTextFile(join(dir, `sql/${file}.sql`))).simple();
      }
      const env = { DATABASE_URL: db.url };
      assertEquals(await typeErrors("typescript", dir), []);
      const before = await outputOf(dir, env);

      const listed = await findUses(dir);
      const written = await filesOf(dir);
      await changeByHand(dir, listed, [
        // The names of tables are written into SQL as values.
        "src/lib/server/reports.ts:3 courses",
        "src/lib/server/reports.ts:3 lessons",
        // The same statement has a table that is not renamed.
        "src/lib/server/reports.ts:24 events",
        // The client comes from another file.
        "src/lib/server/reports.ts:32 teachers",
        "src/lib/server/reports.ts:32 lessons",
        "src/lib/server/reports.ts:33 teachers",
        "src/lib/server/reports.ts:34 courses",
        "src/lib/server/reports.ts:34 teachers",
        "src/lib/server/reports.ts:35 lessons",
        "src/lib/server/reports.ts:35 courses",
        "src/lib/server/reports.ts:36 teachers",
        "src/lib/server/reports.ts:37 teachers",
        "src/lib/server/reports.ts:57 courses",
        "src/lib/server/reports.ts:57 teachers",
        // The statement is a member of an object.
        "src/lib/server/students.ts:27 grades",
        "src/lib/server/students.ts:28 grades",
        "src/lib/server/students.ts:29 grades",
      ], 16);
      await finalized(db, renames);
      assertEquals(await typeErrors("typescript", dir), []);
      assertEquals(await outputOf(dir, env), before);
      // Columns are called as tables were, so that not all of it goes back; but nothing gets lost on the way.
      await restore(dir, written);
      await findUses(dir, "--to-old");
      await findUses(dir);
      assertEquals(await filesOf(dir), written);
    });
  },
);

/** One row of each table, with the names that these have before. */
const BOOKED = `
  insert into experts (id, name, city, created_at) values
    ('00000000-0000-0000-0000-000000000001', 'Ada', 'London', '2026-01-01');
  insert into customers (id, email) values ('00000000-0000-0000-0000-000000000002', 'a@example.com');
  insert into bookings (id, expert_id, customer_id, starts_at) values
    ('00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000001',
      '00000000-0000-0000-0000-000000000002', '2026-01-01 10:00Z');
  insert into reviews (booking_id, stars, body) values ('00000000-0000-0000-0000-000000000003', 5, 'experts');
  insert into tags (id, label) values ('00000000-0000-0000-0000-000000000004', 'maths');
  insert into expert_tags values
    ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000004');
  insert into billing.invoices (id, booking_id, cents) values
    ('00000000-0000-0000-0000-000000000005', '00000000-0000-0000-0000-000000000003', 4200);
  grant usage on schema billing to service_role`;

databaseTest(
  "a booking service with hints, types and two schemas runs without the old names",
  async ({ db }) => {
    await withApplication("application", async (dir, renames) => {
      // The trigger's function comes from elsewhere.
      await db.sql.unsafe(`create function log_change() returns trigger language plpgsql as
        'begin return null; end'`);
      const schema = await Deno.readTextFile(join(dir, "supabase/schemas/tables.sql"));
      await db.sql.unsafe(schema + BOOKED).simple();
      await using api = await dataApiStandIn(db, { schemas: ["public", "billing"] });
      const { hostname, port, username, password, pathname } = new URL(db.url);
      const env = {
        ...{ SUPABASE_URL: api.url, SUPABASE_SECRET_KEY: SECRET_KEY },
        ...{ PGHOST: hostname, PGPORT: port, PGUSER: username },
        ...{ PGPASSWORD: decodeURIComponent(password), PGDATABASE: pathname.slice(1) },
      };
      const before = await outputOf(dir, env);
      await findUses(dir);
      await finalized(db, renames);
      await api.reload();
      assertEquals(await outputOf(dir, env), before);
    });
  },
);
