/**
 * A schema `app` whose table `experts` is renamed, and everything of every kind that can be built on its old
 * name and follow the table afterwards.
 */
import type { TestDatabase } from "./servers/database.ts";

/** Roles that own and grant; `postgres` is a member of each. */
export interface OwnerRoles {
  owner: string;
  grantor: string;
}

/** What a rollback or finalize says about the objects below on purpose. */
export const BUILT_ACKNOWLEDGED = ["reads_as_owner"];

/** The table and its neighbours. */
export const TABLES = `
create schema app;
grant usage on schema app to anon, authenticated, service_role;
create table app.teams (id int primary key, name text, note text default 'team');
insert into app.teams values (1, 'red'), (2, 'blue');
create table app.experts (
  id int primary key,
  name text not null default 'nobody',
  team_id int references app.teams,
  rate numeric(10, 2) default 1,
  secret boolean not null default false);
insert into app.experts values (1, 'Ada', 1, 10, false), (2, 'Bob', 1, 20, true), (3, 'Cyd', 2, 30, false);
alter table app.experts enable row level security;
create policy visible on app.experts using (not secret);
create function app.label(app.experts) returns text language sql stable as
  $l$ select $1.name || '!' $l$;
create table app.log (id int generated always as identity primary key, expert_id int, note text);
alter table app.teams enable row level security;
create policy everybody on app.teams for select using (name <> 'nobody''s');
grant select, insert, update, delete on app.experts, app.teams, app.log to anon, authenticated;`;

/** Creates roles that own some of it, for this database. */
export async function createOwners(db: TestDatabase, roles: OwnerRoles): Promise<void> {
  await db.admin.unsafe(`
    grant ${roles.owner}, ${roles.grantor} to postgres;
    grant usage, create on schema app to ${roles.owner}, ${roles.grantor};
    grant select on app.experts, app.teams to ${roles.owner}, ${roles.grantor}`).simple();
}

/**
 * Everything, built on the relation `experts` (qualified and quoted); `inTexts` is its name in bodies that the
 * server keeps as text, which follow nothing.
 */
