/**
 * The extension plpgsql_check, asked about bodies in PL/pgSQL before and after they get new names.
 *
 * It plans a body's queries, which runs functions that are immutable, with our login's rights: so a routine that
 * reaches code of somebody whom we do not trust is not checked.
 */
import { markedAsOwn } from "../../sql/own_statements.ts";
import { dollarQuoted, ident, literal, millisecondsLiteral } from "../../sql/quoting.ts";
import { isTrustedRole, WITH_TRUSTED_ROLES } from "../../sql/trusted_objects.ts";
import { untrustedCode } from "./untrusted_code.ts";

/** A call of the extension's for each relation whose triggers call a trigger function; no more than these. */
const MAX_RELATIONS = 5;

/**
 * The value of the argument `a` in a call for the routine `p`, as the trigger `t`. All arguments are given, with their
 * types, so that no function of the same name can be meant instead.
 */
const ARGUMENT = `case
        when a.name = 'funcoid' then quote_literal(p.oid)
        when a.name = 'relid' then quote_literal(coalesce(t.tgrelid, 0))
        when a.name = 'oldtable' then quote_nullable(t.tgoldtable)
        when a.name = 'newtable' then quote_nullable(t.tgnewtable)
        when a.name in ('fatal_errors', 'use_incomment_options') or a.name ~ '_warnings?$' then 'false'
        else pg_get_function_arg_default(k.oid, a.number::int) end`;

/** What a call answers: a JSON array of `FoundError`. Whoever runs it has the search path of the routine's callers. */
const CALL = `select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
  'line', f.lineno, 'code', f.sqlstate, 'message', f.message)), '[]')
from %s(%s) f where f.level operator(pg_catalog.=) 'error'`;

/** An error in a body. */
export interface FoundError {
  /** Counted from the body's first line; null where it is in none. */
  line: number | null;
  /** SQLSTATE. */
  code: string;
  message: string;
}

/**
 * Query for the calls that check these routines, as rows of `identity` and `calls`; no row for one that cannot be
 * checked, and none at all without the extension or in a transaction that cannot try anything.
 *
 * @param identities As `TextFacts.identity` has them.
 */
export const bodyCheckCalls = (identities: string[]): string => `
${WITH_TRUSTED_ROLES},
checker as materialized (
  select p.oid, format('%I.%I', n.nspname, p.proname) as name, p.proargnames, p.proargtypes
  from pg_extension e
  join pg_depend d on d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid
    and d.deptype = 'e' and d.classid = 'pg_proc'::regclass
  join pg_proc p on p.oid = d.objid and p.proname = 'plpgsql_check_function_tb'
    and p.proargtypes[0] = 'regprocedure'::regtype
  -- Only superusers define functions in C.
  join pg_language l on l.oid = p.prolang and l.lanname = 'c'
  join pg_namespace n on n.oid = p.pronamespace
  where e.extname = 'plpgsql_check'
    and ${isTrustedRole("e.extowner")} and ${isTrustedRole("p.proowner")}
    and has_schema_privilege(n.oid, 'USAGE') and has_function_privilege(p.oid, 'EXECUTE')
    and current_setting('transaction_read_only') = 'off'
),
routine as materialized (
  select format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as identity, p.oid,
    json_agg(c.call) as calls
  from checker k
  cross join (
    select p.* from pg_proc p where p.prokind in ('f', 'p') and p.prosqlbody is null offset 0) p
  join pg_language l on l.oid = p.prolang and l.lanname = 'plpgsql'
  join pg_namespace n on n.oid = p.pronamespace
  cross join lateral (
    select null::oid as tgrelid, null::name as tgoldtable, null::name as tgnewtable
    where p.prorettype <> 'trigger'::regtype
    union all
    (select distinct t.tgrelid, t.tgoldtable, t.tgnewtable
    from pg_trigger t where t.tgfoid = p.oid and not t.tgisinternal
    order by 1, 2, 3 limit ${MAX_RELATIONS})
  ) t
  cross join lateral (
    select format(${literal(CALL)}, k.name,
      string_agg(${ARGUMENT} || '::' || format_type(a.type, null), ', ' order by a.number)) as call,
      bool_and(${ARGUMENT} is not null) as complete
    from unnest(k.proargtypes::oid[]) with ordinality at(type, number)
    cross join lateral (select at.type, at.number, k.proargnames[at.number] as name) a
  ) c
  where c.complete
    and format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))
      in (${identities.map(literal).join(", ")})
  group by p.oid, n.nspname, p.proname
),
-- Nearly always all are, which is found out at once.
all_trusted as materialized (
  select ${
  untrustedCode("select 'pg_proc'::regclass::oid, r.oid from routine r")
}::text = '[]' as yes
)
select r.identity, r.calls
from routine r
where (select t.yes from all_trusted t)
  or ${untrustedCode("select 'pg_proc'::regclass::oid, r.oid")}::text = '[]'`;

