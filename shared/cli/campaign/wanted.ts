/** Many renames: which tables get which names, which have them already, and which cannot get them. */
import { identifierFault } from "../../contract/names.ts";
import type { AnalyzedTable, Migration } from "../../contract/responses.ts";
import { counted } from "../../report/text.ts";
import { shownName } from "../../report/migrations.ts";
import { messageOf, UsageError } from "../exit_codes.ts";
import { keyOf } from "./tables.ts";

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

/**
 * Makes patterns of the values of options, pair by pair.
 *
 * @throws {UsageError} A value is missing or is no regular expression.
 */
export function patternsFrom(matches: string[], tos: string[]): Pattern[] {
  if (matches.length !== tos.length) {
    throw new UsageError(
      `each --match needs a --to: there are ${matches.length} and ${tos.length} of them`,
    );
  }
  return matches.map((source, index) => ({ match: regularExpression(source), to: tos[index] }));
}

function regularExpression(source: string): RegExp {
  try {
    return new RegExp(source, "u");
  } catch (cause) {
    throw new UsageError(`--match ${source}: ${messageOf(cause)}`, { cause });
  }
}

type Table = Pick<AnalyzedTable, "schema" | "table" | "migrations">;

/**
 * The renames of all tables of which a pattern is true, by the first that is. A table that a tracked rename has given
 * the wanted name counts as done, so that the same patterns can be used again.
 */
export function byPattern(tables: Table[], patterns: Pattern[]): Wanted[] {
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

/** The renames of a list, with what became of each. */
export function byList(
  tables: Table[],
  renames: (WantedRename & { place?: string })[],
): Wanted[] {
  const now = new Set(tables.map(({ schema, table }) => keyOf(schema, table)));
  const renamed = new Map<string, string>();
  for (const { schema, table, migrations } of tables) {
    for (const { old_name, new_name } of migrations) {
      for (const name of [new_name, table]) {
        renamed.set(JSON.stringify([schema, old_name, name]), keyOf(schema, table));
      }
    }
  }
  return renames.map((one): Wanted => {
    const { schema, old_name, new_name } = one;
    const key = keyOf(schema, old_name);
    if (now.has(key)) return { ...one, done: false, table: key };
    const table = renamed.get(JSON.stringify([schema, old_name, new_name]));
    return { ...one, done: table !== undefined, table };
  });
}

/** The same, where what is proposed already has not to be proposed again. */
export function leavingOutProposed(
  wanted: Wanted[],
  pending: Pick<Migration, "schema_name" | "old_name" | "new_name">[],
): Wanted[] {
  const key = (...names: string[]) => JSON.stringify(names);
  const proposed = new Set(
    pending.map(({ schema_name, old_name, new_name }) => key(schema_name, old_name, new_name)),
  );
  return wanted.map((one) =>
    !one.done && proposed.has(key(one.schema, one.old_name, one.new_name))
      ? { ...one, done: true, proposed: true }
      : one
  );
}

/**
 * Refuses renames that cannot all be made, with all that is wrong.
 *
 * @throws {UsageError} Two tables would get one name, a name exists, or is no identifier.
 */
export function requirePossible(wanted: Wanted[], tables: Table[]): void {
  const toDo = wanted.filter(({ done }) => !done);
  const now = new Set(tables.map(({ schema, table }) => keyOf(schema, table)));
  const leaving = new Set(toDo.map(({ schema, old_name }) => keyOf(schema, old_name)));
  const byNewName = Map.groupBy(toDo, ({ schema, new_name }) => keyOf(schema, new_name));
  const faults = toDo.flatMap((one) => {
    const { schema, old_name, new_name } = one;
    const key = keyOf(schema, new_name);
    const others = byNewName.get(key)!.filter((other) => other !== one);
    const fault = identifierFault(new_name) ??
      (others.length > 0
        ? `${others.map((other) => other.old_name).slice(0, 3).join(", ")} would get the same name`
        : leaving.has(key)
        ? "that is a table which is to be renamed itself; rename it before, on its own"
        : now.has(key)
        ? "there is a table of that name"
        : null);
    return fault === null ? [] : [`${shownName(schema, old_name)} → ${new_name || '""'}: ${fault}`];
  });
  if (faults.length === 0) return;
  throw new UsageError(
    `${counted(faults.length, "table")} cannot be renamed so. Nothing was changed.\n` +
      faults.map((line) => `  ${line}`).join("\n"),
  );
}
