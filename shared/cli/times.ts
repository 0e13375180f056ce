/** Times for people to read. */

/** To the second, in UTC: the same on every machine. */
export function inUtc(timestamp: string): string {
  const time = new Date(timestamp);
  if (Number.isNaN(time.getTime())) return timestamp;
  return `${time.toISOString().slice(0, 19).replace("T", " ")}Z`;
}
