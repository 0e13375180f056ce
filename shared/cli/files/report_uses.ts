/** Sends the project how many uses of its old names are left in source. */
import type { RenameClient } from "../../client/client.ts";
import type { Use, WantedRename } from "../../source/uses.ts";

/** Most entries of one request. */
const MOST = 1_000;

/** Reports every rename, also those of which nothing is left. No source is sent. */
export async function reportUses(
  client: RenameClient,
  { renames, left, repository }: { renames: WantedRename[]; left: Use[]; repository: string },
): Promise<void> {
  const byName = Map.groupBy(left, ({ renamed }) => key(renamed));
  const uses = renames.map((rename) => {
    const found = byName.get(key(rename)) ?? [];
    const certain = found.filter(({ certainty }) => certainty === "certain").length;
    return {
      schema: rename.schema,
      old_name: rename.from,
      certain,
      possible: found.length - certain,
    };
  });
  for (let sent = 0; sent < uses.length; sent += MOST) {
    await client.reportUses({ uses: uses.slice(sent, sent + MOST), repository });
  }
}

const key = ({ schema, from }: { schema: string; from: string }) => JSON.stringify([schema, from]);
