/** What somebody may have meant who named something that is not there. */
import { isProtectedSchema, isTrackingTable } from "../contract/names.ts";
import { qualified } from "./quoting.ts";
import { splitNames, unquoted } from "./schema_in_name.ts";

/** A table by its name; what `did_you_mean` of a problem lists. */
export interface NamedTable {
  schema: string;
  table: string;
}

const MOST = 3;

/**
 * The tables whose names come closest, the closest first; at most three, and none that is far away. A name
 * with its schema in it, in quotes, in other case or with other separators is as good as the right one; after
 * that, letters count. In another schema only the same name counts, or nearly the same.
 */
export function closestTables(wanted: NamedTable, tables: NamedTable[]): NamedTable[] {
  const spellings = [
    wanted,
    ...unquoted(wanted.table).map((table) => ({ schema: wanted.schema, table })),
    ...splitNames(wanted.table).map(({ schema, name }) => ({ schema, table: name })),
  ];
  const found = tables
    .filter(({ schema, table }) => !isProtectedSchema(schema) && !isTrackingTable(schema, table))
    .flatMap((table) => {
      const [distance] = spellings.map((one) => distanceOf(one, table)).sort((a, b) => a - b);
      return distance === Infinity ? [] : [{ table, distance }];
    })
    .sort((a, b) =>
      a.distance - b.distance ||
      compare(qualified(a.table.schema, a.table.table), qualified(b.table.schema, b.table.table))
    );
  return found.filter(({ distance }) => distance <= found[0].distance + 1)
    .slice(0, MOST).map(({ table: { schema, table } }) => ({ schema, table }));
}

/** The sentence that a hint begins with where there is something close; otherwise nothing. */
export function didYouMean(tables: NamedTable[]): string {
  if (tables.length === 0) return "";
  const names = tables.map(({ schema, table }) => qualified(schema, table));
  return `Did you mean ${names.join(" or ")}? `;
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function distanceOf(wanted: NamedTable, { schema, table }: NamedTable): number {
  const name = nameDistance(wanted.table, table);
  if (wanted.schema === schema) return name;
  return name <= 1 ? name + 1 + Math.min(1, nameDistance(wanted.schema, schema)) / 2 : Infinity;
}

/** 0: the same; a half: the same but for case and separators; otherwise letters, Infinity where too many. */
function nameDistance(wanted: string, name: string): number {
  if (wanted === name) return 0;
  if (simple(wanted) === simple(name) && simple(name) !== "") return 0.5;
  // Of short names everything would be close.
  const limit = Math.min(3, Math.floor(wanted.length / 3));
  return editDistance(wanted.toLowerCase(), name.toLowerCase(), limit);
}

const simple = (name: string) => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");

/**
 * How many letters have to be added, left out, replaced or swapped with the next one (optimal string
 * alignment); Infinity where it is more than `limit`.
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
