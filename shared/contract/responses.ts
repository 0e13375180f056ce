/** What callers get back; the client checks answers against these schemas' types. */
import { z } from "zod";
import { FINDING_CODES } from "./findings.ts";
import { PROBLEM_CODES } from "./problems.ts";

const timestamp = z.iso.datetime({ offset: true });

export const findingCode = z.enum(FINDING_CODES);

export const finding = z.object({
  code: findingCode,
  severity: z.enum(["info", "warning", "breaking"]),
  object: z.string(),
  message: z.string(),
  remedy: z.string(),
  /** Of `old_name_in_use` where no use was seen: when the old name can be given up without being asked again. */
  earliest: z.string().optional(),
});

export const statement = z.object({ sql: z.string(), purpose: z.string() });

/** Something that is known, or cannot be known, about the use of an old name. */
export const usageReason = z.object({ code: z.string(), message: z.string() });

/**
 * Who uses the old name. `used`: calls were seen within the last day, a session is at work on it now, or a text
 * on the server names it. `unknown`: none of this, but something can have been missed. `quiet`: neither.
 */
export const usage = z.object({
  state: z.enum(["used", "quiet", "unknown"]),
  /** Calls through the old name since the rename that were ever seen; null where none can be counted. */
  calls: z.number().int().nullable(),
  /** Reads, updates and deletes that the view itself has counted; null where it was not asked to. */
  reads: z.number().int().nullable(),
  roles: z.array(z.object({ role: z.string(), calls: z.number().int() })),
  /** When the rename was done. */
  since: timestamp.nullable(),
  last_sampled_at: timestamp.nullable(),
  /** The first look after which calls had grown for the last time: the last call was earlier. */
  last_used_at: timestamp.nullable(),
  /** From when on nothing was seen, and nothing can have been missed; null where that cannot be said. */
  quiet_since: timestamp.nullable(),
  /** Statements that used it, most called first, without their values; at most 200 characters each. */
  examples: z.array(z.object({ statement: z.string(), role: z.string(), calls: z.number().int() })),
  reasons: z.array(usageReason),
});

/** How many notifications about a migration its receivers have, are still to get, or will not get. */
export const migrationNotifications = z.object({
  delivered: z.number().int(),
  pending: z.number().int(),
  given_up: z.number().int(),
  /** Why the last attempt failed, of those that are not delivered. */
  last_error: z.string().nullable(),
});

export const migration = z.object({
  id: z.uuid(),
  batch_id: z.uuid(),
  schema_name: z.string(),
  old_name: z.string(),
  new_name: z.string(),
  status: z.enum(["pending", "active", "rolled_back", "finalized"]),
  table_oid: z.number().int().nullable(),
  view_oid: z.number().int().nullable(),
  compatibility_view_created: z.boolean(),
  dependencies: z.record(z.string(), z.unknown()),
  plan_hash: z.string(),
  requested_at: timestamp,
  requested_by: z.string(),
  migrated_at: timestamp.nullable(),
  migrated_by: z.string().nullable(),
  rollback_at: timestamp.nullable(),
  rollback_by: z.string().nullable(),
  finalized_at: timestamp.nullable(),
  finalized_by: z.string().nullable(),
  notes: z.string().nullable(),
  /** Where the database no longer agrees with the record; only where it was asked for. */
  drift: z.array(finding).optional(),
  /** Who uses the old name; only where it was asked for, and of active renames with a view. */
  usage: usage.optional(),
  /** What became of the notifications about it; only where it was asked for. */
  notifications: migrationNotifications.optional(),
});

/**
 * How the locks were acquired: times in milliseconds, `held_ms` from the last lock granted to the end of COMMIT. The
 * server measures it up to COMMIT, the function what COMMIT took.
 */
export const lockFigures = z.object({
  attempts: z.number().int(),
  waited_ms: z.number(),
  held_ms: z.number(),
});

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
 * What a rename does to an object that hangs on a table. `follows`: it goes along and stays what it is.
 * `handled`: the rename does something for it. `works_through_view`: it names the old name and goes on
 * working. `changes`: it works, and something about it is different. `breaks`: it fails.
 */
