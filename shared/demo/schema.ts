/**
 * The demonstration's schema: the one of npm's @supabase/stripe-sync-engine, installed by its own code, and a small
 * table of our own with row-level security.
 */
import { createRequire } from "node:module";
import type postgres from "postgres";

// Its ES module finds its SQL files by __dirname, which only CommonJS modules have.
const { runMigrations } = createRequire(import.meta.url)(
  "@supabase/stripe-sync-engine",
) as typeof import("@supabase/stripe-sync-engine");

/** The `sub` claims of the users. */
export const ALICE = "00000000-0000-4000-8000-00000000000a";
const BOB = "00000000-0000-4000-8000-00000000000b";

/**
 * Installs the schema with some rows and usual privileges for the API roles.
 *
 * @returns The names of the engine's tables in the schema stripe.
 */
export async function installSchema(sql: postgres.Sql, databaseUrl: string): Promise<string[]> {
  await runMigrations({ databaseUrl, schema: "stripe" });
  await sql.unsafe(`
    grant usage on schema stripe to service_role;
    grant all on all tables in schema stripe to service_role;

    insert into stripe.customers (id, object, email, name, currency)
    select 'cus_' || n, 'customer', 'user' || n || '@example.com', 'Customer ' || n, 'eur'
    from generate_series(1, 500) n;
    insert into stripe.products (id, object, name, active)
    select 'prod_' || n, 'product', 'Product ' || n, true from generate_series(1, 20) n;
    insert into stripe.prices (id, object, product, currency, unit_amount, active)
    select 'price_' || n, 'price', 'prod_' || (n % 20 + 1), 'eur', n * 100, true
    from generate_series(1, 60) n;
    insert into stripe.subscriptions (id, object, customer, status)
    select 'sub_' || n, 'subscription', 'cus_' || n, 'active' from generate_series(1, 200) n;

    create table public.experts (
      id bigint primary key generated always as identity,
      owner_id uuid not null default auth.uid(),
      name text not null,
      rating numeric(2, 1) not null default 3.0 check (rating between 1 and 5),
      published boolean not null default false
    );
    comment on table public.experts is 'People who answer questions';
    alter table public.experts enable row level security;
    create policy "published experts are visible to all" on public.experts
      for select using (published);
    create policy "experts see and change themselves" on public.experts
      to authenticated using (owner_id = auth.uid()) with check (owner_id = auth.uid());
    revoke all on public.experts from anon, authenticated;
    grant select on public.experts to anon;
    grant select, insert, update, delete on public.experts to authenticated;

    insert into public.experts (owner_id, name, published) values
      ('${ALICE}', 'Alice', true), ('${ALICE}', 'Alice, unpublished', false),
      ('${BOB}', 'Bob', true), ('${BOB}', 'Bob, unpublished', false);`).simple();
  const tables = await sql<{ name: string }[]>`
    select relname as name from pg_class
    where relnamespace = 'stripe'::regnamespace and relkind = 'r' and relname <> 'migrations'
    order by relname`;
  return tables.map(({ name }) => name);
}
