-- A consultancy: experts who write documents, and the invoices for them.

create type expert_status as enum ('invited', 'active', 'retired');

create table profiles (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  locale text not null default 'en',
  settings jsonb not null default '{}'
);

create table experts (
  id bigint primary key generated always as identity,
  profile_id uuid not null unique references profiles,
  headline text not null,
  hourly_rate numeric not null,
  status expert_status not null default 'invited',
  mentor_id bigint references experts,
  languages text[] not null default '{}'
);

create table document_types (
  id int primary key generated always as identity,
  code text not null unique,
  label text not null,
  retention_days int
);

create table documents (
  id bigint primary key generated always as identity,
  type_id int not null references document_types,
  author_id bigint not null references experts,
  reviewer_id bigint references experts,
  title text not null,
  body text,
  meta jsonb,
  title_length int generated always as (length(title)) stored,
  created_at timestamptz not null default now()
);

create table topics (id int primary key generated always as identity, label text not null);

create table expert_topics (
  expert_id bigint references experts,
  topic_id int references topics,
  level int not null,
  primary key (expert_id, topic_id)
);

create table drafts (id int primary key generated always as identity, text text not null);

create table leaflets (id int primary key generated always as identity, text text not null);

create table letters (id int primary key generated always as identity, text text not null);

create function shout(letter letters) returns text language sql stable as 'select upper(letter.text)';

create view expert_directory as
select e.id, e.headline, p.name from experts e join profiles p on p.id = e.profile_id;

create function search_experts(query text, max_rows int default 10) returns setof experts
language sql stable as 'select * from experts where headline ilike query limit max_rows';

create function expert_count(only_status expert_status default null) returns bigint
language sql stable as
'select count(*) from experts where only_status is null or status = only_status';

create schema sales;
grant usage on schema sales to anon, authenticated, service_role;

create table sales."Invoices" (
  id uuid primary key default gen_random_uuid(),
  number text not null unique,
  "Total Amount" numeric not null,
  expert_id bigint not null references public.experts
);

create table sales.invoice_lines (
  id int primary key generated always as identity,
  invoice_id uuid not null references sales."Invoices",
  text text not null,
  amount numeric not null
);
