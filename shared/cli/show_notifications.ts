/** What became of notifications, for a person to read: each receiver, and what did not reach one. */
import type { NotificationsReport } from "../contract/responses.ts";
import { paragraph, safe, type Stream, table } from "./terminal.ts";
import { inUtc } from "./times.ts";

/** The report that was asked for; an empty text where it was not. */
export function describeNotifications(
  report: NotificationsReport | undefined,
  page: Pick<Stream, "colors" | "width">,
): string {
  if (report === undefined) return "";
  const { colors, width } = page;
  const { receivers, undelivered, settings_errors } = report;
  const nobody = "No notifications: nobody was told of anything in the last 30 days.";
  return [
    colors.bold("Notifications"),
    ...settings_errors.map((text) => paragraph(colors.red(safe(text)), width, 2)),
    receivers.length === 0 ? nobody : table(
      ["RECEIVER", "DELIVERED", "PENDING", "GIVEN UP", "LAST ERROR"],
      receivers.map(({ host, configured, delivered, pending, given_up, last_error }) => [
        configured ? host : `${host} (no longer configured)`,
        ...[delivered, pending, given_up].map(String),
        last_error,
      ]),
      page,
    ),
    undelivered.length === 0 ? "" : table(
      ["NOT DELIVERED", "SINCE", "RECEIVER", "ATTEMPTS", "STATE", "ID"],
      undelivered.map(({ type, created_at, host, attempts, state, id }) => [
        type,
        inUtc(created_at),
        host,
        String(attempts),
        state.replace("_", " "),
        id,
      ]),
      page,
    ),
  ].filter((part) => part !== "").join("\n");
}
