/** What the use of an old name means for somebody who wants to end the rename. */
import type { Finding, Usage } from "../contract/responses.ts";
import { qualified } from "../sql/quoting.ts";
import type { UsedMigration } from "../facts/usage_facts.ts";
import type { Look } from "./usage_sample.ts";

/** Reasons that are texts. */
const TEXTS = new Set(["named_in_routine", "named_in_cron_job"]);

const MINUTE_MS = 60 * 1000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/**
 * What was seen of the use of old names, as it stands against the end of these renames; acknowledged by its
 * code like any finding. Texts that name them are `old_name_in_use.ts`'s to tell.
 */
export function usageFindings(
  migrations: UsedMigration[],
  { at, byId }: { at: string; byId: Map<string, Look> },
  { quiet_for_days }: { quiet_for_days: number },
): Finding[] {
  const looks = migrations.flatMap((migration) => {
    const look = byId.get(migration.id);
    return look === undefined ? [] : [{ migration, look }];
  });
  const early = looks.filter(({ look }) => seenUses(look).length === 0).flatMap((one) =>
    quiet_for_days === 0 ? [] : notQuiet(one.migration, one.look.usage, at, quiet_for_days) ?? []
  );
  // What cannot be known stands in the migration's usage; it is no finding about the plan.
  return [...looks.flatMap(({ migration, look }) => usesOf(migration, look)), ...grouped(early)];
}

const seenUses = ({ uses }: Look) => uses.filter(({ code }) => !TEXTS.has(code));

const nameOf = ({ schema_name, old_name }: UsedMigration) => qualified(schema_name, old_name);

const usesOf = (migration: UsedMigration, look: Look): Finding[] =>
  seenUses(look).map(({ code, message }) => ({
    code: "old_name_in_use",
    severity: "breaking",
    object: nameOf(migration),
    message: code === "calls_seen" ? `${message} ${whoCalls(look.usage)}`.trim() : message,
    remedy: `Use ${qualified(migration.schema_name, migration.new_name)} there, and look again.`,
  }));

/** An old name of which no use was seen, but not for long enough. */
interface Early {
  object: string;
  /** What is said of it, without its name. */
  message: string;
  remedy: string;
  earliest: string;
}

/** Most names that one finding lists. */
const MOST_NAMES = 50;

/** Names of which the same is to be said are one finding. */
function grouped(early: Early[]): Finding[] {
  return Object.values(Object.groupBy(early, ({ message }) => message)).map((group): Finding => {
    const [first] = group!;
    const names = group!.map(({ object }) => object);
    const more = names.length - MOST_NAMES;
    const listed = names.slice(0, MOST_NAMES).join(", ") + (more > 0 ? ` and ${more} more` : "");
    return {
      code: "old_name_in_use",
      severity: "breaking",
      object: names.length === 1 ? first.object : `${first.object} and ${names.length - 1} more`,
      message: names.length === 1 ? first.message : `${first.message} So it is with ${listed}.`,
      remedy: first.remedy,
      earliest: first.earliest,
    };
  });
}

/** To the minute, rounded up: renames of one batch are told together. */
const minute = (time: number) =>
  new Date(Math.ceil(time / MINUTE_MS) * MINUTE_MS).toISOString().replace(":00.000Z", "Z");

/** What there is to say where the old name does not count as quiet for so many days; null where it does. */
function notQuiet(
  migration: UsedMigration,
  usage: Usage,
  at: string,
  days: number,
): Early | null {
  const asked = `${days} ${days === 1 ? "day" : "days"}`;
  const since = usage.quiet_since ?? migration.migrated_at ?? usage.since ?? at;
  const end = Date.parse(since) + days * DAY_MS;
  const earliest = minute(end);
  const object = nameOf(migration);
  if (usage.quiet_since === null) {
    const message = [
      `Whether the old name was quiet for ${asked} cannot be known.`,
      reasonsOf(usage),
      `${asked[0].toUpperCase()}${asked.slice(1)} after the rename ${
        days === 1 ? "is" : "are"
      } over on ${earliest}.`,
    ].filter((part) => part !== "").join(" ");
    const remedy =
      'Make sure that nobody uses it, then send "quiet_for_days": 0. It cannot be undone.';
    return { object, message, remedy, earliest };
  }
  if (Date.parse(at) >= end) return null;
  const message = `The old name was not quiet for ${asked}, but since ${
    minute(Date.parse(usage.quiet_since))
  } only. The earliest date is ${earliest}.`;
  const remedy =
    `Finalize on ${earliest} or later, when no use was seen until then. To do it now, which cannot be undone, ` +
    'send "quiet_for_days": 0.';
  return { object, message, remedy, earliest };
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
