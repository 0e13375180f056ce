/** What is to be known of the login without rights in whose session verify tries things. */
import { literal } from "../sql/quoting.ts";
import { API_ROLES } from "../facts/verify_facts.ts";

/** Query for the session's login, and for a mark that is the same in sessions of one database. */
export const sameDatabaseQuery = (relations: number[]): string => `
select session_user::text as login, pg_catalog.json_build_object(
  'standby', pg_catalog.pg_is_in_recovery(),
  'database', (
    select d.oid::int8 from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()),
  'relations', (
    select pg_catalog.json_agg(pg_catalog.json_build_array(c.oid::int8, c.relname, c.xmin::text) order by c.oid)
    from pg_catalog.pg_class c where c.oid in (${relations.join(", ")})))::text as mark`;

/** Most reasons that are named; one is enough. */
const MAX_REASONS = 3;

const API = API_ROLES.map(literal).join(", ");

/**
 * Query for why a login has something to give: the roles that it may become, itself among them, which can do
 * more than the roles of the Data API; and that it may become none of those.
 */
export const fitnessQuery = (login: string): string => `
select coalesce(pg_catalog.json_agg(x.why order by x.other, x.why), '[]') as unfit
from (
  select r.rolname <> ${
  literal(login)
} as other, pg_catalog.format('%s %s', r.rolname, w.why) as why
  from pg_catalog.pg_roles r
  cross join lateral (
    select case
      when r.rolname = current_user then 'is the login of the functions'
      when r.rolsuper then 'is a superuser'
      when r.rolcreaterole then 'has CREATEROLE'
      when r.rolcreatedb then 'has CREATEDB'
      when r.rolreplication then 'has REPLICATION'
      when r.rolbypassrls and r.rolname <> 'service_role' then 'has BYPASSRLS'
      when r.rolname ~ '^pg_' then 'is a predefined role'
      when r.rolname not in (${API}) and exists (
        select from pg_catalog.pg_shdepend d
        where d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass and d.refobjid = r.oid
          and d.deptype = 'o') then 'owns something'
      end as why) w
  where w.why is not null and pg_catalog.pg_has_role(${literal(login)}::name, r.oid, 'MEMBER')
  union all
  select false, 'it may become none of the Data API''s roles'
  where not exists (
    select from pg_catalog.pg_roles r
    where r.rolname in (${API}) and pg_catalog.pg_has_role(${
  literal(login)
}::name, r.oid, 'MEMBER'))
  order by 1, 2 limit ${MAX_REASONS}
) x`;

/**
 * Query for where the sequences of a table stand. Columns that are identities use theirs without any privilege
 * on it, so that a role can use up numbers that it may not look at.
 */
export const ownSequencesQuery = (table: number): string => `
select pg_catalog.format('%I.%I', n.nspname, c.relname) as sequence, case
    when pg_catalog.has_sequence_privilege(c.oid, 'SELECT, USAGE')
    then pg_catalog.pg_sequence_last_value(c.oid)::text end as stands_at
from pg_catalog.pg_depend d
join pg_catalog.pg_class c on c.oid = d.objid and c.relkind = 'S'
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
  and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  and d.refobjid = ${table} and d.deptype in ('a', 'i')`;
