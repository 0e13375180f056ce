/** A change as a migration of the Supabase CLI: in the database's migration history, or as a file. */
import { nextVersion, versionOf } from "../../contract/migration_version.ts";
import type { SelectionRequest } from "../../contract/requests.ts";
import type { Finding, HistoryEntry, MigrationFile } from "../../contract/responses.ts";
import type { RecordedRename } from "../../facts/migration.ts";
import type { Row, Session } from "../../postgres/connection/database.ts";
import type { MigrationHistory } from "../../postgres/server_features.ts";
import type { Plan, PlanStatement } from "../../plan/plan.ts";
import {
  builtDigests,
  migrationFileStatements,
  sameBuilt,
  whereTracked,
} from "../../plan/migration_file.ts";
import { ident, qualified } from "../../sql/quoting.ts";
import { HISTORY_TABLE } from "../../sql/trusted_objects.ts";
import { type Event, insertEvent } from "../../tracking/events.ts";
import {
  addToHistory,
  keepHistory,
  lastVersion,
  recordedHistory,
  recordHistory,
} from "../../tracking/history.ts";
import {
  recordedRows,
  type RowsOfServer,
  rowsOfServer,
  settledRows,
  settleRows,
} from "../../tracking/migration_file.ts";
import { type OperationContext, orLog } from "./context.ts";

/** What a migration file says of a change beside its plan. */
export interface FileParts {
  /** Part of the file's name. */
  name: string;
  /** Lines for its head. */
  about: string[];
  /** Tables that views are made over. Default: none. */
  tables?: { schema: string; name: string }[];
  /** Statements that raise where the tables are others. Default: none. */
  tableGuards?: PlanStatement[];
  /** Views that the file's definitions were read from, with what is built on them. Default: none. */
  views?: { schema: string; name: string }[];
  /** Statements that track the change; `rows` are those of a batch that is recorded here, to be copied. */
  tracking: (rows: RowsOfServer | null) => string[];
  /** Whether the change records a new batch. Default: false. */
  newBatch?: boolean;
}

type LockLimits = Pick<SelectionRequest, "lock_timeout_ms" | "max_wait_ms">;

export interface HistoryChoice {
  recorded: boolean;
  findings: Finding[];
}

/**
 * Whether a change is recorded in the history, and findings where that could be expected.
 *
 * @param inHistory Whether the rename is there. Default: it is, or begins there.
 */
export function historyChoice(
  { mode, record_history }: Pick<SelectionRequest, "record_history"> & { mode: string },
  state: MigrationHistory,
  inHistory = true,
): HistoryChoice {
  const notRecorded = (...findings: Finding[]) => ({ recorded: false, findings });
  if (mode === "propose" || record_history === "never") return notRecorded();
  switch (state) {
    case "missing":
    // It has a finding of its own.
    case "untrusted":
      return notRecorded();
    case "closed":
      return notRecorded(notRecordedFinding(
        `The change is not recorded in ${HISTORY_TABLE}, which this role may not write.`,
        `Grant it SELECT, INSERT and UPDATE on ${HISTORY_TABLE}, and USAGE on its schema; or send ` +
          '"record_history": "never".',
      ));
  }
  if (inHistory) return { recorded: true, findings: [] };
  return notRecorded({
    code: "history_incomplete",
    severity: "info",
    object: HISTORY_TABLE,
    message: "The rename is not in the migration history, so what is done with it is not either.",
    remedy: "Nothing to do. Your own migration files have to use the name that the table has now.",
  });
}

function notRecordedFinding(message: string, remedy: string): Finding {
  return {
    code: "history_not_recorded",
    severity: "warning",
    object: HISTORY_TABLE,
    message,
    remedy,
  };
}

/**
 * `keep` makes the statement that sends the change's statements to the server; `record` records them before each attempt
 * to get the locks.
 */
export function historyStatements(
  plan: Plan,
  parts: FileParts,
  event: Event,
  request: LockLimits,
): { keep: () => string; record: string } {
  const rows = parts.newBatch ? recordedRows() : null;
  return {
    keep: () =>
      keepHistory(fileStatements(plan, { ...parts, tableGuards: [] }, [], event, request, rows)),
    record: recordHistory(
      parts.name,
      event.operation === "rename" ? event.migration_ids : [],
      rows,
    ),
  };
}

export async function migrationFile(
  session: Session,
  state: MigrationHistory,
  plan: Plan,
  parts: FileParts,
  event: Event,
  request: LockLimits,
): Promise<MigrationFile> {
  const [row] = state === "open" ? await session.run(lastVersion) : [];
  const existing = row?.version == null ? [] : [String(row.version)];
  const { views = [] } = parts;
  const guards: PlanStatement[] = [];
  if (views.length > 0) {
    const [{ digests }] = await session.run(builtDigests(views));
    guards.push(sameBuilt(views, digests as string[]));
  }
  const statements = fileStatements(plan, parts, guards, event, request);
  return {
    version: nextVersion(existing, versionOf(new Date())),
    name: parts.name,
    sql: statements.map((sql) => `${sql};\n`).join("\n"),
  };
}

