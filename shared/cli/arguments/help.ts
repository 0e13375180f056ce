/** Help: of commands, and of what all commands have in common. */
import type { Command } from "commander";
import { PROGRAM } from "./command_line.ts";
import { CONNECTION_HELP } from "../connection.ts";
import type { CommandContext } from "../context.ts";
import { EXIT_CODES_HELP } from "../exit_codes.ts";

const TOPICS: Record<string, string> = {
  environment: CONNECTION_HELP,
  "exit-codes": EXIT_CODES_HELP,
};

export const RULE_OF_HELP = `More:
  ${PROGRAM} help COMMAND       options and examples of a command
  ${PROGRAM} help environment   variables, and which project is meant
  ${PROGRAM} help exit-codes    what the exit codes say`;

/** The help of a command: examples first; what is special about it last. */
export const addHelp = (command: Command, examples: string, ...texts: string[]): Command =>
  command
    .option("--db-url <url>", "run on this machine against this database; nothing is deployed")
    .addHelpText("before", `${examples}\n`)
    .addHelpText("after", ["", ...texts, RULE_OF_HELP].join("\n\n").slice(1));

/** `help COMMAND` as `COMMAND --help`, and `help` alone as `--help`. */
export function helpArguments(args: string[]): string[] {
  const [first, topic] = args;
  if (first !== "help" || (topic !== undefined && topic in TOPICS)) return args;
  return topic === undefined || topic === "help" ? ["--help"] : [topic, "--help"];
}

export function addHelpCommand(program: Command, { terminal }: CommandContext): void {
  program.command("help").summary("show the help of a command, of environment or exit-codes")
    .argument("[topic]")
    .action((topic: string) => {
      terminal.out.write(TOPICS[topic]);
    });
}
