/** Findings about the database as a whole: event triggers, recorded statements, objects with names of ours. */
import { isProtectedSchema } from "../contract/names.ts";
import type { Finding } from "../contract/responses.ts";
import type { EventTriggerFacts } from "../facts/analysis_facts.ts";
import type { Facts, StatementsRead } from "../facts/facts.ts";
import { HISTORY_TABLE } from "../sql/trusted_objects.ts";

/** Command tags of a rename and its rollback, by the event of the triggers that run at them. */
const COMMANDS: Record<string, string[]> = {
  ddl_command_start: ["ALTER TABLE", "CREATE VIEW", "ALTER VIEW", "GRANT", "REVOKE", "COMMENT"],
  ddl_command_end: ["ALTER TABLE", "CREATE VIEW", "ALTER VIEW", "GRANT", "REVOKE", "COMMENT"],
  sql_drop: ["DROP VIEW"],
};

export function concernedEventTriggers({ event_triggers }: Facts): EventTriggerFacts[] {
  return event_triggers.filter(({ event, schema, tags }) => {
    const commands = COMMANDS[event] ?? [];
    return !isProtectedSchema(schema) &&
      (tags === null ? commands.length > 0 : commands.some((command) => tags.includes(command)));
  });
}

export function eventTriggerFindings(facts: Facts): Finding[] {
  return concernedEventTriggers(facts).map(({ name, event, function: identity }) => ({
    code: "event_trigger",
    severity: "info",
    object: name,
    message: event === "sql_drop"
      ? `The event trigger runs ${identity} when a rollback or a finalization drops the view, and can refuse it.`
      : `The event trigger runs ${identity} at the commands of a rename, and can refuse them; then nothing is ` +
        "changed.",
    remedy:
      "If the rename is refused, check what the function does with ALTER TABLE and CREATE VIEW.",
  }));
}

/** Reports that not all recorded statements that matter were read. */
export function unreadStatements({ read, wanted }: StatementsRead): Finding[] {
  if (read >= wanted) return [];
  return [{
    code: "statements_not_read",
    severity: "warning",
    object: "pg_stat_statements",
    message:
      `Only ${read} of ${wanted} recorded statements were read that name a table of this request and do what a ` +
      "view may not support: those that ran least often. What the others do is not known.",
    remedy:
      "Plan fewer tables at once, which reads more statements for each; or search pg_stat_statements for " +
      "the names of the tables.",
  }];
}

/** Objects that have a name we use and are not what we expect under it (`sql/trusted_objects.ts`). */
const EXPECTED: Record<string, { not: string; then: string; remedy: string }> = {
  "cron.job": {
    not: "a table of the extension pg_cron",
    then: "it is not read, and its rows are not taken for cron jobs",
    remedy:
      "Find out who created it. Drop it if nobody needs it; CREATE EXTENSION pg_cron creates its own.",
  },
  [HISTORY_TABLE]: {
    not:
      "an ordinary table without rules, triggers and row-level security that, like its schema, belongs to the " +
      "functions' login, the database's owner, postgres or a superuser",
    then: "it is neither read nor written, and the change is missing from the migration history",
    remedy:
      "Find out who created it. If it is the Supabase CLI's, drop its triggers and rules, disable its row-level " +
      `security and give it back: ALTER TABLE ${HISTORY_TABLE} OWNER TO postgres.`,
  },
};

const EXPECTED_STATISTICS = {
  not: "a view of the extension pg_stat_statements",
  then: "it is not read, and nothing is known about the statements that ran",
  remedy: "Drop the extension and whatever has its name, then CREATE EXTENSION pg_stat_statements.",
};

/** @param untrusted Names, as the first query of a transaction returns them. */
export const untrustedFindings = (untrusted: string[]): Finding[] =>
  untrusted.map((object) => {
    const { not, then, remedy } = EXPECTED[object] ?? EXPECTED_STATISTICS;
    return {
      code: "untrusted_object",
      severity: "warning",
      object,
      message: `${object} is not ${not}; so ${then}.`,
      remedy,
    };
  });
