/** The tracked renames of a phase of the project file. */
import type { RenameClient } from "../../client/client.ts";
import { findPhase } from "./phases.ts";
import { byOldName, statesOf } from "./status.ts";
import type { CommandContext } from "../context.ts";
import type { Migration } from "../../contract/responses.ts";

/** Those of the migrations that are of a phase of the project file. */
export async function ofPhase(
  context: CommandContext,
  client: RenameClient,
  phase: string,
  migrations: Migration[],
): Promise<Migration[]> {
  const { wanted, tables } = await findPhase(context, client, phase);
  const ids = new Set(
    statesOf(wanted, tables, byOldName(migrations)).flatMap(({ state, migration }) =>
      state === "other" ? [] : migration?.id ?? []
    ),
  );
  return migrations.filter(({ id }) => ids.has(id));
}
