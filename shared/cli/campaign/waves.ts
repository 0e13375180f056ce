/** Waves: many renames as batches that follow each other. */
import type { AnalyzedTable } from "../../contract/responses.ts";
import { keyOf, type Wanted } from "../../contract/new_names.ts";
import { compared } from "./tables.ts";

/**
 * The renames in waves of at most `most` tables. Tables that are connected by foreign keys are in one wave where they
 * fit into one, and else in waves next to each other. Those that are done count, so that the waves of a command are the
 * same when it goes on.
 */
export function inWaves(
  wanted: Wanted[],
  tables: Pick<AnalyzedTable, "schema" | "table" | "references">[],
  most: number,
): Wanted[][] {
  const waves: Wanted[][] = [];
  let open: Wanted[] | undefined;
  for (const group of connected(wanted, tables)) {
    if (open === undefined || open.length + group.length > most) waves.push(open = []);
    for (const one of group) {
      if (open.length === most) waves.push(open = []);
      open.push(one);
    }
  }
  return waves;
}

/** Tables that foreign keys connect, directly or by way of others, group by group, in the order of their old names. */
function connected(
  wanted: Wanted[],
  tables: Pick<AnalyzedTable, "schema" | "table" | "references">[],
): Wanted[][] {
  const ordered = wanted.toSorted((a, b) =>
    compared(a.schema, b.schema) || compared(a.old_name, b.old_name)
  );
  const byTable = new Map(ordered.map((one, index) => [one.table ?? "", index]));
  const neighbours = ordered.map(() => new Set<number>());
  for (const { schema, table, references = [] } of tables) {
    const from = byTable.get(keyOf(schema, table));
    if (from === undefined) continue;
    for (const other of references) {
      const to = byTable.get(keyOf(other.schema, other.table));
      if (to === undefined) continue;
      neighbours[from].add(to);
      neighbours[to].add(from);
    }
  }
  const seen = new Set<number>();
  return ordered.flatMap((_, start) => {
    if (seen.has(start)) return [];
    // A set can grow while it is gone through.
    const group = new Set([start]);
    for (const index of group) {
      for (const next of [...neighbours[index]].sort((a, b) => a - b)) group.add(next);
    }
    for (const index of group) seen.add(index);
    return [[...group].map((index) => ordered[index])];
  });
}
