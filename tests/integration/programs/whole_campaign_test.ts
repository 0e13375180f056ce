/** A campaign as a user plays it: 32 tables, from `init` to the last finalization, each step by its command. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { dirname, join } from "node:path";
import { type Ended, run, runMain, withEndpoints } from "../../support/programs/cli.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { age } from "../../support/finalize.ts";
import { functionsFor } from "../../support/http/functions.ts";

const KINDS = ["pages", "types", "notes", "audit", "links", "files", "tags", "votes", "drafts"];
const PEOPLE = ["experts", "teams", "skills"];
/** Two tenants' documents, and the rest by a file. */
const SCHEMAS = ["public", "archive"];
const REST = ["orders", "order_lines", "parcels", "carriers", "refunds", "coupons", "carts"];
const OTHERS = ["stock", "shelves", "suppliers", "prices"];

const LISTED = [...REST, ...OTHERS];

async function createTables(db: TestDatabase): Promise<void> {
  const plain = (name: string, more = "") =>
    `create table ${name} (id int primary key generated always as identity, name text${more});`;
  await db.sql.unsafe(
    `create schema archive;` +
      [...PEOPLE, ...LISTED].map((name) => plain(name)).join("") +
      SCHEMAS.flatMap((schema) =>
        KINDS.map((kind) =>
          plain(
            `${schema}.document_${kind}`,
            kind === "pages" ? "" : `, page_id int references ${schema}.document_pages`,
          )
        )
      ).join("") +
      `insert into experts (name) values ('Ada'), ('Grace');
       insert into document_pages (name) values ('one');
       insert into document_notes (name, page_id) values ('good', 1);`,
  ).simple();
}

const SOURCE: Record<string, string> = {
  "src/experts.ts": `import { createClient } from "@supabase/supabase-js";
import type { Tables } from "../../types";

const supabase = createClient(process.env.URL!, process.env.KEY!);

export type Expert = Tables<"experts">;

export async function experts(): Promise<Expert[]> {
  // The experts of the first page.
  const { data } = await supabase.from("experts").select("*").limit(10);
  return data ?? [];
}

export const pages = () => supabase.from("document_pages").select("name, document_notes(name)");
`,
  "src/report.sql": `-- All that was ordered.
select o.name, count(*) from orders o join order_lines l on l.id = o.id group by o.name;
`,
};

const CHANGED = {
  "src/experts.ts": SOURCE["src/experts.ts"]
    .replace(`Tables<"experts">`, `Tables<"expert_profiles">`)
    .replace(`.from("experts")`, `.from("expert_profiles")`)
    .replace(`.from("document_pages")`, `.from("doc_pages")`)
    .replace("document_notes(name)", "document_notes:doc_notes(name)"),
  "src/report.sql": SOURCE["src/report.sql"]
    .replace("orders o", "shop_orders o").replace("order_lines l", "shop_order_lines l"),
};

const PHASES = [
  { name: "people", renames: PEOPLE.map((from) => ({ from, to: newName(from) })) },
  { name: "documents", match: "^document_(.*)$", to: "doc_$1", schemas: SCHEMAS },
  { name: "shop", file: "renames.csv" },
];

function newName(name: string): string {
  if (PEOPLE.includes(name)) return `${name.slice(0, -1)}_profiles`;
  return name.startsWith("document_") ? name.replace("document_", "doc_") : `shop_${name}`;
}

interface Project {
  dir: string;
  /** Runs a command as in the project's folder. */
  command(...args: string[]): Promise<Ended>;
  /** The same, which has to succeed; gives what is on both streams. */
  done(...args: string[]): Promise<string>;
  write(path: string, text: string): Promise<void>;
  read(path: string): Promise<string>;
  commit(): Promise<void>;
}

