/** `refresh-view`: makes a compatibility view fit its table again. */
import type { Command } from "commander";
import { PROGRAM } from "../command_line.ts";
import type { CommandContext } from "../context.ts";
import { addHelp } from "../help.ts";
import { MIGRATION_FILE_HELP } from "../files/migration_file.ts";
import { runOperation } from "../operation.ts";
import {
  addOperationOptions,
  addViewOptions,
  list,
  operationFields,
  type OperationOptions,
} from "../options.ts";

interface RefreshViewOptions extends OperationOptions {
  withoutColumns?: string[];
}

const EXAMPLES = `Examples:
  ${PROGRAM} list-migrations --include drift
  ${PROGRAM} refresh-view 6f0b9c1e-2f6e-4a53-9d2c-1d1f6f3c7a10 --plan
  ${PROGRAM} refresh-view 6f0b9c1e-2f6e-4a53-9d2c-1d1f6f3c7a10 --without-columns legacy_code`;

export function addRefreshView(program: Command, context: CommandContext): void {
  const command = program.command("refresh-view")
    .description(
      "Gives the compatibility view of an active rename the columns, defaults, privileges and comments that " +
        "its table has now. With --without-columns the view no longer shows some columns, so that they can be " +
        "dropped or retyped.",
    )
    .argument("<migration-id>", "the migration, as list-migrations shows it")
    .option("--without-columns <names>", "columns to leave out; several with commas", list);
  addHelp(addViewOptions(addOperationOptions(command)), EXAMPLES, MIGRATION_FILE_HELP)
    .action((migrationId: string, options: RefreshViewOptions) => {
      const { withoutColumns } = options;
      const request = {
        migration_id: migrationId,
        ...(withoutColumns && { without_columns: withoutColumns }),
        ...operationFields(options),
      };
      return runOperation(
        context,
        "refresh",
        options,
        (client, call) => client.refresh(request, call),
      );
    });
}
