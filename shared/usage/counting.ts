/** Counting calls through an old name, from what is recorded now, at the last look and at the rename. */
import type {
  Losses,
  Snapshot,
  StatementEntry,
  StatementFacts,
  UsageExample,
  UsageReason,
} from "../facts/usage_facts.ts";
import { showable } from "./example.ts";
import { countedByName, type Naming } from "./name_matches.ts";
import type { StatementKind } from "./statement_kinds.ts";

/** A recorded statement that uses the old name, or may. */
export interface NamedEntry {
  entry: StatementEntry;
  kind: Exclude<StatementKind, "no use">;
  naming: Naming;
}

/** What is new since the last look. */
export interface Counted {
  /** Calls through the old name. */
  grown: number;
  /** Calls that may be. */
  unclearGrown: number;
  /** Growth by role. */
  roles: Record<string, number>;
  /** The most frequent statements that were called through the old name since the rename. */
  examples: UsageExample[];
}

const MAX_EXAMPLES = 5;

/**
 * Counts the calls through the old name that are new since the last look, or else since the rename.
 *
 * Before 18 a query is counted by the relations it means: an entry that was there at the rename means the
 * table, whatever its text says, and every later one that names the old name means the view. Other statements,
 * and since 18 queries too, are counted by name, so that the calls of before have to be taken off.
 *
 * @param earlier Calls of the statements at the last look, by key.
 * @param readsCounted Whether the view counts all but inserts itself, so that they need not be guessed at.
 */
export function countCalls(
  named: NamedEntry[],
  serverVersion: number,
  snapshot: Snapshot,
  { earlier, readsCounted }: { earlier: Record<string, number>; readsCounted: boolean },
): Counted {
  const result: Counted = { grown: 0, unclearGrown: 0, roles: {}, examples: [] };
  for (const { entry, kind, naming } of named) {
    const byName = countedByName(serverVersion) || kind === "command";
    const before = snapshot.entries[entry.key];
    if (before !== undefined && !byName && !snapshot.late) continue;
    const grown = growth(entry.calls, earlier[entry.key] ?? before ?? 0);
    // A function's command shares its entry with queries that are counted by what they mean.
    const clear = before === undefined || (byName && (entry.toplevel || kind === "query"));
    if (naming !== "certain" || !clear) {
      if (!readsCounted || /\binsert\b/i.test(entry.text)) result.unclearGrown += grown;
      continue;
    }
    result.grown += grown;
    if (grown > 0) result.roles[entry.role] = (result.roles[entry.role] ?? 0) + grown;
    const calls = growth(entry.calls, before ?? 0);
    if (calls > 0) {
      result.examples.push({ statement: showable(entry.text), role: entry.role, calls });
    }
  }
  result.examples = topExamples(result.examples);
  return result;
}

/** Fewer than before: the entry was dropped and made again, and all its calls are new. */
const growth = (calls: number, before: number): number => calls >= before ? calls - before : calls;

function topExamples(examples: UsageExample[]): UsageExample[] {
  const distinct = new Map<string, UsageExample>();
  for (const example of examples) {
    const key = JSON.stringify([example.statement, example.role]);
    const same = distinct.get(key);
    if (same) same.calls += example.calls;
    else distinct.set(key, { ...example });
  }
  return [...distinct.values()].sort((a, b) => b.calls - a.calls).slice(0, MAX_EXAMPLES);
}

/**
 * What was lost since an earlier look, so that calls can have been missed.
 *
 * @param entries Statements of then that must still be there, unless some were lost.
 */
export function lossesSince(
  before: Losses,
  entries: Record<string, number>,
  now: StatementFacts,
): UsageReason[] {
  if (before.stats_reset !== now.stats_reset) {
    return [{
      code: "statistics_reset",
      message: `The statistics of all statements were reset${
        now.stats_reset === null ? "" : ` at ${now.stats_reset}`
      }: what was called before is not known.`,
    }];
  }
  if (now.dealloc > before.dealloc) {
    return [{
      code: "statistics_evicted",
      message:
        "Statements were evicted from pg_stat_statements to make room; calls of the old name can have been " +
        "among them. A larger pg_stat_statements.max keeps more.",
    }];
  }
  const calls = new Map(now.entries.map((entry) => [entry.key, entry.calls]));
  const removed = Object.entries(entries).some(([key, count]) => (calls.get(key) ?? -1) < count);
  return removed
    ? [{
      code: "statistics_removed",
      message:
        "Statements that named the old name are gone from the statistics: somebody reset them one by one.",
    }]
    : [];
}
