/** Asks before something is changed that is not on this machine, or that cannot be undone. */
import type { OperationAnswer } from "../../contract/responses.ts";
import type { Document, Operation } from "../../report/document/document.ts";
import { describeOperation } from "../../report/operation.ts";
import { counted } from "../../report/document/text.ts";
import { commandLine, withOption } from "../arguments/command_line.ts";
import { isLocal } from "../connection.ts";
import type { CommandContext } from "../context.ts";
import { EXIT, UsageError } from "../exit_codes.ts";
import { inOptionWords } from "../arguments/option_words.ts";
import type { OperationOptions } from "../arguments/options.ts";
import { printed } from "./print.ts";

/** What a request has beside the fields that the command made. */
export interface Changes {
  mode?: "plan";
  expected_plan_hash?: string;
}

type Confirmed = { changes: Changes } | { exitCode: number } | { refused: OperationAnswer };

/**
 * Shows the plan and asks, if the operation needs that. What is confirmed is that plan.
 *
 * @param plan Asks the endpoint for the plan.
 * @throws {UsageError} Nobody is there to ask.
 */
export async function confirmed(
  context: CommandContext,
  operation: Operation,
  options: OperationOptions,
  url: string,
  plan: () => Promise<OperationAnswer>,
): Promise<Confirmed> {
  if (!mustAsk(operation, options, url)) return { changes: {} };
  requireSomebody(context, operation, url);
  const answer = await plan();
  if (answer.would_be_refused !== undefined) return { refused: answer };
  if (answer.statements.length === 0) return { changes: {} };
  const { acknowledge: acknowledged } = options;
  const about = { operation, url, acknowledged, asking: true };
  const count = (answer.tables ?? answer.migrations).length;
  const yes = await ask(context, operation, url, {
    count,
    document: describeOperation(inOptionWords(answer), about),
  });
  return yes
    ? { changes: { expected_plan_hash: answer.plan_hash } }
    : { exitCode: EXIT.unexpected };
}

export const mustAsk = (operation: Operation, options: OperationOptions, url: string): boolean =>
  !options.yes && !options.plan && !options.propose && options.migrationFile === undefined &&
  (operation === "finalize" || options.alwaysAsk === true || !isLocal(url));

/** @throws {UsageError} Nobody is there to ask, with the command line that needs nobody. */
export function requireSomebody(
  { terminal, args }: CommandContext,
  operation: Operation,
  url: string,
): void {
  if (terminal.ask !== undefined) return;
  const why = operation === "finalize"
    ? "A finalization cannot be undone"
    : isLocal(url)
    ? "This needs a confirmation"
    : `${url} is not on this machine`;
  throw new UsageError(
    `${why}, and there is no terminal to ask in. Nothing was done.\n` +
      `To do it on ${url} without being asked:\n  ${commandLine(withOption(args, "--yes"))}`,
  );
}

const QUESTIONS: Record<Operation, (tables: string, url: string) => string> = {
  rename: (tables, url) => `Rename ${tables} on ${url}?`,
  rollback: (tables, url) => `Roll back the rename of ${tables} on ${url}?`,
  finalize: (tables, url) => `Finalize the rename of ${tables} on ${url}? This cannot be undone.`,
  refresh: (tables, url) => `Refresh the compatibility view of ${tables} on ${url}?`,
};

/** Whether somebody says yes to what is shown. */
export async function ask(
  { terminal }: CommandContext,
  operation: Operation,
  url: string,
  { count, document }: { count: number; document: Document },
): Promise<boolean> {
  const { err } = terminal;
  err.write(`${printed(document, err)}\n`);
  const question = QUESTIONS[operation](counted(count, "table"), url);
  const answer = await terminal.ask!(`${err.colors.bold(question)} [y/N] `);
  if (/^\s*y(es)?\s*$/i.test(answer)) return true;
  err.write("Nothing was changed.");
  return false;
}
