/** Calls a day by an old name. */
import type { Usage } from "../../../contract/responses.ts";

type DayOfCalls = Usage["days"][number];

const DAY_MS = 24 * 60 * 60 * 1_000;

/** Most days that are shown. */
const MAX_DAYS = 60;

/** Each day from the first one that is known, days without calls as well; none where no call was seen on any day. */
export function callsByDay({ days: counted }: Partial<Pick<Usage, "days">>): DayOfCalls[] {
  // Functions that were deployed before do not count by day.
  const known = (counted ?? []).toSorted((a, b) => a.day < b.day ? -1 : 1);
  if (!known.some(({ calls }) => calls > 0)) return [];
  const calls = new Map(known.map(({ day, calls }) => [day, calls]));
  const last = Date.parse(known[known.length - 1].day);
  const first = Math.max(Date.parse(known[0].day), last - (MAX_DAYS - 1) * DAY_MS);
  const days: DayOfCalls[] = [];
  for (let at = first; at <= last; at += DAY_MS) {
    const day = new Date(at).toISOString().slice(0, 10);
    days.push({ day, calls: calls.get(day) ?? 0 });
  }
  return days;
}

/** Least days of the plot's axis: those before the first known one stay empty. */
const LEAST_DAYS = 14;

export function axisOf(days: DayOfCalls[]): string[] {
  const last = Date.parse(days[days.length - 1].day);
  const length = Math.max(days.length, LEAST_DAYS);
  return Array.from(
    { length },
    (_, index) => new Date(last - (length - 1 - index) * DAY_MS).toISOString().slice(0, 10),
  );
}

/** The plot in one sentence, for those who do not see it. */
export function callsText(days: DayOfCalls[]): string {
  if (days.length === 0) return "No calls are known.";
  const most = days.reduce((a, b) => b.calls > a.calls ? b : a);
  const total = days.reduce((sum, { calls }) => sum + calls, 0);
  return `Calls a day from ${days[0].day} to ${days[days.length - 1].day}: ${total} in all, ` +
    `the most on ${most.day} (${most.calls}), ${days[days.length - 1].calls} on the last day.`;
}
