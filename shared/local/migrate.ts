/**
 * `npm run migrate`: applies supabase/migrations to the database SUPABASE_DB_URL with the Supabase
 * CLI. Migrations that the database has already are left alone.
 */
import { fileURLToPath } from "node:url";
import { isDatabaseUrl, supabaseCli } from "../cli/supabase_cli.ts";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Applies the migrations to the database at `databaseUrl` and returns what the CLI said.
 *
 * @param databaseUrl `postgresql://…`; on a loopback host without `sslmode` TLS is not asked for
 * @param workdir the folder with supabase/migrations; default: this repository
 * @throws {Error} not a PostgreSQL URL, no Node.js, or the CLI failed (with its output)
 */
export async function migrate(databaseUrl: string, workdir = REPOSITORY): Promise<string> {
  if (!isDatabaseUrl(databaseUrl)) throw new Error("SUPABASE_DB_URL is not a postgresql:// URL");
  const args = ["db", "push", "--yes", "--workdir", workdir];
  const { success, stdout, stderr } = await supabaseCli(args, databaseUrl);
  const output = (stderr + stdout).trim();
  if (!success) throw new Error(`supabase db push failed:\n${output}`);
  return output;
}

if (import.meta.main) {
  const databaseUrl = Deno.env.get("SUPABASE_DB_URL");
  try {
    if (!databaseUrl) {
      throw new Error(
        "SUPABASE_DB_URL is not set. Say which database to migrate, for example\n" +
          "  SUPABASE_DB_URL='postgresql://postgres:PASSWORD@db.PROJECT.supabase.co:5432/postgres' " +
          "npm run migrate\n" +
          "(npm run serve without SUPABASE_DB_URL migrates its own database by itself)",
      );
    }
    console.log(await migrate(databaseUrl));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}
