/** The login that users make with supabase/roles/table_renamer.sql, in a test's own database. */
import type { TestDatabase } from "./database.ts";

const FILE = new URL("../../../supabase/roles/table_renamer.sql", import.meta.url);

export interface LeastPrivilege extends AsyncDisposable {
  /** The file's roles, under names of this database's own: roles belong to the whole server. */
  renamer: string;
  owner: string;
  /** Connection string of the login, as RENAME_DB_URL would hold it. */
  url: string;
  /** The file as it was run. */
  sql: string;
  /** The statements at its end that take it all back. */
  takeBack: string;
  /** Gives tables, already quoted, to the owner. */
  handOver(...tables: string[]): Promise<void>;
}

/** Runs the file as postgres, gives the login the server's password, and says how to undo it. */
export async function leastPrivilege(db: TestDatabase): Promise<LeastPrivilege> {
  const [renamer, owner] = [`${db.name}_table_renamer`, `${db.name}_table_owner`];
  const text = await Deno.readTextFile(FILE);
  const sql = text.replaceAll("table_renamer", renamer).replaceAll("table_owner", owner);
  await db.sql.unsafe(sql).simple();
  const password = new URL(db.url).password;
  await db.sql.unsafe(`alter role ${renamer} password '${password}'`);
  const takeBack = sql.slice(sql.indexOf("-- Unset RENAME_DB_URL")).split("\n")
    .filter((line) => line.startsWith("--   ")).map((line) => line.slice(2)).join("\n");
  return {
    renamer,
    owner,
    url: db.urlOf(renamer),
    sql,
    takeBack,
    handOver: async (...tables) => {
      await db.sql.unsafe(tables.map((table) => `alter table ${table} owner to ${owner}`).join(";"))
        .simple();
    },
    [Symbol.asyncDispose]: async () => {
      const roles = [renamer, owner];
      const there = await db.admin`select rolname from pg_roles where rolname in ${
        db.admin(roles)
      }`;
      for (const { rolname } of there) {
        await db.admin.unsafe(`
          reassign owned by ${rolname} to postgres;
          drop owned by ${rolname} cascade;
          drop role ${rolname}`).simple();
      }
    },
  };
}
