/**
 * A row of our own: the recipe by which it is copied from a row of the table, with fresh values where something
 * must be unique, or made up where the table is empty. Identity and generated columns make their own values.
 */
import { asClients } from "./trial.ts";
import type { RelationFacts } from "../facts/facts.ts";
import { ident, literal, qualified } from "../sql/quoting.ts";
import type { ForeignKeyFacts, KeyFacts, VerifyFacts } from "../facts/verify_facts.ts";
import { type Freshness, freshValue, nearValue, plainValue, type ValueColumn } from "./values.ts";

/** What the recipe is made from. */
export interface OwnTable {
  /** The table as SQL. */
  name: string;
  columns: ValueColumn[];
  proof: VerifyFacts;
  /** Whether rules rewrite its statements. */
  ruled: boolean;
}

export interface OwnRow {
  /** Ways to fill the record `made`, to be tried one after the other; statements of PL/pgSQL. */
  ways: string[];
  /** Columns that the row is inserted with. */
  columns: string[];
  /** Columns that must be given: all that have no value of their own. */
  required: string[];
  /** Columns by which the row is found again; empty where there are none. */
  key: string[];
  /** Whether no other row can have the same key. */
  unique: boolean;
  /** Columns for ON CONFLICT; empty where no index would do. */
  conflict: string[];
}

/** Table and proof facts as one. */
export function ownTable(table: RelationFacts, proof: VerifyFacts): OwnTable {
  const types = new Map(proof.columns.map((column) => [column.name, column]));
  return {
    name: qualified(table.schema, table.name),
    columns: table.columns.map((column) => ({ ...column, type_facts: types.get(column.name)! })),
    proof,
    ruled: table.rules.length > 0,
  };
}

/** Columns that make their own value unless one is given. */
export const hasOwnValue = ({ default: own, identity }: ValueColumn): boolean =>
  own !== null || identity !== "";

/** The recipe for a table with or without a row to copy. */
export function ownRow(table: OwnTable, copied: boolean): OwnRow {
  const given = table.columns.filter(({ generated }) => generated === "");
  const columns = copied ? given : given.filter((column) => !hasOwnValue(column));
  const unique = table.proof.keys.find(isKey(table.columns));
  const stand_in = unique === undefined && copied ? standInKey(table) : undefined;
  return {
    ways: copied ? copies(table, stand_in) : [madeUp(table, columns)],
    columns: columns.map(({ name }) => name),
    required: given.filter((column) => !hasOwnValue(column)).map(({ name }) => name),
    key: unique === undefined ? stand_in ?? [] : unique.columns as string[],
    unique: unique !== undefined,
    conflict: (unique?.immediate ? unique.columns : []) as string[],
  };
}

/** Whether a row can be named by the index: plain columns, never null. */
const isKey = (columns: ValueColumn[]) => (key: KeyFacts): boolean =>
  !key.exclusion && !key.partial && key.columns.length > 0 &&
  key.columns.every((name) => columns.some((column) => column.name === name && column.not_null));

/** A column that a fresh value makes as good as a key. */
function standInKey(table: OwnTable): string[] | undefined {
  const column = table.columns.find((column) => isFree(table, column) && isFreshable(column));
  return column && [column.name];
}

const isFreshable = (column: ValueColumn): boolean =>
  column.generated === "" && column.identity !== "a" &&
  freshValue(column, "null", "new") !== null;

/** Whether the value is nobody else's business: no foreign key, and not what chooses the partition. */
const isFree = ({ proof }: OwnTable, { name }: ValueColumn): boolean =>
  !proof.partition_columns.includes(name) &&
  !proof.foreign_keys.some(({ direction, columns }) =>
    direction !== "in" && columns.includes(name)
  );

/**
 * The column whose value an update changes: any but those of keys, neighbours and partitions, rather one that
 * no policy or check looks at, and rather a text than a number or what may stand for something else.
 */
export function changeable(table: OwnTable, among: string[]): ValueColumn | undefined {
  const keyed = new Set(table.proof.keys.flatMap(({ depends_on }) => depends_on));
  const neighbours = new Set(table.proof.foreign_keys.flatMap(({ columns }) => columns));
  const categories = ["S", "N", "D", "B"];
  const rank = ({ name, type_facts: { category } }: ValueColumn) =>
    (table.proof.watched.includes(name) ? 10 : 0) +
    (categories.includes(category) ? categories.indexOf(category) : categories.length);
  return table.columns.filter((column) =>
    among.includes(column.name) && column.generated === "" && column.identity === "" &&
    !keyed.has(column.name) && !neighbours.has(column.name) && isFree(table, column) &&
    nearValue(column, "null") !== null
  ).sort((a, b) => rank(a) - rank(b))[0];
}

/** A field of a record. */
export const field = (record: string, name: string): string => `${record}.${ident(name)}`;

/** Ways to copy: with fresh values, with fresh ones around the old, and at last with empty ones. */
function copies(table: OwnTable, also: string[] = []): string[] {
  const ways = (["new", "prefixed", "suffixed"] satisfies Freshness[]).map((freshness) =>
    freshCopy(table, also, freshness, false)
  );
  return [...new Set([...ways, freshCopy(table, also, "new", true)])];
}

