/** What pg_stat_statements cannot see as it is set up now: while any of this holds, nothing is called quiet. */
import type { StatementFacts, StatementStatistics, UsageReason } from "../facts/usage_facts.ts";

const STATE_MESSAGES: Record<Exclude<StatementStatistics["state"], "readable">, UsageReason> = {
  "missing": {
    code: "no_statistics",
    message:
      "The extension pg_stat_statements is not installed, so that nobody counts which statements run.",
  },
  "not loaded": {
    code: "no_statistics",
    message: "pg_stat_statements is not in shared_preload_libraries, so that nothing is counted.",
  },
  "not readable": {
    code: "no_privilege",
    message: "The function's database role may not read pg_stat_statements.",
  },
  "outdated": {
    code: "statistics_outdated",
    message: "pg_stat_statements is older than release 1.9 and does not tell what it has lost: " +
      "alter extension pg_stat_statements update.",
  },
};

/** Why no statement can be read at all. */
export const unreadable = (state: Exclude<StatementStatistics["state"], "readable">): UsageReason =>
  STATE_MESSAGES[state];

/** Why a statement that used the old name can be missing among those that are read. */
export function readingLimits(facts: StatementFacts): UsageReason[] {
  const reasons: UsageReason[] = [];
  const add = (code: string, message: string) => reasons.push({ code, message });
  if (facts.hidden > 0) {
    add(
      "no_privilege",
      `The statements of other roles (${facts.hidden}) are hidden from the function's database role: ` +
        "grant pg_read_all_stats to it.",
    );
  }
  if (facts.textless > 0) {
    add(
      "texts_lost",
      `pg_stat_statements has lost the texts of ${facts.textless} statements.`,
    );
  }
  if (facts.unread > 0) {
    add("texts_too_long", `${facts.unread} recorded statements are too long to be read.`);
  }
  return reasons;
}

/** Settings by which statements run that are not counted; what ran meanwhile is lost. */
export function trackingLimits(facts: StatementFacts): UsageReason[] {
  const reasons: UsageReason[] = [];
  const off = (what: string) =>
    reasons.push({ code: "tracking_off", message: `Not every statement is counted: ${what}.` });
  if (facts.track === "none") off("pg_stat_statements.track is none");
  if (facts.compute_query_id === "off") off("compute_query_id is off");
  if (facts.track_utility === "off") {
    off("pg_stat_statements.track_utility is off, and cursors and COPY name tables, too");
  }
  for (const { role, setting } of facts.overrides) {
    off(`${setting} is set for ${role === null ? "the database" : `the role ${role}`}`);
  }
  return reasons;
}

/** With `track = top` a function's own statements are not counted; what its text says is all there is. */
export const hidesNested = ({ track }: StatementFacts): boolean => track !== "all";
