/**
 * What people see most often, as files in tests/golden: 80 columns, without colours. Each file is a command, what it
 * shows, and its exit code. With UPDATE_GOLDEN=1 the files are written; read them before they are committed.
 */
import { assertEquals, assertLess } from "@std/assert";
import { commandLine } from "../../../shared/cli/arguments/command_line.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { runMain, type Screen, withEndpoints } from "../../support/programs/cli.ts";
import { age } from "../../support/finalize.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { ROOT_FOLDER } from "../../support/documents/module_graph.ts";

const FOLDER = `${ROOT_FOLDER}/tests/golden`;

/** Numbers that are different each time are replaced before the command gets the answer, so that it breaks lines alike. */
const steady = (answer: string) =>
  answer
    .replaceAll(/"held_ms":[\d.]+/g, '"held_ms":1.9')
    .replaceAll(/"waited_ms":[\d.]+/g, '"waited_ms":0.4')
    .replaceAll(/within [\d.]+ ms/g, "within 51.2 ms")
    .replaceAll(/all the time, [\d.]+ ms/g, "all the time, 51.2 ms")
    .replaceAll(/"attempts":\d+/g, '"attempts":1')
    .replaceAll(/"pid":\d+/g, '"pid":4242')
    .replaceAll(/"age_ms":[\d.]+/g, '"age_ms":62000')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)/g, (_, seconds) =>
      seconds === undefined ? "2026-01-02T03:04Z" : "2026-01-02T03:04:05Z");

const steadyIds = (shown: string) =>
  shown
    .replaceAll(
      /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g,
      "6f0b9c1e-2f6e-4a53-9d2c-1d1f6f3c7a10",
    )
    .replaceAll(/sha256:[0-9a-f]{64}/g, `sha256:${"0123456789abcdef".repeat(4)}`)
    .replaceAll(/127\.0\.0\.1:\d{4,5}/g, "127.0.0.1:54321")
    .replaceAll(/http:\/\/0\.0\.0\.0:\d{4,5}/g, "https://abcd.supabase.co");

/** Runs the command, and compares what is shown with the file of that name. */
type Golden = (
  name: string,
  args: string[],
  screen?: Screen & { env?: Record<string, string> },
) => Promise<void>;

async function withGolden(
  db: TestDatabase,
  folder: string,
  work: (golden: Golden, url: string) => Promise<void>,
): Promise<void> {
  await using functions = functionsFor(db.url);
  const different: string[] = [];
  await withEndpoints(functions, async (connection) => {
    const base = { ...connection, INIT_CWD: folder, npm_lifecycle_event: "cli" };
    await work(async (name, args, { env, ...screen } = {}) => {
      const colors = Deno.env.get("SHOW_GOLDEN") !== undefined;
      const ended = await runMain(args, { ...base, ...env }, {
        width: 80,
        showLine: () => {},
        colors,
        ...screen,
      });
      const shown = steadyIds(`$ ${commandLine(args)}\n${ended.shown}exit code ${ended.code}\n`);
      if (colors) return console.log(shown);
      if (name === "plan_of_thirty") assertFitsScreen(ended.shown);
      const path = `${FOLDER}/${name}.txt`;
      if (Deno.env.get("UPDATE_GOLDEN")) return await Deno.writeTextFile(path, shown);
      if (shown === await Deno.readTextFile(path)) return;
      different.push(name);
      if (different.length === 1) assertEquals(shown, await Deno.readTextFile(path), name);
    }, connection.SUPABASE_URL);
  }, steady);
}

/** Lines as a terminal shows them, which breaks long ones. */
function assertFitsScreen(shown: string, { lines = 40, columns = 80 } = {}) {
  const taken = shown.trimEnd().split("\n").reduce(
    (sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)),
    0,
  );
  // One line is the prompt's.
  assertLess(taken, lines);
}

/** Where nobody listens. */
function closedUrl(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `http://127.0.0.1:${listener.addr.port}`;
}

