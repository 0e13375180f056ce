/**
 * The scan counter: an empty table that a compatibility view looks into whenever it is read, updated or deleted from,
 * so that the server's count of the table's scans is a count of the view's use. An INSERT does not look.
 *
 * The view stays updatable, keeps row-level security, and works as before whatever is in the table: only that
 * it was looked at counts. Everybody may read it, since under security_invoker whoever uses the view does.
 */
import { OWN_SCHEMA } from "../contract/names.ts";
import type { Statement } from "../contract/responses.ts";
import type { RelationFacts } from "../facts/facts.ts";
import { nameDigest } from "../sql/name_digest.ts";
import { literal, qualified } from "../sql/quoting.ts";

/** Name of the scan counter of a view: one name of one table, which only one view at a time can have. */
export function scanCounterName({ schema, name }: Pick<RelationFacts, "schema" | "name">) {
  return `tick_${nameDigest(schema, name)}`;
}

/** Regular expression for the names of scan counters; earlier ones begin with the table's OID. */
export const SCAN_COUNTER_NAMES = "^(tick|[0-9]+)_[0-9a-f]{16}$";

/** Statements that make a scan counter; nobody waits for them. */
export function makeScanCounter(scanCounter: string, view: string): Statement[] {
  const table = qualified(OWN_SCHEMA, scanCounter);
  const purpose = `Make the table by which ${view} counts its use`;
  return [
    // One can be left over from a view that somebody has dropped.
    `drop table if exists ${table} restrict`,
    `create table ${table} ()`,
    `comment on table ${table} is ${literal(`Counts the use of ${view}`)}`,
    `grant select on ${table} to public`,
    // Unknown, it would be taken for thousands of rows.
    `analyze ${table}`,
  ].map((sql) => ({ sql, purpose }));
}

/** The view's condition, which always holds. */
export const scanCounterCondition = (scanCounter: string): string =>
  `(select pg_catalog.count(*) from ${qualified(OWN_SCHEMA, scanCounter)}) is not null`;

/** Statements for when the view is gone. */
export const dropScanCounter = ({ scanCounter }: Pick<RelationFacts, "scanCounter">): Statement[] =>
  scanCounter === null ? [] : [{
    sql: `drop table ${qualified(OWN_SCHEMA, scanCounter)} restrict`,
    purpose: "Remove the table by which the view counted its use",
  }];