export const effect = z.enum(["follows", "handled", "works_through_view", "changes", "breaks"]);

export const analyzedDependant = z.object({
  name: z.string(),
  effect,
  /** What is to be known about it; null where the effect says it all. */
  detail: z.string().nullable(),
});

/** A table that a plan is about, and what becomes of what hangs on it. */
export const plannedTable = z.object({
  schema: z.string(),
  old_name: z.string(),
  new_name: z.string(),
  /** Of a rename, whether one is made; of others, whether there is one. */
  compatibility_view: z.boolean(),
  /**
   * By kind, as analyze has them, but for kinds of which there are none; where a view goes, what is built on it,
   * as `built_on_view`.
   */
  dependants: z.record(z.string(), z.array(analyzedDependant)),
});

/** The change as a row of supabase_migrations.schema_migrations; `supabase migration fetch` makes a file of it. */
export const historyEntry = z.object({ version: z.string(), name: z.string() });

/** The change as a file for supabase/migrations. */
export const migrationFile = z.object({
  /** The next that is free in the database's migration history; where files have later ones, take a later one. */
  version: z.string(),
  /** What comes between the version and `.sql` in the file's name. */
  name: z.string(),
  sql: z.string(),
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
  /** What was planned, table by table; where nothing was done. */
  tables: z.array(plannedTable).optional(),
  /** Where the change was recorded in the migration history; left out where it was not. */
  history: historyEntry.optional(),
  /** Of a plan, where it was asked for. */
  migration_file: migrationFile.optional(),
  /** Of a plan that an apply with the same fields would refuse: the problem that it would answer. */
  would_be_refused: z.object({
    code: z.enum(PROBLEM_CODES),
    detail: z.string(),
    hint: z.string().optional(),
  }).optional(),
});

/** A session that keeps a request waiting for its locks; `query` is cut to 200 characters. */
export const blocker = z.object({
  /** 0 of a prepared transaction, which has no session. */
  pid: z.number().int(),
  role: z.string().nullable(),
  application_name: z.string().nullable(),
  state: z.string().nullable(),
  /** When its transaction began, or else its state. */
  since: z.string().nullable(),
  /** How long that was ago, by the database's clock. */
  age_ms: z.number().nullable(),
  query: z.string().nullable(),
  /**
   * Identifier of a transaction that was prepared for two-phase commit, whose state is `prepared`; left out for
   * sessions. COMMIT PREPARED or ROLLBACK PREPARED ends it.
   */
  gid: z.string().optional(),
});

/**
 * Where an operation is: the data of a `progress` event. Not every event repeats what is known already.
 * `queued`: the function's connections are in use by other requests, and this one waits for its turn.
 * `replayed`: an earlier request with the same key did the work, and its answer follows.
 */
export const progress = z.object({
  phase: z.enum(["queued", "preparing", "locking", "waiting", "verifying", "replayed"]),
  /** Number of the attempt to get the locks, from 1. */
  attempt: z.number().int().optional(),
  /** Milliseconds since the operation began. */
  waited_ms: z.number().optional(),
  blockers: z.array(blocker).optional(),
  done: z.number().int().optional(),
  total: z.number().int().optional(),
  /** The test that verify is making. */
  check: z.string().optional(),
});

/** One difference between the two names: what was run, what the table gave, what the old name gave. */
export const verifyFailure = z.object({
  statement: z.string(),
  expected: z.string(),
  got: z.string(),
});

export const verifyCheck = z.object({
  name: z.string(),
  passed: z.boolean(),
  /** True where the test could not be made; `detail` says why, and it does not fail. */
  skipped: z.boolean().optional(),
  detail: z.string(),
  /** What was counted and measured; times in milliseconds. No values of rows. */
  figures: z.record(z.string(), z.unknown()).optional(),
  failures: z.array(verifyFailure),
});