function freshCopy(
  table: OwnTable,
  also: string[],
  freshness: Freshness,
  emptied: boolean,
): string {
  const fresh = new Set<string>();
  const steps: string[] = ["made := source;"];
  const freshen = (column: ValueColumn) => {
    const value = emptied && canBeEmptied(column)
      ? emptyValue(column)
      : freshValue(column, field("source", column.name), freshness)!;
    steps.push(`${field("made", column.name)} := ${value};`);
    fresh.add(column.name);
  };
  const byName = (names: string[]) => table.columns.filter(({ name }) => names.includes(name));
  for (const column of byName(also)) freshen(column);
  // A sequence's number would be used up; any other number is as good.
  for (const key of table.proof.keys) {
    if (key.depends_on.some((name) => fresh.has(name))) continue;
    const columns = byName(key.depends_on).filter(({ generated }) => generated === "");
    const free = columns.filter((column) => isFree(table, column));
    const freshable = free.filter((column) => freshValue(column, "null", freshness) !== null);
    const chosen = (emptied ? free.find(canBeEmptied) : undefined) ??
      freshable.at(freshness === "suffixed" ? -1 : 0);
    if (chosen !== undefined) freshen(chosen);
    else {
      const search = unusedNeighbours(table, key);
      if (search === null) continue;
      steps.push(search.step);
      for (const name of search.columns) fresh.add(name);
    }
  }
  return steps.join("\n      ");
}

/** An empty range excludes nothing, and NULL equals nothing. */
const canBeEmptied = ({ type_facts, not_null, default: own }: ValueColumn): boolean =>
  type_facts.kind === "r" || (!not_null && own === null);

const emptyValue = (column: ValueColumn): string =>
  column.type_facts.kind === "r" ? `'empty'::${column.type}` : "null";

/** Rows of each neighbour among which an unused combination is looked for, where there are several. */
const MAX_NEIGHBOURS = 100;

/** For a key that consists of references: neighbours that no row combines so far. */
function unusedNeighbours(
  table: OwnTable,
  { columns }: KeyFacts,
): { step: string; columns: string[] } | null {
  if (columns.some((name) => name === null)) return null;
  const names = columns as string[];
  const references = names.flatMap((name) => {
    const reference = table.proof.foreign_keys.find((one) => isReferenceBy(one, name));
    return reference === undefined ? [] : [{ name, reference }];
  });
  if (references.length === 0) return null;
  const limit = references.length === 1 ? "" : ` limit ${MAX_NEIGHBOURS}`;
  const from = references.map(({ reference }, index) => {
    const neighbour = qualified(reference.schema, reference.table);
    const [column] = reference.neighbour_columns;
    return `(select n.${ident(column)} as value from ${neighbour} as n${limit}) as r${index}`;
  });
  const others = names.filter((name) => !references.some((one) => one.name === name));
  const conditions = [
    ...references.map(({ name }, index) => `t.${ident(name)} = r${index}.value`),
    ...others.map((name, index) => `t.${ident(name)} = $${index + 1}`),
  ];
  const query = `select ${references.map((_, index) => `r${index}.value`).join(", ")}
from ${from.join(", ")}
where not exists (select from ${table.name} as t where ${conditions.join(" and ")})
limit 1`;
  const using = others.length === 0
    ? ""
    : ` using ${others.map((name) => field("made", name)).join(", ")}`;
  const into = references.map(({ name }) => field("made", name)).join(", ");
  return {
    step: asClients(`execute ${literal(query)} into ${into}${using};`),
    columns: references.map(({ name }) => name),
  };
}

const isReferenceBy = ({ direction, columns }: ForeignKeyFacts, name: string): boolean =>
  direction === "out" && columns.length === 1 && columns[0] === name;

/** A row of constants, NULL where it may be; what must refer to a neighbour refers to any of its rows. */
function madeUp(table: OwnTable, columns: ValueColumn[]): string {
  const steps = [
    asClients(`execute ${literal(`select * from ${table.name} limit 0`)} into made;`),
  ];
  const needed = columns.filter(({ not_null }) => not_null).map(({ name }) => name);
  const references = table.proof.foreign_keys.filter(({ direction, columns: own }) =>
    direction === "out" && own.some((name) => needed.includes(name))
  );
  for (const column of columns) {
    if (!needed.includes(column.name)) continue;
    if (references.some((reference) => reference.columns.includes(column.name))) continue;
    steps.push(`${field("made", column.name)} := ${plainValue(column)};`);
  }
  for (const { schema, table: neighbour, columns: own, neighbour_columns } of references) {
    const query = `select ${neighbour_columns.map(ident).join(", ")} from ${
      qualified(schema, neighbour)
    } limit 1`;
    steps.push(
      asClients(
        `execute ${literal(query)} into ${own.map((name) => field("made", name)).join(", ")};`,
      ),
    );
  }
  return steps.join("\n      ");
}
