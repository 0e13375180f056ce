/** What somebody may have meant by a name of no table, or by a new name with a schema in it. */
import { isProtectedSchema, isTrackingTable } from "../contract/names.ts";
import { Problem } from "../contract/problems.ts";
import type { Rename } from "../contract/requests.ts";
import { compareText } from "./name_digest.ts";
import { ident, identsOf, qualified } from "./quoting.ts";

/** A table by its name; a problem's `did_you_mean` lists these. */
export interface NamedTable {
  schema: string;
  table: string;
}

const MOST = 3;

/**
 * The tables whose names are closest, the closest first; at most three, and none that is too different. A name that
 * contains its schema, or differs only in quotes, case or separators, counts as the right one; otherwise letters are
 * compared. In another schema the name must be the same, or nearly.
 */
export function closestTables(wanted: NamedTable, tables: NamedTable[]): NamedTable[] {
  const spellings = [
    wanted,
    ...unquoted(wanted.table).map((table) => ({ schema: wanted.schema, table })),
    ...splitNames(wanted.table).map(({ schema, name }) => ({ schema, table: name })),
  ];
  const found = tables
    .filter(({ schema, table }) => !isProtectedSchema(schema) && !isTrackingTable(schema, table))
    .map(({ schema, table }) => {
      const distance = Math.min(...spellings.map((one) => distanceOf(one, { schema, table })));
      return { schema, table, distance, shown: qualified(schema, table) };
    })
    .filter(({ distance }) => distance < Infinity)
    .sort((a, b) => a.distance - b.distance || compareText(a.shown, b.shown));
  return found.filter(({ distance }) => distance <= found[0].distance + 1)
    .slice(0, MOST).map(({ schema, table }) => ({ schema, table }));
}

/** The sentence that a hint begins with, or nothing if no table is close. */
export function didYouMean(tables: NamedTable[]): string {
  const names = tables.map(({ schema, table }) => qualified(schema, table));
  return names.length === 0 ? "" : `Did you mean ${names.join(" or ")}? `;
}

/** What to say instead where the name has its schema in it; null if it has not. */
export function schemaGoesElsewhere(name: string, [first]: NamedTable[]): string | null {
  const { schema, table } = first;
  const isSplit = splitNames(name).some((one) => one.schema === schema && one.name === table);
  return isSplit
    ? `The schema is not part of the name: send "schema": ${
      JSON.stringify(schema)
    }, and the name is ${JSON.stringify(table)}. `
    : null;
}

function distanceOf(wanted: NamedTable, { schema, table }: NamedTable): number {
  const name = nameDistance(wanted.table, table);
  if (wanted.schema === schema) return name;
  return name <= 1 ? name + 1 + Math.min(1, nameDistance(wanted.schema, schema)) / 2 : Infinity;
}

/** 0: the same; 0.5: the same but for case and separators; otherwise letters, Infinity for too many. */
function nameDistance(wanted: string, name: string): number {
  if (wanted === name) return 0;
  if (simple(wanted) === simple(name) && simple(name) !== "") return 0.5;
  // With a fixed limit, any two short names would be close.
  const limit = Math.min(3, Math.floor(wanted.length / 3));
  return editDistance(wanted.toLowerCase(), name.toLowerCase(), limit);
}

const simple = (name: string) => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");

/**
 * How many letters must be added, removed, replaced or swapped with the next one (optimal string alignment);
 * Infinity for more than `limit`.
 */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return Infinity;
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, replaced);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j], before[j - 2] + 1);
      }
    }
    if (Math.min(...row) > limit) return Infinity;
    [before, last] = [last, row];
  }
  return last[b.length] > limit ? Infinity : last[b.length];
}

interface SplitName {
  schema: string;
  name: string;
}

/** The ways to read a name with dots as schema and name, without quotes around either. */
export function splitNames(name: string): SplitName[] {
  return [...name.matchAll(/\./g)].flatMap(({ index }) => {
    const [before, after] = [name.slice(0, index), name.slice(index + 1)];
    const schemas = new Set([before, ...unquoted(before)]);
    return [...schemas].map((schema) => ({ schema, name: unquoted(after)[0] ?? after }));
  }).filter(({ schema, name }) => schema !== "" && name !== "");
}

/** The identifier that the text is as SQL; none if it is not exactly one. */
function unquoted(text: string): string[] {
  const found = identsOf(text);
  return found.length === 1 ? found : [];
}

/**
 * Refuses a new name that begins with a schema and a dot, since its author means a table of that schema.
 *
 * @param schemas The existing schemas among those that `splitNames` gives.
 */
export function schemaInName({ schema, new_name }: Rename, schemas: string[]): Problem | null {
  const split = splitNames(new_name).find((one) => schemas.includes(one.schema));
  if (split === undefined) return null;
  const advice = `Send the name alone: ${JSON.stringify(split.name)}.`;
  return new Problem(
    "invalid_identifier",
    `The new name ${ident(new_name)} begins with the schema ${
      ident(split.schema)
    }; the dot would ` +
      "be part of the name.",
    {
      hint: split.schema === schema
        ? advice
        : `A rename leaves the table in its schema ${ident(schema)}; ${
          qualified(split.schema, split.name)
        } would be another table. ${advice}`,
    },
  );
}
