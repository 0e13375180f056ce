/** The statements that write: what is tried through both names. */
import { OWN_STATEMENT } from "../sql/own_statements.ts";
import { ident } from "../sql/quoting.ts";
import { changeable, field, hasOwnValue, type OwnRow, type OwnTable } from "./own_row.ts";
import { plainValue, type ValueColumn } from "./values.ts";
import type { Persona } from "./personas.ts";

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

/** Writes that need no row of our own to be there. */
export const inserts = (name: WriteName): boolean => name.startsWith("INSERT");

/** What differs from one table and persona to the next. */
export interface WriteContext {
  table: OwnTable;
  row: OwnRow;
  /** Columns that both names have. */
  columns: string[];
  persona: Persona;
}

/** A statement with parameters, and the fields of records that they are. */
export interface WriteStatement {
  sql: string;
  using: string[];
  /** Whether it answers with the row, as jsonb. */
  returns: boolean;
}

/** Values as parameters, filled from records of the block; or, to be explained only, as constants. */
type Value = (record: "made" | "own" | "mark", column: ValueColumn) => string;

/**
 * The statement through a name; null where the table gives no occasion for it.
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
  const value: Value = explained
    ? (_, column) => plainValue(column)
    : (record, column) => `$${using.push(field(record, record === "mark" ? "v" : column.name))}`;
  const text = BUILD[write](name, context, value);
  return text === null ? null : {
    // A rule that makes several statements of one refuses WITH.
    sql: context.table.ruled ? text : `${OWN_STATEMENT} ${text}`,
    using,
    returns: write === "INSERT with defaults" && text.includes("returning"),
  };
}

/** Those among `columns` that the persona may write; all, where it may write all or none. */
const allowed = ({ persona }: WriteContext, privilege: "insert" | "update", columns: string[]) => {
  const own = columns.filter((column) => persona.role[privilege].includes(column));
  return own.length === 0 ? columns : own;
};

const find = ({ table }: WriteContext, names: string[]): ValueColumn[] =>
  table.columns.filter(({ name }) => names.includes(name));

const common = ({ columns }: WriteContext, names: string[]): string[] =>
  names.filter((name) => columns.includes(name));

const list = (columns: { name: string }[]) => columns.map(({ name }) => ident(name)).join(", ");

const BUILD: Record<
  WriteName,
  (name: string, context: WriteContext, value: Value) => string | null
> = {
  "INSERT": (name, context, value) => {
    const columns = find(context, allowed(context, "insert", common(context, context.row.columns)))
      .filter(({ identity }) => identity !== "a");
    return insert(name, columns, (column) => value("made", column));
  },
  "INSERT with defaults": (name, context, value) => {
    const columns = find(
      context,
      allowed(context, "insert", common(context, context.row.required)),
    );
    if (context.columns.length === 0) return null;
    return `${insert(name, columns, (column) => value("made", column))}
returning ${context.columns.map(ident).join(", ")}`;
  },
  "UPDATE": (name, context, value) => {
    const columns = allowed(context, "update", common(context, context.row.columns));
    const changed = changeable(context.table, columns);
    const kept = find(context, columns).find(({ identity }) => identity === "");
    if (changed === undefined && kept === undefined) return null;
    const set = changed !== undefined
      ? `${ident(changed.name)} = ${value("mark", changed)}`
      : `${ident(kept!.name)} = ${value("own", kept!)}`;
    return `update ${name} set ${set} where ${found(context, value)}`;
  },
  "UPDATE to defaults": (name, context, value) => {
    const defaults = defaultColumns(context);
    if (defaults.length === 0) return null;
    return `update ${name} set ${toDefaults(defaults)} where ${found(context, value)}`;
  },
  "DELETE": (name, context, value) => `delete from ${name} where ${found(context, value)}`,
  "upsert": (name, context, value) => {
    const { row, table } = context;
    if (row.conflict.length === 0) return null;
    const columns = find(context, allowed(context, "insert", common(context, upserted(context))));
    const changed = changeable(table, allowed(context, "update", columns.map(({ name }) => name)));
    const defaults = defaultColumns(context);
    const set = [
      ...(changed === undefined || defaults.includes(changed)
        ? []
        : [`${ident(changed.name)} = ${value("mark", changed)}`]),
      ...(defaults.length === 0 ? [] : [toDefaults(defaults)]),
    ];
    if (set.length === 0) return null;
    return `${insert(name, columns, (column) => value("own", column))}
on conflict (${row.conflict.map(ident).join(", ")}) do update set ${set.join(", ")}`;
  },
  "upsert that does nothing": (name, context, value) => {
    const { row } = context;
    if (row.conflict.length === 0) return null;
    const columns = find(context, allowed(context, "insert", common(context, upserted(context))));
    return `${insert(name, columns, (column) => value("own", column))}
on conflict (${row.conflict.map(ident).join(", ")}) do nothing`;
  },
};

/** The columns of the row that is there already, its key among them even if it makes its own value. */
const upserted = ({ row }: WriteContext): string[] => [
  ...new Set([...row.conflict, ...row.columns]),
];

function insert(
  name: string,
  columns: ValueColumn[],
  value: (column: ValueColumn) => string,
): string {
  if (columns.length === 0) return `insert into ${name} default values`;
  // Without it an identity column that is generated always takes no value.
  const overriding = columns.some(({ identity }) => identity === "a")
    ? " overriding system value"
    : "";
  return `insert into ${name} (${list(columns)})${overriding} values (${
    columns.map(value).join(", ")
  })`;
}

/** The condition that finds the row of our own, and no other. */
function found(context: WriteContext, value: Value): string {
  const key = find(context, context.row.key);
  if (key.length === 0) return "false";
  return key.map((column) => `${ident(column.name)} = ${value("own", column)}`).join(" and ");
}

/** Columns with a default that a view must have, too: those whose default is not lost with a key. */
function defaultColumns(context: WriteContext): ValueColumn[] {
  const keyed = new Set(context.table.proof.keys.flatMap(({ depends_on }) => depends_on));
  const columns = find(context, allowed(context, "update", context.columns)).filter((column) =>
    hasOwnValue(column) && column.identity === "" && column.generated === ""
  );
  const free = columns.filter(({ name }) => !keyed.has(name));
  return free.filter(({ name }) => !context.table.proof.partition_columns.includes(name));
}

const toDefaults = (columns: ValueColumn[]) =>
  columns.map(({ name }) => `${ident(name)} = default`).join(", ");