async function withProjectOf(
  db: TestDatabase,
  work: (project: Project) => Promise<void>,
): Promise<void> {
  await using functions = functionsFor(db.url);
  const dir = await Deno.realPath(await Deno.makeTempDir());
  const git = async (...args: string[]) => {
    const who = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
    const { code, stderr } = await run("git", ["-C", dir, ...who, ...args], { env: {} });
    assertEquals(code, 0, stderr);
  };
  try {
    await git("init", "--quiet");
    await withEndpoints(functions, async (env) => {
      // As npm gives them, so that paths begin in the project's folder.
      const all = { ...env, npm_lifecycle_event: "cli", INIT_CWD: dir };
      const command = (...args: string[]) => runMain(args, all, { cwd: dir, width: 80 });
      await work({
        dir,
        command,
        async done(...args) {
          const { code, shown } = await runMain(args, all, { cwd: dir, width: 80 });
          assertEquals(code, 0, `${args.join(" ")}\n${shown}`);
          return shown;
        },
        async write(path, text) {
          await Deno.mkdir(dirname(join(dir, path)), { recursive: true });
          await Deno.writeTextFile(join(dir, path), text);
        },
        read: (path) => Deno.readTextFile(join(dir, path)),
        async commit() {
          await git("add", "--all");
          await git("commit", "--quiet", "--message", "step");
        },
      });
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Names of tables and of views, of the schemas of the application. */
async function relations(db: TestDatabase) {
  const rows = await db.sql`
    select c.relkind::text as kind, n.nspname || '.' || c.relname as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any(${SCHEMAS}) and c.relkind in ('r', 'v') and c.relname not like 'sys_%'
    order by 2`;
  const of = (kind: string) => rows.filter((row) => row.kind === kind).map(({ name }) => name);
  return { tables: of("r"), views: of("v") };
}

/** Every table with its schema, by its old or new name. */
const all = (named: (name: string) => string) =>
  [
    ...[...PEOPLE, ...LISTED].map((name) => `public.${named(name)}`),
    ...SCHEMAS.flatMap((schema) => KINDS.map((kind) => `${schema}.${named(`document_${kind}`)}`)),
  ].toSorted();

databaseTest(
  "32 tables are renamed from init to the last finalization by commands alone",
  async ({ db }) => {
    await createTables(db);
    assertEquals((await relations(db)).tables, all((name) => name));
    assertEquals((await relations(db)).tables.length, 32);
    await withProjectOf(db, async ({ command, done, write, read, commit }) => {
      for (const [path, text] of Object.entries(SOURCE)) await write(path, text);

      // The project is set up; the copied migrations can be applied.
      assertStringIncludes(await done("init", "--yes"), "✓ Written. Next:");
      const project = JSON.parse(await read("table-rename.json"));
      assertEquals(project.source, ["src"]);
      assertStringIncludes(await done("init", "--yes"), "is up to date.");
      await write("table-rename.json", JSON.stringify({ ...project, phases: PHASES }));
      const list = LISTED.map((name) => `${name},${newName(name)}`);
      await write("renames.csv", ["from,to", ...list, ""].join("\n"));
      await commit();

      const begun = await done("status");
      assertMatch(begun, /^Status {2}32 tables: 32 not begun/);
      assertStringIncludes(begun, "\n  npm run cli -- rename-table --phase people\n");

      // Three phases: planned and renamed at once, in waves, and from a file.
      const plan = await done("rename-table", "--phase", "people", "--plan");
      assertStringIncludes(plan, "experts → expert_profiles");
      assertEquals((await relations(db)).views, []);
      assertMatch(await done("rename-table", "--phase", "people"), /✓ Renamed 3 tables/);
      const waves = await done("rename-table", "--phase", "documents", "--wave", "9");
      assertMatch(waves, /✓ Renamed 18 tables[^]*2 waves\./);
      assertMatch(await done("rename-table", "--phase", "shop"), /✓ Renamed 11 tables/);
      assertEquals(await relations(db), { tables: all(newName), views: all((name) => name) });
      assertEquals((await db.sql`select count(*)::int from experts`)[0].count, 2);

      const active = await done("status");
      assertMatch(active, /^Status {2}32 tables: 32 active/);
      assertStringIncludes(active, "test-view-compatibility --phase people\n");
      const tested = await done("test-view-compatibility", "--phase", "people");
      assertStringIncludes(tested, "Compatibility  all 3 old names passed");

      // The source follows, in the places that are certain.
      const found = await command("find-uses", "src", "--check");
      assertEquals(found.code, 1, found.stdout);
      assertMatch(found.stdout, /6 certain/);
      await done("find-uses", "src", "--write");
      for (const [path, text] of Object.entries(CHANGED)) assertEquals(await read(path), text);
      await commit();
      assertMatch(await done("find-uses", "src", "--check"), /^✓ No uses of 32 names/);
      const sql = (await read("src/report.sql")).split("\n")[1];
      await db.sql.unsafe(sql);

      // One is taken back with its source, and renamed again.
      assertMatch(await done("rollback-rename", "orders"), /✓ Rolled back/);
      await done("find-uses", "src", "--to-old", "--table", "orders", "--write");
      assertStringIncludes(await read("src/report.sql"), "from orders o join shop_order_lines l");
      await commit();
      const back = await done("status");
      assertMatch(back, /^Status {2}32 tables: 31 active, 1 not begun/);
      assertStringIncludes(back, "rename-table --phase shop\n");
      assertMatch(await done("rename-table", "--phase", "shop"), /✓ Renamed/);
      await done("find-uses", "src", "--write");
      assertEquals(await read("src/report.sql"), CHANGED["src/report.sql"]);

      // It is too early for the usual week; with two days of quiet, only the name in use is left.
      assertMatch(await done("finalize-rename", "--ready", "--yes"), /0 of 32/);
      await age(db, 3);
      await db.sql.unsafe("select * from experts; select pg_stat_force_next_flush()").simple();
      const two = ["--quiet-for-days", "2"];
      const some = await done("status", ...two);
      assertMatch(some, /^Status {2}32 tables: 32 active/);
      assertStringIncludes(some, "finalize-rename --ready --phase documents\n");
      assertMatch(await done("finalize-rename", "--ready", ...two, "--yes"), /Finalized/);
      const left = await done("status", ...two);
      assertMatch(left, /^Status {2}32 tables: 31 finalized, 1 active/);
      assertMatch(left, /experts +expert_profiles/);
      assertEquals((await relations(db)).views, ["public.experts"]);
      const refused = await command("finalize-rename", "experts", ...two, "--yes");
      assertEquals(refused.code, 5);
      assertStringIncludes(refused.stderr, "old_name_in_use (409)");

      await age(db, 3);
      assertMatch(await done("finalize-rename", "--ready", ...two, "--yes"), /✓ Finalized/);
      assertEquals(await relations(db), { tables: all(newName), views: [] });
      const end = await done("status");
      assertMatch(end, /^Status {2}32 tables: 32 finalized/);
      assert(!end.includes("npm run cli"), end);
      assertStringIncludes(await done("rename-table", "--phase", "people"), "Nothing to do");
      const rows = await db.sql`
      select status, count(*)::int from sys_table_migrations group by 1 order by 1`;
      assertEquals(rows.map(({ status, count }) => [status, count]), [
        ["finalized", 32],
        ["rolled_back", 1],
      ]);
      assertEquals(
        (await db.sql`select name from expert_profiles order by 1`).map(({ name }) => name),
        [
          "Ada",
          "Grace",
        ],
      );
    });
  },
);
