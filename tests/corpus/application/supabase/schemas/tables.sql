create table experts (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  city text,
  rate int not null default 50 check (experts.rate > 0),
  created_at timestamptz not null default now()
);
alter table experts enable row level security;
create policy "everybody reads" on experts for select using (true);

create table customers (
  id uuid primary key default gen_random_uuid(),
  email text not null unique,
  mentor_id uuid references experts (id)
);

create table bookings (
  id uuid primary key default gen_random_uuid(),
  expert_id uuid not null references public.experts (id) on delete cascade,
  customer_id uuid not null references customers (id),
  starts_at timestamptz not null,
  minutes int not null default 60,
  status text not null default 'open'
);
alter table bookings enable row level security;
create policy "experts read theirs" on bookings for select
  using (exists (select 1 from experts where experts.id = bookings.expert_id));
create index on bookings (expert_id, starts_at);
comment on table bookings is 'Visits of customers';
comment on column bookings.status is 'open, done or cancelled';

create table reviews (
  id uuid primary key default gen_random_uuid(),
  booking_id uuid not null references bookings (id),
  stars int not null,
  body text
);

create table tags (id uuid primary key default gen_random_uuid(), label text not null);
create table expert_tags (
  expert_id uuid references experts (id),
  tag_id uuid references tags (id),
  primary key (expert_id, tag_id)
);

create schema billing;
create table billing.invoices (
  id uuid primary key default gen_random_uuid(),
  booking_id uuid not null,
  cents int not null,
  paid_at timestamptz
);
grant select on billing.invoices to service_role;

create view open_bookings with (security_invoker = true) as
  select b.id, experts.name from bookings b join experts on experts.id = b.expert_id;

create function free_experts(at timestamptz) returns setof experts
language sql stable as $$
  select experts.* from experts
  where not exists (select 1 from bookings where bookings.expert_id = experts.id and starts_at = at)
$$;

create function finish(booking uuid) returns void language plpgsql as $$
declare
  done bookings%rowtype;
  who experts.name%type;
begin
  update bookings set status = 'done' where bookings.id = booking returning * into done;
  select experts.name into who from experts where experts.id = done.expert_id;
  raise notice 'bookings: % is done with %', booking, who;
end $$;

create trigger touched after update on bookings for each row execute function log_change();
