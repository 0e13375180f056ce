/** What callers get back, as schemas and types. */
import * as z from "zod";
import { finding, migration, migrationNotifications, statement, timestamp } from "./migration.ts";
import { PROBLEM_CODES } from "./problems.ts";
import { EVENT_OPERATIONS, EVENT_OUTCOMES } from "./queries.ts";

export { finding, findingCode, migration, readyToFinalize, statement, usage } from "./migration.ts";
export type {
  Finding,
  Migration,
  MigrationNotifications,
  ReadyToFinalize,
  Statement,
  Usage,
  UsesInCode,
} from "./migration.ts";

/**
 * How the locks were acquired. Times are in milliseconds; `held_ms` is from the last lock granted to the end of COMMIT,
 * of which the function measures COMMIT and the server the rest.
 */
export const lockFigures = z.object({
  attempts: z.number().int(),
  waited_ms: z.number(),
  held_ms: z.number(),
  /**
   * Present where the functions' role may not see since when others' transactions have lasted (it needs
   * pg_read_all_stats): then a transaction that was there at the first look is waited for, however young it is.
   */
  holders_visible: z.literal(false).optional(),
});

const eventLock = lockFigures.omit({ holders_visible: true });

export const difference = z.object({
  object: z.string(),
  before: z.string().nullable(),
  after: z.string().nullable(),
});

export const check = z.object({
  name: z.string(),
  passed: z.boolean(),
  detail: z.string().optional(),
  differences: z.array(difference).optional(),
});

export const verification = z.object({ passed: z.boolean(), checks: z.array(check) });

/**
 * What a rename does to an object that depends on a table. `follows`: it stays with the table, unchanged. `handled`: the
 * rename adapts it. `works_through_view`: it uses the old name and continues to work. `changes`: it works, but something
 * about it is different. `breaks`: it fails.
 */
export const effect = z.enum(["follows", "handled", "works_through_view", "changes", "breaks"]);

const analyzedDependant = z.object({
  name: z.string(),
  effect,
  /** More about the effect; null if there is nothing to add. */
  detail: z.string().nullable(),
});

/** A table of a plan, and its dependants. */
const plannedTable = z.object({
  schema: z.string(),
  old_name: z.string(),
  new_name: z.string(),
  /** In a rename, whether one is made; else whether there is one. */
  compatibility_view: z.boolean(),
  /** By kind, as in analyze, without empty kinds; `built_on_view`: dependants of a view that is dropped. */
  dependants: z.record(z.string(), z.array(analyzedDependant)),
});

/** The change's row in supabase_migrations.schema_migrations; `supabase migration fetch` makes a file of it. */
export const historyEntry = z.object({ version: z.string(), name: z.string() });

/** The change as a file for supabase/migrations. */
export const migrationFile = z.object({
  /** The next free version in the database's migration history; if files have later ones, use a later one. */
  version: z.string(),
  /** The part of the file's name between the version and the extension. */
  name: z.string(),
  sql: z.string(),
});

/** A routine or a cron job in whose text the new name takes the old one's place. */
const rewrittenText = z.object({
  kind: z.enum(["routine", "cron job"]),
  object: z.string(),
  /** The changed lines, before (`-`) and after (`+`). */
  diff: z.string(),
});

export const operationAnswer = z.object({
  batch_id: z.uuid().nullable(),
  mode: z.enum(["apply", "plan", "propose"]),
  plan_hash: z.string(),
  migrations: z.array(migration),
  statements: z.array(statement),
  findings: z.array(finding),
  lock: lockFigures.nullable(),
  verification: verification.nullable(),
  /** The planned tables; only if nothing was changed. */
  tables: z.array(plannedTable).optional(),
  /** The change's row in the migration history, if there is one. */
  history: historyEntry.optional(),
  /** Of a plan, if `migration_file` was requested. */
  migration_file: migrationFile.optional(),
  /** If `rewrite_texts` was requested: the texts that get new names. Of a rollback: those that get old ones back. */
  rewritten_texts: z.array(rewrittenText).optional(),
  /** Of a plan: the problem with which an apply with the same fields would be refused. */
  would_be_refused: z.object({
    code: z.enum(PROBLEM_CODES),
    detail: z.string(),
    hint: z.string().optional(),
  }).optional(),
});

