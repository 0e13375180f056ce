/** Texts, numbers and times for people to read, wherever they are printed. */

/** Controls, invisible and direction-changing characters, and halves of surrogate pairs. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

const spelledOut = (character: string): string =>
  ({ "\n": "\\n", "\r": "\\r", "\t": "\\t" })[character] ??
    `\\u{${character.codePointAt(0)!.toString(16)}}`;

/** A text from elsewhere on one line, with nothing in it that a terminal or renderer would act on or hide. */
export const visible = (value: string): string => value.replace(UNSEEN, spelledOut);

/** The same for texts of several lines, such as statements: line breaks and tabs stay. */
export const visibleLines = (value: string): string =>
  value.replace(
    UNSEEN,
    (character) => /[\n\t]/.test(character) ? character : spelledOut(character),
  );

export function shortened(value: string, length: number): string {
  const characters = [...value];
  return characters.length <= length ? value : `${characters.slice(0, length - 1).join("")}…`;
}

export const number = (value: number): string => value.toLocaleString("en-US");

/** `1 table`, `3 tables`. */
export const counted = (count: number, one: string, several = `${one}s`): string =>
  `${number(count)} ${count === 1 ? one : several}`;

/** A time to the second, in UTC: the same on every machine. */
export function inUtc(timestamp: string): string {
  const time = new Date(timestamp);
  if (Number.isNaN(time.getTime())) return timestamp;
  return `${time.toISOString().slice(0, 19).replace("T", " ")}Z`;
}

/** Milliseconds in the unit that fits: 2.3 s, 45 s, 12 min, 5 h, 3 days. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}
