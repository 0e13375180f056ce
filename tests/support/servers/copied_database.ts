/** Copies of a test's database in which every object has another OID. */
import { join } from "node:path";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { testServers, withMaintenance } from "./servers.ts";

const warned = new Set<number>();

/** The folder of clients that can dump and restore this server; null, said loudly once, where there is none. */
export async function clientsFor(version: number): Promise<string | null> {
  const folders = [version, 15, 16, 17, 18].filter((n) => n >= version)
    .map((n) => `/usr/lib/postgresql/${n}/bin/`);
  for (const folder of [...folders, ""]) {
    try {
      const { stdout } = await new Deno.Command(`${folder}pg_restore`, { args: ["--version"] })
        .output();
      const major = Number(new TextDecoder().decode(stdout).match(/\) (\d+)/)?.[1]);
      if (major >= version) return folder;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  if (!warned.has(version)) {
    warned.add(version);
    console.warn(
      `\n*** NOTHING IS RESTORED: no pg_dump and pg_restore ${version} are installed. ***`,
    );
  }
  return null;
}

/**
 * A database made of a dump of this one, as staging copies and moves to another project are.
 *
 * @param before Statements that are run there before, to give what is restored other OIDs.
 */
export async function restoredCopy(
  db: TestDatabase,
  folder: string,
  before = "select 1",
): Promise<TestDatabase & AsyncDisposable> {
  const server = testServers().find(({ version }) => version === db.version)!;
  const copy = await createTestDatabase(server);
  await withMaintenance(server, async (sql) => {
    await sql`drop database ${sql(copy.name)}`;
    await sql`create database ${sql(copy.name)} template template0 owner postgres`;
  });
  await copy.admin.unsafe(before).simple();
  const dir = await Deno.makeTempDir({ prefix: "dump-" });
  try {
    const file = join(dir, "dump");
    await run(`${folder}pg_dump`, ["-Fc", `--file=${file}`, `--dbname=${db.adminUrl}`]);
    // The schema public is there already.
    await run(`${folder}pg_restore`, [`--dbname=${copy.adminUrl}`, file]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
  return Object.assign(copy, { [Symbol.asyncDispose]: () => copy.close() });
}

async function run(program: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
  if (!success) throw new Error(`${program} failed: ${new TextDecoder().decode(stderr)}`);
}
