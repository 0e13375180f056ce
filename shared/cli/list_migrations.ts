/** `list-migrations`: the tracked renames, newest first. */
import { type Command, Option } from "commander";
import type { RenameClient } from "../client/client.ts";
import type { ListMigrationsInput } from "../contract/requests.ts";
import { type ListMigrationsAnswer, migration } from "../contract/responses.ts";
import { CONNECTION_HELP } from "./connection.ts";
import { type CommandContext, printJson, runCommand } from "./context.ts";
import { EXIT, EXIT_CODES_HELP } from "./exit_codes.ts";
import { wholeNumber } from "./options.ts";
import { describeList } from "./show_migrations.ts";

interface ListMigrationsOptions {
  status?: ListMigrationsInput["status"];
  schema?: string;
  table?: string;
  batchId?: string;
  limit?: number;
  cursor?: string;
  include?: string;
  all?: true;
  verbose?: true;
  json?: true;
}

/** The endpoint's largest page, for --all. */
const LARGEST_PAGE = 200;

const EXAMPLES = `Examples:
  npm run cli -- list-migrations --status active
  npm run cli -- list-migrations --status active --include drift,usage
  npm run cli -- list-migrations --table experts --verbose
  npm run --silent cli -- list-migrations --all --json > migrations.json`;

export function addListMigrations(program: Command, context: CommandContext): void {
  program.command("list-migrations")
    .summary("list the tracked renames, newest first")
    .description("Lists the tracked renames, newest first.")
    .addOption(new Option("--status <status>").choices(migration.shape.status.options))
    .option("--schema <name>", "only tables of this schema")
    .option("--table <name>", "only the table with this old or new name")
    .option("--batch-id <id>", "only the renames of one request")
    .option("--limit <n>", "how many, 1 to 200, or 1000 with --include (50)", wholeNumber)
    .option("--cursor <cursor>", "the page that the page before names")
    .option(
      "--include <what>",
      "drift: where the database no longer agrees with the record; usage: who uses the old names; " +
        "notifications: who was told, and what did not reach them",
    )
    .option("--all", "all pages; --limit is the size of each then")
    .option("--verbose", "batch, actor and notes, too")
    .option("--json", "print the answer, or the problem document, as JSON")
    .addHelpText("after", `\n${[EXAMPLES, EXIT_CODES_HELP, CONNECTION_HELP].join("\n\n")}`)
    .action((options) => listMigrations(context, options));
}

async function listMigrations(
  context: CommandContext,
  options: ListMigrationsOptions,
): Promise<void> {
  const { terminal, args } = context;
  const { status, schema, table, batchId, limit, cursor, include, all, json, verbose = false } =
    options;
  const query = { status, schema, table, batch_id: batchId, limit, cursor, include };
  await runCommand(context, { json }, async ({ client }) => {
    const answer = all ? await allPages(client, query) : await client.listMigrations(query);
    if (json) printJson(terminal, answer);
    else terminal.out.write(describeList(answer, { ...terminal.out, args, verbose }));
    return EXIT.done;
  });
}

async function allPages(
  client: RenameClient,
  query: ListMigrationsInput,
): Promise<ListMigrationsAnswer> {
  const migrations: ListMigrationsAnswer["migrations"] = [];
  let cursor = query.cursor;
  for (;;) {
    const page = await client.listMigrations({
      ...query,
      limit: query.limit ?? LARGEST_PAGE,
      cursor,
    });
    migrations.push(...page.migrations);
    if (page.next_cursor === null) return { ...page, migrations };
    cursor = page.next_cursor;
  }
}
