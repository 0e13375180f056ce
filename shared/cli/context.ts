/** What every command is run with, and how it ends. */
import { createRenameClient, type RenameClient, RenameError } from "../client/client.ts";
import type { Document } from "../report/document.ts";
import { markdownOf } from "../report/markdown.ts";
import { describeProblem, type ShownProblem } from "../report/problem.ts";
import { correctedCalls } from "./command_line.ts";
import { isLocal, readConnection } from "./connection.ts";
import { EXIT, exitCodeOf, UsageError } from "./exit_codes.ts";
import { commandFor, inOptionWords } from "./option_words.ts";
import { printed } from "./print.ts";
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

/** In what form a command answers. Default: as text for the terminal. */
export interface OutputOptions {
  json?: boolean;
  markdown?: boolean;
  verbose?: boolean;
  /** Show the statements. Default: only if `verbose`. */
  sql?: boolean;
}

/**
 * Connects, does the command's work, prints a problem if there is one, and leaves the exit code in the context.
 *
 * @param options.places Where each rename of the request was written.
 */
export async function runCommand(
  context: CommandContext,
  options: OutputOptions & { actor?: string; places?: string[] },
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
    printProblem(context, error, options);
  }
}

export function printAnswer(
  { terminal: { out } }: CommandContext,
  answer: unknown,
  document: () => Document,
  { json, markdown, verbose, sql }: OutputOptions,
): void {
  if (json) out.write(JSON.stringify(answer, null, 2));
  else if (markdown) out.write(markdownOf(document()).trimEnd());
  else out.write(printed(document(), { ...out, verbose, sql }));
}

export function printProblem(
  context: CommandContext,
  error: RenameError,
  { json, markdown, places = [] }: OutputOptions & { places?: string[] },
): void {
  const { terminal, args } = context;
  const problem = problemOf(error);
  const document = () =>
    describeProblem(inOptionWords(withPlaces(problem, places)), {
      requestId: error.requestId,
      corrected: correctedCalls(args, problem),
      commandFor: commandFor(args),
    });
  if (json || markdown) return printAnswer(context, problem, document, { json, markdown });
  terminal.err.write(printed(document(), terminal.err));
  if (error.code === "unreachable") {
    terminal.err.write(`\n${whatToStart(terminal.env("SUPABASE_URL")?.trim())}`);
  }
}

const whatToStart = (url?: string): string =>
  url === undefined || url === "" || isLocal(url)
    ? "To start the functions on this machine:\n  npm run serve\n" +
      "SUPABASE_URL names another project, such as https://abcd.supabase.co."
    : "Is SUPABASE_URL the project's URL, and are the functions deployed there?\n" +
      "  npx supabase functions list";

/** The problem document; where the endpoints sent none, one in its shape. */
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

function withPlaces(problem: ShownProblem, places: string[]): ShownProblem {
  if (places.length === 0 || !Array.isArray(problem.issues)) return problem;
  const issues = problem.issues.map((issue: { path: string }) => {
    const index = /^renames\.(\d+)\b/.exec(issue.path)?.[1];
    return { ...issue, place: index && places[Number(index)] };
  });
  return { ...problem, issues };
}

/** Warns that something is not as it should be; beside an answer in JSON, too. */
export function notVerified({ err }: Terminal): number {
  err.write(err.colors.red(err.colors.bold(
    "Warning: it is done, but the verification did not pass: something is not as it should be.",
  )));
  return EXIT.notVerified;
}

export async function connect(terminal: Terminal, actor?: string): Promise<Connected> {
  const connection = await readConnection(terminal.env);
  try {
    return { client: createRenameClient({ ...connection, actor }), url: connection.url };
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new UsageError(cause.message, { cause });
  }
}
