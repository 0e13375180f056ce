/** `npm run cli -- COMMAND …`: renames tables from a terminal, through the endpoints. */
import { Command, CommanderError } from "commander";
import { addAnalyzeTable } from "./commands/analyze_table.ts";
import type { CommandContext } from "./context.ts";
import { visibleLines } from "../report/text.ts";
import { EXIT, exitCodeOf, messageOf, UsageError } from "./exit_codes.ts";
import { addFindUses } from "./commands/find_uses.ts";
import { addFinalizeRename } from "./commands/finalize_rename.ts";
import { addGenerateTypes } from "./commands/generate_types.ts";
import { addListMigrations } from "./commands/list_migrations.ts";
import { addRefreshView } from "./commands/refresh_view.ts";
import { addRenameTable } from "./commands/rename_table.ts";
import { addRollbackRename } from "./commands/rollback_rename.ts";
import { addHelp } from "./options.ts";
import { swallowedOptions } from "./swallowed_options.ts";
import { addTestViewCompatibility } from "./commands/test_view_compatibility.ts";
import { processTerminal, type Stream, type Terminal } from "./terminal.ts";

const EXAMPLES = `Examples:
  npm run cli -- analyze-table experts
  npm run cli -- rename-table experts expert_profiles --plan
  npm run cli -- rename-table experts expert_profiles
  npm run cli -- list-migrations --status active
  npm run cli -- test-view-compatibility experts
  npm run cli -- rollback-rename experts
  npm run cli -- finalize-rename experts
  npm run cli -- generate-types
  npm run cli -- find-uses src`;

const COMMANDS = [
  addAnalyzeTable,
  addRenameTable,
  addRollbackRename,
  addFinalizeRename,
  addRefreshView,
  addTestViewCompatibility,
  addListMigrations,
  addGenerateTypes,
  addFindUses,
];

/** Runs a command line, and returns its exit code. Never throws. */
export async function main(args: string[], terminal: Terminal): Promise<number> {
  const context: CommandContext = { terminal, args, exitCode: EXIT.done };
  try {
    const program = createProgram(context);
    const swallowed = swallowedOptions(program, args, terminal.env);
    if (swallowed !== null) throw new UsageError(swallowed);
    await program.parseAsync(args, { from: "user" });
    return context.exitCode;
  } catch (error) {
    // Commander has printed what was wrong, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    terminal.err.write(
      errorLine(messageOf(error), terminal.err),
    );
    return exitCodeOf(error);
  }
}

const errorLine = (message: string, { colors }: Stream) =>
  `${colors.bold(colors.red("Error"))}  ${visibleLines(message)}`;

function createProgram(context: CommandContext): Command {
  const { out, err } = context.terminal;
  const program = new Command("npm run cli --")
    .description("Renames PostgreSQL tables while applications keep using the old names.")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => out.write(text.trimEnd()),
      writeErr: (text) => err.write(text.trimEnd()),
      outputError: (text, write) => write(errorLine(text.replace(/^error: /, ""), err)),
      getOutHelpWidth: () => Math.min(out.width, 100),
      getErrHelpWidth: () => Math.min(err.width, 100),
    })
    .showHelpAfterError("(add --help for what there is)")
    .helpCommand(false);
  addHelp(program, EXAMPLES);
  for (const add of COMMANDS) add(program, context);
  return program;
}

if (import.meta.main) Deno.exit(await main(Deno.args, processTerminal()));
