/** What receivers of notifications get: the body of each webhook that is sent. */
import { z } from "zod";
import { migration } from "./responses.ts";

/** Most migrations that one notification carries; `migrations_total` says how many there are. */
export const MAX_NOTIFIED_MIGRATIONS = 100;

const timestamp = z.iso.datetime({ offset: true });

const about = {
  /** `x-request-id` of the request that did it, or found it. */
  request_id: z.uuid(),
  operation: z.enum(["rename", "rollback", "finalize", "refresh", "verify", "drift"]),
  batch_id: z.uuid().nullable(),
  /** Who asked, as it is recorded. */
  actor: z.string(),
  /** As they were when it happened, the first hundred of them. */
  migrations: z.array(migration.omit({ drift: true, usage: true, notifications: true })),
  migrations_total: z.number().int(),
};

const notification = <Type extends string, Data extends z.ZodRawShape>(type: Type, data: Data) =>
  z.object({
    type: z.literal(type),
    /** When it happened; a delivery can come up to a day later. */
    timestamp,
    data: z.object({ ...about, ...data }),
  });

const drift = z.object({
  migration_id: z.uuid(),
  /** The finding's code, as list-migrations tells it. */
  code: z.string(),
  object: z.string(),
});

/** The notifications by their type. */
export const NOTIFICATIONS = {
  "migration.proposed": notification("migration.proposed", {}),
  "migration.applied": notification("migration.applied", {}),
  "migration.failed": notification("migration.failed", {
    problem: z.object({ code: z.string(), title: z.string() }),
    /** What was asked for, since there may be no migration of it: names, or how migrations were selected. */
    requested: z.record(z.string(), z.unknown()),
  }),
  "migration.rolled_back": notification("migration.rolled_back", {
    /** True where it was only proposed, and withdrawn. */
    withdrawn: z.boolean(),
  }),
  "migration.finalized": notification("migration.finalized", {}),
  "migration.verification_failed": notification("migration.verification_failed", {
    /** The operation after which it was looked; null where the endpoint verify was asked. */
    after: z.enum(["rename", "rollback", "finalize", "refresh"]).nullable(),
    failed_checks: z.array(z.string()),
  }),
  "migration.drift_detected": notification("migration.drift_detected", { drift: z.array(drift) }),
};

export type NotificationType = keyof typeof NOTIFICATIONS;

/** A notification as it is sent: the body of a webhook. */
export type Notification = {
  [Type in NotificationType]: z.output<(typeof NOTIFICATIONS)[Type]>;
}[NotificationType];
