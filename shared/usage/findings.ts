/** What the use of an old name means for a caller who wants to finalize the rename. */
import type { Finding, Usage, UsesInCode } from "../contract/responses.ts";
import type { UsedMigration } from "../facts/usage_facts.ts";
import { listed, minuteOf } from "../findings/wording.ts";
import { qualified } from "../sql/quoting.ts";
import { daysText, limitsOf, minute, quietOf, TEXTS, USE_UNKNOWN } from "./readiness.ts";
import type { UsageSample } from "./usage_sample.ts";

/** Use of old names that was seen, or may have been, as findings against finalizing these renames. */
export function usageFindings(
  migrations: UsedMigration[],
  { at, byId }: { at: string; byId: Map<string, UsageSample> },
  { quiet_for_days }: { quiet_for_days: number },
): Finding[] {
  const samples = migrations.flatMap((migration) => {
    const sample = byId.get(migration.id);
    return sample === undefined ? [] : [{ migration, sample }];
  });
  const early = samples.filter(({ sample }) => seenUses(sample).length === 0).flatMap((one) =>
    quiet_for_days === 0 ? [] : notQuiet(one.migration, one.sample.usage, at, quiet_for_days) ?? []
  );
  return [
    ...samples.flatMap(({ migration, sample }) => usesOf(migration, sample)),
    ...grouped(early),
    // With days asked for, what is not known counts as too early.
    ...(quiet_for_days > 0 ? [] : unknownUses(samples)),
  ];
}

const seenUses = ({ uses }: UsageSample) => uses.filter(({ code }) => !TEXTS.includes(code));

const nameOf = ({ schema_name, old_name }: UsedMigration) => qualified(schema_name, old_name);

const usesOf = (migration: UsedMigration, sample: UsageSample): Finding[] =>
  seenUses(sample).map(({ code, message }) => ({
    code: "old_name_in_use",
    severity: "breaking",
    object: nameOf(migration),
    message: code === "calls_seen" ? `${message} ${whoCalls(sample.usage)}`.trim() : message,
    remedy: `Use ${qualified(migration.schema_name, migration.new_name)} there, then try again.`,
  }));

/** Once for all names of which the same is unknown. */
function unknownUses(samples: { migration: UsedMigration; sample: UsageSample }[]): Finding[] {
  const unknown = samples.filter(({ sample }) => sample.usage.state === "unknown");
  const reasonOf = ({ sample }: (typeof unknown)[number]) =>
    [USE_UNKNOWN, ...limitsOf(sample.usage).map(({ message }) => message)].join(" ");
  return [...Map.groupBy(unknown, reasonOf)].map(([message, group]): Finding => {
    const names = group.map(({ migration }) => nameOf(migration));
    const [first, ...others] = names;
    return {
      code: "old_name_use_unknown",
      severity: "warning",
      object: others.length === 0 ? first : `${first} and ${others.length} more`,
      message: others.length === 0
        ? message
        : `${message} This holds for ${listed(names, MAX_LISTED)}.`,
      remedy: "Make sure that nobody uses it: what does fails after this, and it cannot be undone.",
    };
  });
}

/** Uses of old names in source code that were reported; no refusal, since the code may have changed since. */
export const inCodeFindings = (
  migrations: UsedMigration[],
  inCode: Map<string, UsesInCode>,
): Finding[] =>
  migrations.flatMap((migration): Finding[] => {
    const uses = inCode.get(migration.id);
    if (uses === undefined || uses.certain + uses.possible === 0) return [];
    return [{
      code: "old_name_in_code",
      severity: "warning",
      object: nameOf(migration),
      message:
        `Source code had ${uses.certain} certain and ${uses.possible} possible uses of it, as was ` +
        `reported on ${uses.reported_at.slice(0, 10)}.`,
      remedy:
        "Change them, and report again with `find-uses --report`; go on if the report is out of date.",
    }];
  });

/** For an old name that has not been quiet for long enough. The message does not contain the name. */
type Early = Required<Pick<Finding, "object" | "message" | "remedy" | "earliest">>;

const MAX_LISTED = 50;

function grouped(early: Early[]): Finding[] {
  return [...Map.groupBy(early, ({ message }) => message).values()].map((group): Finding => {
    const [{ object, message, remedy, earliest }] = group;
    const names = group.map((one) => one.object);
    const alone = names.length === 1;
    return {
      code: "not_quiet_long_enough",
      severity: "breaking",
      object: alone ? object : `${object} and ${names.length - 1} more`,
      message: alone ? message : `${message} This holds for ${listed(names, MAX_LISTED)}.`,
      remedy,
      earliest,
    };
  });
}

/** What to report if the old name has not been quiet for so many days; null if it has. */
function notQuiet(
  migration: UsedMigration,
  usage: Usage,
  at: string,
  days: number,
): Early | null {
  const asked = daysText(days);
  const { since, end, longEnough } = quietOf(migration, usage, at, days);
  if (longEnough) return null;
  const earliest = minute(end);
  const object = nameOf(migration);
  if (since === null) {
    const message = [
      `Whether the old name was quiet for ${asked} cannot be known.`,
      ...usage.reasons.map((reason) => reason.message),
      `The earliest date is ${earliest}, ${asked} after the rename.`,
    ].join(" ");
    const remedy =
      'Make sure that nobody uses it, then send "quiet_for_days": 0. This cannot be undone.';
    return { object, message, remedy, earliest };
  }
  const only = minuteOf(since);
  const message =
    `The old name has not been quiet for ${asked}, only since ${only}. The earliest date is ${earliest}.`;
  const remedy =
    `Finalize on ${earliest} or later, if no use is seen until then. To do it now, which cannot be undone, send ` +
    '"quiet_for_days": 0.';
  return { object, message, remedy, earliest };
}

function whoCalls({ roles, examples: [example] }: Usage): string {
  const who = roles.map(({ role, calls }) => `${role} (${calls})`).join(", ");
  return [
    ...(who === "" ? [] : [`Calls since the rename by role: ${who}.`]),
    ...(example === undefined ? [] : [`For example: ${example.statement}`]),
  ].join(" ");
}
