/**
 * One block of PL/pgSQL in a transaction that is rolled back, all in one message. It runs a statement through both
 * names and compares on the server: no values of rows leave it.
 */
import { dollarQuoted, ident, literal, millisecondsLiteral } from "../sql/quoting.ts";
import { meaningSettings } from "../sql/transaction_settings.ts";
import type { Persona } from "./personas.ts";

export interface BlockOptions {
  /** Where names in triggers and policies are looked up first, as PostgREST has it: the table's. */
  schema: string;
  timeoutMs: number;
  /** Whether it writes. Default: false, and then all its statements see the same rows. */
  writes?: boolean;
  /** The role that the block begins as. Default: the session's login. */
  role?: string;
  settings?: Record<string, string>;
}

/** Longest wait for a lock, in milliseconds: the locks that we hold meanwhile must not keep clients waiting. */
const LOCK_TIMEOUT_MS = 100;

/** Settings of the transaction: the block's outcome, and the search path of clients' statements. */
const OUTCOME = "table_rename.outcome";
const CLIENTS_PATH = "table_rename.clients_path";

/** The message that runs a block with our search path, but for `asClients`. */
export function blockMessage(block: string, options: BlockOptions): string {
  const path = [...new Set([options.schema, "public", "extensions"])].map(ident).join(", ");
  const settings = Object.entries(options.settings ?? {}).map(([name, value]) =>
    `set local ${name} = ${literal(value)}`
  );
  return [
    options.writes
      ? "begin isolation level read committed read write"
      : "begin isolation level repeatable read read only",
    ...meaningSettings(options.timeoutMs),
    `set local lock_timeout = ${millisecondsLiteral(LOCK_TIMEOUT_MS)}`,
    "set local idle_in_transaction_session_timeout = '10s'",
    `set local ${CLIENTS_PATH} = ${literal(path)}`,
    ...settings,
    ...(options.writes ? ["discard sequences"] : []),
    ...(options.role === undefined ? [] : [`set local role ${ident(options.role)}`]),
    `do ${dollarQuoted(block, "verify")}`,
    `select pg_catalog.current_setting(${literal(OUTCOME)}) as outcome`,
    CLEAN_SESSION,
    "rollback",
  ].join(";\n");
}

/** Ends what outlives a rollback: locks that a trigger or a policy took, and statements that it prepared. */
export const CLEAN_SESSION = "select pg_catalog.pg_advisory_unlock_all();\ndeallocate all";

export function blockOutcome<Outcome>(results: Record<string, unknown>[][]): Outcome {
  const [row] = results.find(([row]) => row !== undefined && "outcome" in row) ?? [];
  return JSON.parse(row.outcome as string);
}

/**
 * Runs a statement with the search path of the Data API's clients, by which names in triggers, policies and defaults
 * are looked up. An error brings our own path back. Only the check of a domain to which a value is cast runs outside
 * of this, and may set another path, so that what can follow such a cast keeps its `pg_catalog.`.
 */
export function asClients(
  sql: string,
  { into, using = "", count }: {
    into?: string;
    /** ` using …`: parameters. */
    using?: string;
    count?: string;
  } = {},
): string {
  const target = into === undefined ? "" : ` into ${into}`;
  const counting = count === undefined ? "" : `get diagnostics ${count} = row_count;`;
  return `perform pg_catalog.set_config('search_path', pg_catalog.current_setting(${
    literal(CLIENTS_PATH)
  }), true);
    execute ${literal(sql)}${target}${using};
    ${counting}
    perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);`;
}

export const field = (record: string, name: string): string => `${record}.${ident(name)}`;

/** `t."a", t."b"`. */
export const fields = (record: string, names: string[]): string =>
  names.map((name) => field(record, name)).join(", ");

/** ` using t."a", t."b"`, for `asClients`; empty for no name. */
export const usingFields = (record: string, names: string[]): string =>
  names.length === 0 ? "" : ` using ${fields(record, names)}`;

/** The block, with the persona's claims; its outcome is an expression of type jsonb. */
export const personaBlock = (
  { claims }: Persona,
  { declare, run, outcome }: { declare: string; run: string; outcome: string },
): string => `
declare
  own_role text := current_setting('role');
  ${declare}
begin
  perform set_config('request.jwt.claims', ${literal(JSON.stringify(claims))}, true);
  ${run}
  perform pg_catalog.set_config(${literal(OUTCOME)}, (${outcome})::text, true);
end `;

/** Becomes the persona's role until `LEAVE_PERSONA`, or until an error is caught. */
export const become = ({ role }: Persona): string =>
  `perform pg_catalog.set_config('role', ${literal(role.name)}, true);`;

export const LEAVE_PERSONA = "perform pg_catalog.set_config('role', own_role, true);";

/** What handlers catch: all but the end of the time, which ends the block. */
export const ANY_ERROR = "assert_failure or others";

/** Statements as a persona; an error undoes them and is followed by `onError`. */
export const tryAs = (persona: Persona, statements: string, onError = "null;"): string => `
  begin
    ${become(persona)}
    ${statements}
    ${LEAVE_PERSONA}
  exception when ${ANY_ERROR} then ${onError}
  end;`;

/** Undoes what was done since the BEGIN around it, whose handler lets it pass. */
export const UNDO = "raise exception using errcode = 'RN002';";
export const WHEN_UNDONE = "when sqlstate 'RN002' then null;";

/** Raises `cost` to the estimated cost of a statement, where that is higher. */
export const raiseCost = (sql: string, using = ""): string =>
  `${asClients(`explain (format json) ${sql}`, { into: "plan", using })}
    cost := greatest(cost, (plan -> 0 -> 'Plan' ->> 'Total Cost')::float8);`;
