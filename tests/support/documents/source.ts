/** Renames in a text of source, as find-uses --write makes them. */
import { edited } from "../../../shared/source/edits.ts";
import { usesIn } from "../../../shared/source/find_uses.ts";
import { loadParser } from "../../../shared/source/modules/module.ts";
import { type Use, WantedNames, type WantedRename } from "../../../shared/source/uses.ts";

const PARSER = await loadParser();

export const RENAMES: WantedRename[] = [
  { schema: "public", from: "old", to: "new" },
  { schema: "app", from: "things", to: "stuff" },
];

export const reversed = (renames: WantedRename[]): WantedRename[] =>
  renames.map(({ schema, from, to }) => ({ schema, from: to, to: from }));

export interface Changed {
  text: string;
  uses: Use[];
  possible: Use[];
}

export function renamedIn(text: string, path: string, renames = RENAMES): Changed {
  const uses = usesIn({ path, text }, { wanted: new WantedNames(renames), parser: PARSER });
  return {
    text: edited(text, uses),
    uses,
    possible: uses.filter(({ certainty }) => certainty === "possible"),
  };
}

export const renamedBack = (text: string, path: string, renames = RENAMES): Changed =>
  renamedIn(text, path, reversed(renames));
