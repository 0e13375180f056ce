/** New names that begin with a schema and a dot: whoever writes one means a table of the schema. */
import { Problem } from "../contract/problems.ts";
import type { Rename } from "../contract/requests.ts";
import { ident, identsOf, qualified } from "./quoting.ts";

/** What a name is where the part before one of its dots is a schema, as the schema and the rest. */
export interface SplitName {
  schema: string;
  name: string;
}

/** The ways to read a name with dots as schema and name, quotes around either taken off. */
export function splitNames(name: string): SplitName[] {
  const dots = [...name.matchAll(/\./g)].map(({ index }) => index);
  return dots.flatMap((dot) => {
    const [before, after] = [name.slice(0, dot), name.slice(dot + 1)];
    const schemas = new Set([before, ...unquoted(before)]);
    return [...schemas].map((schema) => ({ schema, name: unquoted(after)[0] ?? after }));
  }).filter(({ schema, name }) => schema !== "" && name !== "");
}

/** What the text is as SQL, where it is one identifier. */
export function unquoted(text: string): string[] {
  const found = identsOf(text);
  return found.length === 1 ? found : [];
}

/**
 * Refuses a new name that would have a schema in it.
 *
 * @param schemas The schemas that are there, of those that `splitNames` gives.
 */
export function schemaInName({ schema, new_name }: Rename, schemas: string[]): Problem | null {
  const split = splitNames(new_name).find((one) => schemas.includes(one.schema));
  if (split === undefined) return null;
  return new Problem(
    "invalid_identifier",
    `The new name ${ident(new_name)} begins with the schema ${
      ident(split.schema)
    }; the dot would ` +
      "be part of the name.",
    {
      hint: split.schema === schema
        ? `Send the name alone: ${JSON.stringify(split.name)}.`
        : `A rename leaves the table in its schema ${ident(schema)}; ${
          qualified(split.schema, split.name)
        } would be another table. Send the name alone: ${JSON.stringify(split.name)}.`,
    },
  );
}
