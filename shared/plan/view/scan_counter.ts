/**
 * The scan counter: an empty table that a compatibility view scans whenever rows of it are read, updated or deleted, so
 * that the server's count of its scans is a count of the view's use. INSERT does not scan it.
 *
 * The view stays updatable, keeps row-level security, and does not depend on what is in the table. Everybody may read
 * the table, since under security_invoker whoever uses the view reads it.
 */
import { OWN_SCHEMA } from "../../contract/names.ts";
import type { Statement } from "../../contract/responses.ts";
import type { RelationFacts } from "../../facts/facts.ts";
import { nameDigest } from "../../sql/name_digest.ts";
import { literal, qualified } from "../../sql/quoting.ts";

/** Name of the scan counter of the view with this name. */
export function scanCounterName({ schema, name }: Pick<RelationFacts, "schema" | "name">) {
  return `tick_${nameDigest(schema, name)}`;
}

/** Regular expression for the names of scan counters; earlier ones begin with the table's OID. */
export const SCAN_COUNTER_NAMES = "^(tick|[0-9]+)_[0-9a-f]{16}$";

/** Statements that make a scan counter; no client waits for them. */
export function makeScanCounter(scanCounter: string, view: string): Statement[] {
  const table = qualified(OWN_SCHEMA, scanCounter);
  const purpose = `Make the table by which ${view} counts its use`;
  return [
    // Left over from a view that somebody has dropped.
    `drop table if exists ${table} restrict`,
    `create table ${table} ()`,
    `comment on table ${table} is ${literal(`Counts the use of ${view}`)}`,
    `grant select on ${table} to public`,
    // Without statistics the planner would expect thousands of rows.
    `analyze ${table}`,
  ].map((sql) => ({ sql, purpose }));
}

/** The view's condition, which is always true. */
export const scanCounterCondition = (scanCounter: string): string =>
  `(select pg_catalog.count(*) from ${qualified(OWN_SCHEMA, scanCounter)}) is not null`;

/** Statements for when the view is gone. */
export const dropScanCounter = (
  { scan_counter }: Pick<RelationFacts, "scan_counter">,
): Statement[] =>
  scan_counter === null ? [] : [{
    sql: `drop table ${qualified(OWN_SCHEMA, scan_counter)} restrict`,
    purpose: "Remove the table by which the view counted its use",
  }];
