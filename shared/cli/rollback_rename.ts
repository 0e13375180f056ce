/** `rollback-rename`: takes renames back, to exactly the state before. */
import type { Command } from "commander";
import { CONNECTION_HELP } from "./connection.ts";
import { type CommandContext, notVerified, printJson, runCommand } from "./context.ts";
import { EXIT, EXIT_CODES_HELP, UsageError } from "./exit_codes.ts";
import {
  addOperationOptions,
  operationFields,
  type OperationOptions,
  showsProgress,
} from "./options.ts";
import { describeOperation } from "./show_operation.ts";
import { withProgress } from "./show_progress.ts";

interface RollbackRenameOptions extends OperationOptions {
  migrationId?: string;
  batchId?: string;
}

const EXAMPLES = `Examples:
  npm run cli -- rollback-rename experts
  npm run cli -- rollback-rename experts --schema shop --plan
  npm run cli -- rollback-rename --batch-id 6f0b9c1e-2f6e-4a53-9d2c-1d1f6f3c7a10`;

export function addRollbackRename(program: Command, context: CommandContext): void {
  const command = program.command("rollback-rename")
    .summary("take renames back, to exactly the state before")
    .description(
      "Takes a rename back: the compatibility view goes, the table gets its old name. What was changed on " +
        "the table since is kept.",
    )
    .argument("[table]", "old or new name of the table, as it is: case counts")
    .option("--migration-id <id>", "the migration instead of a table")
    .option("--batch-id <id>", "all renames of one request, all or none")
    .option("--schema <name>", "schema of the table (public)");
  addOperationOptions(command)
    .addHelpText("after", `\n${[EXAMPLES, EXIT_CODES_HELP, CONNECTION_HELP].join("\n\n")}`)
    .action((table: string | undefined, options) => rollbackRename(context, table, options));
}

async function rollbackRename(
  context: CommandContext,
  tableName: string | undefined,
  options: RollbackRenameOptions,
): Promise<void> {
  const { terminal, args } = context;
  const selection = wantedSelection(tableName, options);
  const { actor, json, verbose = false, acknowledge = [] } = options;
  await runCommand(context, { json, actor }, async ({ client, url }) => {
    const request = { ...selection, ...operationFields(options) };
    const answer = await withProgress(
      terminal.err,
      showsProgress(options),
      (onProgress) => client.rollback(request, { onProgress }),
    );
    if (json) printJson(terminal, answer);
    else {
      const about = { url, args, verbose, acknowledged: acknowledge };
      terminal.out.write(
        describeOperation(answer, { operation: "rollback", ...terminal.out, ...about }),
      );
    }
    return answer.verification?.passed === false ? notVerified(terminal) : EXIT.done;
  });
}

function wantedSelection(table: string | undefined, options: RollbackRenameOptions) {
  const { migrationId, batchId, schema } = options;
  if ([table, migrationId, batchId].filter((given) => given !== undefined).length !== 1) {
    throw new UsageError("give exactly one of TABLE, --migration-id and --batch-id");
  }
  if (table !== undefined) return schema === undefined ? { table } : { table, schema };
  if (schema !== undefined) throw new UsageError("--schema goes with TABLE only");
  return migrationId !== undefined ? { migration_id: migrationId } : { batch_id: batchId };
}
