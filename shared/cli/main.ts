#!/usr/bin/env node
/** `table-rename COMMAND …`: renames tables from a terminal, through the endpoints. */
import { Command, CommanderError } from "commander";
import process from "node:process";
import { packageVersion } from "../local/package_root.ts";
import { visibleLines } from "../report/document/text.ts";
import { PROGRAM, withoutPasswords } from "./arguments/command_line.ts";
import { COMMANDS } from "./commands.ts";
import type { CommandContext } from "./context.ts";
import { EXIT, exitCodeOf, messageOf, UsageError } from "./exit_codes.ts";
import { callerFolder } from "./files/paths.ts";
import { addHelpCommand, helpArguments, RULE_OF_HELP } from "./arguments/help.ts";
import { findProjectFile } from "./project/find_project_file.ts";
import { Interrupted } from "./terminal/interrupt.ts";
import { olderNode } from "./node_version.ts";
import { isRunByNpm, swallowedOptions } from "./arguments/swallowed_options.ts";
import { processTerminal, type Stream, type Terminal } from "./terminal/terminal.ts";

const EXAMPLES = `Examples:
  ${PROGRAM} init                                          # in your repository, once
  ${PROGRAM} analyze-table experts                         # what depends on it
  ${PROGRAM} rename-table experts expert_profiles --plan   # what would happen
  ${PROGRAM} rename-table experts expert_profiles
  ${PROGRAM} test-view-compatibility experts               # does all still work?
  ${PROGRAM} rollback-rename experts                       # back to the state before
  ${PROGRAM} finalize-rename experts                       # once nobody uses the old name
`;

/** Runs a command line, and returns its exit code. Never throws. */
export async function main(args: string[], terminal: Terminal): Promise<number> {
  const context: CommandContext = {
    terminal,
    args: withoutPasswords(args, terminal.env("SUPABASE_DB_URL")),
    exitCode: EXIT.done,
  };
  try {
    const asked = helpArguments(args);
    if (args[0] === "help" && asked[0] !== "help" && asked.length > 1 && !isCommand(asked[0])) {
      throw new UsageError(`unknown command '${asked[0]}'; ${PROGRAM} help lists them`);
    }
    if (isRunByNpm(terminal.env)) {
      const program = await createProgram(context, COMMANDS.map(({ name }) => name));
      const swallowed = swallowedOptions(program, args, terminal.env);
      if (swallowed !== null) throw new UsageError(swallowed);
    }
    const program = await createProgram(context, asked.slice(0, 1));
    if (COMMANDS.some(({ name, project }) => name === asked[0] && project !== false)) {
      const path = findProjectFile(terminal.cwd ?? callerFolder(terminal.env));
      // Loaded only if there is one.
      const read = path && (await import("./project/project_file.ts")).readProjectFile;
      if (read) context.project = await read(path);
    }
    await program.parseAsync(asked, { from: "user" });
    return context.exitCode;
  } catch (error) {
    // Commander has printed what was wrong, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const message = messageOf(error);
    terminal.err.write(
      error instanceof Interrupted ? visibleLines(message) : errorLine(message, terminal.err),
    );
    return exitCodeOf(error);
  }
}

const isCommand = (name: string) => COMMANDS.some((command) => command.name === name);

const errorLine = (message: string, { colors }: Stream) =>
  `${colors.bold(colors.red("Error"))}  ${visibleLines(message)}`;

/** @param wanted The commands whose options are needed; the others are only listed. */
async function createProgram(context: CommandContext, wanted: string[]): Promise<Command> {
  const { out, err } = context.terminal;
  const program = new Command(PROGRAM)
    .description("Renames PostgreSQL tables while applications keep using the old names.")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => out.write(text.replace(/\n$/, "")),
      writeErr: (text) => err.write(text.trimEnd()),
      outputError: (text, write) => write(errorLine(text.replace(/^error: /, ""), err)),
      getOutHelpWidth: () => Math.min(out.width, 100),
      getErrHelpWidth: () => Math.min(err.width, 100),
    })
    .showHelpAfterError("(--help shows what can be given)")
    .helpCommand(false)
    .addHelpText("before", EXAMPLES)
    .addHelpText("after", `\n${RULE_OF_HELP}`);
  if (context.args.some((arg) => arg === "--version" || arg === "-V")) {
    program.version(packageVersion());
  } else program.option("-V, --version", "print the version");
  for (const { name, summary, load } of COMMANDS) {
    if (wanted.includes(name)) (await load())(program, context);
    else program.command(name);
    program.commands.at(-1)!.summary(summary);
  }
  addHelpCommand(program, context);
  return program;
}

if (import.meta.main) {
  const tooOld = olderNode(process.versions.node);
  if (tooOld !== null) {
    // Nothing of ours that prints would run.
    console.error(tooOld);
    process.exit(EXIT.usage);
  }
  const code = await main(process.argv.slice(2), processTerminal());
  // What is on its way to a pipe is written first; a connection to the database does not keep the process.
  process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
}
