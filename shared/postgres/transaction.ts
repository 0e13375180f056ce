/**
 * How every transaction of ours begins and ends, in messages of whole statements.
 *
 * Nothing of ours runs outside of a transaction, and none looks up a name before its settings apply: otherwise anybody
 * who may create objects in a schema of the login's search path could have their code run with our rights. `commit` or
 * `rollback` is the last statement of its message, and names nothing.
 */
import { millisecondsLiteral } from "../sql/quoting.ts";
import { transactionSettings } from "../sql/transaction_settings.ts";
import { requireOwnTables } from "../sql/trusted_objects.ts";

/** Default statement timeout, in milliseconds. */
const STATEMENT_TIMEOUT_MS = 60_000;

const begin = (mode: string, statementTimeoutMs: number) =>
  [
    `begin isolation level read committed${mode}`,
    ...transactionSettings(statementTimeoutMs),
    requireOwnTables,
  ].join(";\n");

export const beginReadOnly = (statementTimeoutMs: number): string =>
  begin(" read only", statementTimeoutMs);

/**
 * The beginning of a transaction that may change something, unless the login is read-only by default. The isolation
 * level is explicit, since facts have to be read after the locks: a snapshot from the transaction's beginning, which
 * the login may have as its default, would be too old.
 */
export const beginReadWrite = (statementTimeoutMs = STATEMENT_TIMEOUT_MS): string =>
  begin("", statementTimeoutMs);

/** A whole transaction in one message. */
export const wholeTransaction = (text: string): string => `${beginReadWrite()};\n${text};\ncommit`;

/** A message that shows whether the server answers; it looks up no name. */
export const PING = "begin;\ncommit";

/** Statement that limits waits for locks in this transaction, in milliseconds; never 0, which would mean no limit. */
export const setLockTimeout = (ms: number): string =>
  `set local lock_timeout = ${millisecondsLiteral(ms)}`;

/** Time since the server received the message that contains it, in milliseconds. */
export const MESSAGE_MS =
  "(extract(epoch from clock_timestamp() - statement_timestamp()) * 1000::numeric)::float8";
