/**
 * The test row: how a row that the table takes is copied from one of its rows, with fresh values where something must
 * be unique, or made up of constants where the table is empty. Identity and generated columns make their own values.
 */
import type { RelationFacts } from "../facts/facts.ts";
import type { ForeignKeyFacts, KeyFacts, VerifyFacts } from "../facts/verify_facts.ts";
import { ident, qualified } from "../sql/quoting.ts";
import { asClients, field, fields, usingFields } from "./block.ts";
import {
  changedValue,
  constantValue,
  type Freshness,
  freshValue,
  type TypedColumn,
} from "./values.ts";

export interface TestTable {
  /** Its name as SQL. */
  sql: string;
  columns: TypedColumn[];
  facts: VerifyFacts;
  hasRules: boolean;
}

export interface TestRow {
  /** Ways to fill the record `candidate`, to be tried one after the other; statements of PL/pgSQL. */
  ways: string[];
  columns: string[];
  /** Columns that must be given, since they make no value of their own. */
  required: string[];
  /** Columns by which the row is found again; empty where there are none. */
  key: string[];
  unique: boolean;
  /** Columns for ON CONFLICT; empty where no index would do. */
  conflict: string[];
}

export function testTable(table: RelationFacts, facts: VerifyFacts): TestTable {
  const types = new Map(facts.columns.map((column) => [column.name, column]));
  return {
    sql: qualified(table.schema, table.name),
    columns: table.columns.map((column) => ({ ...column, type_facts: types.get(column.name)! })),
    facts,
    hasRules: table.rules.length > 0,
  };
}

/** Whether the column makes its own value unless one is given. */
export const hasOwnValue = ({ default: own, identity }: TypedColumn): boolean =>
  own !== null || identity !== "";

/** @param copied Whether there is a row to copy. */
export function testRow(table: TestTable, copied: boolean): TestRow {
  const given = table.columns.filter(({ generated }) => generated === "");
  const required = given.filter((column) => !hasOwnValue(column));
  const columns = copied ? given : required;
  const unique = table.facts.keys.find((key) => isRowKey(key, table.columns));
  const substitute = unique === undefined && copied ? substituteKey(table) : [];
  return {
    ways: copied ? copies(table, substitute) : [madeUp(table, columns)],
    columns: columns.map(({ name }) => name),
    required: required.map(({ name }) => name),
    key: unique === undefined ? substitute : unique.columns as string[],
    unique: unique !== undefined,
    conflict: (unique?.immediate ? unique.columns : []) as string[],
  };
}

/** Whether the index finds any row: plain columns, never null. */
const isRowKey = (key: KeyFacts, columns: TypedColumn[]): boolean =>
  !key.exclusion && !key.partial && key.columns.length > 0 &&
  key.columns.every((name) => columns.some((column) => column.name === name && column.not_null));

/** A column that a fresh value makes as good as a key; none, if there is none. */
const substituteKey = (table: TestTable): string[] =>
  table.columns.filter((column) =>
    isFree(table, column) && column.generated === "" && column.identity !== "a" &&
    freshValue(column, "null", "new") !== null
  ).slice(0, 1).map(({ name }) => name);

/** Whether any value will do: no foreign key, and not what chooses the partition. */
const isFree = ({ facts }: TestTable, { name }: TypedColumn): boolean =>
  !facts.partition_columns.includes(name) &&
  !facts.foreign_keys.some(({ direction, columns }) =>
    direction !== "in" && columns.includes(name)
  );

/** Type categories in the order in which columns are chosen to be changed: texts, numbers, times, booleans. */
const CHANGED_FIRST = ["S", "N", "D", "B"];

/**
 * The column whose value an update changes: none of keys, neighbours and partitions, and rather one that no policy or
 * check looks at.
 */
export function changeable(table: TestTable, among: string[]): TypedColumn | undefined {
  const keyed = new Set(table.facts.keys.flatMap(({ depends_on }) => depends_on));
  const neighbours = new Set(table.facts.foreign_keys.flatMap(({ columns }) => columns));
  const rank = ({ name, type_facts: { category } }: TypedColumn) => {
    const place = CHANGED_FIRST.indexOf(category);
    return (table.facts.watched.includes(name) ? 10 : 0) +
      (place < 0 ? CHANGED_FIRST.length : place);
  };
  return table.columns.filter((column) =>
    among.includes(column.name) && column.generated === "" && column.identity === "" &&
    !keyed.has(column.name) && !neighbours.has(column.name) && isFree(table, column) &&
    changedValue(column, "null") !== null
  ).sort((a, b) => rank(a) - rank(b))[0];
}

