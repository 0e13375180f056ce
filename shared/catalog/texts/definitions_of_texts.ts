/** What it takes to replace the body of a routine, or a cron job's command, and nothing else of it. */
import { literal } from "../../sql/quoting.ts";
import { ROUTINE_DIGEST } from "../../sql/stored_routine.ts";

/** Query for the definitions of these routines; those that are gone are left out. */
export const routineDefinitions = (identities: string[]): string => `
select r.identity, r.oid::int8::float8 as oid, r.prosrc as body, r.digest, r.leakproof,
  r.security_definer, e.extname as extension,
  -- The server puts the body last, between two of its dollar quotes and a new line.
  left(r.definition, length(r.definition) - length(r.prosrc) - 1
    - 2 * length((regexp_match(r.definition, '([$][^$]*[$])\n$'))[1])) as head
from (
  select p.oid, p.prosrc, p.proleakproof as leakproof, p.prosecdef as security_definer,
    pg_get_functiondef(p.oid) as definition,
    ${ROUTINE_DIGEST} as digest,
    format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as identity
  from (select p.* from pg_proc p where p.prokind in ('f', 'p') and p.prosqlbody is null offset 0) p
  join pg_namespace n on n.oid = p.pronamespace
  where format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))
    in (${identities.map(literal).join(", ")})
) r
left join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = r.oid and d.deptype = 'e'
left join pg_extension e on e.oid = d.refobjid and d.refclassid = 'pg_extension'::regclass`;

/**
 * Query for those of these jobs that the session's role can alter with the extension's own function, by
 * `TextFacts.identity`; none whose name another role's job has, too.
 */
export const alterableJobs = (identities: string[]): string => `
select coalesce(j.job ->> 'jobname', j.job ->> 'jobid') as identity
from (select to_jsonb(job) as job from cron.job) j
where j.job ->> 'database' = current_database()
  and coalesce(j.job ->> 'jobname', j.job ->> 'jobid') in (${identities.map(literal).join(", ")})
  and exists (
    select from pg_depend d
    join pg_extension e on e.oid = d.refobjid and d.refclassid = 'pg_extension'::regclass
    where e.extname = 'pg_cron' and d.classid = 'pg_proc'::regclass and d.deptype = 'e'
      and d.objid = to_regprocedure('cron.alter_job(bigint,text,text,text,text,boolean)'))
group by 1
having count(*) = 1 and bool_and(j.job ->> 'username' = current_user)`;
