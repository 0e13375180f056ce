/** What a rename does to an object that depends on a table, in words. */
import type { Effect } from "../contract/responses.ts";

/** The most important first. */
export const EFFECTS: Effect[] = ["breaks", "changes", "works_through_view", "handled", "follows"];

/** How each effect is said of one object, and of several. */
export const EFFECT_WORDS: Record<Effect, { one: string; several: string }> = {
  breaks: { one: "breaks", several: "break" },
  changes: { one: "changes", several: "change" },
  works_through_view: { one: "works through the view", several: "work through the view" },
  handled: { one: "is handled", several: "are handled" },
  follows: { one: "follows the table", several: "follow the table" },
};
