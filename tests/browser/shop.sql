-- A shop, for pictures of the page.
create table public.customers (
  id bigint primary key generated always as identity,
  email text unique not null,
  name text not null,
  created_at timestamptz not null default now()
);
create table public.addresses (
  id bigint primary key generated always as identity,
  customer_id bigint not null references public.customers,
  city text not null
);
create table public.categories (id int primary key, name text not null);
create table public.products (
  id bigint primary key generated always as identity,
  category_id int references public.categories,
  name text not null,
  price numeric(10, 2) not null check (price >= 0)
);
create table public.product_images (
  product_id bigint references public.products,
  url text,
  primary key (product_id, url)
);
create table public.orders (
  id bigint primary key generated always as identity,
  customer_id bigint not null references public.customers,
  placed_at timestamptz not null default now(),
  total numeric(10, 2) not null default 0
);
create index orders_placed_at_idx on public.orders (placed_at);
create table public.order_items (
  order_id bigint references public.orders,
  product_id bigint references public.products,
  quantity int not null default 1,
  primary key (order_id, product_id)
);
create table public.payments (
  id bigint primary key generated always as identity,
  order_id bigint not null references public.orders,
  amount numeric(10, 2) not null
);
create table public.shipments (
  id bigint primary key generated always as identity,
  order_id bigint not null references public.orders,
  carrier text
);
create table public.reviews (
  id bigint primary key generated always as identity,
  product_id bigint not null references public.products,
  stars int not null,
  body text
);
create table public.coupons (code text primary key, percent int not null);
create table public.carts (
  id uuid primary key default gen_random_uuid(),
  customer_id bigint references public.customers
);

create view public.open_orders as
  select o.id, o.customer_id, o.total from public.orders o
  where not exists (select from public.shipments s where s.order_id = o.id);
create materialized view public.revenue_by_day as
  select date_trunc('day', placed_at) as day, sum(total) as revenue from public.orders group by 1;
create function public.order_total(wanted bigint) returns numeric language sql stable as
  'select sum(i.quantity * p.price) from public.order_items i
   join public.products p on p.id = i.product_id where i.order_id = wanted';
create function public.note_total() returns trigger language plpgsql as
  'begin update public.orders set total = public.order_total(new.order_id) where id = new.order_id;
   return null; end';
create function public.forget_customer(wanted bigint) returns void language plpgsql as
  'begin execute format(''delete from %I where customer_id = $1'', ''carts'') using wanted; end';

alter table public.orders enable row level security;
create policy "customers see their own orders" on public.orders for select to authenticated
  using (customer_id = (select c.id from public.customers c where c.email = current_setting('request.email', true)));

insert into public.categories select n, 'Category ' || n from generate_series(1, 12) n;
insert into public.customers (email, name)
  select 'customer' || n || '@example.com', 'Customer ' || n from generate_series(1, 4000) n;
insert into public.addresses (customer_id, city) select n, 'City ' || n % 90 from generate_series(1, 4000) n;
insert into public.products (category_id, name, price)
  select 1 + n % 12, 'Product ' || n, n % 100 from generate_series(1, 900) n;
insert into public.product_images select 1 + n % 900, 'https://example.com/' || n from generate_series(1, 2500) n;
insert into public.orders (customer_id, total, placed_at)
  select 1 + n % 4000, n % 300, now() - n * interval '11 minutes' from generate_series(1, 30000) n;
insert into public.order_items select 1 + n % 30000, 1 + n % 887, 1 + n % 3 from generate_series(1, 70000) n
  on conflict do nothing;
insert into public.payments (order_id, amount) select n, n % 300 from generate_series(1, 29000) n;
insert into public.shipments (order_id, carrier) select n, 'Carrier ' || n % 3 from generate_series(1, 27000) n;
insert into public.reviews (product_id, stars) select 1 + n % 900, 1 + n % 5 from generate_series(1, 6000) n;
insert into public.coupons select 'CODE' || n, n % 50 from generate_series(1, 120) n;
insert into public.carts (customer_id) select n from generate_series(1, 700) n;

create trigger order_items_total after insert on public.order_items
  for each row execute function public.note_total();

do $$ begin
  if exists (select from pg_publication where pubname = 'supabase_realtime') then
    alter publication supabase_realtime add table public.payments;
  end if;
end $$;
analyze;
