/** Runs an operation, and prints its answer. */
import type { CallOptions, RenameClient } from "../client/client.ts";
import type { OperationAnswer } from "../contract/responses.ts";
import type { Operation } from "../report/document.ts";
import { describeOperation } from "../report/operation.ts";
import { type CommandContext, notVerified, printAnswer, runCommand } from "./context.ts";
import { EXIT } from "./exit_codes.ts";
import { withPath, writeMigrationFile } from "./files/migration_file.ts";
import { commandFor, inOptionWords } from "./option_words.ts";
import { asOnePiece, type OperationOptions, showsProgress } from "./options.ts";
import { withProgress } from "./progress.ts";
import { migrationsFolder } from "./project/defaults.ts";

export type Send = (client: RenameClient, options: CallOptions) => Promise<OperationAnswer>;

/** @param places Where each rename of the request was written. */
export async function runOperation(
  context: CommandContext,
  operation: Operation,
  options: OperationOptions,
  send: Send,
  places?: string[],
): Promise<void> {
  const { terminal, args } = context;
  const { acknowledge: acknowledged, migrationFile } = options;
  await runCommand(context, { ...options, places }, async ({ client, url }) => {
    const answer = await withProgress(
      terminal.err,
      showsProgress(options),
      (onProgress) => send(client, { onProgress, ...asOnePiece(options) }),
    );
    const file = migrationFile &&
      await writeMigrationFile(answer, migrationFile, terminal.env, migrationsFolder(context));
    const about = { operation, url, acknowledged, file, commandFor: commandFor(args) };
    printAnswer(
      context,
      withPath(answer, file),
      () => describeOperation(inOptionWords(answer), about),
      options,
    );
    if (answer.would_be_refused !== undefined) return EXIT.refused;
    return answer.verification?.passed === false ? notVerified(terminal) : EXIT.done;
  });
}