/** A session that keeps a request waiting for its locks; `query` is truncated to 200 characters. */
export const blocker = z.object({
  /** 0 for a prepared transaction, which has no session. */
  pid: z.number().int(),
  role: z.string().nullable(),
  application_name: z.string().nullable(),
  state: z.string().nullable(),
  /** When its transaction began; without one, when its state began. */
  since: z.string().nullable(),
  /** How long that was ago, by the database's clock. */
  age_ms: z.number().nullable(),
  query: z.string().nullable(),
  /** Only for a transaction that is prepared for two-phase commit (state `prepared`): its identifier for COMMIT PREPARED. */
  gid: z.string().optional(),
});

/**
 * The progress of an operation: the data of a `progress` event. Events do not repeat everything.
 * `queued`: other requests use all of the function's connections, and this one waits for one.
 * `replayed`: an earlier request with the same key did the work, and its answer follows.
 */
export const progress = z.object({
  phase: z.enum(["queued", "preparing", "locking", "waiting", "verifying", "replayed"]),
  /** Number of the attempt to acquire the locks, from 1. */
  attempt: z.number().int().optional(),
  /** Milliseconds since the operation began. */
  waited_ms: z.number().optional(),
  blockers: z.array(blocker).optional(),
  done: z.number().int().optional(),
  total: z.number().int().optional(),
  /** The running check of verify. */
  check: z.string().optional(),
});

/** A difference between the two names: the statement, the table's result, the old name's result. */
const verifyFailure = z.object({
  statement: z.string(),
  expected: z.string(),
  got: z.string(),
});

const verifyCheck = z.object({
  name: z.string(),
  passed: z.boolean(),
  /** True if the check could not be made, which does not count as a failure; `detail` says why. */
  skipped: z.boolean().optional(),
  detail: z.string(),
  /** Counts and measurements; times in milliseconds. No values of rows. */
  figures: z.record(z.string(), z.unknown()).optional(),
  failures: z.array(verifyFailure),
});

/** The session of the checks, which decides what code of other roles they may run. */
const verifySession = z.object({
  /** The session's login. */
  login: z.string(),
  /** Whether that is a separate login without rights of its own (RENAME_VERIFY_DB_URL). */
  separate: z.boolean(),
  /**
   * Whether statements were executed or explained at all. Without a separate login they are only if all code that they
   * run belongs to roles that have the rights of the functions' login anyway.
   */
  executed: z.boolean(),
  detail: z.string(),
  /** Code of other roles that the statements would run. */
  untrusted: z.array(z.object({ object: z.string(), owner: z.string() })),
});

export const verifyAnswer = z.object({
  passed: z.boolean(),
  session: verifySession,
  checks: z.array(verifyCheck),
});

/** The notifications of the last 30 days, and those that are not delivered yet. */
const notificationsReport = z.object({
  receivers: z.array(migrationNotifications.extend({
    /** Host and port of the URL, whose other parts can be secret. */
    host: z.string(),
    /** Whether the settings still contain it: only then it gets notifications. */
    configured: z.boolean(),
    last_delivered_at: timestamp.nullable(),
  })),
  /** Pending and given up, the newest hundred. */
  undelivered: z.array(z.object({
    /** `webhook-id`. */
    id: z.string(),
    type: z.string(),
    host: z.string(),
    request_id: z.uuid(),
    created_at: timestamp,
    attempts: z.number().int(),
    state: z.enum(["pending", "given_up"]),
    /** From when on the next request tries it again. */
    next_attempt_at: timestamp.nullable(),
    last_error: z.string().nullable(),
  })),
  /** Errors of the settings that keep notifications from being sent. */
  settings_errors: z.array(z.string()),
});

export const listMigrationsAnswer = z.object({
  migrations: z.array(migration),
  next_cursor: z.string().nullable(),
  /** Only with `include`. */
  notifications: notificationsReport.optional(),
});

