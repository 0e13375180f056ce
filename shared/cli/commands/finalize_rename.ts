/** `finalize-rename`: drops the compatibility view, so that only the new name is left. */
import type { Command } from "commander";
import { PROGRAM } from "../command_line.ts";
import type { CommandContext } from "../context.ts";
import { addHelp } from "../help.ts";
import { MIGRATION_FILE_HELP } from "../files/migration_file.ts";
import { runOperation } from "../operation.ts";
import {
  addOperationOptions,
  addSelectionOptions,
  addViewOptions,
  operationFields,
  type SelectionOptions,
  wantedSelection,
  wholeNumber,
} from "../options.ts";
import { defaultSchema } from "../project/defaults.ts";

interface FinalizeRenameOptions extends SelectionOptions {
  quietForDays?: number;
}

const EXAMPLES = `Examples:
  ${PROGRAM} finalize-rename experts --plan
  ${PROGRAM} finalize-rename experts
  ${PROGRAM} finalize-rename experts --quiet-for-days 0
  ${PROGRAM} finalize-rename --batch-id 6f0b9c1e-2f6e-4a53-9d2c-1d1f6f3c7a10`;

export function addFinalizeRename(program: Command, context: CommandContext): void {
  const command = addSelectionOptions(
    program.command("finalize-rename")
      .description(
        "Ends a rename: drops the compatibility view, so that only the new name is left. What was built on the " +
          "view depends on the table afterwards. Refused while something still contains or uses the old name. " +
          "It cannot be rolled back.",
      ),
  );
  addHelp(addViewOptions(addOperationOptions(command)), EXAMPLES, MIGRATION_FILE_HELP)
    .option(
      "--quiet-for-days <n>",
      "days without any use of the old name (7); 0: none",
      wholeNumber,
    )
    .action((table: string | undefined, options: FinalizeRenameOptions) => {
      const request = {
        ...wantedSelection(table, options, defaultSchema(context)),
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
