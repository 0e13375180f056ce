/** What every command is run with, and how it ends. */
import type { Command } from "commander";
import { createRenameClient, type RenameClient, RenameError } from "../client/client.ts";
import type { Document } from "../report/document/document.ts";
import { markdownOf } from "../report/document/markdown.ts";
import { describeProblem, type ShownProblem } from "../report/problem.ts";
import {
  commandLine,
  correctedCalls,
  DATABASE_VARIABLE,
  optionIn,
} from "./arguments/command_line.ts";
import { checkedDatabaseUrl, isLocal, keyHint, readConnection, SERVE } from "./connection.ts";
import { whyUnreachable } from "./database_unreachable.ts";
import { EXIT, exitCodeOf, UsageError } from "./exit_codes.ts";

import { inPlaces } from "./files/places.ts";
import { commandFor, inOptionWords } from "./arguments/option_words.ts";
import { printed } from "./terminal/print.ts";
import type { ProjectFile } from "./project/project_file.ts";
import type { Stream, Terminal } from "./terminal/terminal.ts";

export interface CommandContext {
  terminal: Terminal;
  /** The arguments as they were given, the command's name first, without passwords. */
  args: string[];
  /** The project file, if the caller's repository has one. */
  project?: ProjectFile;
  exitCode: number;
}

export interface CommandEntry {
  name: string;
  summary: string;
  /** False for commands that do not read the project file. */
  project?: false;
  load: () => Promise<(program: Command, context: CommandContext) => void>;
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
  options: OutputOptions & ConnectOptions & { places?: string[] },
  work: (connected: Connected) => Promise<number>,
): Promise<void> {
  if (options.json && options.markdown) {
    throw new UsageError("give either --json or --markdown, not both");
  }
  try {
    context.exitCode = await work(await connect(context, options));
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
  else writeWithPassword(out, printed(document(), { ...out, verbose, sql }));
}

/** A text whose commands have PASSWORD in place of a password says so. */
function writeWithPassword(stream: Stream, text: string): void {
  const note = text.includes(":PASSWORD@")
    ? "\nIn these commands, put the password in place of PASSWORD."
    : "";
  stream.write(`${text}${note}`);
}

export function printProblem(
  context: CommandContext,
  error: RenameError,
  { json, markdown, places = [] }: OutputOptions & { places?: string[] },
): void {
  const { terminal, args } = context;
  const database = optionIn(args, "--db-url");
  const problem = problemOf(error, shownDatabase(database, terminal.env));
  const hinted = error.code === "unauthorized" && database.length === 0
    ? { ...problem, hint: keyHint(terminal.env, context.project) }
    : problem;
  const document = () =>
    describeProblem(inOptionWords(withPlaces(hinted, places)), {
      requestId: error.requestId,
      corrected: correctedCalls(args, problem),
      commandFor: commandFor(args),
    });
  if (json || markdown) return printAnswer(context, problem, document, { json, markdown });
  writeWithPassword(terminal.err, printed(document(), terminal.err));
  if (error.code === "database_unavailable" && "migration" in problem) {
    const migrate = database.length > 0 ? database : ["--db-url", "postgresql://…"];
    terminal.err.write(`\nTo make the tracking tables:\n  ${commandLine(["migrate", ...migrate])}`);
  }
  if (error.code === "unreachable") {
    const { project_url } = context.project?.settings ?? {};
    terminal.err.write(`\n${whatToStart(terminal.env("SUPABASE_URL")?.trim() || project_url)}`);
  }
}

const whatToStart = (url?: string): string =>
  url === undefined || isLocal(url)
    ? `To start the functions on this machine:\n  ${SERVE}\n` +
      "For another project, set SUPABASE_URL, such as https://abcd.supabase.co."
    : "Is that the project's URL, and are the functions deployed there?\n" +
      "  npx supabase functions list";

/** Host and name of the database of the option; undefined where there is no option. */
function shownDatabase(option: string[], env: Terminal["env"]): string | undefined {
  const given = option.at(-1)?.replace(/^--db-url=/, "");
  if (given === undefined) return undefined;
  const text = given === DATABASE_VARIABLE ? env("SUPABASE_DB_URL") ?? "" : given;
  if (!URL.canParse(text)) return "";
  const { host, pathname } = new URL(text);
  return `${host}${pathname}`;
}

/**
 * The problem document; where the endpoints sent none, one in its shape.
 *
 * @param database Where the functions run in this process: their database, without its password.
 */
function problemOf(error: RenameError, database?: string): ShownProblem {
  const { problem } = error;
  if (problem !== undefined) {
    if (database === undefined || typeof problem.hint !== "string") return problem;
    const { error_code, ...rest } = problem as ShownProblem;
    const why = whyUnreachable(error_code, database);
    if (why !== undefined) return { ...rest, ...why };
    const hint = String(problem.hint).replace("RENAME_DB_URL, or else SUPABASE_DB_URL", "--db-url");
    return { ...problem, hint };
  }
  return {
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
  const issues = problem.issues.map((issue: { path: string; message: string }) => {
    const index = /^renames\.(\d+)\b/.exec(issue.path)?.[1];
    return {
      ...issue,
      message: inPlaces(issue.message, places),
      place: index && places[Number(index)],
    };
  });
  return { ...problem, issues };
}

/** Warns that a verification did not pass; beside an answer in JSON, too. */
export function notVerified({ err }: Terminal): number {
  err.write(err.colors.red(err.colors.bold(
    "Warning: it is done, but the verification did not pass: something differs from the plan.",
  )));
  return EXIT.notVerified;
}

interface ConnectOptions {
  actor?: string;
  /** A database, for which this process runs the functions. */
  dbUrl?: string;
}

export async function connect(
  { terminal, project }: CommandContext,
  { actor, dbUrl }: ConnectOptions,
): Promise<Connected> {
  if (dbUrl !== undefined) {
    const { functionsHere } = await import("../local/functions/functions_here.ts");
    const here = functionsHere(checkedDatabaseUrl(dbUrl));
    return { client: createRenameClient({ ...here, actor }), url: here.shown };
  }
  const connection = await readConnection(terminal.env, project);
  try {
    return { client: createRenameClient({ ...connection, actor }), url: connection.url };
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new UsageError(cause.message, { cause });
  }
}
