/** The statements that write: what is tried through both names. */
import { OWN_STATEMENT } from "../sql/own_statements.ts";
import { ident } from "../sql/quoting.ts";
import type { Names } from "./both_names.ts";
import { permitted, type Persona } from "./personas.ts";
import { field } from "./block.ts";
import { changeable, hasOwnValue, type TestRow, type TestTable } from "./test_row.ts";
import { constantValue, type TypedColumn } from "./values.ts";

export const WRITES = [
  "INSERT",
  "INSERT with defaults",
  "UPDATE",
  "UPDATE to defaults",
  "DELETE",
  "upsert",
  "upsert that does nothing",
] as const;

export type WriteName = (typeof WRITES)[number];

/** Writes that need no test row to be there. */
export const inserts = (name: WriteName): boolean => name.startsWith("INSERT");

export interface SampledRow {
  tableoid: number;
  ctid: string;
}

export interface WriteContext {
  table: TestTable;
  row: TestRow;
  names: Names;
  persona: Persona;
  /** As whom the test row is inserted, and the result is looked at. */
  owner: Persona;
  /** Where the row is that is copied, its partition and place; null: it is made up. */
  sampled: SampledRow | null;
}

/** A statement with parameters, and the fields of records that they are. */
export interface WriteStatement {
  sql: string;
  using: string[];
  returns: boolean;
  /** The column that is set to `changed`, where there is one. */
  changed: TypedColumn | undefined;
}

/**
 * A value: a parameter, filled from a record of the block (the row to be inserted, the one that is there, or the
 * changed value); in statements that are only explained a constant.
 */
type Value = (record: "candidate" | "test_row" | "changed", column: TypedColumn) => string;

/**
 * The statement through a name; null where the table has no columns or keys for it.
 *
 * @param explained To be explained and not run: constants stand in place of a row's values.
 */
export function writeStatement(
  write: WriteName,
  name: string,
  context: WriteContext,
  explained = false,
): WriteStatement | null {
  const using: string[] = [];
  let changed: TypedColumn | undefined;
  const value: Value = (record, column) => {
    if (explained) return constantValue(column);
    if (record === "changed") changed = column;
    return `$${using.push(field(record, record === "changed" ? "value" : column.name))}`;
  };
  const text = BUILD[write](name, context, value);
  return text === null ? null : {
    // A rule that makes several statements of one refuses WITH.
    sql: context.table.hasRules ? text : `${OWN_STATEMENT} ${text}`,
    using,
    returns: write === "INSERT with defaults" && text.includes("returning"),
    changed,
  };
}

const BUILD: Record<
  WriteName,
  (name: string, context: WriteContext, value: Value) => string | null
> = {
  "INSERT": (name, context, value) => {
    const columns = insertable(context, context.row.columns)
      .filter(({ identity }) => identity !== "a");
    return insert(name, columns, (column) => value("candidate", column));
  },
  "INSERT with defaults": (name, context, value) => {
    if (context.names.columns.length === 0) return null;
    const columns = insertable(context, context.row.required);
    return `${insert(name, columns, (column) => value("candidate", column))}
returning ${context.names.columns.map(ident).join(", ")}`;
  },
  "UPDATE": (name, context, value) => {
    const columns = updatable(context, common(context, context.row.columns));
    const changed = changeable(context.table, columns);
    const kept = find(context, columns).find(({ identity }) => identity === "");
    if (changed === undefined && kept === undefined) return null;
    const set = changed !== undefined
      ? `${ident(changed.name)} = ${value("changed", changed)}`
      : `${ident(kept!.name)} = ${value("test_row", kept!)}`;
    return `update ${name} set ${set} where ${isTestRow(context, value)}`;
  },
  "UPDATE to defaults": (name, context, value) => {
    const defaults = defaultColumns(context);
    if (defaults.length === 0) return null;
    return `update ${name} set ${toDefaults(defaults)} where ${isTestRow(context, value)}`;
  },
  "DELETE": (name, context, value) => `delete from ${name} where ${isTestRow(context, value)}`,
  "upsert": (name, context, value) =>
    upsert(name, context, value, (columns) => {
      const among = updatable(context, columns.map(({ name }) => name));
      const changed = changeable(context.table, among);
      const defaults = defaultColumns(context);
      const set = [
        ...(changed === undefined || defaults.includes(changed)
          ? []
          : [`${ident(changed.name)} = ${value("changed", changed)}`]),
        ...(defaults.length === 0 ? [] : [toDefaults(defaults)]),
      ];
      return set.length === 0 ? null : `do update set ${set.join(", ")}`;
    }),
  "upsert that does nothing": (name, context, value) =>
    upsert(name, context, value, () => "do nothing"),
};

const find = ({ table }: WriteContext, names: string[]): TypedColumn[] =>
  table.columns.filter(({ name }) => names.includes(name));

const common = ({ names }: WriteContext, columns: string[]): string[] =>
  columns.filter((name) => names.columns.includes(name));

const updatable = ({ persona }: WriteContext, columns: string[]): string[] =>
  permitted(persona.role.update, columns);

/** Those of the columns that both names have and the persona may insert. */
const insertable = (context: WriteContext, columns: string[]): TypedColumn[] =>
  find(context, permitted(context.persona.role.insert, common(context, columns)));

function insert(
  name: string,
  columns: TypedColumn[],
  value: (column: TypedColumn) => string,
): string {
  if (columns.length === 0) return `insert into ${name} default values`;
  const list = columns.map((column) => ident(column.name)).join(", ");
  const values = columns.map(value).join(", ");
  return `insert into ${name} (${list})${overriding(columns)} values (${values})`;
}

/** Without it an identity column that is generated always takes no value. */
export const overriding = (columns: TypedColumn[]): string =>
  columns.some(({ identity }) => identity === "a") ? " overriding system value" : "";

/** Inserts the test row, which is there, its key included even if that makes its own value. */
function upsert(
  name: string,
  context: WriteContext,
  value: Value,
  action: (columns: TypedColumn[]) => string | null,
): string | null {
  const { conflict, columns: given } = context.row;
  if (conflict.length === 0) return null;
  const columns = insertable(context, [...new Set([...conflict, ...given])]);
  const does = action(columns);
  return does && `${insert(name, columns, (column) => value("test_row", column))}
on conflict (${conflict.map(ident).join(", ")}) ${does}`;
}

/** The condition that finds the test row, and no other. */
function isTestRow(context: WriteContext, value: Value): string {
  const key = find(context, context.row.key);
  if (key.length === 0) return "false";
  return key.map((column) => `${ident(column.name)} = ${value("test_row", column)}`).join(" and ");
}

/** Columns with a default that the view must have, too, but for keys and what chooses the partition. */
function defaultColumns(context: WriteContext): TypedColumn[] {
  const { keys, partition_columns } = context.table.facts;
  const fixed = [...keys.flatMap(({ depends_on }) => depends_on), ...partition_columns];
  return find(context, updatable(context, context.names.columns)).filter((column) =>
    hasOwnValue(column) && column.identity === "" && column.generated === "" &&
    !fixed.includes(column.name)
  );
}

const toDefaults = (columns: TypedColumn[]) =>
  columns.map(({ name }) => `${ident(name)} = default`).join(", ");
