/** One sample of the use of one old name: what is known now, and what is kept for the next sample. */
import type { Usage } from "../contract/responses.ts";
import type {
  Sample,
  Snapshot,
  StatementFacts,
  StatementStatistics,
  UsageReason,
  UsageRecord,
  UsedMigration,
} from "../facts/usage_facts.ts";
import { countCalls, lossesSince, type NamedEntry } from "./counting.ts";
import { minuteOf } from "../findings/wording.ts";
import { countedByName } from "./name_matches.ts";
import { hidesNested, readingLimits, trackingLimits, UNREADABLE } from "./limits.ts";

/** Use that was seen longer ago, in milliseconds, no longer counts as use: a day includes the daily jobs. */
const RECENT_MS = 24 * 60 * 60 * 1000;

/** What was read about one migration, by the server's clock. */
export interface SampleInput {
  at: string;
  serverVersion: number;
  statistics: StatementStatistics;
  /** Null where they cannot be read. */
  statements: StatementFacts | null;
  /** Recorded statements that use the old name, or may. */
  named: NamedEntry[];
  /** What the view itself has counted; null where it does not count. */
  reads: { scans: number; reset: string | null } | null;
  /** Routines and cron jobs that use the old name, and those that may. */
  texts: UsageReason[];
  unclearTexts: UsageReason[];
  /** Sessions that use the view at this moment. */
  sessions: UsageReason[];
}

export interface UsageSample {
  usage: Usage;
  /** What shows that the old name is used; empty unless the state is `used`. */
  uses: UsageReason[];
  /** The record to keep; null where there is nothing new. */
  record: UsageRecord | null;
}

export function takeSample(
  migration: UsedMigration,
  record: UsageRecord | null,
  input: SampleInput,
): UsageSample {
  const { statements, statistics, reads } = input;
  const next = nextRecord(migration, record, input);
  if (statements === null) {
    const limits = statistics.state === "readable" ? [] : [UNREADABLE[statistics.state]];
    if (reads === null) return { ...describe(migration, record, input, limits), record: null };
    limits.push(reason("inserts_not_counted"));
    return { ...describe(migration, next, input, limits), record: next };
  }
  const limits = [...readingLimits(statements), ...trackingLimits(statements)];
  return {
    ...describe(migration, next, input, limits),
    // Without the hidden statements the next sample could not tell what is new.
    record: statements.hidden > 0 ? null : next,
  };
}

const EMPTY_SAMPLE: Sample = {
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
  input: SampleInput,
): UsageRecord {
  const before = record ?? {
    migration_id: migration.id,
    snapshot_at: null,
    snapshot: null,
    observed_since: null,
    sampled_at: null,
    sample: null,
    last_used_at: null,
  };
  const next = input.statements === null ? before : withStatements(before, input, input.statements);
  const sample = next.sample ?? EMPTY_SAMPLE;
  const reads = nextReads(sample.reads, input.reads);
  const used = reads !== null && reads.total > (sample.reads?.total ?? 0);
  return {
    ...next,
    sampled_at: input.at,
    last_used_at: used ? input.at : next.last_used_at,
    sample: { ...sample, reads },
  };
}

/** After a reset all scans are new. */
function nextReads(before: Sample["reads"], now: SampleInput["reads"]): Sample["reads"] {
  if (now === null) return before;
  const same = before !== null && before.reset === now.reset && before.scans <= now.scans;
  const grown = same ? now.scans - before.scans : now.scans;
  return { ...now, total: (before?.total ?? 0) + grown };
}

function withStatements(
  record: UsageRecord,
  { at, named, serverVersion, reads }: SampleInput,
  statements: StatementFacts,
): UsageRecord {
  const { stats_reset, dealloc } = statements;
  const entries = Object.fromEntries(named.map(({ entry }) => [entry.key, entry.calls]));
  const first = record.snapshot_at === null || record.snapshot === null;
  const noted: Snapshot = first ? { entries, stats_reset, dealloc, late: true } : record.snapshot!;
  const sample = record.sample ?? EMPTY_SAMPLE;
  const earlier = first ? null : sample.statements;
  const known = earlier?.entries ?? (noted.incomplete ? {} : noted.entries);
  const lost = lossesSince(earlier ?? noted, known, statements);
  const reset = lost.some(({ code }) => code === "statistics_reset");
  const snapshot = reset ? countedFromZero(noted) : noted;
  const counted = countCalls(named, serverVersion, snapshot, {
    earlier: reset ? {} : earlier?.entries ?? {},
    readsCounted: reads !== null,
  });
  const uncounted = trackingLimits(statements).length > 0;
  const observedSince = () => {
    if (uncounted || record.observed_since === null) return at;
    if (lost.length === 0) return record.observed_since;
    return reset && dealloc === 0 ? stats_reset ?? at : at;
  };
  return {
    ...record,
    snapshot_at: record.snapshot_at ?? at,
    snapshot,
    observed_since: observedSince(),
    last_used_at: counted.grown > 0 ? at : record.last_used_at,
    sample: {
      statements: { entries, stats_reset, dealloc },
      reads: sample.reads,
      calls: sample.calls + counted.grown,
      days: daysWith(sample.days, at, counted.grown),
      roles: added(sample.roles, counted.roles),
      examples: counted.examples.length > 0 ? counted.examples : sample.examples,
      last_unclear_at: counted.unclearGrown > 0 ? at : sample.last_unclear_at,
      lost: lastOfEachCode([
        ...(snapshot.late ? [reason("no_snapshot")] : []),
        ...sample.lost,
        ...lost,
        ...(uncounted ? [reason("was_not_counted")] : []),
      ]),
    },
  };
}

