/** Versions of the Supabase CLI's migrations: YYYYMMDDHHMMSS as text; migrations are applied in their order. */

/**
 * The version of a new migration: now or, if there is a version of this second or later, the second after the last
 * one. Other versions than 14 digits are ignored.
 *
 * @param now As a version.
 */
export function nextVersion(existing: string[], now: string): string {
  const last = existing.filter((version) => /^\d{14}$/.test(version)).toSorted().at(-1);
  return last === undefined || last < now ? now : secondAfter(last);
}

/** The version one second later; the next number if the version is not a time. */
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
