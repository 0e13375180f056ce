/** What pg_stat_statements cannot see as it is configured. While there is any of it, no name counts as quiet. */
import type { StatementFacts, StatementStatistics, UsageReason } from "../facts/usage_facts.ts";

export const UNREADABLE: Record<
  Exclude<StatementStatistics["state"], "readable">,
  UsageReason
> = {
  "missing": {
    code: "no_statistics",
    message:
      "The extension pg_stat_statements is not installed, so statements are not counted: create extension " +
      "pg_stat_statements.",
  },
  "not loaded": {
    code: "no_statistics",
    message:
      "pg_stat_statements is not in shared_preload_libraries, so statements are not counted.",
  },
  "not readable": {
    code: "no_privilege",
    message: "The function's database role may not read pg_stat_statements.",
  },
  "outdated": {
    code: "statistics_outdated",
    message:
      "pg_stat_statements is older than version 1.9 and does not report what it has lost: alter extension " +
      "pg_stat_statements update.",
  },
};

/** Why a statement that used the old name can be missing among those that are read. */
export function readingLimits({ hidden, textless, unread }: StatementFacts): UsageReason[] {
  const hiddenFrom = "are hidden from the function's database role: grant pg_read_all_stats to it.";
  const reasons: [number, string, string][] = [
    [hidden, "no_privilege", `The statements of other roles (${hidden}) ${hiddenFrom}`],
    [textless, "texts_lost", `pg_stat_statements has lost the texts of ${textless} statements.`],
    [unread, "texts_too_long", `${unread} recorded statements are too long to be read.`],
  ];
  return reasons.filter(([count]) => count > 0).map(([, code, message]) => ({ code, message }));
}

/** Settings because of which some statements are not counted; what ran meanwhile is lost. */
export function trackingLimits(facts: StatementFacts): UsageReason[] {
  const off = [
    ...(facts.track === "none" ? ["pg_stat_statements.track is none"] : []),
    ...(facts.compute_query_id === "off" ? ["compute_query_id is off"] : []),
    ...(facts.track_utility === "off"
      ? ["pg_stat_statements.track_utility is off, and cursors and COPY can name tables too"]
      : []),
    ...facts.overrides.map(({ role, setting }) =>
      `${setting} is set for ${role === null ? "the database" : `the role ${role}`}`
    ),
  ];
  return off.map((what) => ({
    code: "tracking_off",
    message: `Not every statement is counted: ${what}.`,
  }));
}

/** With `track = top` the statements inside functions are not counted, and only their texts can be read. */
export const hidesNested = ({ track }: StatementFacts): boolean => track !== "all";
