/**
 * `npm run migrate`: applies supabase/migrations to the database SUPABASE_DB_URL with the Supabase
 * CLI. Migrations that were applied before are not applied again; others, whose files are elsewhere, are left alone.
 */
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import { isDatabaseUrl, supabaseCli } from "../cli/supabase_cli.ts";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Applies the migrations to the database at `databaseUrl` and returns the CLI's output.
 *
 * @param databaseUrl `postgresql://…`; on a loopback host without `sslmode` TLS is not used
 * @param workdir the folder with supabase/migrations; default: this repository
 * @throws {Error} not a PostgreSQL URL, no Node.js, or the CLI failed (with its output)
 */
export async function migrate(databaseUrl: string, workdir = REPOSITORY): Promise<string> {
  if (!isDatabaseUrl(databaseUrl)) throw new Error("SUPABASE_DB_URL is not a postgresql:// URL");
  const elsewhere = await versionsElsewhere(databaseUrl, workdir);
  if (elsewhere.length === 0) return await push(databaseUrl, ["--workdir", workdir]);
  const dir = await mkdtemp(join(tmpdir(), "migrate-"));
  try {
    await cp(join(workdir, "supabase"), join(dir, "supabase"), { recursive: true });
    for (const version of elsewhere) {
      await writeFile(migrationsIn(dir, `${version}_elsewhere.sql`), "-- Applied already\n");
    }
    // Ours can be older than the last one of the database.
    return await push(databaseUrl, ["--include-all", "--workdir", dir]);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function push(databaseUrl: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await supabaseCli(
    ["db", "push", "--yes", ...args],
    databaseUrl,
  );
  const output = (stderr + stdout).trim();
  if (!success) throw new Error(`supabase db push failed:\n${output}`);
  return output;
}

const migrationsIn = (workdir: string, file = "") => join(workdir, "supabase", "migrations", file);

/**
 * Versions that the database has and the folder does not: recorded renames, and an application's own migrations. The
 * CLI refuses to continue without their files, though it does not read them.
 */
async function versionsElsewhere(databaseUrl: string, workdir: string): Promise<string[]> {
  const here = new Set(
    [...Deno.readDirSync(migrationsIn(workdir))].map(({ name }) => name.split("_")[0]),
  );
  const sql = postgres(databaseUrl, { max: 1, connect_timeout: 10, onnotice: () => {} });
  try {
    const rows = await sql`select version from supabase_migrations.schema_migrations`;
    return rows.map(({ version }) => String(version))
      .filter((version) => /^\d+$/.test(version) && !here.has(version));
  } catch {
    // There is no history yet, or no way in: the CLI says which.
    return [];
  } finally {
    await sql.end({ timeout: 1 });
  }
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
