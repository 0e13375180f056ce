/** One look at the use of one old name: what is known of it, and what is kept for the next look. */
import type { Usage } from "../../contract/responses.ts";
import { countCalls, lossesSince, type NamedEntry } from "./counting.ts";
import type {
  Sample,
  Snapshot,
  StatementFacts,
  StatementStatistics,
  UsageReason,
  UsageRecord,
  UsedMigration,
} from "./facts.ts";
import { hidesNested, readingLimits, trackingLimits, unreadable } from "./limits.ts";

/** Use that was seen so long ago, in milliseconds, is no longer use of today: a day holds the daily jobs. */
const RECENT_MS = 24 * 60 * 60 * 1000;

/** What a look finds about one migration. */
export interface Findings {
  /** The server's clock. */
  at: string;
  serverVersion: number;
  statistics: StatementStatistics;
  /** Null where they cannot be read. */
  statements: StatementFacts | null;
  /** Recorded statements that use the old name, or may. */
  named: NamedEntry[];
  /** Routines and cron jobs that use it, and those that may. */
  texts: UsageReason[];
  unclearTexts: UsageReason[];
  /** Sessions that are at work on the view now, described. */
  sessions: UsageReason[];
}

/** What is known of the use of the old name, and the record as it has to be kept. */
export interface Look {
  usage: Usage;
  /** What shows that it is used; none unless the state is `used`. */
  uses: UsageReason[];
  /** Null where there is nothing new to keep. */
  record: UsageRecord | null;
}

export function lookAt(
  migration: UsedMigration,
  record: UsageRecord | null,
  found: Findings,
): Look {
  const { statements } = found;
  if (statements === null) {
    const { state } = found.statistics;
    const limits = state === "readable" ? [] : [unreadable(state)];
    return { ...describe(migration, record, found, limits), record: null };
  }
  const next = nextRecord(migration, record, found, statements);
  const limits = [...readingLimits(statements), ...trackingLimits(statements)];
  // Without what is hidden, the next look could not tell what is new.
  return {
    ...describe(migration, next, found, limits),
    record: statements.hidden > 0 ? null : next,
  };
}

function nextRecord(
  migration: UsedMigration,
  record: UsageRecord | null,
  { at, named, serverVersion }: Findings,
  statements: StatementFacts,
): UsageRecord {
  const { stats_reset, dealloc } = statements;
  const entries = Object.fromEntries(named.map(({ entry }) => [entry.key, entry.calls]));
  const earlier = record?.snapshot_at == null ? null : record;
  const noted: Snapshot = earlier?.snapshot ?? { entries, stats_reset, dealloc, late: true };
  const sample = earlier?.sample ?? null;
  const seen = sample?.entries ?? (noted.incomplete ? {} : noted.entries);
  const lost = lossesSince(sample ?? noted, seen, statements);
  const reset = lost.some(({ code }) => code === "statistics_reset");
  const snapshot = reset ? beganAnew(noted) : noted;
  const counted = countCalls(named, serverVersion, snapshot, reset ? {} : sample?.entries ?? {});
  const since = earlier?.observed_since ?? at;
  const uncounted = trackingLimits(statements).length > 0;
  return {
    migration_id: migration.id,
    snapshot_at: earlier?.snapshot_at ?? at,
    snapshot,
    observed_since: uncounted
      ? at
      : lost.length === 0
      ? since
      : reset && dealloc === 0
      ? stats_reset ?? at
      : at,
    sampled_at: at,
    last_used_at: counted.grown > 0 ? at : earlier?.last_used_at ?? null,
    sample: {
      entries,
      stats_reset,
      dealloc,
      calls: (sample?.calls ?? 0) + counted.grown,
      roles: added(sample?.roles ?? {}, counted.roles),
      examples: counted.examples.length > 0 ? counted.examples : sample?.examples ?? [],
      last_unclear_at: counted.unclearGrown > 0 ? at : sample?.last_unclear_at ?? null,
      lost: distinct([
        ...(earlier === null || snapshot.late ? [NO_SNAPSHOT] : []),
        ...sample?.lost ?? [],
        ...lost,
        ...(uncounted ? [UNCOUNTED] : []),
      ]),
    },
  };
}

/** After a reset the same statements are counted from nothing. */
const beganAnew = (snapshot: Snapshot): Snapshot => ({
  ...snapshot,
  entries: Object.fromEntries(Object.keys(snapshot.entries).map((key) => [key, 0])),
});

const NO_SNAPSHOT: UsageReason = {
  code: "no_snapshot",
  message:
    "The statements of before the rename were not noted then: what was called until the first look is not known.",
};

const UNCOUNTED: UsageReason = {
  code: "was_not_counted",
  message: "There was a time since the rename when not every statement was counted.",
};

function describe(
  migration: UsedMigration,
  record: UsageRecord | null,
  found: Findings,
  limits: UsageReason[],
): Omit<Look, "record"> {
  const sample: Sample | null = record?.sample ?? null;
  const recently = (time: string | null | undefined) =>
    time != null && Date.parse(found.at) - Date.parse(time) < RECENT_MS;
  const seen: UsageReason[] = [];
  if (recently(record?.last_used_at)) {
    seen.push({
      code: "calls_seen",
      message: `Calls through the old name had grown when it was looked at ${
        record!.last_used_at
      }.`,
    });
  }
  seen.push(...found.texts, ...found.sessions);
  const open = [...limits, ...sample?.lost ?? [], ...found.unclearTexts];
  if (record === null && limits.length === 0) open.push(NO_SNAPSHOT);
  if (recently(sample?.last_unclear_at)) open.push(UNCLEAR);
  const observed = limits.length === 0 && record?.observed_since != null;
  const usage: Usage = {
    state: seen.length > 0 ? "used" : open.length > 0 ? "unknown" : "quiet",
    calls: sample?.calls ?? null,
    roles: Object.entries(sample?.roles ?? {})
      .map(([role, calls]) => ({ role, calls })).sort((a, b) => b.calls - a.calls),
    since: migration.migrated_at ?? record?.snapshot_at ?? null,
    last_sampled_at: record?.sampled_at ?? null,
    last_used_at: record?.last_used_at ?? null,
    quiet_since: observed && found.texts.length === 0 && found.sessions.length === 0
      ? latest(record!.observed_since!, record!.last_used_at, sample?.last_unclear_at)
      : null,
    examples: sample?.examples ?? [],
    reasons: [
      ...seen,
      ...open,
      ...(found.statements && hidesNested(found.statements) ? [NESTED] : []),
    ],
  };
  return { usage, uses: seen };
}

const UNCLEAR: UsageReason = {
  code: "unclear_statements",
  message:
    "Calls have grown that are counted together, whether they are through the old name or another one: " +
    "PostgreSQL 18 tells statements apart by the aliases in them, and the names of other schemas are the same.",
};

const NESTED: UsageReason = {
  code: "nested_not_counted",
  message:
    "pg_stat_statements.track is top: statements inside of functions are not counted; the functions' texts " +
    "are read instead.",
};

function latest(first: string, ...others: (string | null | undefined)[]): string {
  return others.reduce<string>(
    (late, time) => time != null && Date.parse(time) > Date.parse(late) ? time : late,
    first,
  );
}

function added(
  before: Record<string, number>,
  more: Record<string, number>,
): Record<string, number> {
  const sum = { ...before };
  for (const [role, calls] of Object.entries(more)) sum[role] = (sum[role] ?? 0) + calls;
  return sum;
}

/** One of each code, the last. */
const distinct = (reasons: UsageReason[]): UsageReason[] => [
  ...new Map(reasons.map((reason) => [reason.code, reason])).values(),
];
