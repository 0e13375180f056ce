/** Makes the certain edits in a text. */
import type { Found } from "./uses.ts";

/** The text with every certain use replaced; nothing else in it moves. */
export function edited(text: string, found: Found[]): string {
  let result = "";
  let at = 0;
  for (const { offset, length, replacement } of found.toSorted((a, b) => a.offset - b.offset)) {
    if (replacement === null) continue;
    result += text.slice(at, offset) + replacement;
    at = offset + length;
  }
  return result + text.slice(at);
}
