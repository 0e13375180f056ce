/** Many renames: which tables get which names, which have them already, and which cannot get them. */
import {
  keyOf,
  newNameFaults,
  type Pattern,
  patternOf,
  type Wanted,
  type WantedRename,
} from "../../contract/new_names.ts";
import type { AnalyzedTable, Migration } from "../../contract/responses.ts";
import { counted } from "../../report/document/text.ts";
import { shownName } from "../../report/migrations.ts";
import { messageOf, UsageError } from "../exit_codes.ts";

/**
 * Makes patterns of the values of options, pair by pair.
 *
 * @throws {UsageError} A value is missing or is no regular expression.
 */
export function patternsFrom(matches: string[], tos: string[]): Pattern[] {
  if (matches.length !== tos.length) {
    throw new UsageError(
      `each --match needs its --to; there are ${matches.length} --match and ${tos.length} --to`,
    );
  }
  return matches.map((source, index) => patternFrom(source, tos[index]));
}

function patternFrom(source: string, to: string): Pattern {
  try {
    return patternOf(source, to);
  } catch (cause) {
    throw new UsageError(`--match ${source}: ${messageOf(cause)}`, { cause });
  }
}

type Table = Pick<AnalyzedTable, "schema" | "table" | "migrations">;

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
  const faults = newNameFaults(toDo, tables).flatMap((fault, index) => {
    const { schema, old_name, new_name } = toDo[index];
    return fault === null ? [] : [`${shownName(schema, old_name)} → ${new_name || '""'}: ${fault}`];
  });
  if (faults.length === 0) return;
  throw new UsageError(
    `${counted(faults.length, "table")} cannot be renamed like this. Nothing was changed.\n` +
      faults.map((line) => `  ${line}`).join("\n"),
  );
}
