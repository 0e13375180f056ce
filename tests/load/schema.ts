/** The application of the soak: three related tables, a function, and row-level security. */

export const SCHEMA = `
create table document_types (
  id int primary key,
  label text not null
);
create table experts (
  id bigint primary key generated always as identity,
  email text not null unique,
  name text not null default 'nobody',
  hits int not null default 0,
  listed boolean not null default true
);
create table bookings (
  id bigint primary key generated always as identity,
  expert_id bigint not null references experts,
  document_type int not null default 1 references document_types,
  note text,
  made_at timestamptz not null default clock_timestamp()
);
create index on bookings (made_at);
create table control (id int primary key, value int not null);

insert into document_types values (1, 'invoice'), (2, 'offer');
insert into experts (email, name, listed)
  select 'expert' || n || '@example.org', 'expert ' || n, n % 2 = 0 from generate_series(1, 100) n;
insert into bookings (expert_id, note)
  select n, 'first' from generate_series(1, 100) n;
insert into control values (1, 0);

create function touch_expert(wanted bigint) returns int language plpgsql as $$
declare
  seen experts.hits%type;
begin
  update experts set hits = hits + 1 where id = wanted returning hits into seen;
  perform count(*) from bookings where expert_id = wanted;
  return seen;
end $$;

alter table experts enable row level security;
create policy listed on experts for select to anon using (listed);
grant select on experts, bookings, document_types to anon`;

/** Rows with these ids are there from the beginning. */
export const EXPERTS = 100;