/** For how many days calls are kept, the present one included. */
const MAX_DAYS = 60;
const DAY_MS = 24 * 60 * 60 * 1000;

const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10);

/** The calls by day with those that are new at this time; a day on which somebody looked is there, if only with 0. */
function daysWith(
  days: Record<string, number> | undefined,
  at: string,
  grown: number,
): Record<string, number> {
  const time = Date.parse(at);
  const oldest = dayOf(time - (MAX_DAYS - 1) * DAY_MS);
  return added(
    Object.fromEntries(Object.entries(days ?? {}).filter(([day]) => day >= oldest)),
    { [dayOf(time)]: grown },
  );
}

const countedFromZero = (snapshot: Snapshot): Snapshot => ({
  ...snapshot,
  entries: Object.fromEntries(Object.keys(snapshot.entries).map((key) => [key, 0])),
});

function added(
  before: Record<string, number>,
  more: Record<string, number>,
): Record<string, number> {
  const sum = { ...before };
  for (const [role, calls] of Object.entries(more)) sum[role] = (sum[role] ?? 0) + calls;
  return sum;
}

const lastOfEachCode = (reasons: UsageReason[]): UsageReason[] => [
  ...new Map(reasons.map((reason) => [reason.code, reason])).values(),
];

const MESSAGES = {
  no_snapshot:
    "The statements from before the rename were not recorded at the time: calls before the first sample are not known.",
  was_not_counted: "For some time since the rename not every statement was counted.",
  inserts_not_counted:
    "The view counts reads, updates and deletes through it, but cannot count inserts.",
  unclear_statements:
    "There were new calls of statements that may use the old name, or a table of the same name in another schema: " +
    "the statistics do not say which one a name without schema meant.",
  unclear_entries:
    "There were new calls of statements that may use the old name or another one: from PostgreSQL 18 on the " +
    "statistics count the same name in different schemas together, and all tables with the same alias.",
  nested_not_counted:
    "pg_stat_statements.track is top: statements inside functions are not counted; the functions' texts are read " +
    "instead.",
};

/** Servers that count by name leave open more than others. */
const unclear = (serverVersion: number): UsageReason => ({
  code: "unclear_statements",
  message: MESSAGES[countedByName(serverVersion) ? "unclear_entries" : "unclear_statements"],
});

const reason = (code: Exclude<keyof typeof MESSAGES, "unclear_entries">): UsageReason => ({
  code,
  message: MESSAGES[code],
});

function describe(
  migration: UsedMigration,
  record: UsageRecord | null,
  { at, texts, unclearTexts, sessions, statements, serverVersion }: SampleInput,
  limits: UsageReason[],
): Omit<UsageSample, "record"> {
  const sample = record?.sample ?? EMPTY_SAMPLE;
  const isRecent = (time: string | null | undefined) =>
    time != null && Date.parse(at) - Date.parse(time) < RECENT_MS;
  const seen: UsageReason[] = [
    ...(isRecent(record?.last_used_at) ? [callsSeen(record!.last_used_at!)] : []),
    ...texts,
    ...sessions,
  ];
  const unknown = [
    ...limits,
    ...sample.lost,
    ...unclearTexts,
    ...(record?.snapshot == null && limits.length === 0 ? [reason("no_snapshot")] : []),
    ...(isRecent(sample.last_unclear_at) ? [unclear(serverVersion)] : []),
  ];
  const observed = limits.length === 0 && record?.observed_since != null &&
    texts.length === 0 && sessions.length === 0;
  const usage: Usage = {
    state: seen.length > 0 ? "used" : unknown.length > 0 ? "unknown" : "quiet",
    calls: sample.statements === null ? null : sample.calls,
    reads: sample.reads?.total ?? null,
    days: sample.statements === null
      ? []
      : Object.entries(sample.days ?? {}).map(([day, calls]) => ({ day, calls }))
        .sort((a, b) => a.day < b.day ? -1 : 1),
    roles: Object.entries(sample.roles)
      .map(([role, calls]) => ({ role, calls })).sort((a, b) => b.calls - a.calls),
    since: migration.migrated_at ?? record?.snapshot_at ?? null,
    last_sampled_at: record?.sampled_at ?? null,
    last_used_at: record?.last_used_at ?? null,
    quiet_since: observed
      ? latest(record!.observed_since!, record!.last_used_at, sample.last_unclear_at)
      : null,
    examples: sample.examples,
    reasons: [
      ...seen,
      ...unknown,
      ...(statements && hidesNested(statements) ? [reason("nested_not_counted")] : []),
    ],
  };
  return { usage, uses: seen };
}

const callsSeen = (at: string): UsageReason => ({
  code: "calls_seen",
  message: `Calls through the old name had increased when it was sampled at ${minuteOf(at)}.`,
});

function latest(first: string, ...others: (string | null)[]): string {
  return others.reduce<string>(
    (late, time) => time !== null && Date.parse(time) > Date.parse(late) ? time : late,
    first,
  );
}
