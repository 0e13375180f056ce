/** Parts of sentences that many findings share. */

/** The first of these names, and how many more there are. */
export function listed(names: string[], most: number): string {
  const more = names.length - most;
  return names.slice(0, most).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** The new name as messages call it; null where none is chosen yet. */
export const called = (newName: string | null) =>
  newName === null ? "its new name" : `the name "${newName}"`;

/** A time in a sentence, as 2026-11-29T15:45Z; never later than the time. */
export const minuteOf = (at: string): string => `${new Date(at).toISOString().slice(0, 16)}Z`;
