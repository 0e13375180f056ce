/** A page of migrations, for a person to read. */
import type { ListMigrationsAnswer, Migration } from "../contract/responses.ts";
import { commandLine, withOption } from "./command_line.ts";
import { describeFindings } from "./show_findings.ts";
import { describeNotifications } from "./show_notifications.ts";
import { describeUsage } from "./show_usage.ts";
import { type Stream, table } from "./terminal.ts";
import { inUtc } from "./times.ts";

export interface MigrationsPage extends Pick<Stream, "colors" | "width"> {
  /** The arguments of the command, to print the one for the next page. */
  args: string[];
  /** Batch, actor and notes, too. */
  verbose: boolean;
}

/** The migrations as a table, newest first, and the command for the next page. */
export function describeList(answer: ListMigrationsAnswer, page: MigrationsPage): string {
  const { migrations, next_cursor } = answer;
  // Of what failed there can be notifications without any migration.
  const notifications = describeNotifications(answer.notifications, page);
  if (migrations.length === 0) {
    return ["There are no such migrations.", notifications].filter((part) => part !== "")
      .join("\n\n");
  }
  const more = page.verbose ? ["BATCH", "BY", "NOTES"] : [];
  const shown = table(
    ["STATUS", "SCHEMA", "OLD NAME", "NEW NAME", "SINCE", "MIGRATION", ...more],
    migrations.map((migration) => [
      migration.status,
      migration.schema_name,
      migration.old_name,
      migration.new_name,
      inUtc(since(migration)),
      migration.id,
      ...(page.verbose ? [migration.batch_id, migration.requested_by, migration.notes] : []),
    ]),
    page,
  );
  return [
    shown,
    describeDrift(migrations, page),
    describeUsage(migrations, page),
    notifications,
    next_cursor === null
      ? ""
      : `There are more:\n  ${commandLine(nextPage(page.args, next_cursor))}`,
  ].filter((part) => part !== "").join("\n\n");
}

/** Where the database no longer agrees with the record, if that was asked for. */
function describeDrift(migrations: Migration[], page: MigrationsPage): string {
  const asked = migrations.filter(({ drift }) => drift !== undefined);
  if (asked.length === 0) return "";
  const drift = asked.flatMap(({ drift }) => drift!);
  if (drift.length === 0) return "No drift: the database is as it is recorded.";
  return describeFindings(drift, { ...page, heading: "Drift" });
}

/** When it came to the status it has. */
function since(migration: Migration): string {
  const times = {
    pending: migration.requested_at,
    active: migration.migrated_at,
    rolled_back: migration.rollback_at,
    finalized: migration.finalized_at,
  };
  return times[migration.status] ?? migration.requested_at;
}

function nextPage(args: string[], cursor: string): string[] {
  const index = args.indexOf("--cursor");
  const others = index < 0 ? args : args.toSpliced(index, 2);
  return withOption(others.filter((arg) => !arg.startsWith("--cursor=")), "--cursor", cursor);
}