function fileStatements(
  plan: Plan,
  { about, tables, tableGuards, tracking }: FileParts,
  guards: PlanStatement[],
  event: Event,
  { lock_timeout_ms, max_wait_ms }: LockLimits,
  rows: RowsOfServer | null = null,
): string[] {
  const details = { plan_hash: plan.hash, migration_file: true };
  return migrationFileStatements(plan, {
    about: [...about, `Plan ${plan.hash}.`],
    tables,
    tableGuards,
    guards,
    lockTimeoutMs: lock_timeout_ms,
    maxWaitMs: max_wait_ms,
    tracking: [...tracking(rows), insertEvent({ ...event, details })],
    trackingTag: rows?.tag,
  });
}

/**
 * Adds to the history's row what is known only after the commit, so that it leaves the same record elsewhere.
 *
 * @returns Null where the change could not be recorded, undefined where that is not known.
 */
export async function settleHistory(
  context: OperationContext,
  ids: string[],
): Promise<HistoryEntry | null | undefined> {
  const { database, requestId } = context;
  const rows = rowsOfServer(settledRows(ids));
  const settled = `-- When it was done, and the states afterwards\n${
    whereTracked(`${settleRows(rows.marker).trim()};\n`, rows.tag)
  }`;
  const entry = await orLog(
    context,
    "the migration history could not be completed",
    () =>
      database.whileReachable(async () =>
        entryOf((await database.query(addToHistory(requestId, settled, rows)))[0])
      ),
  );
  if (entry !== undefined) return entry;
  // It is in the history all the same.
  return await orLog(
    context,
    "the migration history could not be read",
    () => historyEntry(context, requestId),
  );
}

/** The row that an earlier request left in the history; null where it left none. */
export async function historyEntry(
  { database }: OperationContext,
  requestId: string,
): Promise<HistoryEntry | null> {
  const [row] = await database.whileReachable(() => database.query(recordedHistory(requestId)));
  return entryOf(row);
}

const entryOf = (row: Row | undefined): HistoryEntry | null =>
  row?.version == null ? null : { version: String(row.version), name: String(row.name) };

/** The finding where the history was open, and the row is missing all the same. */
export const historyFailed = (): Finding =>
  notRecordedFinding(
    `The change is made, but could not be recorded in ${HISTORY_TABLE}.`,
    "Look for what refuses rows there (a constraint, a trigger); `supabase db pull` writes a migration file of " +
      "the present schema.",
  );

/** A name as part of a file's name. */
export function slug(name: string): string {
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_").replaceAll(/^_+|_+$/g, "");
  return plain.slice(0, 40) || "table";
}

export function linesForHead(lines: string[]): string[] {
  const MAX_LINES = 50;
  return lines.length <= MAX_LINES
    ? lines
    : [...lines.slice(0, MAX_LINES), `And ${lines.length - MAX_LINES} more.`];
}

export type FollowUp = "rollback" | "finalize" | "refresh";

const FOLLOW_UPS: Record<FollowUp, { name: string; about: (migration: RecordedRename) => string }> =
  {
    rollback: {
      name: "roll_back_rename_of",
      about: ({ schema_name, old_name, new_name }) =>
        `Gives ${qualified(schema_name, new_name)} its old name ${ident(old_name)} back.`,
    },
    finalize: {
      name: "finalize_rename_of",
      about: ({ schema_name, old_name, new_name }) =>
        `Ends the rename to ${ident(new_name)}: the compatibility view ${
          qualified(schema_name, old_name)
        } is dropped.`,
    },
    refresh: {
      name: "refresh_view",
      about: ({ schema_name, old_name, new_name }) =>
        `Makes the compatibility view ${qualified(schema_name, old_name)} again, as ${
          ident(new_name)
        } is now.`,
    },
  };

/** A rollback, finalize or refresh as a migration file; `mark` is the statement that marks the migrations. */
export function followUpFile(
  operation: FollowUp,
  migrations: RecordedRename[],
  mark: string,
): FileParts {
  const { name, about } = FOLLOW_UPS[operation];
  const [{ old_name }] = migrations;
  const more = migrations.length === 1 ? "" : `_and_${migrations.length - 1}_more`;
  return {
    name: `${name}_${slug(old_name)}${more}`,
    about: linesForHead(migrations.map(about)),
    views: migrations.filter(({ compatibility_view_created }) => compatibility_view_created)
      .map(({ schema_name, old_name }) => ({ schema: schema_name, name: old_name })),
    ...(operation === "refresh" && {
      tables: migrations.map(({ schema_name, present_name, new_name }) => (
        { schema: schema_name, name: present_name ?? new_name }
      )),
    }),
    tracking: () => [mark],
  };
}
