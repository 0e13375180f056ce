/** Versions of the Supabase CLI's migrations: YYYYMMDDHHMMSS, as text, in whose order they are applied. */

/**
 * The version of a new migration: now or, where there is one of this second or a later one, the second after
 * that. Versions that are no such number do not count.
 *
 * @param now As a version.
 */
export function nextVersion(existing: string[], now: string): string {
  const last = existing.filter((version) => /^\d{14}$/.test(version)).toSorted().at(-1);
  return last === undefined || last < now ? now : secondAfter(last);
}

/** The second after; of what is no time the next number, which comes after it as well. */
export function secondAfter(version: string): string {
  const [, date, time] = /^(\d{8})(\d{6})$/.exec(version)!;
  const iso = `${date.replace(/(....)(..)(..)/, "$1-$2-$3")}T${
    time.replace(/(..)(..)(..)/, "$1:$2:$3")
  }Z`;
  const at = Date.parse(iso);
  if (!Number.isNaN(at) && versionOf(new Date(at)) === version) {
    return versionOf(new Date(at + 1000));
  }
  return String(BigInt(version) + 1n).padStart(version.length, "0");
}

/** A time as a version. */
export const versionOf = (time: Date): string =>
  time.toISOString().replace(/\.\d+Z$/, "").replace(/\D/g, "");
