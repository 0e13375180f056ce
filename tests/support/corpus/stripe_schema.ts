/** The tables that @supabase/stripe-sync-engine makes: a real schema that we did not write. */
import type postgres from "postgres";

const MIGRATIONS = new URL(
  "../../../node_modules/@supabase/stripe-sync-engine/dist/migrations/",
  import.meta.url,
);

/** Schema of the tables, as the package's migrations name it. */
export const STRIPE_SCHEMA = "stripe";

/** Applies the package's migrations in their order and returns the names of the tables, sorted. */
export async function createStripeSchema(sql: postgres.Sql): Promise<string[]> {
  const files = (await Array.fromAsync(Deno.readDir(MIGRATIONS)))
    .map(({ name }) => name).filter((name) => name.endsWith(".sql")).sort();
  const texts = await Promise.all(
    files.map((name) => Deno.readTextFile(new URL(name, MIGRATIONS))),
  );
  await sql.unsafe(`create schema ${STRIPE_SCHEMA};\n${texts.join("\n;\n")}`).simple();
  const tables = await sql`
    select relname from pg_class
    where relnamespace = ${STRIPE_SCHEMA}::regnamespace and relkind = 'r' order by relname`;
  return tables.map(({ relname }) => relname);
}
