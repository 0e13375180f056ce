/** The new names of the draft: what stands against each, and those that a pattern would give. */
import {
  byPattern,
  keyOf,
  newNameFaults,
  patternOf,
  type WantedRename,
} from "../../../../contract/new_names.ts";
import type { AnalyzedTable } from "../../../../contract/responses.ts";

type Table = Pick<AnalyzedTable, "schema" | "table" | "migrations">;

/** A rename of the draft, with why it cannot be planned. */
export interface CheckedRename extends WantedRename {
  /** `unnamed`: the table still needs a new name. */
  state: "ready" | "unnamed" | "clash";
  /** Of a clash, as a sentence. */
  fault?: string;
}

/** @param tables All of the project; undefined while they are not known. */
export function checkRenames(renames: WantedRename[], tables?: Table[]): CheckedRename[] {
  const now = tables && new Set(tables.map(({ schema, table }) => keyOf(schema, table)));
  // A table that has no new name yet keeps its own, which is taken.
  const named = renames.filter(({ old_name, new_name }) => old_name !== new_name);
  const faults = newNameFaults(named, tables ?? []);
  const faultOf = new Map(named.map((one, index) => [one, faults[index]]));
  return renames.map((one) => {
    const { schema, old_name, new_name } = one;
    if (now?.has(keyOf(schema, old_name)) === false) {
      return { ...one, state: "clash", fault: "This table no longer exists." };
    }
    if (old_name === new_name) return { ...one, state: "unnamed" };
    const fault = faultOf.get(one) ?? null;
    return fault === null
      ? { ...one, state: "ready" }
      : { ...one, state: "clash", fault: sentence(fault) };
  });
}

const sentence = (text: string): string => {
  const [first] = text;
  // A fault can begin with a name, whose case counts.
  const isName = / would get the same name$/.test(text);
  return `${isName ? first : first.toUpperCase()}${text.slice(1)}.`;
};

/** What a pattern would do, or why it is none. */
type PatternPreview = { renames: CheckedRename[] } | { error: string };

/**
 * @param match A regular expression of JavaScript.
 * @param to The new name; `$1` is the first group.
 * @param among The tables that it is tried on.
 * @param all All tables, which have the names that are taken.
 */
export function previewPattern(
  match: string,
  to: string,
  among: Table[],
  all: Table[],
): PatternPreview {
  try {
    const wanted = byPattern(among, [patternOf(match, to)]).filter(({ done }) => !done);
    return {
      renames: checkRenames(
        wanted.map(({ schema, old_name, new_name }) => ({ schema, old_name, new_name })),
        all,
      ),
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { error: why.replace(/^Invalid regular expression: /, "") };
  }
}

/** The problem's issues by the rename that each is about. */
export function issuesByRename(issues: unknown): Map<number, string> {
  const found = new Map<number, string>();
  if (!Array.isArray(issues)) return found;
  for (const { path, message, hint } of issues) {
    const index = /^renames\.(\d+)(\.|$)/.exec(String(path))?.[1];
    if (index === undefined || found.has(Number(index))) continue;
    found.set(Number(index), [message, hint].filter((text) => typeof text === "string").join(" "));
  }
  return found;
}