/** In whose session the tests were made, and so what code of others they may run. */
export const verifySession = z.object({
  /** The session's login. */
  login: z.string(),
  /** Whether that is a login without rights of its own (RENAME_VERIFY_DB_URL). */
  separate: z.boolean(),
  /**
   * Whether statements were run or explained at all. Without a login of its own they are only where all code on
   * the way belongs to roles that have the rights of the functions' login anyway.
   */
  executed: z.boolean(),
  detail: z.string(),
  /** Code on the way that belongs to others. */
  untrusted: z.array(z.object({ object: z.string(), owner: z.string() })),
});

export const verifyAnswer = z.object({
  passed: z.boolean(),
  session: verifySession,
  checks: z.array(verifyCheck),
});

/** What became of all notifications of the last 30 days, and of those that are not delivered yet. */
export const notificationsReport = z.object({
  receivers: z.array(migrationNotifications.extend({
    /** Host and port of the URL; the rest of it can be a secret. */
    host: z.string(),
    /** Whether the settings still name it: only then is anything delivered. */
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
    /** When it is tried again, or soon after: it takes a request to do so. */
    next_attempt_at: timestamp.nullable(),
    last_error: z.string().nullable(),
  })),
  /** What of the settings keeps notifications from being sent. */
  settings_errors: z.array(z.string()),
});

export const listMigrationsAnswer = z.object({
  migrations: z.array(migration),
  next_cursor: z.string().nullable(),
  /** Only where it was asked for. */
  notifications: notificationsReport.optional(),
});

export const analyzedTable = z.object({
  schema: z.string(),
  table: z.string(),
  /** `table` or `partitioned table`. */
  kind: z.string(),
  owner: z.string(),
  /** The active migrations that led to its name, the last first; its old names are compatibility views. */
  migrations: z.array(z.object({ id: z.uuid(), old_name: z.string(), new_name: z.string() })),
  /** By kind: `foreign_keys`, `referenced_by`, `indexes` and so on; each kind is there, if only empty. */
  dependants: z.record(z.string(), z.array(analyzedDependant)),
  findings: z.array(finding),
});

export const analyzeAnswer = z.object({ tables: z.array(analyzedTable) });

/** An old name that a compatibility view keeps, and the table's name today. */
export const tableAlias = z.object({
  schema: z.string(),
  old_name: z.string(),
  new_name: z.string(),
});

export const tableAliasesAnswer = z.object({ aliases: z.array(tableAlias) });

export type Finding = z.output<typeof finding>;
export type Statement = z.output<typeof statement>;
export type Usage = z.output<typeof usage>;
export type MigrationNotifications = z.output<typeof migrationNotifications>;
export type NotificationsReport = z.output<typeof notificationsReport>;
export type Migration = z.output<typeof migration>;
export type LockFigures = z.output<typeof lockFigures>;
export type Difference = z.output<typeof difference>;
export type Check = z.output<typeof check>;
export type Verification = z.output<typeof verification>;
export type PlannedTable = z.output<typeof plannedTable>;
export type HistoryEntry = z.output<typeof historyEntry>;
export type MigrationFile = z.output<typeof migrationFile>;
export type OperationAnswer = z.output<typeof operationAnswer>;
export type VerifyFailure = z.output<typeof verifyFailure>;
export type VerifyCheck = z.output<typeof verifyCheck>;
export type VerifySession = z.output<typeof verifySession>;
export type VerifyAnswer = z.output<typeof verifyAnswer>;
export type ListMigrationsAnswer = z.output<typeof listMigrationsAnswer>;
export type Effect = z.output<typeof effect>;
export type AnalyzedDependant = z.output<typeof analyzedDependant>;
export type AnalyzedTable = z.output<typeof analyzedTable>;
export type AnalyzeAnswer = z.output<typeof analyzeAnswer>;
export type TableAlias = z.output<typeof tableAlias>;
export type TableAliasesAnswer = z.output<typeof tableAliasesAnswer>;
export type Blocker = z.output<typeof blocker>;
export type Progress = z.output<typeof progress>;
