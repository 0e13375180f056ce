-- A table to try things on, unless the name is taken or something has been renamed.
do $$
begin
  if to_regclass('public.experts') is not null
    or exists (select from public.sys_table_migrations) then
    return;
  end if;
  create table public.experts (
    id bigint primary key generated always as identity,
    owner_id uuid default auth.uid(),
    name text not null,
    published boolean not null default false
  );
  alter table public.experts enable row level security;
  create policy "published experts are visible to all" on public.experts
    for select using (published);
  insert into public.experts (name, published) values ('Ada', true), ('Grace', false);
end
$$;
