/** The migrations that make the tracking tables, and applying them as `supabase db push` would. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import postgres from "postgres";
import { isDatabaseUrl } from "./database_url.ts";
import { PACKAGE_ROOT } from "./package_root.ts";

export interface MigrationFile {
  /** 14 digits. */
  version: string;
  name: string;
  /** The name of the file. */
  file: string;
}

export const OUR_MIGRATIONS = join(PACKAGE_ROOT, "supabase", "migrations");

/** The migration files of a folder, in their order; none if there is no such folder. */
export async function migrationFiles(folder: string): Promise<MigrationFile[]> {
  const files = await readdir(folder).catch((error) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return files.toSorted().flatMap((file) => {
    const [, version, name] = /^(\d{14})_(.+)\.sql$/.exec(file) ?? [];
    return version === undefined ? [] : [{ version, name, file }];
  });
}

/**
 * Applies our migrations to the database at `databaseUrl`: each that its list of migrations does not have, with its row
 * in the list, in a transaction of its own. Applied again, they change nothing.
 *
 * @param folder A project's own migrations. Where ours are among them, under other versions, those versions are used.
 * @returns The names of the files that were applied.
 * @throws {Error} Not a URL of a database, or what the server refuses.
 */
export async function migrate(databaseUrl: string, folder?: string): Promise<string[]> {
  // postgres.js would take another database than none.
  if (!isDatabaseUrl(databaseUrl)) throw new Error("it is not a postgresql:// URL");
  const copies = new Map(
    (folder === undefined ? [] : await migrationFiles(folder)).map((file) => [file.name, file]),
  );
  const applied: string[] = [];
  const sql = postgres(databaseUrl, { max: 1, connect_timeout: 10, onnotice: () => {} });
  try {
    const done = await listedVersions(sql);
    for (const { version, name, file } of await migrationFiles(OUR_MIGRATIONS)) {
      const wanted = copies.get(name)?.version ?? version;
      if (done.has(wanted)) continue;
      const text = await readFile(join(OUR_MIGRATIONS, file), "utf8");
      await sql.begin(async (transaction) => {
        await transaction.unsafe(text).simple();
        await transaction`
          insert into supabase_migrations.schema_migrations (version, name, statements)
          values (${wanted}, ${name}, ${[text]})`;
      });
      applied.push(copies.get(name)?.file ?? file);
    }
  } finally {
    await sql.end({ timeout: 5 });
  }
  return applied;
}

/** The versions that are applied. Makes the Supabase CLI's list of them if there is none. */
async function listedVersions(sql: postgres.Sql): Promise<Set<string>> {
  await sql.unsafe(`
    create schema if not exists supabase_migrations;
    create table if not exists supabase_migrations.schema_migrations (
      version text not null primary key, statements text[], name text)`).simple();
  const rows = await sql`select version from supabase_migrations.schema_migrations`;
  return new Set(rows.map(({ version }) => String(version)));
}
