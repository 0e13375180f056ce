/** Routines that can use a table whose name they are given. */
import { isProtectedSchema } from "../contract/names.ts";
import { literal } from "../sql/quoting.ts";

/** Only the platform's schemas whose names are known here; what begins with `pg_` is the server's. */
const OTHERS = [
  "information_schema",
  "pgmq",
  "cron",
  "net",
  "vault",
  "realtime",
  "storage",
  "auth",
  "extensions",
]
  .filter(isProtectedSchema);

/** Expression for a JSON array of their names, each once; none where no names are looked for. */
export const nameTakers = (names: string[]): string =>
  names.length === 0 ? "'[]'::json" : `(
    select coalesce(json_agg(distinct p.proname), '[]')
    from pg_proc p
    where p.pronargs > 0
      and p.pronamespace <> all (array(
        select n.oid from pg_namespace n
        where starts_with(n.nspname, 'pg_') or n.nspname = any(array[${
    OTHERS.map(literal).join(", ")
  }]::name[])))
      and ('regclass'::regtype = any(p.proargtypes::oid[])
        or (p.prolang = any(array(select l.oid from pg_language l where l.lanname = 'plpgsql'))
          and p.prosrc ~* '\\mexecute\\M')))`;
