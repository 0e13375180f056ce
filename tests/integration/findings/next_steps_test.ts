/** The next step that a refusal shows, as it stands there, does what it says. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { runMain, withEndpoints } from "../../support/programs/cli.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";

type Cli = (line: string) => Promise<{ code: number; shown: string }>;

async function withCli(db: TestDatabase, work: (cli: Cli) => Promise<void>): Promise<void> {
  await using functions = functionsFor(db.url);
  await withEndpoints(functions, async (env) => {
    await work((line) => runMain(line.split(" "), env, { width: 100 }));
  });
}

/** Runs a command that is refused, and then what it shows below these words. */
async function pasted(cli: Cli, line: string, words: string): Promise<string> {
  const { code, shown } = await cli(line);
  assert(code !== 0, shown);
  const next = stepIn(shown, words);
  const [program, command] = next.split("npm run cli -- ");
  assertEquals(program, "", shown);
  const done = await cli(command);
  assertEquals(done.code, 0, done.shown);
  return command;
}

function stepIn(shown: string, words: string): string {
  const lines = shown.split("\n");
  const at = lines.findIndex((one) => one === `${words}:`);
  assert(at >= 0, shown);
  return lines[at + 1].trim();
}

databaseTest(
  "a name that an active rename holds is given back by the command shown",
  async ({ db }) => {
    await db.sql.unsafe(`create schema shop; create table experts (id int);
    create table shop.experts (id int); create table lost (id int)`).simple();
    await withCli(db, async (cli) => {
      const words = "To take that rename back";
      await cli("rename-table experts people");
      assertEquals(
        await pasted(cli, "rename-table experts folk", words),
        "rollback-rename experts",
      );
      await cli("rename-table experts people --schema shop");
      assertEquals(
        await pasted(cli, "rename-table experts people --schema shop", words),
        "rollback-rename --schema shop experts",
      );
      await cli("rename-table lost found");
      await db.sql`drop table found cascade`;
      assertEquals(
        await pasted(cli, "rename-table lost gone", "To close the record"),
        "rollback-rename --acknowledge table_missing lost",
      );
      const open = await db.sql`select from sys_table_migrations where status = 'active'`;
      assertEquals(open.length, 0);
    });
  },
);

databaseTest(
  "a proposal in the way, and one whose table has changed, are withdrawn by the command shown",
  async ({ db }) => {
    await db.sql`create table experts (id int)`;
    await withCli(db, async (cli) => {
      const words = "To withdraw the proposal";
      await cli("rename-table experts people --propose");
      await pasted(cli, "rename-table experts folk", words);
      await cli("rename-table experts people --propose");
      await db.sql`alter table experts add column name text`;
      await pasted(cli, "rename-table --batch-id experts", words);
      const states = await db.sql`select status from sys_table_migrations`;
      assertEquals(states.map(({ status }) => status), ["rolled_back", "rolled_back"]);

      // Of another plan than the expected one, the present one is shown.
      const expected = `--expected-plan-hash sha256:${"0".repeat(64)}`;
      await pasted(
        cli,
        `rename-table experts people ${expected}`,
        "To apply the plan as it is now",
      );
    });
  },
);

databaseTest(
  "a transaction that is idle and holds locks is ended by the statement shown",
  async ({ db }) => {
    await db.sql`create table experts (id int)`;
    const idle = db.connect({ max: 1 });
    const over = Promise.withResolvers<void>();
    const held = idle.begin(async (tx) => {
      await tx`select * from experts`;
      await over.promise;
    }).catch((error) => error);
    await withCli(db, async (cli) => {
      while (
        (await db.sql`select from pg_locks where relation = 'experts'::regclass`).length === 0
      );
      const line = "rename-table experts people --max-wait 0 --lock-timeout 50";
      const { code, shown } = await cli(line);
      assertEquals(code, 6, shown);
      const words = "To end the transactions that are idle, with their sessions, in the SQL editor";
      await db.sql.unsafe(stepIn(shown, words));
      assertEquals((await cli(line)).code, 0);
    });
    await idle.end({ timeout: 0 });
    void held;
  },
);

databaseTest(
  "SQL in findings has the names of this database, quoted, and can be run",
  async ({ db }) => {
    await db.sql.unsafe(
      `create schema "Odd"; create table "Odd"."Old one" (id int primary key, a int, secret int);
    alter table "Odd"."Old one" enable row level security;
    grant usage on schema "Odd" to authenticated;
    grant select (id, a) on "Odd"."Old one" to authenticated`,
    ).simple();
    await using functions = functionsFor(db.url);
    const move = { schema: "Odd", old_name: "Old one", new_name: "new" };
    const { findings } = await functions.rename({ ...move, mode: "plan" });
    const remedy = findings.find(({ code }) => code === "column_grants")!.remedy;
    const [statement] = /grant select on .*? to [^.]*(?=\. Or)/.exec(remedy)!;
    await db.sql.unsafe(statement);
    const after = await functions.rename({ ...move, mode: "plan" });
    assertEquals(after.findings.filter(({ severity }) => severity === "breaking"), []);

    const { migrations: [{ id }] } = await functions.rename(move);
    await db.sql`alter table "Odd".new rename to "Another"`;
    const problem = await functions.refused("drifted", "rollback", { migration_id: id });
    assertStringIncludes(problem.hint!, `alter table "Odd"."Another" rename to "new"`);
    await db.sql.unsafe(problem.hint!.replace(/^.*?: |\.$/g, ""));
    await functions.rollback({ migration_id: id });
  },
);
