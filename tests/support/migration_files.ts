/** Folders of migration files, and the Supabase CLI at work on them. */
import { assert } from "@std/assert";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { nextVersion, versionOf } from "../../shared/contract/migration_version.ts";
import { supabaseCli } from "../../shared/cli/supabase_cli.ts";
import { createTestDatabase, type TestDatabase } from "./servers/database.ts";
import { testServers } from "./servers/servers.ts";

const OUR_MIGRATIONS = fileURLToPath(new URL("../../supabase/migrations", import.meta.url));

export interface Repository extends AsyncDisposable {
  dir: string;
  /** Runs the CLI with this folder, and fails the test unless it succeeds. Gives all that it said. */
  supabase(db: Pick<TestDatabase, "url">, ...args: string[]): Promise<string>;
  /** The same for what has to fail. */
  refused(db: Pick<TestDatabase, "url">, ...args: string[]): Promise<string>;
  /** Names of the migration files, in their order. */
  files(): string[];
  read(file: string): string;
  write(file: string, sql: string): void;
}

/**
 * A repository in a folder of its own.
 *
 * @param ours Whether our migrations are in it, as a project has them. Default: they are.
 */
export async function repository(ours = true): Promise<Repository> {
  const dir = await Deno.makeTempDir({ prefix: "repository-" });
  const migrations = join(dir, "supabase", "migrations");
  await Deno.mkdir(migrations, { recursive: true });
  await Deno.writeTextFile(join(dir, "supabase", "config.toml"), 'project_id = "test"\n');
  if (ours) copyOurs({ dir });
  const run = async ({ url }: Pick<TestDatabase, "url">, args: string[]) => {
    const { success, stdout, stderr } = await supabaseCli(
      [...args, "--yes", "--workdir", dir],
      url,
    );
    return { success, output: stderr + stdout };
  };
  return {
    dir,
    supabase: async (db, ...args) => {
      const { success, output } = await run(db, args);
      assert(success, `supabase ${args.join(" ")}\n${output}`);
      return output;
    },
    refused: async (db, ...args) => {
      const { success, output } = await run(db, args);
      assert(!success, `supabase ${args.join(" ")} is not refused\n${output}`);
      return output;
    },
    files: () => [...Deno.readDirSync(migrations)].map(({ name }) => name).sort(),
    read: (file) => Deno.readTextFileSync(join(migrations, file)),
    write: (file, sql) => Deno.writeTextFileSync(join(migrations, file), sql),
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

/** Copies the migrations of this checkout into a repository, as the README says. */
export function copyOurs({ dir }: Pick<Repository, "dir">): void {
  for (const { name } of Deno.readDirSync(OUR_MIGRATIONS)) {
    Deno.copyFileSync(join(OUR_MIGRATIONS, name), join(dir, "supabase", "migrations", name));
  }
}

/** A database as a new project has it: without migrations of ours or anybody's. */
export async function emptyDatabase(like: TestDatabase): Promise<TestDatabase & AsyncDisposable> {
  const server = testServers().find(({ version }) => version === like.version)!;
  const db = await createTestDatabase(server);
  await db.admin.unsafe(`
    drop schema supabase_migrations, table_rename cascade;
    do $$
    declare
      tracking regclass;
    begin
      for tracking in select oid from pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'r' and relname like 'sys\\_table\\_migration%'
      loop
        execute format('drop table %s cascade', tracking);
      end loop;
    end $$`).simple();
  return Object.assign(db, { [Symbol.asyncDispose]: () => db.close() });
}

/** The versions and names in the two columns of `supabase migration list`: those here, and those there. */
export function listedVersions(output: string): { local: string[]; remote: string[] } {
  const rows = output.split("\n").map((line) =>
    line.split("|").map((cell) => cell.replace(/[`\s]/g, ""))
  )
    .filter((cells) => cells.length >= 2 && cells.slice(0, 2).some((cell) => /^\d+$/.test(cell)));
  return {
    local: rows.map(([local]) => local).filter((version) => version !== ""),
    remote: rows.map(([, remote]) => remote).filter((version) => version !== ""),
  };
}

/** The tracking rows, but for OIDs and what has them in it: the same wherever the same was done. */
export async function trackingRows(db: TestDatabase): Promise<unknown[]> {
  const rows = await db.sql`
    select to_jsonb(m) - 'table_oid' - 'view_oid' - 'plan' - 'fingerprint'
      || jsonb_build_object(
        'statements', m.plan -> 'statements', 'request', m.plan -> 'request',
        'in_history', m.plan -> 'in_history',
        'indexes', (select jsonb_agg(i - 'oid') from jsonb_array_elements(m.plan -> 'indexes') i),
        'fingerprint', m.fingerprint #- '{view,changed,query}') as row
    from sys_table_migrations m order by m.requested_at, m.id`;
  return rows.map(({ row }) => row);
}

/** Applies a migration of the application's own and leaves the row in the history that `db push` leaves. */
export async function appMigration(db: TestDatabase, sql: string): Promise<void> {
  // One message is one transaction.
  await db.sql.unsafe(sql).simple();
  const rows = await db.sql`select version from supabase_migrations.schema_migrations`;
  const version = nextVersion(rows.map(({ version }) => version), versionOf(new Date()));
  await db.sql`
    insert into supabase_migrations.schema_migrations (version, name, statements)
    values (${version}, 'app', ${[sql]})`;
}
