/** What every command is run with, and how its end is told. */
import { createRenameClient, type RenameClient, RenameError } from "../client/client.ts";
import { problemInMarkdown, type ShownProblem } from "../report/problem.ts";
import { readConnection } from "./connection.ts";
import { EXIT, exitCodeOf, UsageError } from "./exit_codes.ts";
import { describeProblem } from "./show_problem.ts";
import type { Terminal } from "./terminal.ts";

export interface CommandContext {
  terminal: Terminal;
  /** The arguments as they were given, the command's name first. */
  args: string[];
  exitCode: number;
}

export interface Connected {
  client: RenameClient;
  url: string;
}

/**
 * Runs a command: connects, has it work, and prints a problem if there is one. The code of its end is left
 * in the context.
 *
 * @param places Where each rename of the request was written, for problems that name one by its index.
 */
export async function runCommand(
  context: CommandContext,
  options: { json?: boolean; markdown?: boolean; actor?: string; places?: string[] },
  work: (connected: Connected) => Promise<number>,
): Promise<void> {
  const { terminal } = context;
  if (options.json && options.markdown) {
    throw new UsageError("give either --json or --markdown, not both");
  }
  try {
    context.exitCode = await work(await connect(terminal, options.actor));
  } catch (error) {
    context.exitCode = exitCodeOf(error);
    if (!(error instanceof RenameError)) throw error;
    if (options.json) {
      printJson(terminal, problemOf(error));
      return;
    }
    if (options.markdown) {
      terminal.out.write(problemInMarkdown(problemOf(error)).trimEnd());
      return;
    }
    terminal.err.write(describeProblem(error, terminal.err, options.places, context.args));
    if (error.code === "unreachable" && !terminal.env("SUPABASE_URL")) {
      terminal.err.write(
        "\nnpm run serve starts the local stack; SUPABASE_URL names another project.",
      );
    }
  }
}

export function printJson(terminal: Terminal, answer: unknown): void {
  terminal.out.write(JSON.stringify(answer, null, 2));
}

/** Says loudly that something is not as it should be; goes beside an answer in JSON, too. */
export function notVerified(terminal: Terminal): number {
  const { colors } = terminal.err;
  terminal.err.write(colors.red(colors.bold(
    "Warning: it is done, but the verification did not pass: something is not as it should be.",
  )));
  return EXIT.notVerified;
}

/** The project to ask, and where it is. */
export async function connect(terminal: Terminal, actor: string | undefined): Promise<Connected> {
  const connection = await readConnection(terminal.env);
  try {
    return { client: createRenameClient({ ...connection, actor }), url: connection.url };
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new UsageError(cause.message, { cause });
  }
}

/** The problem document; where the endpoints gave none, one in its shape. */
function problemOf(error: RenameError): ShownProblem {
  return error.problem ?? {
    type: `urn:table-rename:problem:${error.code}`,
    title: error.code === "unreachable" ? "No answer" : "An unexpected answer",
    ...(error.status !== undefined && { status: error.status }),
    detail: error.detail,
    code: error.code,
    ...(error.hint !== undefined && { hint: error.hint }),
  };
}