/** Ways to copy: with fresh values, with fresh ones around the old, and at last with empty ones. */
function copies(table: TestTable, also: string[]): string[] {
  const ways = (["new", "prefixed", "suffixed"] satisfies Freshness[]).map((freshness) =>
    freshCopy(table, also, freshness, false)
  );
  return [...new Set([...ways, freshCopy(table, also, "new", true)])];
}

function freshCopy(
  table: TestTable,
  also: string[],
  freshness: Freshness,
  emptied: boolean,
): string {
  const fresh = new Set<string>();
  const steps: string[] = ["candidate := source;"];
  const freshen = (column: TypedColumn) => {
    const value = emptied && canBeEmptied(column)
      ? emptyValue(column)
      : freshValue(column, field("source", column.name), freshness)!;
    steps.push(`${field("candidate", column.name)} := ${value};`);
    fresh.add(column.name);
  };
  const byName = (names: string[]) => table.columns.filter(({ name }) => names.includes(name));
  for (const column of byName(also)) freshen(column);
  // The default of a column is not used, for a sequence's number would be used up.
  for (const key of table.facts.keys) {
    if (key.depends_on.some((name) => fresh.has(name))) continue;
    const free = byName(key.depends_on).filter((column) =>
      column.generated === "" && isFree(table, column)
    );
    const freshable = free.filter((column) => freshValue(column, "null", freshness) !== null);
    const chosen = (emptied ? free.find(canBeEmptied) : undefined) ??
      freshable.at(freshness === "suffixed" ? -1 : 0);
    if (chosen !== undefined) {
      freshen(chosen);
      continue;
    }
    const search = unusedNeighbours(table, key);
    if (search === null) continue;
    steps.push(search.step);
    for (const name of search.columns) fresh.add(name);
  }
  return steps.join("\n      ");
}

/** An empty range excludes nothing, and NULL equals nothing. */
const canBeEmptied = ({ type_facts, not_null, default: own }: TypedColumn): boolean =>
  type_facts.kind === "r" || (!not_null && own === null);

const emptyValue = (column: TypedColumn): string =>
  column.type_facts.kind === "r" ? `'empty'::${column.type}` : "null";

/** Rows of each neighbour among which an unused combination is looked for, where there are several. */
const MAX_NEIGHBOURS = 100;

/** For a key that consists of references: neighbours that no row combines so far. */
function unusedNeighbours(
  table: TestTable,
  { columns }: KeyFacts,
): { step: string; columns: string[] } | null {
  if (columns.some((name) => name === null)) return null;
  const names = columns as string[];
  const references = names.flatMap((name) => {
    const reference = table.facts.foreign_keys.find((one) => isReferenceBy(one, name));
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
  const combined = [
    ...references.map(({ name }, index) => `t.${ident(name)} = r${index}.value`),
    ...others.map((name, index) => `t.${ident(name)} = $${index + 1}`),
  ];
  const query = `select ${references.map((_, index) => `r${index}.value`).join(", ")}
from ${from.join(", ")}
where not exists (select from ${table.sql} as t where ${combined.join(" and ")})
limit 1`;
  const found = references.map(({ name }) => name);
  return {
    step: asClients(query, {
      into: fields("candidate", found),
      using: usingFields("candidate", others),
    }),
    columns: found,
  };
}

const isReferenceBy = ({ direction, columns }: ForeignKeyFacts, name: string): boolean =>
  direction === "out" && columns.length === 1 && columns[0] === name;

/** A row of constants, NULL where it may be; what must refer to a neighbour refers to any of its rows. */
function madeUp(table: TestTable, columns: TypedColumn[]): string {
  const needed = columns.filter(({ not_null }) => not_null);
  const references = table.facts.foreign_keys.filter((key) =>
    key.direction === "out" && needed.some(({ name }) => key.columns.includes(name))
  );
  const constants = needed
    .filter(({ name }) => !references.some((key) => key.columns.includes(name)))
    .map((column) => `${field("candidate", column.name)} := ${constantValue(column)};`);
  const neighbours = references.map((key) => {
    const list = key.neighbour_columns.map(ident).join(", ");
    const query = `select ${list} from ${qualified(key.schema, key.table)} limit 1`;
    return asClients(query, { into: fields("candidate", key.columns) });
  });
  return [
    asClients(`select * from ${table.sql} limit 0`, { into: "candidate" }),
    ...constants,
    ...neighbours,
  ].join("\n      ");
}
