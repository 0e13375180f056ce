/**
 * What each of our transactions sets first: the search path, and all that our statements depend on and that a role, a
 * database or a pooler may have set. Each transaction sets it anew, since a pooler in transaction mode gives the next
 * one another session, and refuses or ignores settings in the start-up message.
 *
 * Not set: what only a superuser can change, and what an operator may want to apply to us as well
 * (default_transaction_read_only, synchronous_commit).
 */
import { literal, millisecondsLiteral } from "./quoting.ts";

/** Only the server's own functions, operators and types are found without a schema. */
const SAFE_PATH = "set local search_path = pg_catalog, pg_temp";

/** Settings that decide how our statements are parsed, what they mean, and how results are printed. */
export const MEANING: Readonly<Record<string, string>> = {
  // Timeouts, and what ends a session.
  idle_in_transaction_session_timeout: "60s",
  lock_timeout: "0",
  exit_on_error: "off",
  // How SQL is parsed.
  standard_conforming_strings: "on",
  backslash_quote: "safe_encoding",
  array_nulls: "on",
  transform_null_equals: "off",
  xmloption: "content",
  "plpgsql.extra_errors": "none",
  "plpgsql.extra_warnings": "none",
  // How values and definitions are printed.
  TimeZone: "UTC",
  DateStyle: "ISO, MDY",
  IntervalStyle: "postgres",
  bytea_output: "hex",
  xmlbinary: "base64",
  extra_float_digits: "1",
  quote_all_identifiers: "off",
  client_min_messages: "warning",
  // What definitions that are executed again result in.
  check_function_bodies: "on",
  default_tablespace: "",
  default_table_access_method: "heap",
  row_security: "on",
  // With JIT, the server would compile thousands of functions for one query of the catalog.
  jit: "off",
};

/**
 * Planner settings for queries of the catalog: those with which they were measured. Joins are made in the order in
 * which they are written, from the few rows that are wanted to what belongs to them, by nested loops or hashes: to look
 * for a better way would take the server several times as long as to go it.
 */
export const PLANNING: Readonly<Record<string, string>> = {
  plan_cache_mode: "auto",
  constraint_exclusion: "partition",
  join_collapse_limit: "1",
  from_collapse_limit: "1",
  geqo: "on",
  geqo_threshold: "12",
  cursor_tuple_fraction: "0.1",
  work_mem: "16MB",
  hash_mem_multiplier: "2",
  effective_cache_size: "4GB",
  max_parallel_workers_per_gather: "0",
  stats_fetch_consistency: "cache",
  seq_page_cost: "1",
  random_page_cost: "4",
  cpu_tuple_cost: "0.01",
  cpu_index_tuple_cost: "0.005",
  cpu_operator_cost: "0.0025",
  ...Object.fromEntries(
    `bitmapscan hashagg hashjoin incremental_sort indexonlyscan indexscan material memoize nestloop seqscan sort
    tidscan`.split(/\s+/).map((method) => [`enable_${method}`, "on"]),
  ),
  enable_mergejoin: "off",
};

/** Settings that not every server has: they came with PostgreSQL 17 or a minor release. */
const IF_PRESENT: Record<string, string> = {
  transaction_timeout: "0",
  restrict_nonsystem_relation_kind: "",
};

const setIfPresent = Object.entries(IF_PRESENT).map(([name, value]) =>
  `select pg_catalog.set_config(${literal(name)}, ${literal(value)}, true)
where pg_catalog.current_setting(${literal(name)}, true) is not null`
);

const setAll = (settings: Readonly<Record<string, string>>) =>
  Object.entries(settings).map(([name, value]) => `set local ${name} = ${literal(value)}`);

/** Statements for `MEANING`. The timeout comes first: until then each statement has the role's own. */
export const meaningSettings = (statementTimeoutMs: number): string[] => [
  `set local statement_timeout = ${millisecondsLiteral(statementTimeoutMs)}`,
  SAFE_PATH,
  ...setIfPresent,
  ...setAll(MEANING),
];

/** The same and `PLANNING`, for a transaction that reads the catalog. */
export const transactionSettings = (statementTimeoutMs: number): string[] => [
  ...meaningSettings(statementTimeoutMs),
  ...setAll(PLANNING),
];
