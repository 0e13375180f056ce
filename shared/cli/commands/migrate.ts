/** `migrate`: makes the tracking tables in a database. */
import type { Command } from "commander";
import { commandLine, optionIn, PROGRAM } from "../arguments/command_line.ts";
import { checkedDatabaseUrl } from "../connection.ts";
import type { CommandContext } from "../context.ts";
import { messageOf, UnavailableError } from "../exit_codes.ts";
import { addHelp } from "../arguments/help.ts";
import { migrationsFolder, wantedDatabase } from "../project/defaults.ts";

const EXAMPLES = `Examples:
  ${PROGRAM} migrate --db-url postgresql://…
  SUPABASE_DB_URL=postgresql://… ${PROGRAM} migrate`;

const ABOUT =
  "Makes the tool's own tables, in which renames are tracked, and records it in the list of migrations that the " +
  "Supabase CLI keeps. What is there already is not made again. For a project whose migrations are applied by " +
  "supabase db push, run init instead: it copies the same migrations into the project.";

export function addMigrate(program: Command, context: CommandContext): void {
  addHelp(program.command("migrate").description(ABOUT), EXAMPLES)
    .action((options: { dbUrl?: string }) => migrateDatabase(context, options));
}

async function migrateDatabase(
  context: CommandContext,
  { dbUrl }: { dbUrl?: string },
): Promise<void> {
  const { terminal: { out } } = context;
  const url = dbUrl === undefined ? wantedDatabase(context) : checkedDatabaseUrl(dbUrl);
  const { migrate } = await import("../../local/migrate.ts");
  const applied = await migrate(url, migrationsFolder(context)).catch((cause) => {
    throw new UnavailableError(`the tracking tables cannot be made: ${messageOf(cause)}`, {
      cause,
    });
  });
  if (applied.length === 0) {
    out.write("The tracking tables are up to date.");
    return;
  }
  for (const file of applied) out.write(`${out.colors.green("✓")} Applied  ${file}`);
  const database = optionIn(context.args, "--db-url");
  const shown = database.length > 0 ? database : ["--db-url", "postgresql://…"];
  out.write(`\nNext, see which tables there are:\n  ${commandLine(["analyze-table", ...shown])}`);
}