export function builtOn(
  experts: string,
  { owner, grantor }: OwnerRoles,
  inTexts = experts,
): string {
  const bare = experts.split(".").at(-1);
  return `
set local check_function_bodies = off;

-- Views in place
create view app.names with (security_invoker = true) as
  select id, name from ${experts} where rate > 0;
comment on view app.names is 'it''s \\ names';
comment on column app.names.name is 'of experts';
create view app."Odd ""View""" (key, "Label; --", team) with (security_barrier, security_invoker = on) as
  select e.id, upper(e.name), t.name from ${experts} e left join app.teams t on t.id = e.team_id;
alter view app."Odd ""View""" alter column "Label; --" set default 'x''y';
alter view app."Odd ""View""" owner to ${owner};
create function app.insteadof() returns trigger language plpgsql as
  $$ begin insert into app.log (note) values (new."Label; --"); return new; end $$;
create trigger into_log instead of insert on app."Odd ""View""" for each row execute function app.insteadof();
comment on trigger into_log on app."Odd ""View""" is 'logs';
create view app.checked with (security_invoker, check_option = cascaded) as
  select id, name, team_id, secret from ${experts} where id > 0;
grant select, insert on app.checked to anon;
revoke all on app.checked from authenticated;
grant select on app.checked to ${grantor} with grant option;
set local role ${grantor};
grant select on app.checked to authenticated;
reset role;
grant update (name) on app.checked to service_role;
create view app.nested with (security_invoker = true) as select n.name, c.team_id
  from app.names n join app.checked c using (id);
create recursive view app.upwards (id, depth) as
  select id, 1 from ${experts} where id = 1
  union all select e.id, u.depth + 1 from ${experts} e join upwards u on e.id = u.id + 1;
alter view app.upwards set (security_invoker = true);
create view app.rows with (security_invoker = true) as
  select row_to_json(e) as json, e is not null as there, count(*) over (partition by e.team_id) as mates
  from ${experts} e;
create view app.mixed with (security_invoker = true) as
  with best as (select team_id, max(rate) as rate from ${experts} group by team_id)
  select e.name, b.rate, l.n from best b join ${experts} e on e.team_id = b.team_id and e.rate = b.rate
  cross join lateral (select count(*) as n from ${experts} o where o.team_id = e.team_id) l
  union all select 'none', 0, 0 where not exists (select from ${experts})
  order by 1;
create view app.plain as select id, name from ${experts};

-- Materialized views
create materialized view app.totals (team, total, "How many") with (fillfactor = 70) as
  select team_id, sum(rate), count(*) from ${experts} group by team_id;
create unique index totals_key on app.totals (team);
create index totals_expression on app.totals ((total * 2)) include ("How many")
  with (fillfactor = 60) where total > 0;
alter index app.totals_expression alter column 1 set statistics 77;
alter materialized view app.totals alter column total set statistics 55,
  alter column team set (n_distinct = 5);
alter materialized view app.totals cluster on totals_key;
comment on materialized view app.totals is 'totals';
comment on column app.totals.total is 'in euros';
comment on index app.totals_key is 'one a team';
revoke all on app.totals from anon, authenticated, service_role;
grant select (team), select (total) on app.totals to anon;
alter materialized view app.totals owner to ${owner};
refresh materialized view app.totals;
grant select on app.totals to ${grantor} with grant option;
set local role ${grantor};
grant select on app.totals to authenticated;
reset role;
create materialized view app.empty as select name from ${experts} with no data;
create index empty_name on app.empty (lower(name));
create materialized view app.stored with (toast.autovacuum_enabled = false, autovacuum_enabled = false) as
  select name, id from ${experts};
alter materialized view app.stored alter column name set storage external,
  alter column name set compression pglz;
create unique index stored_key on app.stored (id);
alter materialized view app.stored replica identity nothing;
alter materialized view app.empty replica identity full;
create view app.over_totals as select team, total from app.totals where total > 1;
create materialized view app.over_over as select sum(total) as everything from app.totals;
create function app.of_totals(app.totals) returns text language sql stable as 'select $1.team::text';
create function app.count_totals() returns bigint language sql stable
  begin atomic select count(*) from app.totals; end;

-- Policies and rules elsewhere
create policy with_experts on app.teams as restrictive for all to authenticated
  using (exists (select from ${experts} e where e.team_id = teams.id))
  with check (exists (select from ${experts} where ${bare}.team_id = teams.id and not secret));
comment on policy with_experts on app.teams is 'only with experts';
create policy totals_too on app.log for select using (exists (select from app.totals t where t.team = log.id));
create rule noted as on update to app.teams where new.note = 'rate'
  do also update ${experts} set rate = rate + 1 where team_id = new.id;
comment on rule noted on app.teams is 'rates';
create rule sleeping as on delete to app.teams do also delete from ${experts} where team_id = old.id;
alter table app.teams disable rule sleeping;

-- Routines in place
create function app.count_experts(minimum numeric default 0, out n bigint) language sql stable
  security definer set search_path = pg_catalog, app cost 77
  begin atomic select count(*) from ${experts} where rate >= minimum; end;
comment on function app.count_experts(numeric) is 'counts';
revoke all on function app.count_experts(numeric) from public;
grant execute on function app.count_experts(numeric) to anon;
create procedure app.raise(by numeric) language sql
  begin atomic
    update ${experts} set rate = rate + by where not secret;
    insert into app.log (note) select name from ${experts};
  end;
alter procedure app.raise(numeric) owner to ${owner};

-- Routines on the row type, and what stands on these
create function app.title(${experts}) returns text language sql immutable as 'select upper($1.name)';
comment on function app.title(${experts}) is 'computed';
revoke all on function app.title(${experts}) from public;
grant execute on function app.title(${experts}) to anon, authenticated, service_role;
create function app.every_expert() returns setof ${experts} language sql stable as
  'select * from ${inTexts}';
alter function app.every_expert() owner to ${owner};
create function app.best(team int, out e ${experts}, out n int) language plpgsql stable as
  $f$ begin select * into e from ${inTexts} where team_id = team order by rate desc limit 1; n := 1; end $f$;
create function app.or_title(text default app.title(null::${experts}), int default 7) returns text
  language sql stable as 'select $1 || $2';
create function app.names_of(variadic rows ${experts}[]) returns text language sql immutable
  begin atomic select string_agg(r.name, ',') from unnest(rows) r; end;
create procedure app.take(inout e ${experts}) language plpgsql as $p$ begin e.name := 'taken'; end $p$;
create view app.titles with (security_invoker = true) as select e.id, app.title(e) as title from ${experts} e;
create view app.everybody with (security_invoker = true) as select f.name, f.team_id from app.every_expert() f;
create view app.labels with (security_invoker = true) as
  select e.id, app.label(e) from ${experts} e;
create function app.first_title() returns text language sql stable
  begin atomic select app.title(e) from ${experts} e order by e.id limit 1; end;
create policy titled on app.log for insert
  with check (exists (select from ${experts} e where e.id = log.expert_id and app.title(e) <> 'X'));
alter table app.log alter column note set default app.title(row(0, 'default', 1, 2, false)::${experts});
alter view app.names alter column name set default app.title(row(0, 'view''s', 1, 2, false)::${experts});
alter table app.log add constraint titled_note
  check (app.title(row(0, note, 1, 2, false)::${experts}) <> 'FORBIDDEN');
comment on constraint titled_note on app.log is 'not forbidden';
`;
}

