/** Names of tables as text. */
import { visible } from "../../../report/document/text.ts";

/** A part of a name: in quotes if it has a dot, which would look like the end of a schema. */
export function shownPart(part: string): string {
  const shown = visible(part);
  return shown.includes(".") ? `"${shown.replaceAll('"', '""')}"` : shown;
}

/** Name of a table with its schema, which is left out if it is "public". */
export const shownName = (schema: string, name: string): string =>
  schema === "public" ? shownPart(name) : `${shownPart(schema)}.${shownPart(name)}`;
