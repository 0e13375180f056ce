/** `init`: the migrations of the tracking tables, among a project's own. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { nextVersion } from "../../contract/migration_version.ts";
import { migrationFiles, OUR_MIGRATIONS } from "../../local/migrate.ts";
import type { Changes } from "./changes.ts";

/**
 * Adds those that are not there yet, by their names. Each has its own version or, if the project has later ones, the
 * next after the last, so that `supabase db push` applies it. What is there is never changed, since it may be applied.
 *
 * @param folder From the folder `dir`.
 */
export async function migrationChanges(dir: string, folder: string): Promise<Changes> {
  const there = await migrationFiles(join(dir, folder));
  const names = new Set(there.map(({ name }) => name));
  const versions = there.map(({ version }) => version);
  const changes: Changes["changes"] = [];
  for (const { version, name, file } of await migrationFiles(OUR_MIGRATIONS)) {
    if (names.has(name)) continue;
    const own = nextVersion(versions, version);
    versions.push(own);
    changes.push({
      path: `${folder}/${own}_${name}.sql`,
      action: "create",
      text: await readFile(join(OUR_MIGRATIONS, file), "utf8"),
    });
  }
  return { changes, kept: [] };
}
