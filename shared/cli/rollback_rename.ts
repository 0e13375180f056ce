/** `rollback-rename`: takes renames back, to exactly the state before. */
import type { Command } from "commander";
import { CONNECTION_HELP } from "./connection.ts";
import type { CommandContext } from "./context.ts";
import { EXIT_CODES_HELP } from "./exit_codes.ts";
import { MIGRATION_FILE_HELP } from "./migration_file.ts";
import {
  addCarryPrivileges,
  addOperationOptions,
  addSelectionOptions,
  operationFields,
  wantedSelection,
} from "./options.ts";
import { runOperation } from "./run_operation.ts";

const EXAMPLES = `Examples:
  npm run cli -- rollback-rename experts
  npm run cli -- rollback-rename experts --schema shop --plan
  npm run cli -- rollback-rename --batch-id 6f0b9c1e-2f6e-4a53-9d2c-1d1f6f3c7a10`;

export function addRollbackRename(program: Command, context: CommandContext): void {
  const command = addSelectionOptions(
    program.command("rollback-rename")
      .summary("take renames back, to exactly the state before")
      .description(
        "Takes a rename back: the compatibility view goes, the table gets its old name. What was changed on " +
          "the table since is kept, and what was built on the view depends on the table afterwards.",
      ),
  );
  addCarryPrivileges(addOperationOptions(command))
    .addHelpText(
      "after",
      `\n${[MIGRATION_FILE_HELP, EXAMPLES, EXIT_CODES_HELP, CONNECTION_HELP].join("\n\n")}`,
    )
    .action((table: string | undefined, options) => {
      const request = { ...wantedSelection(table, options), ...operationFields(options) };
      return runOperation(
        context,
        "rollback",
        options,
        (client, call) => client.rollback(request, call),
      );
    });
}
