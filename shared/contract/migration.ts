/** What callers see of a migration. */
import * as z from "zod";
import { FINDING_CODES } from "./findings.ts";

export const timestamp = z.iso.datetime({ offset: true });

export const findingCode = z.enum(FINDING_CODES);

export const finding = z.object({
  code: findingCode,
  severity: z.enum(["info", "warning", "breaking"]),
  object: z.string(),
  message: z.string(),
  remedy: z.string(),
  /** Of `not_quiet_long_enough`: when the old name can be given up without acknowledgement. */
  earliest: z.string().optional(),
});

export const statement = z.object({ sql: z.string(), purpose: z.string() });

/** A reason for the state of `usage`. */
const usageReason = z.object({ code: z.string(), message: z.string() });

/**
 * Use of the old name. `used`: calls were seen within the last day, a session uses it now, or a text on the server names
 * it. `unknown`: none of this, but something can have been missed. `quiet`: none of this, and nothing was missed.
 */
export const usage = z.object({
  state: z.enum(["used", "quiet", "unknown"]),
  /** Calls through the old name that were seen since the rename; null if they cannot be counted. */
  calls: z.number().int().nullable(),
  /** Reads, updates and deletes that the view itself has counted; null without `count_use`. */
  reads: z.number().int().nullable(),
  /** The same by day (UTC) of the sample that first saw them, of the last 60 days; a day without a sample is left out. */
  days: z.array(z.object({ day: z.iso.date(), calls: z.number().int() })),
  roles: z.array(z.object({ role: z.string(), calls: z.number().int() })),
  /** When the rename was done. */
  since: timestamp.nullable(),
  last_sampled_at: timestamp.nullable(),
  /** The first sample after the last call that was seen. */
  last_used_at: timestamp.nullable(),
  /** Since when no use was seen and nothing can have been missed; null if not known. */
  quiet_since: timestamp.nullable(),
  /** Statements that used it, the most frequent first, without their values; at most 200 characters each. */
  examples: z.array(z.object({ statement: z.string(), role: z.string(), calls: z.number().int() })),
  reasons: z.array(usageReason),
});

/** Whether finalize would end the rename with the same `quiet_for_days`, as far as the use of the old name is concerned. */
export const readyToFinalize = z.object({
  ready: z.boolean(),
  /** If it is not ready: when it will be, if no use is seen until then; null if no date can be known. */
  earliest: timestamp.nullable(),
  /** What stands in the way or, if nothing does, the evidence. */
  reasons: z.array(usageReason),
});

/** Numbers of notifications by what became of them. */
export const migrationNotifications = z.object({
  delivered: z.number().int(),
  pending: z.number().int(),
  given_up: z.number().int(),
  /** Why the last attempt failed, of the undelivered ones. */
  last_error: z.string().nullable(),
});

/** What the rename was planned as: of an active one, what was run; of a pending one, what is proposed. */
const recordedPlan = z.object({
  /** Those of this table, in their order. */
  statements: z.array(statement),
  /** Codes of breaking findings that were accepted; the findings themselves are not recorded. */
  acknowledged: z.array(z.string()),
});

/** What the last verification found. No values of rows are kept. */
const lastVerified = z.object({
  at: timestamp,
  by: z.string(),
  passed: z.boolean(),
  /** How many checks there were, and how many of them failed or could not be made. */
  checks: z.number().int(),
  failed: z.number().int(),
  skipped: z.number().int(),
});

/** Uses of the old name that are left in source code, as `report-uses` was sent; the sum of all repositories. */
export const usesInCode = z.object({
  certain: z.number().int(),
  possible: z.number().int(),
  /** How many repositories have reported. */
  repositories: z.number().int(),
  /** Of the last report. */
  reported_at: timestamp,
  reported_by: z.string(),
  repository: z.string().nullable(),
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
  /** Differences between database and record; only with `include`. */
  drift: z.array(finding).optional(),
  /** Only with `include`, and only of active renames with a view. */
  usage: usage.optional(),
  /** Of active renames; with usage in \`include\`, and in the plan of a finalization. */
  ready_to_finalize: readyToFinalize.optional(),
  /** Only with `verification` in `include`; null where it was never verified. */
  last_verified: lastVerified.nullable().optional(),
  /** Only with `include`; null where nothing was reported. */
  uses_in_code: usesInCode.nullable().optional(),
  /** Only with `include`. */
  plan: recordedPlan.optional(),
  /** Only with `include`. */
  notifications: migrationNotifications.optional(),
});

export type Finding = z.output<typeof finding>;
export type Statement = z.output<typeof statement>;
export type UsesInCode = z.output<typeof usesInCode>;
export type Usage = z.output<typeof usage>;
export type ReadyToFinalize = z.output<typeof readyToFinalize>;
export type MigrationNotifications = z.output<typeof migrationNotifications>;
export type Migration = z.output<typeof migration>;