/** Statements whose outcome for a role shows what it can see and do through everything. */
export const USES = [
  "select string_agg(n::text, ' ' order by n::text) from app.names n",
  `select string_agg(v::text, ' ' order by v::text) from app."Odd ""View""" v`,
  "select string_agg(v::text, ' ' order by v::text) from app.checked v",
  "select string_agg(v::text, ' ' order by v::text) from app.nested v",
  "select string_agg(v::text, ' ' order by v::text) from app.upwards v",
  "select string_agg(v::text, ' ' order by v::text) from app.rows v",
  "select string_agg(v::text, ' ' order by v::text) from app.mixed v",
  "select string_agg(v::text, ' ' order by v::text) from app.totals v",
  "select string_agg(team::text, ' ' order by team) from app.totals",
  "select count(*) from app.empty",
  "select string_agg(v::text, ' ' order by v::text) from app.stored v",
  "select app.or_title('x')",
  "select string_agg(v::text, ' ' order by v::text) from app.over_totals v",
  "select everything from app.over_over",
  "select string_agg(app.of_totals(t), ' ' order by team) from app.totals t",
  "select app.count_totals()",
  "select string_agg(t::text, ' ' order by id) from app.teams t",
  "select string_agg(t::text, ' ' order by id) from app.log t",
  "select app.count_experts()",
  "select n from app.count_experts(15)",
  "select app.first_title()",
  "select string_agg(t.title, ' ' order by id) from app.titles t",
  "select string_agg(t::text, ' ' order by id) from app.labels t",
  "select string_agg(t.name, ' ' order by name) from app.everybody t",
  "select string_agg(app.title(e), ' ' order by id) from app.every_expert() e",
  "select string_agg((e).name || n, ' ') from app.best(1)",
  `insert into app."Odd ""View""" values (9, default, null) returning "Label; --"`,
  "insert into app.checked values (7, 'Gus', 1, false) returning name",
  "insert into app.checked values (-7, 'Gus', 1, false) returning name",
  "update app.checked set name = 'Z' returning id",
  "insert into app.log (expert_id) values (1) returning note",
  "insert into app.log (expert_id) values (2) returning note",
  "insert into app.log (expert_id, note) values (1, 'forbidden') returning note",
  "update app.teams set note = 'rate' where id = 1 returning id",
  "delete from app.teams where id = 3",
  "call app.raise(5)",
];
