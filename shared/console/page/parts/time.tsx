/** Times as the reader's clock has them; the exact time in UTC when pointed at. */

const TIME = new Intl.DateTimeFormat("en-GB", {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});
const DAY = new Intl.DateTimeFormat("en-GB", { year: "numeric", month: "short", day: "numeric" });

/** @param at ISO 8601, or null where there is no time. */
export const Time = (
  { at, day = false, none = "never" }: {
    at: string | null | undefined;
    day?: boolean;
    none?: string;
  },
) =>
  at
    ? (
      <time dateTime={at} title={new Date(at).toISOString()}>
        {(day ? DAY : TIME).format(new Date(at))}
      </time>
    )
    : <span className="quiet">{none}</span>;

/** A length of time in a form that is read at a glance, such as "0.8 ms" or "3.2 s". */
export function shownDuration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}
