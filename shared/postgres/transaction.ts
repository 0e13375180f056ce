/**
 * How every transaction of ours begins and ends, in messages of whole statements.
 *
 * Nothing of ours runs outside of a transaction, and none looks up a name before its settings hold: whoever may create
 * objects in a schema of the login's search path would have their code run with our rights. What ends a transaction,
 * `commit` or `rollback`, is the last statement of its message, and names nothing.
 */
import { requireOwnTables } from "../sql/trusted_objects.ts";
import { transactionSettings } from "../sql/transaction_settings.ts";

/** How long a statement may take where nobody says, in milliseconds. */
const STATEMENT_TIMEOUT_MS = 60_000;

const begin = (how: string, statementTimeoutMs: number) =>
  [
    `begin isolation level read committed${how}`,
    ...transactionSettings(statementTimeoutMs),
    requireOwnTables,
  ].join(";\n");

/** The beginning of a transaction that only looks. */
export const beginReadOnly = (statementTimeoutMs: number): string =>
  begin(" read only", statementTimeoutMs);

/**
 * The beginning of a transaction that may change something; where the login is read-only by default, it may not.
 * Facts are read after the locks, so a snapshot from its beginning, which the login may have as its default,
 * would not do.
 */
export const beginReadWrite = (statementTimeoutMs = STATEMENT_TIMEOUT_MS): string =>
  begin("", statementTimeoutMs);

/** A whole transaction in one message. */
export const wholeTransaction = (text: string): string => `${beginReadWrite()};\n${text};\ncommit`;

/** A message that shows whether the server answers; nothing in it is looked up. */
export const PING = "begin;\ncommit";
