/** The bodies of notifications, which are sent as webhooks. */
import * as z from "zod";
import { migration } from "./responses.ts";

const timestamp = z.iso.datetime({ offset: true });

const about = {
  /** `x-request-id` of the request that caused or found it. */
  request_id: z.uuid(),
  operation: z.enum(["rename", "rollback", "finalize", "refresh", "verify", "drift"]),
  batch_id: z.uuid().nullable(),
  /** The recorded actor. */
  actor: z.string(),
  /** As they were at the time, the first hundred of them. */
  migrations: z.array(migration.omit({ drift: true, usage: true, notifications: true })),
  migrations_total: z.number().int(),
};

const notification = <Type extends string, Data extends z.ZodRawShape>(type: Type, data: Data) =>
  z.object({
    type: z.literal(type),
    /** When it happened; it can be delivered up to a day later. */
    timestamp,
    data: z.object({ ...about, ...data }),
  });

const drift = z.object({
  migration_id: z.uuid(),
  /** The finding's code, as in list-migrations. */
  code: z.string(),
  object: z.string(),
});

/** The notifications by their type. */
export const NOTIFICATIONS = {
  "migration.proposed": notification("migration.proposed", {}),
  "migration.applied": notification("migration.applied", {}),
  "migration.failed": notification("migration.failed", {
    problem: z.object({ code: z.string(), title: z.string() }),
    /** What was requested, since there may be no migration of it: names, or how migrations were selected. */
    requested: z.record(z.string(), z.unknown()),
  }),
  "migration.rolled_back": notification("migration.rolled_back", {
    /** True if it was a proposal that was withdrawn. */
    withdrawn: z.boolean(),
  }),
  "migration.finalized": notification("migration.finalized", {}),
  "migration.verification_failed": notification("migration.verification_failed", {
    /** The operation that was verified; null for a request to the endpoint verify. */
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
