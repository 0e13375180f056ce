/** What the use of an old name means for somebody who wants to end the rename. */
import type { Finding, Usage } from "../../contract/responses.ts";
import { qualified } from "../quoting.ts";
import type { UsedMigration } from "./facts.ts";
import type { Look } from "./look.ts";

/** Reasons that are texts. */
const TEXTS = new Set(["named_in_routine", "named_in_cron_job"]);

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * What was seen of the use of old names, as it stands against the end of these renames; acknowledged by its
 * code like any finding. Texts that name them are `old_name_in_use.ts`'s to tell.
 */
export function usageFindings(
  migrations: UsedMigration[],
  { at, byId }: { at: string; byId: Map<string, Look> },
  { quiet_for_days }: { quiet_for_days?: number | undefined },
): Finding[] {
  return migrations.flatMap((migration) => {
    const look = byId.get(migration.id);
    return look === undefined ? [] : findingsOf(migration, look, at, quiet_for_days);
  });
}

function findingsOf(
  migration: UsedMigration,
  { usage, uses }: Look,
  at: string,
  days: number | undefined,
): Finding[] {
  const object = qualified(migration.schema_name, migration.old_name);
  const seen = uses.filter(({ code }) => !TEXTS.has(code));
  if (seen.length > 0) {
    return seen.map(({ code, message }) => ({
      code: "old_name_in_use",
      severity: "breaking",
      object,
      message: code === "calls_seen" ? `${message} ${whoCalls(usage)}`.trim() : message,
      remedy: `Use ${qualified(migration.schema_name, migration.new_name)} there, and look again.`,
    }));
  }
  const late = days === undefined ? null : notQuiet(usage, at, days);
  if (late !== null) {
    return [{
      code: "old_name_in_use",
      severity: "breaking",
      object,
      message: late,
      remedy: "Look at it from time to time (list-migrations?include=usage), and end it later.",
    }];
  }
  // What cannot be known stands in the migration's usage; it is no finding about the plan.
  return [];
}

/** Why the old name does not count as quiet for so many days, or null where it does. */
function notQuiet(usage: Usage, at: string, days: number): string | null {
  const asked = `${days} ${days === 1 ? "day" : "days"}`;
  if (usage.quiet_since === null) {
    return `Whether the old name was quiet for ${asked} cannot be known. ${reasonsOf(usage)}`
      .trim();
  }
  if (Date.parse(at) - Date.parse(usage.quiet_since) >= days * DAY_MS) return null;
  return `The old name was not quiet for ${asked}, but since ${usage.quiet_since} only.`;
}

const reasonsOf = ({ reasons }: Usage): string => reasons.map(({ message }) => message).join(" ");

function whoCalls({ roles, examples }: Usage): string {
  const who = roles.map(({ role, calls }) => `${role} (${calls})`).join(", ");
  const [first] = examples;
  return [
    who === "" ? "" : `Calls since the rename by role: ${who}.`,
    first === undefined ? "" : `For example: ${first.statement}`,
  ].filter((part) => part !== "").join(" ");
}
