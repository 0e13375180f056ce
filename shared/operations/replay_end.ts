/** What is done with a rename that is there already, as a migration. */
import type { RecordedRename } from "../facts/migration.ts";
import { ident, qualified } from "../sql/quoting.ts";
import { listedLines, type Replay, slug } from "./history.ts";

type Operation = "rollback" | "finalize" | "refresh";

/** Whether all of them are in the migration history: what is not made there cannot be ended there. */
export const allInHistory = (migrations: RecordedRename[]): boolean =>
  migrations.every(({ in_history }) => in_history);

const TEXTS: Record<Operation, { name: string; about: (migration: RecordedRename) => string }> = {
  rollback: {
    name: "roll_back_rename_of",
    about: ({ schema_name, old_name, new_name }) =>
      `Gives ${qualified(schema_name, new_name)} its old name ${ident(old_name)} back.`,
  },
  finalize: {
    name: "finalize_rename_of",
    about: ({ schema_name, old_name, new_name }) =>
      `Ends the rename to ${ident(new_name)}: the compatibility view ${
        qualified(schema_name, old_name)
      } goes.`,
  },
  refresh: {
    name: "refresh_view",
    about: ({ schema_name, old_name, new_name }) =>
      `Makes the compatibility view ${qualified(schema_name, old_name)} again, as ${
        ident(new_name)
      } is now.`,
  },
};

/** @param tracking Statements that mark the migrations. */
export function replayEnd(
  operation: Operation,
  migrations: RecordedRename[],
  tracking: string[],
): Replay {
  const { name, about } = TEXTS[operation];
  const [{ old_name }] = migrations;
  const more = migrations.length === 1 ? "" : `_and_${migrations.length - 1}_more`;
  return {
    name: `${name}_${slug(old_name)}${more}`,
    about: listedLines(migrations.map(about)),
    views: migrations.filter(({ compatibility_view_created }) => compatibility_view_created)
      .map(({ schema_name, old_name }) => ({ schema: schema_name, name: old_name })),
    tracking: () => tracking,
  };
}