const event = z.object({
  /** Later events have higher ids. */
  id: z.number().int(),
  occurred_at: timestamp,
  /** As in the answer's header `x-request-id`. */
  request_id: z.uuid(),
  /** What was requested; `drift`: found by any request; `webhook`: one that was refused before it was read. */
  operation: z.enum(EVENT_OPERATIONS),
  actor: z.string(),
  outcome: z.enum(EVENT_OUTCOMES),
  /** The problem that the request was answered with, or what was found; null where it succeeded. */
  problem_code: z.string().nullable(),
  batch_id: z.uuid().nullable(),
  /** The migrations that it is about; none where a request was refused before there were any. */
  migration_ids: z.array(z.uuid()),
  /** Their names, or else those that were requested; at most 20. */
  renames: z.array(z.object({
    schema: z.string(),
    old_name: z.string(),
    new_name: z.string(),
  })),
  /** How many there are. */
  renames_total: z.number().int(),
  /** The plan that was applied or proposed. */
  plan_hash: z.string().nullable(),
  /** Zeros where no locks were needed, or none was acquired; `held_ms` is without COMMIT. */
  lock: eventLock,
  /** What else is known, by the operation: what a refused request selected, kinds of drift, failed checks. */
  details: z.record(z.string(), z.unknown()),
});

export const listEventsAnswer = z.object({
  events: z.array(event),
  next_cursor: z.string().nullable(),
});

export const reportUsesAnswer = z.object({
  /** What was recorded, in the order of the request. */
  uses: z.array(z.object({
    migration_id: z.uuid(),
    schema: z.string(),
    old_name: z.string(),
    certain: z.number().int(),
    possible: z.number().int(),
  })),
});

const analyzedTable = z.object({
  schema: z.string(),
  table: z.string(),
  /** `table` or `partitioned table`. */
  kind: z.string(),
  owner: z.string(),
  /**
   * Size with indexes and TOAST, and rows, as VACUUM or ANALYZE last counted them; null where neither has yet. Of a
   * partitioned table the sum of its partitions.
   */
  estimated_bytes: z.number().nullable(),
  estimated_rows: z.number().nullable(),
  /** The active migrations that led to its name, the last one first; with `detail=names` also the finalized ones. */
  migrations: z.array(z.object({ id: z.uuid(), old_name: z.string(), new_name: z.string() })),
  /** By kind: `foreign_keys`, `referenced_by`, `indexes` and so on, including empty kinds. */
  dependants: z.record(z.string(), z.array(analyzedDependant)),
  findings: z.array(finding),
  /** The tables that its foreign keys refer to; only with `detail=names`, where dependants and findings are empty. */
  references: z.array(z.object({ schema: z.string(), table: z.string() })).optional(),
});

export const analyzeAnswer = z.object({ tables: z.array(analyzedTable) });

/** The old name of a compatibility view, and the present name of its table. */
const tableAlias = z.object({
  schema: z.string(),
  old_name: z.string(),
  new_name: z.string(),
});

export const tableAliasesAnswer = z.object({ aliases: z.array(tableAlias) });

export type NotificationsReport = z.output<typeof notificationsReport>;
export type LockFigures = z.output<typeof lockFigures>;
export type Difference = z.output<typeof difference>;
export type Check = z.output<typeof check>;
export type Verification = z.output<typeof verification>;
export type PlannedTable = z.output<typeof plannedTable>;
export type HistoryEntry = z.output<typeof historyEntry>;
export type MigrationFile = z.output<typeof migrationFile>;
export type RewrittenTextAnswer = z.output<typeof rewrittenText>;
export type OperationAnswer = z.output<typeof operationAnswer>;
export type VerifyFailure = z.output<typeof verifyFailure>;
export type VerifyCheck = z.output<typeof verifyCheck>;
export type VerifySession = z.output<typeof verifySession>;
export type VerifyAnswer = z.output<typeof verifyAnswer>;
export type EventRecord = z.output<typeof event>;
export type ListEventsAnswer = z.output<typeof listEventsAnswer>;
export type ListMigrationsAnswer = z.output<typeof listMigrationsAnswer>;
export type ReportUsesAnswer = z.output<typeof reportUsesAnswer>;
export type Effect = z.output<typeof effect>;
export type AnalyzedDependant = z.output<typeof analyzedDependant>;
export type AnalyzedTable = z.output<typeof analyzedTable>;
export type AnalyzeAnswer = z.output<typeof analyzeAnswer>;
export type TableAlias = z.output<typeof tableAlias>;
export type TableAliasesAnswer = z.output<typeof tableAliasesAnswer>;
export type Blocker = z.output<typeof blocker>;
export type Progress = z.output<typeof progress>;
