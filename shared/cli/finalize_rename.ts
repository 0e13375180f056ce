/** `finalize-rename`: the compatibility view goes, and only the new name is left. */
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
  wholeNumber,
} from "./options.ts";
import { runOperation } from "./run_operation.ts";

const EXAMPLES = `Examples:
  npm run cli -- finalize-rename experts --plan
  npm run cli -- finalize-rename experts
  npm run cli -- finalize-rename experts --quiet-for-days 0
  npm run cli -- finalize-rename --batch-id 6f0b9c1e-2f6e-4a53-9d2c-1d1f6f3c7a10`;

export function addFinalizeRename(program: Command, context: CommandContext): void {
  const command = addSelectionOptions(
    program.command("finalize-rename")
      .summary("end a rename: the old name goes")
      .description(
        "Ends a rename: the compatibility view goes, and only the new name is left. What was built on the view " +
          "depends on the table afterwards. Refused while something still names the old name, or calls it. It " +
          "cannot be rolled back.",
      ),
  );
  addCarryPrivileges(addOperationOptions(command))
    .option(
      "--quiet-for-days <n>",
      "days without any use, none missed (7); 0: at once",
      wholeNumber,
    )
    .addHelpText(
      "after",
      `\n${[MIGRATION_FILE_HELP, EXAMPLES, EXIT_CODES_HELP, CONNECTION_HELP].join("\n\n")}`,
    )
    .action((table: string | undefined, options) => {
      const request = {
        ...wantedSelection(table, options),
        ...operationFields(options),
        quiet_for_days: options.quietForDays,
      };
      return runOperation(
        context,
        "finalize",
        options,
        (client, call) => client.finalize(request, call),
      );
    });
}
