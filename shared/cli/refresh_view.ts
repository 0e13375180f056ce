/** `refresh-view`: makes a compatibility view again as its table is now. */
import type { Command } from "commander";
import { CONNECTION_HELP } from "./connection.ts";
import type { CommandContext } from "./context.ts";
import { EXIT_CODES_HELP } from "./exit_codes.ts";
import { MIGRATION_FILE_HELP } from "./migration_file.ts";
import {
  addCarryPrivileges,
  addOperationOptions,
  columnNames,
  operationFields,
  type OperationOptions,
} from "./options.ts";
import { runOperation } from "./run_operation.ts";

interface RefreshViewOptions extends OperationOptions {
  withoutColumns?: string[];
}

const EXAMPLES = `Examples:
  npm run cli -- list-migrations --include drift
  npm run cli -- refresh-view 6f0b9c1e-2f6e-4a53-9d2c-1d1f6f3c7a10 --plan
  npm run cli -- refresh-view 6f0b9c1e-2f6e-4a53-9d2c-1d1f6f3c7a10 --without-columns legacy_code`;

export function addRefreshView(program: Command, context: CommandContext): void {
  const command = program.command("refresh-view")
    .summary("make a compatibility view again, after its table's columns or grants changed")
    .description(
      "Makes the compatibility view of an active rename again as its table is now: columns, defaults, " +
        "privileges, comments. With --without-columns the view lets go of columns, so that they can be dropped " +
        "or retyped.",
    )
    .argument("<migration-id>", "the migration, as list-migrations shows it")
    .option("--without-columns <names>", "columns to leave out; several with commas", columnNames);
  addCarryPrivileges(addOperationOptions(command))
    .addHelpText(
      "after",
      `\n${[MIGRATION_FILE_HELP, EXAMPLES, EXIT_CODES_HELP, CONNECTION_HELP].join("\n\n")}`,
    )
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
