/** Characters that cannot be seen, or that turn the direction of what follows (Unicode categories Cc and Cf). */
const INVISIBLE = /[\p{Cc}\p{Cf}]/gu;

/** A name as it is shown, and can be typed: what cannot be seen is written out. */
export const shownName = (name: string): string =>
  name.replace(INVISIBLE, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
