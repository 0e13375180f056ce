/** `rollback-rename`: gives tables their old names back, in exactly the state before. */
import type { Command } from "commander";
import { runOnPhase } from "../campaign/phase_operation.ts";
import { PROGRAM } from "../arguments/command_line.ts";
import type { CommandContext } from "../context.ts";
import { addHelp } from "../arguments/help.ts";
import { NAMES_HELP } from "../arguments/table_names.ts";
import { MIGRATION_FILE_HELP } from "../files/migration_file.ts";
import { runOperation } from "../operation.ts";
import {
  addOperationOptions,
  addSelectionOptions,
  addViewOptions,
  operationFields,
  requireOnlyPhase,
  type SelectionOptions,
  wantedSelection,
} from "../arguments/options.ts";
import { defaultSchema } from "../project/defaults.ts";
import { withoutNames } from "../arguments/selection.ts";

const EXAMPLES = `Examples:
  ${PROGRAM} rollback-rename experts
  ${PROGRAM} rollback-rename experts --schema shop --plan
  ${PROGRAM} rollback-rename --phase documents
  ${PROGRAM} rollback-rename --batch-id 6f0b9c1e-2f6e-4a53-9d2c-1d1f6f3c7a10`;

export function addRollbackRename(program: Command, context: CommandContext): void {
  const command = addSelectionOptions(
    program.command("rollback-rename")
      .description(
        "Rolls a rename back: drops the compatibility view and gives the table its old name. Later changes to " +
          "the table are kept, and what was built on the view depends on the table afterwards.",
      ),
  );
  addHelp(addViewOptions(addOperationOptions(command)), EXAMPLES, NAMES_HELP, MIGRATION_FILE_HELP)
    .action((table: string | undefined, options: SelectionOptions) => {
      const { phase } = options;
      const fields = operationFields(options);
      if (phase !== undefined) {
        requireOnlyPhase(table, options);
        return runOnPhase(
          context,
          "rollback",
          { ...options, phase },
          (client, selected, call, changes) =>
            client.rollback({ ...selected, ...fields, ...changes }, call),
        );
      }
      const selection = wantedSelection(table, options);
      return runOperation(
        context,
        "rollback",
        options,
        async (client, call, changes) =>
          await client.rollback(
            {
              ...await withoutNames(client, selection, defaultSchema(context)),
              ...fields,
              ...changes,
            },
            call,
          ),
      );
    });
}
