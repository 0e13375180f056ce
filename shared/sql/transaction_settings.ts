/**
 * What every transaction of ours sets for itself before it looks anything up: the search path, and all that a login,
 * a database or a pooler can have set otherwise and that our statements depend on. For the one transaction alone,
 * since a pooler in transaction mode gives the next one another session, and refuses or ignores settings in the
 * start-up message.
 *
 * Settings that only a superuser can change are not here, since we could not set them; neither is what an operator
 * may want to hold for us too (default_transaction_read_only, synchronous_commit).
 */
import { literal, millisecondsLiteral } from "./quoting.ts";

/** With it only the server's own functions, operators and types are found without a schema. */
export const SAFE_PATH = "set local search_path = pg_catalog, pg_temp";

/** How long the server waits for our next message before it ends the transaction. */
const IDLE_TIMEOUT = "60s";

/** What decides what our statements mean, how they are read, and how what they answer is printed. */
export const MEANING: Readonly<Record<string, string>> = {
  // Timeouts, and what ends a session.
  idle_in_transaction_session_timeout: IDLE_TIMEOUT,
  lock_timeout: "0",
  exit_on_error: "off",
  // How texts are read.
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
  // What definitions that are made again turn into.
  check_function_bodies: "on",
  default_tablespace: "",
  default_table_access_method: "heap",
  row_security: "on",
  // A server with JIT would compile thousands of functions for one query of the catalog.
  jit: "off",
};

/** How queries of the catalog are planned: as they were measured. */
export const PLANNING: Readonly<Record<string, string>> = {
  plan_cache_mode: "auto",
  constraint_exclusion: "partition",
  join_collapse_limit: "8",
  from_collapse_limit: "8",
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
  enable_bitmapscan: "on",
  enable_hashagg: "on",
  enable_hashjoin: "on",
  enable_incremental_sort: "on",
  enable_indexonlyscan: "on",
  enable_indexscan: "on",
  enable_material: "on",
  enable_memoize: "on",
  enable_mergejoin: "on",
  enable_nestloop: "on",
  enable_seqscan: "on",
  enable_sort: "on",
  enable_tidscan: "on",
};

/** Settings that not every server has: since PostgreSQL 17, or since a minor release. */
const IF_THERE: Record<string, string> = {
  transaction_timeout: "0",
  restrict_nonsystem_relation_kind: "",
};

const setIfThere = Object.entries(IF_THERE).map(([name, value]) =>
  `select pg_catalog.set_config(${literal(name)}, ${literal(value)}, true)
where pg_catalog.current_setting(${literal(name)}, true) is not null`
);

const setAll = (settings: Readonly<Record<string, string>>) =>
  Object.entries(settings).map(([name, value]) => `set local ${name} = ${literal(value)}`);

/**
 * Settings that decide the meaning. The timeout comes first: until then the login's own holds, for each statement by
 * itself.
 */
export const meaningSettings = (statementTimeoutMs: number): string[] => [
  `set local statement_timeout = ${millisecondsLiteral(statementTimeoutMs)}`,
  SAFE_PATH,
  ...setIfThere,
  ...setAll(MEANING),
];

/** Settings of a transaction that reads the catalog. */
export const transactionSettings = (statementTimeoutMs: number): string[] => [
  ...meaningSettings(statementTimeoutMs),
  ...setAll(PLANNING),
];
