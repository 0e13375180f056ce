/** The login that users make with supabase/roles/table_verifier.sql, in a test's own database. */
import type { TestDatabase } from "./servers/database.ts";

const FILE = new URL("../../supabase/roles/table_verifier.sql", import.meta.url);

export interface VerifierLogin extends AsyncDisposable {
  /** The file's role, under a name of this database's own: roles belong to the whole server. */
  role: string;
  /** Connection string of the login, as RENAME_VERIFY_DB_URL would hold it. */
  url: string;
}

/** Runs the file as postgres and gives the login the server's password. */
export async function verifierLogin(db: TestDatabase): Promise<VerifierLogin> {
  const role = `${db.name}_table_verifier`;
  const sql = (await Deno.readTextFile(FILE)).replaceAll("table_verifier", role);
  // Twice, since it can be run any number of times.
  await db.sql.unsafe(sql).simple();
  await db.sql.unsafe(sql).simple();
  await db.sql.unsafe(`alter role ${role} password '${new URL(db.url).password}'`);
  return {
    role,
    url: db.urlOf(role),
    [Symbol.asyncDispose]: async () => {
      await db.admin.unsafe(`drop owned by ${role}; drop role ${role}`).simple();
    },
  };
}
