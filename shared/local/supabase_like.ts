/**
 * Makes a plain PostgreSQL database look like that of a hosted Supabase project: roles, schemas,
 * grants, publication and event triggers, from the files in `sql/`.
 */
import postgres from "postgres";
import { type PostgresServer, SUPERUSER } from "./postgres/server.ts";

/**
 * What new tables, functions and sequences in `public` are granted to anon, authenticated and
 * service_role: everything (`classic`), or nothing, as in projects made since 2026-10-30 (`none`).
 */
export type DefaultPrivileges = "classic" | "none";

/** Roles that can log in; all have the server's password. */
const LOGIN_ROLES = ["postgres", "authenticator", "supabase_read_only_user"];

/**
 * Makes the roles of the cluster. Can be run again: it undoes changes to them.
 *
 * @throws {postgres.PostgresError} what the server refuses
 */
export async function createSupabaseRoles(server: PostgresServer): Promise<void> {
  await asSuperuser(server, "postgres", async (sql) => {
    await sql.unsafe(await sqlFile("roles.sql")).simple();
    // The password consists of hexadecimal digits.
    const passwords = LOGIN_ROLES.map((role) =>
      `ALTER ROLE ${role} PASSWORD '${server.password}';`
    );
    await sql.unsafe(passwords.join("\n")).simple();
  });
}

/**
 * Makes an empty database Supabase-like and gives it to the role `postgres`, in one transaction. The roles must exist.
 *
 * @throws {postgres.PostgresError} what the server refuses; 42P06 if it was done before
 */
export async function makeSupabaseLike(
  server: PostgresServer,
  database: string,
  defaultPrivileges: DefaultPrivileges = "classic",
): Promise<void> {
  await asSuperuser(server, database, async (sql) => {
    await sql`ALTER DATABASE ${sql(database)} OWNER TO postgres`;
    const text = await sqlFile("database.sql") +
      (defaultPrivileges === "classic" ? await sqlFile("classic_default_privileges.sql") : "");
    // One message is one transaction.
    await sql.unsafe(text).simple();
  });
}

/** Whether `makeSupabaseLike` has been run on `database`. */
export function isSupabaseLike(server: PostgresServer, database: string): Promise<boolean> {
  return asSuperuser(server, database, async (sql) => {
    const [{ found }] = await sql`SELECT to_regnamespace('auth') IS NOT NULL AS found`;
    return found;
  });
}

async function asSuperuser<T>(
  server: PostgresServer,
  database: string,
  work: (sql: postgres.Sql) => Promise<T>,
): Promise<T> {
  const sql = postgres(server.url(SUPERUSER, database), { max: 1, onnotice: () => {} });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

function sqlFile(name: string): Promise<string> {
  return Deno.readTextFile(new URL(`./sql/${name}`, import.meta.url));
}
