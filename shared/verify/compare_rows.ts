/** Rows that a query gives through both names, as a persona: counted and fingerprinted on the server. */
import type { VerifyRequest } from "../contract/requests.ts";
import { literal } from "../sql/quoting.ts";
import { asClients, fields, personaBlock, raiseCost, tryAs } from "./block.ts";
import {
  describeOutcome,
  type Mismatch,
  namedInError,
  type NameOutcome,
  type Names,
} from "./both_names.ts";
import type { Persona } from "./personas.ts";

export type RowLimits = Pick<VerifyRequest, "max_cost" | "max_rows">;

/** A query by a name for the number and the fingerprint of some of its rows. */
export interface RowsQuery<Extent extends string> {
  extent: Extent;
  /** Null: nothing is run. */
  sql: ((name: string) => string) | null;
  /** Statements of the block before it, which may fill the records `first_row` and `last_row`. */
  prepare?: string;
  /** ` using …`: its parameters, where it has any. */
  using?: string;
}

export interface RowsOutcome<Extent extends string> {
  compared: Extent;
  table: NameOutcome;
  view: NameOutcome;
  /** Whether the rows are the same, value for value. */
  same: boolean;
}

const NAMES = ["table", "view"] as const;

/** Settings under which rows without a key come in the same order twice: as they are stored. */
export const STABLE_ORDER = {
  synchronize_seqscans: "off",
  max_parallel_workers_per_gather: "0",
};

/** Number of rows and sum of their hashes, which does not depend on their order. */
export const countAndFingerprint = (columns: string[]): string => {
  const row = `row(${fields("t", columns)})`;
  return `pg_catalog.count(*), pg_catalog.sum(pg_catalog.hashtextextended(${row}::text, 0)::numeric)`;
};

/**
 * The block that compares the rows of the first query whose estimated cost is at most `maxCost` through both names, or of
 * the last query, whatever it costs. Its outcome is a `RowsOutcome`.
 */
export function rowsBlock<Extent extends string>(
  persona: Persona,
  names: Names,
  queries: RowsQuery<Extent>[],
  maxCost: number,
): string {
  const choose = ({ extent, sql }: RowsQuery<Extent>) =>
    `if compared is null then
    cost := 0;
    ${NAMES.map((which) => tryAs(persona, raiseCost(sql!(names[which])))).join("")}
    if cost <= ${maxCost} then compared := ${literal(extent)}; end if;
  end if;`;
  const choice = `compared := coalesce(compared, ${literal(queries.at(-1)!.extent)});`;
  const prepare = queries.filter(({ prepare }) => prepare !== undefined).map((query) =>
    `if compared = ${literal(query.extent)} then
    ${query.prepare}
  end if;`
  );
  const read = (which: "table" | "view") => {
    const branches = queries.flatMap(({ extent, sql, using = "" }) => {
      if (sql === null) return [];
      return `if compared = ${literal(extent)} then
      ${asClients(sql(names[which]), { into: `${which}_rows, ${which}_print`, using })}
    end if;`;
    });
    return tryAs(
      persona,
      branches.join("\n    "),
      `${which}_state := sqlstate; named := coalesce(named, ${namedInError(names)});`,
    );
  };
  const steps = [...queries.slice(0, -1).map(choose), choice, ...prepare, ...NAMES.map(read)];
  return personaBlock(persona, {
    declare: `plan json; cost float8; compared text; named text;
  first_row record; last_row record;
  table_state text; table_rows int8; table_print numeric;
  view_state text; view_rows int8; view_print numeric;`,
    run: steps.join("\n  "),
    outcome: `jsonb_build_object(
    'compared', compared,
    'table', jsonb_build_object('sqlstate', table_state, 'rows', table_rows, 'named', named),
    'view', jsonb_build_object('sqlstate', view_state, 'rows', view_rows),
    'same', table_rows is not distinct from view_rows and table_print is not distinct from view_print)`,
  });
}

/** How the rows through both names differ; null where they are the same, or were refused alike. */
export function rowsMismatch(
  { table, view, same }: RowsOutcome<string>,
  names: Names,
): Mismatch | null {
  if (table.sqlstate === view.sqlstate && (table.sqlstate !== null || same)) return null;
  const asMany = view.sqlstate === null && view.rows === table.rows;
  return {
    expected: describeOutcome(table),
    got: describeOutcome(view) + (asMany ? `, but other rows than ${names.table} has` : ""),
  };
}
