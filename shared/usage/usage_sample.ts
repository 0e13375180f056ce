/** One look at the use of one old name: what is known of it, and what is kept for the next look. */
import type { Usage } from "../contract/responses.ts";
import { countCalls, lossesSince, type NamedEntry } from "./counting.ts";
import type {
  Sample,
  Snapshot,
  StatementFacts,
  StatementStatistics,
  UsageReason,
  UsageRecord,
  UsedMigration,
} from "../facts/usage_facts.ts";
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
  /** What the view has counted itself; null where it does not. */
  reads: { scans: number; reset: string | null } | null;
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
  const { statements, statistics } = found;
  const next = nextRecord(migration, record, found);
  if (statements === null) {
    const limits = statistics.state === "readable" ? [] : [unreadable(statistics.state)];
    if (found.reads !== null) limits.push(INSERTS_NOT_COUNTED);
    // What cannot be read leaves nothing to keep, and takes nothing from what was kept.
    const keep = found.reads !== null;
    return {
      ...describe(migration, keep ? next : record, found, limits),
      record: keep ? next : null,
    };
  }
  const limits = [...readingLimits(statements), ...trackingLimits(statements)];
  return {
    ...describe(migration, next, found, limits),
    // Without what is hidden, the next look could not tell what is new.
    record: statements.hidden > 0 ? null : next,
  };
}

const NEVER_LOOKED: Sample = {
  statements: null,
  reads: null,
  calls: 0,
  roles: {},
  examples: [],
  last_unclear_at: null,
  lost: [],
};

function nextRecord(
  migration: UsedMigration,
  record: UsageRecord | null,
  found: Findings,
): UsageRecord {
  const blank: UsageRecord = {
    migration_id: migration.id,
    snapshot_at: null,
    snapshot: null,
    observed_since: null,
    sampled_at: null,
    sample: null,
    last_used_at: null,
  };
  const withStatements = found.statements === null
    ? record ?? blank
    : nextStatements(record ?? blank, found, found.statements);
  const sample = withStatements.sample ?? NEVER_LOOKED;
  const reads = nextReads(sample, found);
  const used = reads !== null && reads.total > (sample.reads?.total ?? 0);
  return {
    ...withStatements,
    sampled_at: found.at,
    last_used_at: used ? found.at : withStatements.last_used_at,
    sample: { ...sample, reads },
  };
}

/** Scans that were reset count from nothing, so that all of them are new. */
function nextReads({ reads: before }: Sample, { reads: now }: Findings): Sample["reads"] {
  if (now === null) return before;
  const same = before !== null && before.reset === now.reset && before.scans <= now.scans;
  const grown = same ? now.scans - before.scans : now.scans;
  return { ...now, total: (before?.total ?? 0) + grown };
}

function nextStatements(
  record: UsageRecord,
  { at, named, serverVersion, reads }: Findings,
  statements: StatementFacts,
): UsageRecord {
  const { stats_reset, dealloc } = statements;
  const entries = Object.fromEntries(named.map(({ entry }) => [entry.key, entry.calls]));
  const first = record.snapshot_at === null || record.snapshot === null;
  const noted: Snapshot = first ? { entries, stats_reset, dealloc, late: true } : record.snapshot!;
  const sample = record.sample ?? NEVER_LOOKED;
  const earlier = first ? null : sample.statements;
  const seen = earlier?.entries ?? (noted.incomplete ? {} : noted.entries);
  const lost = lossesSince(earlier ?? noted, seen, statements);
  const reset = lost.some(({ code }) => code === "statistics_reset");
  const snapshot = reset ? beganAnew(noted) : noted;
  const counted = countCalls(named, serverVersion, snapshot, {
    earlier: reset ? {} : earlier?.entries ?? {},
    readsCounted: reads !== null,
  });
  const uncounted = trackingLimits(statements).length > 0;
  return {
    ...record,
    snapshot_at: record.snapshot_at ?? at,
    snapshot,
    observed_since: uncounted || record.observed_since === null
      ? at
      : lost.length === 0
      ? record.observed_since
      : reset && dealloc === 0
      ? stats_reset ?? at
      : at,
    last_used_at: counted.grown > 0 ? at : record.last_used_at,
    sample: {
      statements: { entries, stats_reset, dealloc },
      reads: sample.reads,
      calls: sample.calls + counted.grown,
      roles: added(sample.roles, counted.roles),
      examples: counted.examples.length > 0 ? counted.examples : sample.examples,
      last_unclear_at: counted.unclearGrown > 0 ? at : sample.last_unclear_at,
      lost: distinct([
        ...(snapshot.late ? [NO_SNAPSHOT] : []),
        ...sample.lost,
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

const INSERTS_NOT_COUNTED: UsageReason = {
  code: "inserts_not_counted",
  message: "The view counts who reads, updates and deletes through it; inserts it cannot count.",
};

function describe(
  migration: UsedMigration,
  record: UsageRecord | null,
  found: Findings,
  limits: UsageReason[],
): Omit<Look, "record"> {
  const sample: Sample = record?.sample ?? NEVER_LOOKED;
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
  const open = [...limits, ...sample.lost, ...found.unclearTexts];
  if (record?.snapshot == null && limits.length === 0) open.push(NO_SNAPSHOT);
  if (recently(sample.last_unclear_at)) open.push(UNCLEAR);
  const observed = limits.length === 0 && record?.observed_since != null;
  const usage: Usage = {
    state: seen.length > 0 ? "used" : open.length > 0 ? "unknown" : "quiet",
    calls: sample.statements === null ? null : sample.calls,
    reads: sample.reads?.total ?? null,
    roles: Object.entries(sample.roles)
      .map(([role, calls]) => ({ role, calls })).sort((a, b) => b.calls - a.calls),
    since: migration.migrated_at ?? record?.snapshot_at ?? null,
    last_sampled_at: record?.sampled_at ?? null,
    last_used_at: record?.last_used_at ?? null,
    quiet_since: observed && found.texts.length === 0 && found.sessions.length === 0
      ? latest(record!.observed_since!, record!.last_used_at, sample.last_unclear_at)
      : null,
    examples: sample.examples,
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
