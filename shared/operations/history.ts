/**
 * A change as a migration of the Supabase CLI: recorded in the database's migration history together with the
 * change, or given as a file that others apply.
 */
import { nextVersion, versionOf } from "../contract/migration_version.ts";
import type { SelectionRequest } from "../contract/requests.ts";
import type { Finding, HistoryEntry, MigrationFile } from "../contract/responses.ts";
import type { Row, Session } from "../postgres/database.ts";
import type { MigrationHistory } from "../postgres/server_features.ts";
import type { Plan, PlanStatement } from "../plan/plan.ts";
import { replayOf, whereTracked } from "../plan/replay.ts";
import { HISTORY_TABLE } from "../sql/trusted_objects.ts";
import { builtDigests, sameBuilt } from "../plan/replay_guards.ts";
import { type Event, insertEvent } from "../tracking/events.ts";
import {
  addToHistory,
  keepHistory,
  lastVersion,
  recordedHistory,
  recordHistory,
} from "../tracking/history.ts";
import {
  batchRows,
  type RowsOfServer,
  rowsOfServer,
  settledRows,
  settleRows,
} from "../tracking/replay.ts";
import type { OperationContext } from "./context.ts";

/** What a migration says of a change beside its plan. */
export interface Replay {
  /** Part of the file's name. */
  name: string;
  /** Lines for the file's head. */
  about: string[];
  /** Statements that raise where a file does not fit. Default: none. */
  guards?: PlanStatement[];
  /** Views that a file's definitions were read from, with what is built on them. Default: none. */
  views?: { schema: string; name: string }[];
  /**
   * Statements that track the change where it is made again.
   *
   * @param rows The rows of a new batch, where it is recorded here; otherwise they are written out.
   */
  tracking: (rows: RowsOfServer | null) => string[];
  /** The batch, where the change makes one. Default: none. */
  batchId?: string;
}

export type HistoryRequest = Pick<
  SelectionRequest,
  "record_history" | "lock_timeout_ms" | "max_wait_ms"
>;

const TABLE = HISTORY_TABLE;

/**
 * Whether a change is recorded, and what the caller should know where it could be expected to be and is not.
 *
 * @param inHistory Whether what the change is about is in the history: what was not made there cannot be undone.
 */
export function historyOf(
  { record_history }: Pick<HistoryRequest, "record_history">,
  state: MigrationHistory,
  inHistory: boolean,
): { recorded: boolean; findings: Finding[] } {
  // What is not trusted has a finding of its own, whatever the request says.
  if (record_history === "never" || state === "missing" || state === "untrusted") {
    return { recorded: false, findings: [] };
  }
  if (state === "closed") {
    return {
      recorded: false,
      findings: [notRecorded(
        `The change is not recorded in ${TABLE}, which this role may not write.`,
        `Grant it SELECT, INSERT and UPDATE on ${TABLE}, and USAGE on its schema; or send ` +
          '"record_history": "never".',
      )],
    };
  }
  if (inHistory) return { recorded: true, findings: [] };
  return {
    recorded: false,
    findings: [{
      code: "history_incomplete",
      severity: "info",
      object: TABLE,
      message: "The rename is not in the migration history, so what is done with it is not either.",
      remedy:
        "None needed. Migration files of your own that name the table go on from its name now.",
    }],
  };
}

function notRecorded(message: string, remedy: string): Finding {
  return { code: "history_not_recorded", severity: "warning", object: TABLE, message, remedy };
}

/** Statements that have a change recorded. */
export interface HistoryStatements {
  /** Keeps its statements in the transaction. */
  keep: string;
  /** Records them, before each attempt to get the locks. */
  record: string;
}

export function historyStatements(
  plan: Plan,
  replay: Replay,
  event: Event,
  request: HistoryRequest,
): HistoryStatements {
  const rows = replay.batchId === undefined ? null : rowsOfServer(batchRows(replay.batchId));
  return {
    keep: keepHistory(replayed(plan, { ...replay, guards: [] }, event, request, rows), rows),
    record: recordHistory(
      replay.name,
      event.operation === "rename" ? event.migration_ids : [],
    ),
  };
}

/** A plan as a migration file. */
export async function migrationFile(
  session: Session,
  state: MigrationHistory,
  plan: Plan,
  replay: Replay,
  event: Event,
  request: HistoryRequest,
): Promise<MigrationFile> {
  const [row] = state === "open" ? await session.run(lastVersion) : [];
  const existing = row?.version == null ? [] : [String(row.version)];
  const { views = [] } = replay;
  const guards = [...replay.guards ?? []];
  if (views.length > 0) {
    const [{ digests }] = await session.run(builtDigests(views));
    guards.push(sameBuilt(views, digests as string[]));
  }
  const statements = replayed(plan, { ...replay, guards }, event, request);
  return {
    version: nextVersion(existing, versionOf(new Date())),
    name: replay.name,
    sql: statements.map((sql) => `${sql};\n`).join("\n"),
  };
}

function replayed(
  plan: Plan,
  { about, guards, tracking }: Replay,
  event: Event,
  { lock_timeout_ms, max_wait_ms }: HistoryRequest,
  rows: RowsOfServer | null = null,
): string[] {
  const details = { plan_hash: plan.hash, migration_file: true };
  return replayOf(plan, {
    about: [...about, `Plan ${plan.hash}.`],
    guards,
    lockTimeoutMs: lock_timeout_ms,
    maxWaitMs: max_wait_ms,
    tracking: [...tracking(rows), insertEvent({ ...event, details })],
    trackingTag: rows?.tag,
  });
}

/**
 * After the commit: the row of the history, completed by what is known only now, so that whoever makes the
 * change again has the same record of it. Null where it could not be recorded, undefined where that cannot be
 * told now.
 */
export async function settleHistory(
  context: OperationContext,
  ids: string[],
): Promise<HistoryEntry | null | undefined> {
  const { database, requestId, log } = context;
  const rows = rowsOfServer(settledRows(ids));
  const settled = `-- When it was done, and the states afterwards\n${
    whereTracked(`${settleRows(rows.marker).trim()};\n`, rows.tag)
  }`;
  try {
    return await database.whileReachable(async () => {
      const entry = entryOf((await database.query(recordedHistory(requestId)))[0]);
      if (entry !== null) await database.query(addToHistory(entry.version, settled, rows));
      return entry;
    });
  } catch (cause) {
    log("the migration history could not be completed", { cause });
    return undefined;
  }
}

/** The row that a request of earlier has left in the history; null where it left none. */
export async function historyEntry(
  { database }: OperationContext,
  requestId: string,
): Promise<HistoryEntry | null> {
  const [row] = await database.whileReachable(() => database.query(recordedHistory(requestId)));
  return entryOf(row);
}

const entryOf = (row: Row | undefined): HistoryEntry | null =>
  row?.version == null ? null : { version: String(row.version), name: String(row.name) };

/** Said where the history was open, and the row is not there all the same. */
export const historyFailed = (): Finding =>
  notRecorded(
    `The change is made, but could not be recorded in ${TABLE}.`,
    "Look for what refuses rows there (a constraint, a trigger); `supabase db pull` writes a migration file of " +
      "the present schema.",
  );

/** A name as part of a file's name. */
export function slug(name: string): string {
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_").replaceAll(/^_+|_+$/g, "");
  return plain.slice(0, 40) || "table";
}

/** What is done to each of several tables, for a file's head. */
export function listedLines(lines: string[]): string[] {
  const MOST = 50;
  return lines.length <= MOST
    ? lines
    : [...lines.slice(0, MOST), `And ${lines.length - MOST} more.`];
}
