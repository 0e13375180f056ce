/** `undo`: takes the last batch back, after showing it. */
import type { Command } from "commander";
import type { RenameClient } from "../../client/client.ts";
import { allMigrations } from "../../client/all_migrations.ts";
import { PROGRAM } from "../arguments/command_line.ts";
import type { CommandContext } from "../context.ts";
import { UsageError } from "../exit_codes.ts";
import { addHelp } from "../arguments/help.ts";
import { MIGRATION_FILE_HELP } from "../files/migration_file.ts";
import { runOperation } from "../operation.ts";
import {
  addOperationOptions,
  addViewOptions,
  operationFields,
  type OperationOptions,
} from "../arguments/options.ts";

const EXAMPLES = `Examples:
  ${PROGRAM} undo --plan
  ${PROGRAM} undo
  ${PROGRAM} undo --yes`;

export function addUndo(program: Command, context: CommandContext): void {
  const command = program.command("undo")
    .description(
      "Takes the last batch back, after showing it: rolls its renames back, or withdraws it if it is only " +
        "proposed. What is finalized cannot be taken back.",
    );
  addHelp(addViewOptions(addOperationOptions(command)), EXAMPLES, MIGRATION_FILE_HELP)
    .action((options: OperationOptions) => {
      const fields = operationFields(options);
      // What is shown and what is taken back is the same batch, whatever happens in between.
      let batch: string | undefined;
      return runOperation(
        context,
        "rollback",
        { ...options, alwaysAsk: true },
        async (client, call, changes) => {
          batch ??= await lastBatch(client);
          return await client.rollback({ batch_id: batch, ...fields, ...changes }, call);
        },
      );
    });
}

/** The batch that was renamed or proposed last, of those that can be taken back. */
async function lastBatch(client: RenameClient): Promise<string> {
  const open = [
    ...await allMigrations(client, { status: "active" }),
    ...await allMigrations(client, { status: "pending" }),
  ];
  const when = ({ migrated_at, requested_at }: (typeof open)[number]) =>
    Date.parse(migrated_at ?? requested_at);
  if (open.length === 0) {
    throw new UsageError("there is nothing to take back: no rename is active or proposed");
  }
  return open.reduce((last, one) => when(one) > when(last) ? one : last).batch_id;
}
