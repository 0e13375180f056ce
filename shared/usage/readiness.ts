/** The verdict of each rename: whether its old name can be given up, and if not, why and when. */
import type { Finding, ReadyToFinalize, Usage } from "../contract/responses.ts";
import { minuteOf } from "../findings/wording.ts";
import type { UsageReason, UsedMigration } from "../facts/usage_facts.ts";
import type { UsageSample } from "./usage_sample.ts";

const MINUTE_MS = 60 * 1000;
const DAY_MS = 24 * 60 * MINUTE_MS;

const wholeMinute = (time: number): string =>
  new Date(Math.ceil(time / MINUTE_MS) * MINUTE_MS).toISOString();

/** To the minute, rounded up, so that renames of one batch have the same message. */
export const minute = (time: number): string => wholeMinute(time).replace(":00.000Z", "Z");

export const daysText = (days: number): string => `${days} ${days === 1 ? "day" : "days"}`;

/** Reasons that are texts in the database. `findings/removed_names.ts` reports them, too. */
export const TEXTS = ["named_in_routine", "named_in_cron_job"];

/** Since when an old name must be quiet so that it is quiet for so many days, by the time of a sample. */
export interface Quiet {
  /** Null where it cannot be known. */
  since: string | null;
  /** When it will have been quiet for long enough or, where that cannot be known, so many days after the rename. */
  end: number;
  longEnough: boolean;
}

export function quietOf(
  { migrated_at }: UsedMigration,
  { quiet_since, since }: Usage,
  at: string,
  days: number,
): Quiet {
  const end = Date.parse(quiet_since ?? migrated_at ?? since ?? at) + days * DAY_MS;
  return { since: quiet_since, end, longEnough: quiet_since !== null && Date.parse(at) >= end };
}

/**
 * Whether finalize would end the rename as far as the use of the old name is concerned: by the same evidence. What
 * was built on the view is not looked at.
 *
 * @param sample Undefined for a rename without a view.
 * @param days How many days of quiet are asked for; 0: none.
 * @param drift How the database differs from the record, if that was looked at.
 */
export function readiness(
  migration: UsedMigration,
  sample: UsageSample | undefined,
  { at, days, drift = [] }: { at: string; days: number; drift?: Finding[] },
): ReadyToFinalize {
  const drifted = drift.filter(({ severity }) => severity === "breaking")
    .map(({ message }) => ({ code: "drifted", message }));
  if (sample === undefined) {
    return verdict(drifted, null, [{
      code: "no_view",
      message: "There is no compatibility view, so nothing can use the old name.",
    }]);
  }
  const { usage, uses } = sample;
  const quiet = quietOf(migration, usage, at, days);
  const against = [...drifted, ...uses, ...(uses.length > 0 ? [] : tooEarly(usage, quiet, days))];
  const onlyTime = drifted.length === 0 && quiet.since !== null &&
    uses.every(({ code }) => !TEXTS.includes(code));
  const evidence = days === 0 && usage.state === "unknown"
    ? [{ code: "use_not_known", message: USE_UNKNOWN }, ...limitsOf(usage)]
    : [quietReason(usage, at, days)];
  return verdict(against, onlyTime ? wholeMinute(quiet.end) : null, evidence);
}

const verdict = (
  against: UsageReason[],
  earliest: string | null,
  evidence: UsageReason[],
): ReadyToFinalize =>
  against.length > 0
    ? { ready: false, earliest, reasons: against }
    : { ready: true, earliest: null, reasons: evidence };

export const USE_UNKNOWN = "Whether the old name is used is unknown.";

/** Why it cannot be known; what functions do is read in their texts instead, so nothing is missed there. */
export const limitsOf = ({ reasons }: Usage): UsageReason[] =>
  reasons.filter(({ code }) => code !== "nested_not_counted");

/** Reasons for which a time without calls is no time without use. */
const OPEN = ["unclear_statements", "possibly_named"];

function tooEarly(usage: Usage, { since, end, longEnough }: Quiet, days: number): UsageReason[] {
  if (days === 0 || longEnough) return [];
  const asked = daysText(days);
  if (since === null) {
    const message = `Whether the old name was quiet for ${asked} cannot be known.`;
    return [{ code: "use_not_known", message }, ...limitsOf(usage)];
  }
  const open = usage.reasons.filter(({ code }) => OPEN.includes(code));
  const message = open.length > 0
    ? `${USE_UNKNOWN} ${asked} without such calls are asked for: until ${minute(end)}.`
    : `No use was seen since ${minuteOf(since)}, ` +
      `and ${asked} are asked for: until ${minute(end)}.`;
  return [{ code: "not_quiet_long_enough", message }, ...open];
}

/** `No use was seen for 9 days (7 asked for), and nothing in the database names it.` */
function quietReason({ quiet_since, reasons }: Usage, at: string, days: number): UsageReason {
  const unclear = reasons.find(({ code }) => code === "possibly_named");
  const named = unclear === undefined
    ? ", and nothing in the database names it."
    : `. ${unclear.message}`;
  if (quiet_since === null) {
    return { code: "days_not_asked_for", message: `No days without use are asked for${named}` };
  }
  const quiet = Math.floor((Date.parse(at) - Date.parse(quiet_since)) / DAY_MS);
  const message = `No use was seen for ${daysText(quiet)} (${days} asked for)${named}`;
  return { code: "quiet", message };
}
