/** Names of tables that extensions keep in their rows, which a rename does not change. */
import type { Finding } from "../contract/responses.ts";
import { ident, literal, qualified } from "../sql/quoting.ts";

/** A column of an extension's table that is called like names of tables. */
export interface NameColumn {
  extension: string;
  schema: string;
  table: string;
  column: string;
  /** Whether it is of type regclass, which follows a rename. */
  by_oid: boolean;
  /** The column of the same table that has the schema's name; null where there is none. */
  schema_column: string | null;
  /** Whether it may be looked into: it is small enough, and the session's role may read it. */
  readable: boolean;
}

/** A value of such a column that is one of the names looked for. */
interface NameInRow {
  column: NameColumn;
  value: string;
  schema: string | null;
}

export interface NamesInRows {
  found: NameInRow[];
  unread: NameColumn[];
}

export const NO_NAMES_IN_ROWS: NamesInRows = { found: [], unread: [] };

export interface NameChange {
  oid: number;
  schema: string;
  from: string;
  /** Null where it is not chosen yet. */
  to: string | null;
}

/**
 * Extensions that are known to find their tables by these names, with what stops working. Others may follow a
 * rename by themselves.
 */
const KNOWN = new Map([
  ["pg_partman", "pg_partman makes and drops no partitions of the table any more"],
]);

/** The ways to write a table's name, with its schema and without, each with what another name is written as. */
function formsOf(schema: string, name: string) {
  const plain = (part: string) => /^[a-z_][a-z0-9_$]*$/.test(part) ? part : ident(part);
  return [
    { value: `${schema}.${name}`, write: (to: string) => `${schema}.${to}`, whole: true },
    {
      value: `${plain(schema)}.${plain(name)}`,
      write: (to: string) => `${plain(schema)}.${plain(to)}`,
      whole: true,
    },
    { value: qualified(schema, name), write: (to: string) => qualified(schema, to), whole: true },
    { value: name, write: (to: string) => to, whole: false },
    { value: ident(name), write: ident, whole: false },
  ];
}

export const valuesOf = (changes: Pick<NameChange, "schema" | "from">[]): string[] => [
  ...new Set(
    changes.flatMap(({ schema, from }) => formsOf(schema, from).map(({ value }) => value)),
  ),
];

/** What the caller should know of rows that hold a name which changes. */
export function namesInRowsFindings(
  { found, unread }: NamesInRows,
  changes: NameChange[],
): Finding[] {
  return [
    ...changes.flatMap((change) => found.flatMap((row) => findingOf(row, change))),
    ...unread.map((column): Finding => ({
      code: "names_in_rows",
      severity: "warning",
      object: objectOf(column),
      message:
        `The extension ${column.extension} may keep names of tables in this column, which could not be looked ` +
        "into: this role may not read it, it is very large, or it did not answer in time.",
      remedy:
        "Look for the table's old name there, and bring it up to date as the extension's manual says.",
    })),
  ];
}

/** What the caller should know of rows that hold a name which nothing has once a rename is ended or taken back. */
export function namesInRowsLeft(
  { found }: NamesInRows,
  changes: NameChange[],
  by: "finalize" | "rollback",
): Finding[] {
  return changes.flatMap((change) =>
    found.flatMap(({ column, value, schema }): Finding[] => {
      const meant = column.by_oid ? null : meaning(value, schema, change);
      if (meant === null) return [];
      const breaks = by === "finalize" && meant.certain && KNOWN.has(column.extension);
      return [{
        code: "names_in_rows",
        severity: breaks ? "breaking" : "warning",
        object: objectOf(column),
        message: `The extension ${column.extension} keeps the name ${
          literal(value)
        } in a row here, which nothing has after the ${by}.`,
        remedy: by === "finalize"
          ? `Run ${update(column, value, schema, meant.to)} before.`
          : `Run ${update(column, value, schema, meant.to)} right after the rollback.`,
      }];
    })
  );
}

const objectOf = ({ schema, table, column }: NameColumn) =>
  `${qualified(schema, table)}.${ident(column)}`;

function findingOf({ column, value, schema }: NameInRow, change: NameChange): Finding[] {
  const { extension } = column;
  const name = qualified(change.schema, change.from);
  if (column.by_oid) {
    if (value !== String(change.oid)) return [];
    return [{
      code: "names_in_rows",
      severity: "info",
      object: objectOf(column),
      message:
        `The extension ${extension} keeps ${name} here by its OID, which follows the rename.`,
      remedy: "Nothing to do.",
    }];
  }
  const meant = meaning(value, schema, change);
  if (meant === null) return [];
  const { certain, to } = meant;
  const stops = KNOWN.get(extension);
  return [{
    code: "names_in_rows",
    severity: stops !== undefined && certain ? "breaking" : "warning",
    object: objectOf(column),
    message: `The extension ${extension} keeps the name ${literal(value)} in a row here, which ${
      certain ? `means ${name}` : `may mean ${name}`
    } and does not follow the rename${stops === undefined ? "" : `: ${stops}`}.`,
    remedy: `${
      stops === undefined ? "Unless the extension follows renames by itself, run " : "Run "
    }${
      update(column, value, schema, to)
    } right after the rename, and the same the other way round right after a rollback.`,
  }];
}

/** How a value is written with the table's other name, and whether it surely is the table's; null if it is not. */
function meaning(
  value: string,
  schema: string | null,
  change: NameChange,
): { certain: boolean; to: string | null } | null {
  const form = formsOf(change.schema, change.from).find((one) => one.value === value);
  if (form === undefined || (schema !== null && schema !== change.schema)) return null;
  return {
    certain: form.whole || schema !== null,
    to: change.to === null ? null : form.write(change.to),
  };
}

function update(
  { schema, table, column, schema_column }: NameColumn,
  from: string,
  inSchema: string | null,
  to: string | null,
): string {
  const same = schema_column === null || inSchema === null
    ? ""
    : ` and ${ident(schema_column)} = ${literal(inSchema)}`;
  return `update ${qualified(schema, table)} set ${ident(column)} = ${
    to === null ? "'the new name'" : literal(to)
  } where ${ident(column)} = ${literal(from)}${same}`;
}
