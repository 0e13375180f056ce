/** `list-migrations`: the tracked renames, newest first. */
import { type Command, Option } from "commander";
import type { RenameClient } from "../../client/client.ts";
import type { ListMigrationsInput } from "../../contract/requests.ts";
import { type ListMigrationsAnswer, migration } from "../../contract/responses.ts";
import { describeMigrations } from "../../report/migrations.ts";
import {
  commandLine,
  PROGRAM,
  SILENT_PROGRAM,
  withOption,
  withoutValue,
} from "../arguments/command_line.ts";
import { type CommandContext, printAnswer, runCommand } from "../context.ts";
import { EXIT } from "../exit_codes.ts";
import { addHelp } from "../arguments/help.ts";
import { inOptionWords } from "../arguments/option_words.ts";
import { list, wholeNumber } from "../arguments/options.ts";
import { readName, type WrittenName } from "../arguments/table_names.ts";

interface ListMigrationsOptions {
  dbUrl?: string;
  id?: string;
  status?: ListMigrationsInput["status"];
  schema?: string;
  table?: string[];
  batchId?: string;
  limit?: number;
  cursor?: string;
  include?: string;
  all?: true;
  verbose?: true;
  json?: true;
}

const LARGEST_PAGE = 200;

const EXAMPLES = `Examples:
  ${PROGRAM} list-migrations --status active
  ${PROGRAM} list-migrations --status active --include drift,usage
  ${PROGRAM} list-migrations --table experts --verbose
  ${SILENT_PROGRAM} list-migrations --all --json > migrations.json`;

export function addListMigrations(program: Command, context: CommandContext): void {
  const command = program.command("list-migrations")
    .description("Lists the tracked renames, newest first.")
    .option("--id <id>", "only this migration")
    .addOption(new Option("--status <status>").choices(migration.shape.status.options))
    .option("--schema <name>", "only tables of this schema")
    .option(
      "--table <names>",
      "only these tables, by old or new name, with schema or without; several with commas",
      list,
    )
    .option("--batch-id <id>", "only the renames of one request")
    .option("--limit <n>", "how many, 1 to 200, or 1000 with --include (50)", wholeNumber)
    .option("--cursor <cursor>", "the next page, as the page before it shows")
    .option(
      "--include <what>",
      "drift: where the database differs from the record; usage: who uses the old names; " +
        "notifications: which were sent, and which could not be delivered; plan: the recorded statements; " +
        "verification: the last one; uses_in_code: as find-uses --report counted them",
    )
    .option("--all", "all pages, each of the size of --limit")
    .option("--verbose", "batch, actor and notes, too")
    .option("--json", "print the answer, or the problem document, as JSON");
  addHelp(command, EXAMPLES)
    .action((options: ListMigrationsOptions) => listMigrations(context, options));
}

async function listMigrations(
  context: CommandContext,
  options: ListMigrationsOptions,
): Promise<void> {
  const { id, status, schema, table, batchId, limit, cursor } = options;
  const { include, all, verbose = false } = options;
  const query = { id, status, batch_id: batchId, limit, cursor, include };
  const tables = table?.map((name) => readName(name, schema));
  const [first = { schema, name: undefined }] = tables ?? [];
  const one = { ...query, schema: first.schema, table: first.name };
  const nextPage = (cursor: string) =>
    commandLine(withOption(withoutValue(context.args, "--cursor"), "--cursor", cursor));
  await runCommand(context, options, async ({ client }) => {
    const answer = tables !== undefined && tables.length > 1
      ? await ofTables(client, query, tables)
      : all
      ? await allPages(client, one)
      : await client.listMigrations(one);
    const page = { nextPage, verbose, finalizeReady: commandLine(["finalize-rename", "--ready"]) };
    printAnswer(context, answer, () => describeMigrations(inOptionWords(answer), page), {
      ...options,
      sql: true,
    });
    return EXIT.done;
  });
}

/** The migrations of several tables, newest first; for one table after the other the list is asked for. */
async function ofTables(
  client: RenameClient,
  query: ListMigrationsInput,
  tables: WrittenName[],
): Promise<ListMigrationsAnswer> {
  const found = new Map<string, ListMigrationsAnswer["migrations"][number]>();
  let answer: ListMigrationsAnswer | undefined;
  for (const { schema, name } of tables) {
    answer = await allPages(client, { ...query, schema, table: name });
    for (const one of answer.migrations) found.set(one.id, one);
  }
  const migrations = [...found.values()].toSorted((a, b) =>
    Date.parse(b.requested_at) - Date.parse(a.requested_at)
  );
  return { ...answer!, migrations };
}

/** All pages of the list, as one. */
export async function allPages(
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
