/** `refresh-view`: makes a compatibility view fit its table again. */
import type { Command } from "commander";
import { runOnPhase } from "../campaign/phase_operation.ts";
import { PROGRAM } from "../arguments/command_line.ts";
import type { CommandContext } from "../context.ts";
import { UsageError } from "../exit_codes.ts";
import { addHelp } from "../arguments/help.ts";
import { NAMES_HELP } from "../arguments/table_names.ts";
import { MIGRATION_FILE_HELP } from "../files/migration_file.ts";
import { runOperation } from "../operation.ts";
import {
  addOperationOptions,
  addRewriteOption,
  addViewOptions,
  list,
  operationFields,
  type OperationOptions,
  requireOnlyPhase,
} from "../arguments/options.ts";
import { defaultSchema } from "../project/defaults.ts";
import { withoutNames } from "../arguments/selection.ts";

interface RefreshViewOptions extends OperationOptions {
  withoutColumns?: string[];
  phase?: string;
}

const EXAMPLES = `Examples:
  ${PROGRAM} list-migrations --include drift
  ${PROGRAM} refresh-view experts --plan
  ${PROGRAM} refresh-view experts --without-columns legacy_code
  ${PROGRAM} refresh-view experts --rewrite-texts --plan`;

export function addRefreshView(program: Command, context: CommandContext): void {
  const command = program.command("refresh-view")
    .description(
      "Gives the compatibility view of an active rename the columns, defaults, privileges and comments that " +
        "its table has now. With --without-columns the view no longer shows some columns, so that they can be " +
        "dropped or retyped.",
    )
    .argument(
      "[table]",
      "old or new name of the table, with its schema or without; or a migration's id",
    )
    .option("--phase <name>", "the views of all active renames of this phase of the project file")
    .option("--schema <name>", "schema of the table (public)")
    .option("--without-columns <names>", "columns to leave out; several with commas", list);
  addHelp(
    addRewriteOption(addViewOptions(addOperationOptions(command))),
    EXAMPLES,
    NAMES_HELP,
    MIGRATION_FILE_HELP,
  )
    .action((table: string | undefined, options: RefreshViewOptions) => {
      const { withoutColumns, schema, phase } = options;
      const fields = {
        ...(withoutColumns && { without_columns: withoutColumns }),
        ...operationFields(options),
      };
      if (phase !== undefined) {
        requireOnlyPhase(table, { schema });
        return runOnPhase(
          context,
          "refresh",
          { ...options, phase },
          (client, selected, call, changes) =>
            client.refresh({ ...selected, ...fields, ...changes }, call),
        );
      }
      if (table === undefined) throw new UsageError("give TABLE or --phase");
      return runOperation(
        context,
        "refresh",
        options,
        async (client, call, changes) =>
          await client.refresh(
            {
              ...await withoutNames(client, { table, schema }, defaultSchema(context)),
              ...fields,
              ...changes,
            },
            call,
          ),
      );
    });
}
