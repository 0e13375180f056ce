/** New names of many tables: those that a pattern gives, and which of them cannot be given together. */
import { identifierFault } from "./names.ts";
import type { AnalyzedTable } from "./responses.ts";

export interface WantedRename {
  schema: string;
  old_name: string;
  new_name: string;
}

export interface Wanted extends WantedRename {
  /** Whether the table has the name already, or is proposed to get it. */
  done: boolean;
  /** Whether that is only proposed. Default: false. */
  proposed?: true;
  /** The table as it is called now, in `keyOf`; undefined if there is none. */
  table?: string;
  /** Where it was written, such as `renames.csv, line 4`. */
  place?: string;
}

export interface Pattern {
  match: RegExp;
  /** As in String.replace: `$1` is the first group. */
  to: string;
}

/** A table's schema and name as one text, for maps. */
export const keyOf = (schema: string, table: string): string => JSON.stringify([schema, table]);

/** @throws {SyntaxError} The source is no regular expression. */
export const patternOf = (source: string, to: string): Pattern => ({
  match: new RegExp(source, "u"),
  to,
});

/**
 * The renames of all tables of which a pattern is true, by the first that is. A table that a tracked rename has given
 * the wanted name counts as done, so that the same patterns can be used again.
 */
export function byPattern(
  tables: Pick<AnalyzedTable, "schema" | "table" | "migrations">[],
  patterns: Pattern[],
): Wanted[] {
  const newName = (name: string): string | undefined => {
    const pattern = patterns.find(({ match }) => match.test(name));
    const result = pattern && name.replace(pattern.match, pattern.to);
    return result === name ? undefined : result;
  };
  return tables.flatMap(({ schema, table, migrations }): Wanted[] => {
    const key = keyOf(schema, table);
    const done = migrations.find(({ old_name, new_name }) =>
      [new_name, table].includes(newName(old_name) ?? "")
    );
    if (done !== undefined) {
      const { old_name } = done;
      return [{ schema, old_name, new_name: newName(old_name)!, done: true, table: key }];
    }
    const new_name = newName(table);
    return new_name === undefined
      ? []
      : [{ schema, old_name: table, new_name, done: false, table: key }];
  });
}

/** Why each of the renames cannot be made together with the others, in the same order; null if it can. */
export function newNameFaults(
  renames: WantedRename[],
  tables: Pick<AnalyzedTable, "schema" | "table">[],
): (string | null)[] {
  const now = new Set(tables.map(({ schema, table }) => keyOf(schema, table)));
  const leaving = new Set(renames.map(({ schema, old_name }) => keyOf(schema, old_name)));
  const byNewName = Map.groupBy(renames, ({ schema, new_name }) => keyOf(schema, new_name));
  return renames.map((one) => {
    const { schema, old_name, new_name } = one;
    const fault = identifierFault(new_name);
    if (fault !== null) return fault;
    if (old_name === new_name) return "the new name is the old name";
    const key = keyOf(schema, new_name);
    const others = byNewName.get(key)!.filter((other) => other !== one);
    if (others.length > 0) {
      const names = others.slice(0, 3).map((other) => other.old_name).join(", ");
      const more = others.length > 3 ? ` and ${others.length - 3} more` : "";
      return `${names}${more} would get the same name`;
    }
    if (leaving.has(key)) {
      return "that is a table which is to be renamed itself; rename it before, on its own";
    }
    return now.has(key) ? "there is a table of that name" : null;
  });
}