/** A body that is tried. */
interface TriedBody {
  identity: string;
  /** Of `bodyCheckCalls`. */
  calls: string[];
  /** Statement that replaces the body. */
  definition: string;
}

/** What a call found in a body, and in the one that replaces it. */
export interface CheckedBody {
  identity: string;
  before: FoundError[];
  after: FoundError[];
}

/** Longest wait for a lock of a check, in milliseconds: somebody may be altering what a body names. */
const LOCK_MS = 100;

/**
 * Message that checks bodies as they are and as they would be; its last statement answers `checked`, a JSON array of
 * `CheckedBody`. `BODY_CHECKS_UNDONE` has to follow. What the extension cannot check, and where a lock is missing, is
 * left out; an error that only the new body raises counts like one that is found in it.
 *
 * @param schemas Where names are looked up first, before the login's own search path.
 * @param timeoutMs Longest time for all of them, in milliseconds.
 */
export const checkingBodies = (
  bodies: TriedBody[],
  schemas: string[],
  timeoutMs: number,
): string =>
  `savepoint body_checks;
set local statement_timeout = ${millisecondsLiteral(timeoutMs)};
set local lock_timeout = ${millisecondsLiteral(LOCK_MS)};
set local check_function_bodies = off;
do ${
    dollarQuoted(
      `
declare
  safe constant text := current_setting('search_path');
  callers constant text := concat_ws(', ', nullif(${literal(schemas.map(ident).join(", "))}, ''),
    (select nullif(s.reset_val, '') from pg_settings s where s.name = 'search_path'), 'pg_temp');
  body record;
  tried text;
  stage text;
  before json;
  after json;
  checked jsonb := '[]';
begin
  for body in
    select x.identity, x.definition, c.call
    from jsonb_to_recordset(${
        literal(
          JSON.stringify(
            bodies.map((body) => ({ ...body, definition: markedAsOwn(body.definition) })),
          ),
        )
      }) x(identity text, definition text, calls jsonb)
    cross join lateral jsonb_array_elements_text(x.calls) c(call)
  loop
    stage := 'before';
    begin
      tried := body.call;
      -- From here to where the path is safe again, no statement of ours looks up an operator.
      perform pg_catalog.set_config('search_path', callers, true);
      execute tried into before;
      perform pg_catalog.set_config('search_path', safe, true);
      execute body.definition;
      stage := 'after';
      perform pg_catalog.set_config('search_path', callers, true);
      execute tried into after;
      perform pg_catalog.set_config('search_path', safe, true);
      stage := 'checked';
      raise exception 'take the new body back';
    exception
      when lock_not_available or deadlock_detected then
        null;
      when others then
        if stage <> 'before' then
          checked := checked || jsonb_build_object('identity', body.identity, 'before', before,
            'after', case when stage = 'checked' then after else json_build_array(
              json_build_object('line', null, 'code', sqlstate, 'message', sqlerrm)) end);
        end if;
    end;
  end loop;
  perform set_config('table_rename.body_checks', checked::text, true);
end `,
      "check",
    )
  };
select current_setting('table_rename.body_checks') as checked`;

export const BODY_CHECKS_UNDONE =
  "rollback to savepoint body_checks; release savepoint body_checks";
