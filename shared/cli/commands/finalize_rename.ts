/** `finalize-rename`: drops the compatibility view, so that only the new name is left. */
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
  addRewriteOption,
  addSelectionOptions,
  addViewOptions,
  operationFields,
  requireOnlyPhase,
  type SelectionOptions,
  wantedSelection,
  wholeNumber,
} from "../arguments/options.ts";
import { defaultSchema } from "../project/defaults.ts";
import { withoutNames } from "../arguments/selection.ts";
import { finalizeReady } from "./finalize_ready.ts";

interface FinalizeRenameOptions extends SelectionOptions {
  quietForDays?: number;
  ready?: true;
}

const EXAMPLES = `Examples:
  ${PROGRAM} finalize-rename experts --plan
  ${PROGRAM} finalize-rename experts
  ${PROGRAM} finalize-rename experts --quiet-for-days 0 --yes
  ${PROGRAM} finalize-rename --ready
  ${PROGRAM} finalize-rename --ready --phase documents
  ${PROGRAM} finalize-rename --batch-id 6f0b9c1e-2f6e-4a53-9d2c-1d1f6f3c7a10`;

export function addFinalizeRename(program: Command, context: CommandContext): void {
  const command = addSelectionOptions(
    program.command("finalize-rename")
      .description(
        "Ends a rename: drops the compatibility view, so that only the new name is left. What was built on the " +
          "view depends on the table afterwards. Refused while something still contains or uses the old name. " +
          "It cannot be rolled back, so it asks first.",
      ),
  );
  addHelp(
    addRewriteOption(addViewOptions(addOperationOptions(command))),
    EXAMPLES,
    NAMES_HELP,
    MIGRATION_FILE_HELP,
  )
    .option(
      "--quiet-for-days <n>",
      "days without any use of the old name (7); 0: none",
      wholeNumber,
    )
    .option("--ready", "all renames that are ready to be finalized, each by itself")
    .action((table: string | undefined, options: FinalizeRenameOptions) => {
      const fields = { ...operationFields(options), quiet_for_days: options.quietForDays };
      if (options.ready) return finalizeReady(context, table, options, fields);
      const { phase } = options;
      if (phase !== undefined) {
        requireOnlyPhase(table, options);
        return runOnPhase(
          context,
          "finalize",
          { ...options, phase },
          (client, selected, call, changes) =>
            client.finalize({ ...selected, ...fields, ...changes }, call),
        );
      }
      const selection = wantedSelection(table, options);
      return runOperation(
        context,
        "finalize",
        options,
        async (client, call, changes) =>
          await client.finalize(
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
