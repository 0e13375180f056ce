/** What an event says, in words. */
import { PROBLEMS } from "../../../contract/problems.ts";
import type { EventRecord } from "../../../contract/responses.ts";
import type { Tone } from "../parts/controls/badge.tsx";
import { shownDuration } from "../parts/time.tsx";

export const OPERATIONS = [
  "rename",
  "rollback",
  "finalize",
  "refresh",
  "verify",
  "drift",
  "webhook",
] as const satisfies EventRecord["operation"][];

export const OUTCOMES = ["succeeded", "refused", "failed"] as const satisfies EventRecord[
  "outcome"
][];

/** The operations as one chooses them. */
export const OPERATION_WORDS: Record<EventRecord["operation"], string> = {
  rename: "rename or proposal",
  rollback: "rollback",
  finalize: "finalization",
  refresh: "refresh",
  verify: "compatibility test",
  drift: "change by hand",
  webhook: "refused webhook",
};

export const OUTCOME_TONES: Record<EventRecord["outcome"], Tone> = {
  succeeded: "good",
  refused: "warning",
  failed: "bad",
};

const NOUNS: Record<EventRecord["operation"], string> = {
  rename: "Rename",
  rollback: "Rollback",
  finalize: "Finalization",
  refresh: "Refresh",
  verify: "Compatibility test",
  drift: "Look for changes",
  webhook: "Webhook",
};

/** What happened, such as "Renamed", "Proposal withdrawn" or "Finalization refused". */
export function happened({ operation, outcome, details }: EventRecord): string {
  if (operation === "drift") return "Changed by hand";
  if (outcome !== "succeeded") return `${NOUNS[operation]} ${outcome}`;
  switch (operation) {
    case "rename":
      return details.proposed === true ? "Proposed" : "Renamed";
    case "rollback":
      return details.withdrawn === true
        ? "Proposal withdrawn"
        : details.table_missing === true
        ? "Record closed, since the table is gone"
        : "Rolled back";
    case "finalize":
      return "Finalized";
    case "refresh":
      return "Old name refreshed";
    default:
      return `${NOUNS[operation]} passed`;
  }
}

/** What a refused request asked for, where no rename is known: a table's name, or an id. */
export function requested({ details }: EventRecord): { schema?: string; name: string } | null {
  const text = (value: unknown) => typeof value === "string" ? value : undefined;
  const name = text(details.table) ?? text(details.migration_id) ?? text(details.batch_id);
  return name === undefined ? null : { schema: text(details.schema), name };
}

/** The lock figures as sentences; null where no locks were acquired. */
export function lockWords({ attempts, waited_ms, held_ms }: EventRecord["lock"]): string | null {
  if (attempts === 0) return null;
  const tries = attempts === 1 ? "at the first attempt" : `at attempt ${attempts}`;
  return `The locks were acquired ${tries}, ${shownDuration(waited_ms)} after the start. ` +
    `They were held for ${shownDuration(held_ms)}: clients of the tables waited up to that long.`;
}

/** Codes of events that are no refusals of a request. */
const OTHER_TITLES: Record<string, string> = {
  verification_failed: "The old name does not behave like the table",
};

const ADVICE: Record<string, string> = {
  breaking_findings: "Fix what the plan reports, or accept it there.",
  lock_not_acquired: "A session held a lock for long. Wait until it ends, then try again.",
  too_many_locks: "Rename fewer tables at once.",
  not_table_owner:
    "Give the table to the functions' login, or make the login a member of its owner.",
  name_taken: "Choose another name, or rename the object that has it.",
  already_renamed: "Roll back or finalize the rename that exists, or withdraw the proposal.",
  table_not_found: "Check the schema and the spelling. Names are case-sensitive.",
  migration_not_found: "Old names lists what can be changed.",
  not_active: "The rename was rolled back or finalized before.",
  plan_changed: "The table changed after the plan was made. Make a new plan.",
  old_name_in_use: "Old names shows who uses it, and until when it must stay unused.",
  dependants_cannot_follow: "The plan lists what depends on the view and cannot be moved, and why.",
  drifted: "Old names shows what differs. A refresh makes the old name match its table again.",
  verification_failed: "Run the test in Old names. It shows each difference.",
  unauthorized: "Someone called without a valid key or signature. Check who that was.",
  busy: "Other requests used all connections. Try again.",
  database_unavailable: "Check that the database runs, and its URL in the functions' settings.",
  deadline_exceeded: "Try again. If it happens again, take fewer tables.",
};

/** What a code means, and what to do about it. */
export function problemWords(code: string): { title: string; advice: string | null } {
  const title = code in PROBLEMS
    ? PROBLEMS[code as keyof typeof PROBLEMS].title
    : OTHER_TITLES[code] ?? code;
  return { title, advice: ADVICE[code] ?? null };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Details that are said elsewhere. */
const SAID = [
  "proposed",
  "withdrawn",
  "table_missing",
  "table",
  "schema",
  "migration_id",
  "batch_id",
];

/** What else is recorded, by name. */
export function furtherDetails({ details }: EventRecord): { name: string; texts: string[] }[] {
  return Object.entries(details).flatMap(([key, value]) => {
    if (SAID.includes(key) || value === null) return [];
    if (Array.isArray(value) && value.length === 0) return [];
    return [detailOf(key, value)];
  });
}

function detailOf(key: string, value: unknown): { name: string; texts: string[] } {
  if (key === "history" && isRecord(value)) {
    return { name: "In the migration history", texts: [`${value.version}_${value.name}`] };
  }
  if (key === "drift" && Array.isArray(value)) {
    return {
      name: "What was changed",
      texts: value.map((one) => isRecord(one) ? `${one.object}: ${one.code}` : String(one)),
    };
  }
  const name = DETAIL_NAMES[key] ?? key;
  const texts = (Array.isArray(value) ? value : [value]).map((one) =>
    one === true ? "yes" : typeof one === "string" ? one : JSON.stringify(one)
  );
  return { name, texts };
}

const DETAIL_NAMES: Record<string, string> = {
  relocated: "Found again by name in a copied database",
  without_columns: "Columns that the old name leaves out",
  failed_checks: "Checks that failed",
  after: "Checked after",
  reason: "Reason",
};
