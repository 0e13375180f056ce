/** Whether an old name can be finalized, in a few words, and in which order that is worth looking at. */
import type { Migration } from "../../../contract/responses.ts";

/**
 * `differs`: database and record disagree, which comes first. `unknown`: nothing was seen, but something can have been
 * missed.
 */
export type VerdictKind = "differs" | "ready" | "not_before" | "unknown" | "in_use";

/** In the order of what can be done now. */
export const VERDICTS: VerdictKind[] = ["differs", "ready", "not_before", "unknown", "in_use"];

export interface Verdict {
  kind: VerdictKind;
  text: string;
  /** When it will be ready if no use is seen until then. */
  earliest: string | null;
}

const DAY = new Intl.DateTimeFormat("en-GB", { year: "numeric", month: "short", day: "numeric" });

export const VERDICT_TEXTS: Record<VerdictKind, string> = {
  differs: "Differs from its record",
  ready: "Ready to finalize",
  not_before: "Not before a date",
  unknown: "Use unknown",
  in_use: "Still in use",
};

/** Reasons that say nothing of a use that was seen. */
const NO_USE = new Set([
  "not_quiet_long_enough",
  "use_not_known",
  "drifted",
  // Why the use is not known.
  "no_statistics",
  "no_privilege",
  "tracking_off",
  "statistics_outdated",
  "statistics_reset",
  "statistics_evicted",
  "statistics_removed",
  "possibly_named",
  "nested_not_counted",
]);

const known = new WeakMap<Migration, Verdict>();

/** Kept for each migration, since lists are ordered by it. */
export function verdictOf(migration: Migration): Verdict {
  const found = known.get(migration) ?? judged(migration);
  known.set(migration, found);
  return found;
}

function judged({ ready_to_finalize: ready }: Migration): Verdict {
  if (ready === undefined) return verdict("unknown", null);
  const { earliest, reasons } = ready;
  if (reasons.some(({ code }) => code === "drifted")) return verdict("differs", earliest);
  if (ready.ready) return verdict("ready", null);
  if (reasons.some(({ code }) => !NO_USE.has(code))) return verdict("in_use", earliest);
  return earliest === null ? verdict("unknown", null) : verdict("not_before", earliest);
}

const verdict = (kind: VerdictKind, earliest: string | null): Verdict => ({
  kind,
  earliest,
  text: kind === "not_before" && earliest !== null
    ? `Not before ${DAY.format(new Date(earliest))}`
    : VERDICT_TEXTS[kind],
});

/** Reasons that are texts in the database which name the old name. */
const TEXTS = ["named_in_routine", "named_in_cron_job"];

export const isTextReason = ({ code }: { code: string }): boolean => TEXTS.includes(code);

export const textReasons = ({ usage, ready_to_finalize: ready }: Migration) =>
  distinct([...usage?.reasons ?? [], ...ready?.reasons ?? []])
    .filter(isTextReason);

/** Why not every use can be seen. */
export const limitReasons = ({ usage }: Migration) =>
  (usage?.reasons ?? []).filter(({ code }) => NO_USE.has(code));

const distinct = <Item extends { message: string }>(items: Item[]): Item[] => [
  ...new Map(items.map((item) => [item.message, item])).values(),
];

/** Drift that a refresh takes away. */
const REFRESHABLE = new Set([
  "row_security_bypassed",
  "view_options_changed",
  "view_owner_changed",
  "row_cast_missing",
  "view_columns_differ",
  "view_defaults_differ",
  "table_wider_than_view",
  "view_wider_than_table",
]);

export const needsRefresh = ({ drift = [] }: Migration): boolean =>
  drift.some(({ code }) => REFRESHABLE.has(code));

export type Order = "verdict" | "name" | "since" | "last use";

export interface NameFilter {
  text: string;
  verdict: VerdictKind | null;
  order: Order;
}

/** Those of which the filter is true, in order. Each word of the text has to be in one of the names. */
export function chosenNames(
  migrations: Migration[],
  { text, verdict, order }: NameFilter,
): Migration[] {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  return migrations.filter((migration) => {
    const { schema_name, old_name, new_name } = migration;
    const names = `${schema_name}.${old_name} ${new_name}`.toLowerCase();
    return words.every((word) => names.includes(word)) &&
      (verdict === null || verdictOf(migration).kind === verdict);
  }).sort((a, b) => compareBy(order, a, b) || byName(a, b));
}

const byName = (a: Migration, b: Migration) =>
  compare(a.schema_name, b.schema_name) || compare(a.old_name, b.old_name);

function compareBy(order: Order, a: Migration, b: Migration): number {
  switch (order) {
    case "verdict": {
      const [x, y] = [verdictOf(a), verdictOf(b)];
      return VERDICTS.indexOf(x.kind) - VERDICTS.indexOf(y.kind) ||
        time(x.earliest) - time(y.earliest);
    }
    case "name":
      return 0;
    case "since":
      return time(a.migrated_at) - time(b.migrated_at);
    case "last use":
      return time(b.usage?.last_used_at) - time(a.usage?.last_used_at);
  }
}

const time = (at: string | null | undefined): number => at ? Date.parse(at) : 0;

/** As people count: table_2 is before table_10. */
const { compare } = new Intl.Collator("en", { numeric: true });

export const countsByVerdict = (migrations: Migration[]): Map<VerdictKind, number> => {
  const counts = new Map<VerdictKind, number>();
  for (const migration of migrations) {
    const { kind } = verdictOf(migration);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
};