const STRIPE =
  `active_entitlements charges checkout_sessions checkout_session_line_items coupons credit_notes
  customers disputes early_fraud_warnings features invoices payment_intents payment_methods payouts plans prices
  products refunds reviews setup_intents subscription_items subscription_schedules subscriptions tax_ids
  transfers balances events sources orders webhooks`.split(/\s+/);

databaseTest(
  "renames are shown as the golden files have them",
  { versions: [17] },
  async ({ db }) => {
    await db.sql.unsafe(`
    create table experts (id int primary key, name text);
    create table teams (id int primary key, expert_id int references experts (id));
    create table live (id int primary key);
    create schema shop;
    create table shop.goods (id int primary key);
    alter publication supabase_realtime add table live;
    create function names() returns setof text language plpgsql as 'begin return query select name from experts; end';
    ${STRIPE.map((name) => `create table ${name} (id int primary key);`).join("")}`).simple();
    const list = await Deno.makeTempDir();
    const file = `${list}/renames.csv`;
    await Deno.writeTextFile(file, STRIPE.map((name) => `${name},billing_${name}\n`).join(""));
    await Deno.writeTextFile(
      `${list}/faults.csv`,
      "from;to\nteams\nexprets;people\nteams;a.b.c;d;e\n",
    );
    await Deno.writeTextFile(`${list}/unknown.csv`, "from,to\nexprets,people\nteams,live\n");
    try {
      await withGolden(db, list, async (golden, url) => {
        const rename = ["rename-table", "experts", "expert_profiles"];
        await golden("plan", [...rename, "--plan"]);
        await golden("plan_sql", [...rename, "--plan", "--sql"]);
        await golden("rename", rename);
        await golden("already_renamed", rename);
        await golden("breaking_plan", ["rename-table", "live", "stream", "--plan"]);
        await golden("breaking", ["rename-table", "live", "stream"]);
        await golden("typing_error", ["rename-table", "team", "crews"]);
        await golden("schema_in_old_name", ["rename-table", "shop.good", "shop.products"]);
        await golden("schema_in_new_name", ["rename-table", "teams", "shop.crews"]);
        await golden("name_with_capitals", ["rename-table", "teams", "Crews", "--plan"]);
        await golden("plan_of_thirty", ["rename-table", "--from-file", "renames.csv", "--plan"]);
        await golden("rename_of_thirty", ["rename-table", "--from-file", "renames.csv"]);
        await golden("faults_of_a_file", ["rename-table", "--from-file", "faults.csv"]);
        await golden("names_not_there", ["rename-table", "--from-file", "unknown.csv"]);
        await golden("list", ["list-migrations", "--table", "experts", "--include", "drift,usage"]);
        await golden("finalize_plan", ["finalize-rename", "experts", "--plan"]);
        await golden("finalize_refused", ["finalize-rename", "experts", "--yes"]);
        await golden("analyze", ["analyze-table", "experts"]);
        await golden("verify", ["test-view-compatibility", "experts"]);
        await golden("rollback_plan", ["rollback-rename", "experts", "--plan"]);
        await golden("rollback", ["rollback-rename", "experts"]);
        await golden("nobody_to_ask", ["finalize-rename", "charges"]);
        const elsewhere = { SUPABASE_URL: url.replace("127.0.0.1", "0.0.0.0") };
        await golden("asked_elsewhere", rename, { typed: "n", env: elsewhere });
        await golden("finalize_too_early", ["finalize-rename", "charges", "--plan"]);
        await age(db, 9);
        await golden("finalize", ["finalize-rename", "charges"], { typed: "y" });
        await golden("finalize_ready", ["finalize-rename", "--ready"], { typed: "y" });
        await db.sql`alter table teams rename to crews`;
        await db.sql.begin(async (reader) => {
          // Nobody queues behind a transaction that is older than 50 ms.
          await reader`select pg_sleep(0.1)`;
          await reader`select count(*) from crews`;
          const impatient = ["--max-wait", "0", "--lock-timeout", "50"];
          await golden("locked", ["rename-table", "crews", "teams", ...impatient]);
        });
        await golden("nothing_there", ["list-migrations"], { env: { SUPABASE_URL: closedUrl() } });
      });
    } finally {
      await Deno.remove(list, { recursive: true });
    }
  },
);
