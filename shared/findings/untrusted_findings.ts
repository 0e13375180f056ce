/** Findings about objects that have a name we know, and are not what that name says (`trusted_objects.ts`). */
import type { Finding } from "../contract/responses.ts";
import { HISTORY_TABLE } from "../sql/trusted_objects.ts";

const ABOUT: Record<string, { must: string; then: string; remedy: string }> = {
  "cron.job": {
    must: "is not a table of the extension pg_cron",
    then: "it is not read, and what it holds is not taken for scheduled jobs",
    remedy:
      "Look who made it. Drop it if nobody needs it; pg_cron makes its own with CREATE EXTENSION pg_cron.",
  },
  [HISTORY_TABLE]: {
    must:
      "is not an ordinary table without rules, triggers and row-level security that, like its schema, belongs to " +
      "the functions' login, the database's owner, postgres or a superuser",
    then: "it is neither read nor written, and the change is not in the migration history",
    remedy:
      "Look who made it. If it is the Supabase CLI's, drop its triggers and rules, disable its row-level security and " +
      `give it back: ALTER TABLE ${HISTORY_TABLE} OWNER TO postgres.`,
  },
};

const STATISTICS = {
  must: "is not a view of the extension pg_stat_statements",
  then: "it is not read, and nothing is known of the statements that ran",
  remedy: "Drop the extension and what has its name, then CREATE EXTENSION pg_stat_statements.",
};

/** @param untrusted Names, as the beginning of a transaction lists them. */
export const untrustedFindings = (untrusted: string[]): Finding[] =>
  untrusted.map((object) => {
    const { must, then, remedy } = ABOUT[object] ?? STATISTICS;
    return {
      code: "untrusted_object",
      severity: "warning",
      object,
      message: `${object} ${must}; so ${then}.`,
      remedy,
    };
  });
