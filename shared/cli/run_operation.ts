/** Runs an operation on migrations that are there already, and shows its answer. */
import type { CallOptions, RenameClient } from "../client/client.ts";
import type { OperationAnswer } from "../contract/responses.ts";
import { type CommandContext, notVerified, printJson, runCommand } from "./context.ts";
import { EXIT } from "./exit_codes.ts";
import { withPath, writeMigrationFile } from "./migration_file.ts";
import { asOnePiece, type OperationOptions, showsProgress } from "./options.ts";
import { describeOperation, type OperationPage, reportOperation } from "./show_operation.ts";
import { withProgress } from "./show_progress.ts";

export async function runOperation(
  context: CommandContext,
  operation: OperationPage["operation"],
  options: OperationOptions,
  send: (client: RenameClient, options: CallOptions) => Promise<OperationAnswer>,
): Promise<void> {
  const { terminal, args } = context;
  const { actor, json, markdown, verbose = false, acknowledge = [], migrationFile } = options;
  await runCommand(context, { json, markdown, actor }, async ({ client, url }) => {
    const answer = await withProgress(
      terminal.err,
      showsProgress(options),
      (onProgress) => send(client, { onProgress, ...asOnePiece(options) }),
    );
    const file = migrationFile && await writeMigrationFile(answer, migrationFile, terminal.env);
    if (json) printJson(terminal, withPath(answer, file));
    else {
      const page = { operation, url, args, verbose, acknowledged: acknowledge, file };
      if (markdown) terminal.out.write(reportOperation(answer, page));
      else terminal.out.write(describeOperation(answer, { ...terminal.out, ...page }));
    }
    if (answer.would_be_refused !== undefined) return EXIT.refused;
    return answer.verification?.passed === false ? notVerified(terminal) : EXIT.done;
  });
}
