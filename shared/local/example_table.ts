/** A table to try things on, in the embedded database of `npm run serve`. */
import postgres from "postgres";

const SQL = new URL("./sql/example.sql", import.meta.url);

/** Makes public.experts, unless the name is taken or something has been renamed before. */
export async function makeExampleTable(databaseUrl: string): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  try {
    await sql.unsafe(await Deno.readTextFile(SQL)).simple();
  } finally {
    await sql.end({ timeout: 5 });
  }
}
