import postgres from "postgres";
import pg from "pg";

const url = process.env.DATABASE_URL ?? "postgresql://postgres@127.0.0.1:5432/postgres";

/** For most of the application. */
export const sql = postgres(url, { max: 2, onnotice: () => {} });

/** For what is older. */
export const pool = new pg.Pool({ connectionString: url, max: 1 });

export async function close(): Promise<void> {
  await Promise.all([sql.end(), pool.end()]);
}
