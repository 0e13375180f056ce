/** Counts calls through an old name, from the statistics now, at the last sample and at the rename. */
import type {
  Losses,
  Snapshot,
  StatementEntry,
  StatementFacts,
  UsageExample,
  UsageReason,
} from "../facts/usage_facts.ts";
import { minuteOf } from "../findings/wording.ts";
import { lex } from "../sql/parser/lexer.ts";
import { countedByName, type NameMatch } from "./name_matches.ts";
import type { StatementKind } from "./statement_kinds.ts";

/** A recorded statement that uses the old name, or may. */
export interface NamedEntry {
  entry: StatementEntry;
  kind: Exclude<StatementKind, "no use">;
  match: NameMatch;
}

export interface Counted {
  /** New calls through the old name, those that may be, and the former by role. */
  grown: number;
  unclearGrown: number;
  roles: Record<string, number>;
  /** The most frequent statements that were called through the old name since the rename. */
  examples: UsageExample[];
}

const MAX_EXAMPLES = 5;

/**
 * Counts the calls through the old name that are new since the last sample, or else since the rename.
 *
 * PostgreSQL before 18 counts a query by the relations it resolves to: an entry from before the rename means the
 * table, whatever its text says, and a later one with the old name means the view. Other statements, and from 18
 * on queries too, are counted by name, so the calls from before the rename are subtracted.
 *
 * @param earlier Calls of the statements at the last sample, by key.
 * @param readsCounted Whether the view itself counts everything but inserts.
 */
export function countCalls(
  named: NamedEntry[],
  serverVersion: number,
  snapshot: Snapshot,
  { earlier, readsCounted }: { earlier: Record<string, number>; readsCounted: boolean },
): Counted {
  const result: Counted = { grown: 0, unclearGrown: 0, roles: {}, examples: [] };
  for (const { entry, kind, match } of named) {
    const byName = countedByName(serverVersion) || kind === "command";
    const before = snapshot.entries[entry.key];
    if (before !== undefined && !byName && !snapshot.late) continue;
    const grown = growth(entry.calls, earlier[entry.key] ?? before ?? 0);
    // A command in a function shares its entry with queries, which are counted by relation.
    const clear = before === undefined || (byName && (entry.toplevel || kind === "query"));
    if (match !== "certain" || !clear) {
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

/** Fewer calls than before: the entry was removed and created again, and all its calls are new. */
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

const MAX_LENGTH = 200;

const VALUES = new Set(["string", "bits", "number", "other"]);

/**
 * A recorded statement on one line, cut, and without values and comments, which may be somebody's data: the
 * extension keeps comments in all statements, and constants in some (before 16 in all but queries).
 */
export function showable(statement: string): string {
  let text = "";
  for (const { kind, start, end } of lex(statement).tokens) {
    if (kind === "space" || kind === "comment") text += " ";
    else text += VALUES.has(kind) ? "?" : statement.slice(start, end);
    if (text.length > 4 * MAX_LENGTH) break;
  }
  const line = [...text.replace(/\s+/g, " ").trim()];
  return line.length <= MAX_LENGTH ? line.join("") : `${line.slice(0, MAX_LENGTH - 1).join("")}…`;
}

/**
 * What statistics were lost since an earlier sample, so that calls may have been missed.
 *
 * @param entries Statements of then, which must still exist unless some were lost.
 */
export function lossesSince(
  before: Losses,
  entries: Record<string, number>,
  now: StatementFacts,
): UsageReason[] {
  if (before.stats_reset !== now.stats_reset) {
    const at = now.stats_reset === null ? "" : ` at ${minuteOf(now.stats_reset)}`;
    return [{
      code: "statistics_reset",
      message: `All statement statistics were reset${at}: earlier calls are not known.`,
    }];
  }
  if (now.dealloc > before.dealloc) {
    return [{
      code: "statistics_evicted",
      message:
        "pg_stat_statements evicted statements to make room; calls through the old name may have been " +
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
