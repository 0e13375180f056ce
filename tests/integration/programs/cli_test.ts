import {
  assertEquals,
  assertGreater,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { createRenameClient } from "../../../shared/client/client.ts";
import type { Blocker } from "../../../shared/contract/responses.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { type Ended, run, runCli, runMain, withEndpoints } from "../../support/programs/cli.ts";
import { age } from "../../support/finalize.ts";
import { quietly } from "../../support/quietly.ts";
import { lockWaiter, until } from "../../support/waiting.ts";
import { functionsFor, PUBLISHABLE_KEY, SECRET_KEY } from "../../support/http/functions.ts";

type Cli = (args: string[], env?: Record<string, string>) => Promise<Ended>;

/** Serves the functions on the test's database over HTTP, and runs commands against them. */
async function withCli(
  db: TestDatabase,
  work: (cli: Cli, env: Record<string, string>) => Promise<void>,
): Promise<void> {
  await using functions = functionsFor(db.url);
  await withEndpoints(functions, async (env) => {
    await work((args, more = {}) => runCli(args, { ...env, ...more }), env);
  });
}

/** The arguments of the command that is printed below a line that starts like this. */
function printedCommand(output: string, below: string): string[] {
  const [, command] = output.slice(output.indexOf(below)).split("\n");
  assertMatch(command, /^ {2}npm run cli -- /);
  return command.replace("  npm run cli -- ", "").split(" ");
}

async function kindOf(db: TestDatabase, name: string): Promise<string | undefined> {
  const [row] = await db.sql`select relkind from pg_class where relname = ${name}
    and relnamespace = 'public'::regnamespace`;
  return row?.relkind;
}

databaseTest(
  "a table is renamed, listed, and taken back with the command that was printed",
  async ({ db }) => {
    await db.sql`create table experts (id int primary key, name text default 'x')`;
    await withCli(db, async (cli) => {
      const renamed = await cli(["rename-table", "experts", "expert_profiles", "--actor", "ada"]);
      assertEquals(renamed.code, 0, renamed.stderr);
      assertStringIncludes(renamed.stdout, "✓ Renamed 1 table");
      assertMatch(renamed.stdout, /^ {2}experts → expert_profiles$/m);
      assertMatch(
        renamed.stdout,
        /kept waiting for [\d.]+ ms at most\. The verification passed\.$/m,
      );
      assertEquals(/alter table|[0-9a-f]{8}-[0-9a-f]{4}/.test(renamed.stdout), false);
      assertEquals([await kindOf(db, "expert_profiles"), await kindOf(db, "experts")], ["r", "v"]);

      const listed = await cli(["list-migrations", "--status", "active", "--verbose"]);
      assertEquals(listed.code, 0);
      assertMatch(
        listed.stdout,
        /active {2}public {2}experts +expert_profiles .* key:default ada\n/,
      );

      const back = await cli([
        ...printedCommand(renamed.stdout, "To roll it back:"),
        "--verbose",
      ]);
      assertEquals(back.code, 0, back.stderr);
      assertMatch(back.stdout, /^Locks {2}1 attempt, waited for [\d.]+ ms, held for [\d.]+ ms/m);
      assertMatch(back.stdout, /^do \$/m);
      assertStringIncludes(back.stdout, "✓ Rolled back the rename of 1 table");
      assertStringIncludes(back.stdout, "✓ tables are exactly as before the rename");
      assertEquals([await kindOf(db, "expert_profiles"), await kindOf(db, "experts")], [
        undefined,
        "r",
      ]);
      const none = await cli(["list-migrations", "--status", "active"]);
      assertEquals(none.stdout, "There are no such migrations.\n");
    });
  },
);

databaseTest(
  "a plan changes nothing, and the printed command applies exactly it",
  async ({ db }) => {
    await db.sql`create table experts (id int primary key)`;
    await withCli(db, async (cli) => {
      const plan = await cli(["rename-table", "experts", "expert_profiles", "--plan"]);
      assertEquals(plan.code, 0, plan.stderr);
      assertStringIncludes(plan.stdout, "Nothing was changed");
      assertEquals(await kindOf(db, "experts"), "r");

      const command = printedCommand(plan.stdout, "To apply exactly this plan:");
      await db.sql`alter table experts add column name text`;
      const changed = await cli(command);
      assertEquals([changed.code, changed.stdout], [5, ""]);
      assertStringIncludes(changed.stderr, "plan_changed (409)");
      await db.sql`alter table experts drop column name`;
      assertEquals((await cli(command)).code, 0);
      assertEquals(await kindOf(db, "expert_profiles"), "r");

      const back = await cli(["rollback-rename", "experts", "--plan", "--sql"]);
      assertMatch(back.stdout, /^drop view /m);
      assertEquals(back.stdout.includes("do $"), false);
      assertEquals((await cli(printedCommand(back.stdout, "To apply exactly this plan:"))).code, 0);
      assertEquals(await kindOf(db, "experts"), "r");
    });
  },
);

databaseTest("a refusal says why and how to go on, and changes nothing", async ({ db }) => {
  await db.sql`create table live (id int primary key)`;
  await db.sql`alter publication supabase_realtime add table live`;
  await withCli(db, async (cli) => {
    const refused = await cli(["rename-table", "live", "live2"]);
    assertEquals([refused.code, refused.stdout], [5, ""]);
    assertMatch(refused.stderr, /^Code {3}breaking_findings \(409\)$/m);
    assertStringIncludes(refused.stderr, 'breaking  realtime_publication  "public"."live"');
    assertEquals(printedCommand(refused.stderr, "To accept that and go on:"), [
      ...["rename-table", "--acknowledge", "realtime_publication", "live", "live2"],
    ]);
    assertEquals(await kindOf(db, "live"), "r");

    const accepted = await cli([
      "rename-table",
      "live",
      "live2",
      "--acknowledge",
      "realtime_publication",
    ]);
    assertEquals(accepted.code, 0, accepted.stderr);
    await db.sql`create table on_top (whole live)`;
    const stuck = await cli(["rollback-rename", "live2"]);
    assertEquals(stuck.code, 5);
    assertMatch(stuck.stderr, / {2}KIND.*OBJECT.*\n {2}.*on_top/);

    assertEquals((await cli(["rename-table", "nothing", "b"])).code, 4);
    assertEquals((await cli(["rename-table", "users", "b", "--schema", "auth"])).code, 3);
    assertEquals(
      (await cli(["list-migrations"], { SUPABASE_SECRET_KEY: PUBLISHABLE_KEY })).code,
      3,
    );
  });
});

databaseTest("who holds the locks is shown when they cannot be acquired", async ({ db }) => {
  await db.sql`create table experts (id int primary key)`;
  const reader = db.connect({ connection: { application_name: "nightly report" } });
  await withCli(db, async (cli) => {
    await reader.begin(async (tx) => {
      await tx`select count(*) from experts`;
      const ended = await cli([
        "rename-table",
        "experts",
        "b",
        "--max-wait",
        "0",
        "--lock-timeout",
        "50",
      ]);
      assertEquals(ended.code, 6, ended.stderr);
      assertMatch(ended.stderr, /nightly report {2}idle in transaction {2}.* {2}select count/);
    });
  });
});

/** Runs `work` while a report reads the table; it goes on reading until `end` is called. */
async function whileReading(
  db: TestDatabase,
  table: string,
  work: (reader: { pid: number; end: () => void }) => Promise<void>,
): Promise<void> {
  const client = db.connect({ connection: { application_name: "nightly report" } });
  const ending = Promise.withResolvers<void>();
  let worked: Promise<void>;
  await client.begin(async (tx) => {
    const [{ pid }] = await tx`select pg_backend_pid() as pid, count(*) from ${tx(table)}`;
    worked = work({ pid, end: ending.resolve }).finally(ending.resolve);
    await ending.promise;
  });
  await worked!;
}

databaseTest("while a long reader is in the way, a line names it", async ({ db }) => {
  await db.sql`create table experts (id int primary key)`;
  await withCli(db, async (cli, env) => {
    const name = (pid: number) =>
      new RegExp(
        `^Waiting for locks, [\\d.]+ s, blocked by pid ${pid} ` +
          `\\(postgres, nightly report\\) for [\\d.]+ s: select pg_backend_pid\\(\\) as pid, count`,
        "m",
      );
    await whileReading(db, "experts", async ({ pid, end }) => {
      const running = cli(["rename-table", "experts", "expert_profiles", "--lock-timeout", "100"]);
      // The program has to start first, and the lines come every second.
      await lockWaiter(db.sql, "AccessExclusiveLock");
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      end();
      const { code, stdout, stderr } = await running;
      assertEquals(code, 0, stderr);
      assertMatch(stderr, name(pid));
      assertMatch(stdout, /^✓ Renamed 1 table/);
    });
    await whileReading(db, "experts", async ({ pid, end }) => {
      const lines: string[] = [];
      const { code, stderr } = await runMain(["rollback-rename", "experts"], env, {
        showLine: (line) => {
          lines.push(line);
          if (name(pid).test(line)) end();
        },
      });
      assertEquals([code, stderr], [0, ""]);
      assertEquals(lines.some((line) => name(pid).test(line)), true, lines.join("\n"));
      assertEquals(lines.at(-1), "");
    });
  });
});

databaseTest("who gives a waiting rename up changes nothing", async ({ db }) => {
  await db.sql`create table experts (id int primary key)`;
  await withCli(db, async (_, env) => {
    await quietly(() =>
      whileReading(db, "experts", async ({ pid }) => {
        const client = createRenameClient({ url: env.SUPABASE_URL, key: SECRET_KEY });
        const controller = new AbortController();
        const blockers: Blocker[] = [];
        await assertRejects(
          () =>
            client.rename({ old_name: "experts", new_name: "expert_profiles" }, {
              onProgress: (progress) => {
                blockers.push(...progress.blockers ?? []);
                if (blockers.length > 1) controller.abort(new Error("given up"));
              },
              signal: controller.signal,
            }),
          Error,
          "given up",
        );
        assertEquals(blockers[0].pid, pid);
        assertGreater(blockers[0].age_ms!, 0);
        // What was under way ends, and then the failure is recorded.
        const outcome = async () =>
          (await db.sql`select problem_code from table_rename.sys_table_migration_events`)[0];
        for (let look = 0; look < 250 && await outcome() === undefined; look++) {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        assertEquals(await outcome(), { problem_code: "deadline_exceeded" });
      })
    );
    assertEquals([await kindOf(db, "experts"), await kindOf(db, "expert_profiles")], [
      "r",
      undefined,
    ]);
  });
});

databaseTest("with --json the answer is all there is on standard output", async ({ db }) => {
  await db.sql`create table experts (id int primary key)`;
  await withCli(db, async (cli) => {
    const json = async (args: string[], code = 0) => {
      const ended = await cli([...args, "--json"]);
      assertEquals([ended.code, ended.stderr], [code, ""]);
      return JSON.parse(ended.stdout);
    };
    const plan = await json(["rename-table", "experts", "b", "--plan"]);
    const renamed = await json(["rename-table", "experts", "b"]);
    assertEquals(renamed.plan_hash, plan.plan_hash);
    assertEquals(renamed.statements, plan.statements);
    assertEquals((await json(["list-migrations"])).migrations, renamed.migrations);
    assertEquals((await json(["rename-table", "experts", "b"], 5)).code, "already_renamed");
    const [{ id }] = renamed.migrations;
    const back = await json(["rollback-rename", "--migration-id", id]);
    assertEquals(back.migrations[0].status, "rolled_back");
  });
});

databaseTest("a file's tables are renamed all or none, and taken back together", async ({ db }) => {
  await db.sql`create schema "Shop.EU"`;
  await db.sql`create table "a b" ()`;
  await db.sql`create table "Shop.EU"."x,y" ()`;
  const dir = await Deno.makeTempDir({ prefix: "renames-" });
  try {
    await withCli(db, async (cli) => {
      const csv = `${dir}/renames.csv`;
      await Deno.writeTextFile(
        csv,
        'old_name,new_name,schema\na b,"c ""d""\n"\n"x,y",z,Shop.EU\nno,n,\n',
      );
      const refused = await cli(["rename-table", "--from-file", csv]);
      assertEquals(refused.code, 4);
      assertEquals(await kindOf(db, "a b"), "r");

      await Deno.writeTextFile(csv, 'old_name,new_name,schema\na b,"c ""d""\n"\n"x,y",z,Shop.EU\n');
      const renamed = await cli(["rename-table", "--from-file", csv]);
      assertEquals(renamed.code, 0, renamed.stderr);
      assertMatch(renamed.stdout, /^ {2}a b {9}→ c "d"\\n$/m);
      assertMatch(renamed.stdout, /^ {2}Shop\.EU\.x,y → z$/m);
      assertEquals(await kindOf(db, 'c "d"\n'), "r");
      const back = await cli(printedCommand(renamed.stdout, "To roll it back:"));
      assertStringIncludes(back.stdout, "✓ Rolled back the rename of 2 tables");

      const same = `${dir}/same.json`;
      await Deno.writeTextFile(same, '{\n"a b": "c",\n"d": "d"\n}');
      const invalid = await cli(["rename-table", "--from-file", same]);
      assertEquals(invalid.code, 2);
      assertStringIncludes(invalid.stderr, `${same}, line 3, new name\n`);
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

databaseTest("npm run cli works from any folder, and passes the exit code on", async ({ db }) => {
  await db.sql`create table experts ()`;
  const dir = await Deno.makeTempDir({ prefix: "renames-" });
  const root = new URL("../../../", import.meta.url).pathname;
  try {
    await Deno.writeTextFile(`${dir}/renames.json`, '{"experts": "expert_profiles"}');
    await withCli(db, async (_, env) => {
      const npm = (...args: string[]) =>
        run("npm", ["--prefix", root, "run", "--silent", "cli", "--", ...args], { env, cwd: dir });
      const renamed = await npm("rename-table", "--from-file", "renames.json", "--json");
      assertEquals(renamed.code, 0, renamed.stderr);
      assertEquals(JSON.parse(renamed.stdout).migrations.length, 1);
      assertEquals((await npm("rollback-rename", "nothing")).code, 4);
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

databaseTest(
  "a rename is proposed, applied with the command that was printed, and another is withdrawn",
  async ({ db }) => {
    await db.sql`create table experts (id int primary key)`;
    await withCli(db, async (cli) => {
      const proposed = await cli(["rename-table", "experts", "expert_profiles", "--propose"]);
      assertEquals(proposed.code, 0, proposed.stderr);
      assertStringIncludes(proposed.stdout, "Proposed  rename of 1 table");
      assertEquals(await kindOf(db, "experts"), "r");
      const applied = await cli(printedCommand(proposed.stdout, "To apply it"));
      assertEquals(applied.code, 0, applied.stderr);
      assertStringIncludes(applied.stdout, "✓ Renamed 1 table");
      assertEquals(await kindOf(db, "experts"), "v");
      await cli(printedCommand(applied.stdout, "To roll it back"));

      const again = await cli(["rename-table", "experts", "expert_profiles", "--propose"]);
      const withdrawn = await cli(printedCommand(again.stdout, "To withdraw it"));
      assertEquals(withdrawn.code, 0, withdrawn.stderr);
      const applyLate = await cli(printedCommand(again.stdout, "To apply it"));
      assertStringIncludes(applyLate.stderr, "not_active");
    });
  },
);

databaseTest(
  "a name that is not there is answered with the corrected call, and a plan that would be refused with 5",
  async ({ db }) => {
    await db.sql.unsafe(`
      create schema shop; create table shop.customers (id int); create table experts (id int);
      create function cleared() returns void language plpgsql as 'begin truncate experts; end';`)
      .simple();
    await withCli(db, async (cli) => {
      const unknown = await cli(["rename-table", "public.exprets", "public.people", "--plan"]);
      assertEquals(unknown.code, 4);
      assertEquals(printedCommand(unknown.stderr, "Perhaps you meant:"), [
        ...["rename-table", "public.experts", "public.people", "--plan"],
      ]);
      const elsewhere = await cli(["analyze-table", "custmers"]);
      assertEquals(printedCommand(elsewhere.stderr, "Perhaps you meant:"), [
        ...["analyze-table", "--schema", "shop", "customers"],
      ]);
      const plan = await cli(["rename-table", "experts", "people", "--plan"]);
      assertEquals(plan.code, 5);
      assertStringIncludes(plan.stdout, "It would be refused, since something would break: 1");
      const json = await cli(["rename-table", "experts", "people", "--plan", "--json"]);
      assertEquals([json.code, JSON.parse(json.stdout).would_be_refused.code], [
        ...[5, "breaking_findings"],
      ]);
      const accepted = ["--plan", "--acknowledge", "truncate"];
      assertEquals((await cli(["rename-table", "experts", "people", ...accepted])).code, 0);
    });
  },
);

databaseTest("all faults of a file are reported at once, with their lines", async ({ db }) => {
  await db.sql.unsafe("create table experts (id int); create table teams (id int)").simple();
  const dir = await Deno.makeTempDir({ prefix: "renames-" });
  const file = `${dir}/renames.csv`;
  const linesOf = (text: string) =>
    [...text.matchAll(/renames\.csv, line (\d+)/g)].map(([, line]) => Number(line));
  try {
    await withCli(db, async (cli) => {
      const errorsOf = async (text: string, code: number) => {
        await Deno.writeTextFile(file, text);
        const ended = await cli(["rename-table", "--from-file", file]);
        assertEquals([ended.code, ended.stdout], [code, ""], ended.stderr);
        return ended.stderr;
      };
      // Faults of the file, of names, and of what the database has.
      const all = await errorsOf(`exprets,a\nteams\nexperts,${"x".repeat(64)}\nteams,experts\n`, 2);
      assertEquals(linesOf(all), [1, 2, 3, 4], all);
      assertStringIncludes(all, 'Did you mean "public"."experts"?');
      const names = await errorsOf(`exprets,a\nexperts,${"x".repeat(64)}\nteams,experts2\n`, 2);
      assertEquals(linesOf(names), [1, 2], names);
      const database = await errorsOf("exprets,a\nteams,b\nteems,c\n", 4);
      assertEquals(linesOf(database), [1, 3], database);
    });
    assertEquals([await kindOf(db, "experts"), await kindOf(db, "teams")], ["r", "r"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

databaseTest(
  "a migration is meant by a name, with its schema or without, wherever an id is asked for",
  async ({ db }) => {
    await db.sql.unsafe(`
      create schema shop;
      create table experts (id int primary key);
      create table shop.goods (id int primary key);
      create table shop."a.b" (id int primary key);`).simple();
    await using functions = functionsFor(db.url);
    await withEndpoints(functions, async (env) => {
      const done = async (...args: string[]) => {
        const { code, stderr } = await runMain(args, env);
        assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
      };
      await done("rename-table", "experts", "expert_profiles");
      await done("analyze-table", "shop.goods", "experts");
      await done("rename-table", "shop.goods", "shop.products");
      await done("list-migrations", "--table", "shop.goods,public.experts");
      await done("rename-table", "a.b", "c.d", "--schema", "shop");
      await done("refresh-view", "experts");
      await done("refresh-view", "public.expert_profiles", "--plan");
      await done("refresh-view", "shop.products");
      await done("refresh-view", "a.b", "--schema", "shop");
      await done("test-view-compatibility", "shop.goods", "--check", "reads");
      await done("rollback-rename", "--migration-id", "shop.products", "--plan");
      await done("rollback-rename", "shop.goods");
      await done("rollback-rename", "--batch-id", "shop.a.b");
      await done("finalize-rename", "public.experts", "--quiet-for-days", "0", "--yes");
      const unknown = await runMain(["rollback-rename", "--batch-id", "experts"], env);
      assertEquals([unknown.code, unknown.stdout], [2, ""]);
      assertStringIncludes(
        unknown.stderr,
        "no batch that is proposed or active has a table experts",
      );
      const gone = await runMain(["refresh-view", "shop.goods"], env);
      assertEquals(gone.code, 4);
    });
    const statuses = await db.sql`
      select old_name, status from sys_table_migrations order by old_name`;
    assertEquals(statuses.map(({ old_name, status }) => [old_name, status]), [
      ...[["a.b", "rolled_back"], ["experts", "finalized"], ["goods", "rolled_back"]],
    ]);
  },
);

databaseTest("what is ready is finalized, and nothing else", async ({ db }) => {
  await db.sql.unsafe(`
    create table a (id int); create table b (id int); create table c (id int);
    create table d (id int);`).simple();
  await using functions = functionsFor(db.url);
  for (const name of ["a", "b", "c"]) {
    await functions.rename({ old_name: name, new_name: `${name}2` });
  }
  await age(db, 8);
  await functions.rename({ old_name: "d", new_name: "d2" });
  await db.sql`create function uses_b() returns bigint language plpgsql
    as 'begin return (select count(*) from b); end'`;
  const activeNames = async () =>
    (await functions.list({ status: "active" })).migrations.map(({ old_name }) => old_name).sort();
  await withEndpoints(functions, async (env) => {
    const ready = ["finalize-rename", "--ready"];
    const nobody = await runMain(ready, env);
    assertEquals([nobody.code, nobody.stdout], [2, ""]);
    const plan = await runMain([...ready, "--plan"], env);
    assertEquals(plan.code, 0, plan.stderr);
    assertMatch(plan.stdout, /^Ready {2}2 of 4 active renames/);
    assertMatch(plan.stdout, /not ready {2}b\n.*uses_b/);
    assertMatch(plan.stdout, /not ready {2}d\n.*and 7 days are asked for/);
    assertEquals((await runMain(ready, env, { typed: "n" })).code, 1);
    assertEquals(await activeNames(), ["a", "b", "c", "d"]);

    const done = await runMain(ready, env, { typed: "yes" });
    assertEquals(done.code, 0, done.stderr);
    assertStringIncludes(done.stdout, "✓ Finalized the rename of 2 tables");
    assertEquals(await activeNames(), ["b", "d"]);
    const none = await runMain([...ready, "--yes", "--json"], env);
    assertEquals([none.code, JSON.parse(none.stdout).ready], [0, []]);
    const both = await runMain([...ready, "b"], env);
    assertEquals(both.code, 2);
  });
});

databaseTest("Ctrl-C says what has happened and what has not", async ({ db }) => {
  await db.sql`create table experts (id int primary key)`;
  await withCli(db, async (_, env) => {
    await quietly(() =>
      whileReading(db, "experts", async () => {
        const script = new URL("../../../shared/cli/main.ts", import.meta.url).pathname;
        const child = new Deno.Command(Deno.execPath(), {
          args: ["run", "-A", script, "rename-table", "experts", "expert_profiles"],
          env,
          stdin: "null",
          stdout: "piped",
          stderr: "piped",
        }).spawn();
        await lockWaiter(db.sql, "AccessExclusiveLock");
        child.kill("SIGINT");
        const { code, stdout, stderr } = await child.output();
        const text = new TextDecoder();
        assertEquals([code, text.decode(stdout)], [130, ""], text.decode(stderr));
        assertMatch(
          text.decode(stderr),
          /^Interrupted (while it tried|before the tables were locked).*The functions give it up/m,
        );
        assertMatch(text.decode(stderr), /\n {2}npm run cli -- list-migrations --limit 5\n$/);
        // The reader stays until the functions have noticed.
        await until("the request is given up", async () => {
          const events = await db.sql`select from table_rename.sys_table_migration_events`;
          return events.length > 0;
        });
      })
    );
    assertEquals(await kindOf(db, "experts"), "r");
  });
});
