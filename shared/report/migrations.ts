/** The answer of list-migrations: the tracked renames, and what was asked about them. */
import type {
  ListMigrationsAnswer,
  Migration,
  NotificationsReport,
  Usage,
} from "../contract/responses.ts";
import {
  type Block,
  type Document,
  documentOf,
  type Item,
  itemsOf,
  name,
  section,
  table,
  toned,
} from "./document.ts";
import { findingsSection } from "./findings.ts";
import { inUtc } from "./text.ts";

export interface MigrationsContext {
  nextPage: (cursor: string) => string;
  verbose: boolean;
}

export function describeMigrations(
  { migrations, next_cursor, notifications }: ListMigrationsAnswer,
  { nextPage, verbose }: MigrationsContext,
): Document {
  return documentOf([
    [
      migrations.length === 0
        ? { is: "text", text: "There are no such migrations." }
        : tableOfMigrations(migrations, verbose),
    ],
    driftSection(migrations),
    usageSection(migrations),
    // There can be notifications of failed requests without any migration.
    notifications === undefined ? [] : notificationsSection(notifications),
    [
      next_cursor === null ? null : {
        is: "step",
        text: "There are more",
        commands: [nextPage(next_cursor)],
      },
    ],
  ]);
}

function tableOfMigrations(migrations: Migration[], verbose: boolean): Block | null {
  const more = verbose ? ["Batch", "By", "Notes"] : [];
  return table(
    ["Status", "Schema", "Old name", "New name", "Since", "Migration", ...more],
    migrations.map((migration) => [
      migration.status,
      name(migration.schema_name),
      name(migration.old_name),
      name(migration.new_name),
      inUtc(since(migration)),
      name(migration.id),
      ...(verbose ? [migration.batch_id, migration.requested_by, migration.notes] : []),
    ]),
  );
}

/** When it came to the status it has. */
const since = ({ status, requested_at, ...migration }: Migration): string =>
  ({
    pending: requested_at,
    active: migration.migrated_at,
    rolled_back: migration.rollback_at,
    finalized: migration.finalized_at,
  })[status] ?? requested_at;

function driftSection(migrations: Migration[]): Block[] {
  const asked = migrations.flatMap(({ drift }) => drift === undefined ? [] : [drift]);
  const drift = asked.flat();
  if (asked.length > 0 && drift.length === 0) {
    return [{ is: "text", text: "No drift: the database is as recorded." }];
  }
  return findingsSection(drift, "Drift");
}

type Used = Migration & { usage: Usage };

const MAX_ROLES = 3;

function usageSection(migrations: Migration[]): Block[] {
  const asked = migrations.filter((one): one is Used => one.usage !== undefined);
  const moment = (timestamp: string | null) => timestamp && inUtc(timestamp);
  const rows = asked.map(({ schema_name, old_name, usage }) => [
    name(`${schema_name}.${old_name}`),
    usage.state,
    String(usage.calls ?? "?"),
    callers(usage),
    moment(usage.last_used_at),
    usage.state === "used" ? null : moment(usage.quiet_since),
  ]);
  return section(
    "Use of the old names",
    table(["Old name", "Use", "Calls", "By", "Last seen", "Quiet since"], rows),
    itemsOf(asked.filter(({ usage }) => usage.state !== "quiet").map(reasons)),
  );
}

function callers({ roles }: Usage): string {
  const named = roles.slice(0, MAX_ROLES).map(({ role, calls }) => `${role} (${calls})`);
  const more = roles.length - named.length;
  return [...named, ...(more > 0 ? [`${more} more`] : [])].join(", ");
}

function reasons({ schema_name, old_name, usage }: Used): Item {
  const [example] = usage.examples;
  return {
    mark: toned(usage.state, usage.state === "used" ? "warning" : "notice"),
    text: name(`${schema_name}.${old_name}`),
    body: [
      ...usage.reasons.map(({ message }) => message),
      ...(example === undefined ? [] : [`For example: ${example.statement}`]),
    ],
  };
}

function notificationsSection(report: NotificationsReport): Block[] {
  const { receivers, undelivered, settings_errors } = report;
  return section(
    "Notifications",
    ...settings_errors.map((text): Block => ({ is: "text", text: toned(text, "bad") })),
    receivers.length === 0
      ? { is: "text", text: "No notifications were sent in the last 30 days." }
      : null,
    table(
      ["Receiver", "Delivered", "Pending", "Given up", "Last error"],
      receivers.map(({ host, configured, delivered, pending, given_up, last_error }) => [
        configured ? name(host) : [name(host), " (no longer configured)"],
        ...[delivered, pending, given_up].map(String),
        last_error,
      ]),
    ),
    table(
      ["Not delivered", "Since", "Receiver", "Attempts", "State", "ID"],
      undelivered.map(({ type, created_at, host, attempts, state, id }) => [
        name(type),
        inUtc(created_at),
        name(host),
        String(attempts),
        state.replace("_", " "),
        name(id),
      ]),
    ),
  );
}
