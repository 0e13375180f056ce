/**
 * Extensions that are made for a test, as real ones: a control file and a script in the server's own folder of
 * extensions, from which CREATE EXTENSION makes what belongs to the extension. They stand in for extensions that
 * the embedded servers do not have.
 */
import { join } from "node:path";
import type { TestDatabase } from "./servers/database.ts";

/** Makes an extension of this name and script in the schema; its files are gone afterwards. */
export async function createStandIn(
  db: TestDatabase,
  name: string,
  schema: string,
  script: string,
): Promise<void> {
  const [{ setting }] = await db.admin`select setting from pg_config() where name = 'SHAREDIR'`;
  const folder = join(setting, "extension");
  // A version of its own, so that tests that run at the same time read their own script.
  const version = crypto.randomUUID().replaceAll("-", "");
  const control = join(folder, `${name}.control`);
  const file = join(folder, `${name}--${version}.sql`);
  await Deno.writeTextFile(file, script);
  await Deno.writeTextFile(control, "comment = 'stand-in of the tests'\nrelocatable = false\n");
  await Promise.all([control, file].map((path) => Deno.chmod(path, 0o644)));
  try {
    await db.admin.unsafe(`create extension ${name} schema ${schema} version '${version}'`);
  } finally {
    await Deno.remove(file);
  }
}

/** Takes the control file away, once no test needs it any more. */
export async function forgetStandIn(db: TestDatabase, name: string): Promise<void> {
  const [{ setting }] = await db.admin`select setting from pg_config() where name = 'SHAREDIR'`;
  await Deno.remove(join(setting, "extension", `${name}.control`)).catch(() => {});
}
