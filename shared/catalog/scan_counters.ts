/** The scan counters by which compatibility views count their use (`plan/scan counter.ts`). */
import { OWN_SCHEMA } from "../contract/names.ts";
import { literal } from "../sql/quoting.ts";
import { SCAN_COUNTER_NAMES } from "../plan/scan_counter.ts";

/** Query for the scan counters that a view, an expression of type oid, looks into. */
export const scanCountersOf = (view: string) => `
      select distinct tc.oid, tc.relname
      from pg_catalog.pg_rewrite trw
      join pg_catalog.pg_depend td
        on td.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and td.objid = trw.oid
          and td.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      join pg_catalog.pg_class tc on tc.oid = td.refobjid
      join pg_catalog.pg_namespace tn on tn.oid = tc.relnamespace and tn.nspname = ${
  literal(OWN_SCHEMA)
}
        and tc.relname ~ ${literal(SCAN_COUNTER_NAMES)}
      where trw.ev_class = ${view} and trw.rulename = '_RETURN'`;
