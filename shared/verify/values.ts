/**
 * Values for a row of our own, as expressions of PL/pgSQL: fresh ones for what must be unique, near ones for
 * an update that changes something, plain ones where there is no row to copy. Cast to the column's type.
 */
import type { ColumnFacts } from "../facts/facts.ts";
import { literal } from "../sql/quoting.ts";
import type { VerifyColumn } from "../facts/verify_facts.ts";

/** A column with what is known of its type. */
export interface ValueColumn extends ColumnFacts {
  type_facts: VerifyColumn;
}

/**
 * How a fresh value is made, since a check may ask for a form: texts of nothing, or before or behind the text
 * that is there; numbers beyond all others, or of a middling or small size.
 */
export type Freshness = "new" | "prefixed" | "suffixed";

/** From which number on, and how many there are to choose from. */
const NUMBERS: Record<Freshness, Record<"int4" | "int8", [from: number, count: number]>> = {
  new: {
    int4: [1_000_000_000, 1_000_000_000],
    int8: [4_000_000_000_000, 1_000_000_000_000],
  },
  prefixed: { int4: [100_000, 900_000], int8: [100_000, 900_000] },
  suffixed: { int4: [1, 30_000], int8: [1, 30_000] },
};

const RANDOM_TEXT = "pg_catalog.md5(pg_catalog.random()::text)";
const RANDOM_WORD = `pg_catalog.left(${RANDOM_TEXT}, 8)`;

const cast = (expression: string, { type }: ColumnFacts) => `(${expression})::${type}`;

/** Characters that fit; null: as many as you like. */
function lengthOf({ base, typmod }: VerifyColumn): number | null {
  if (base === "name") return 63;
  return (base === "varchar" || base === "bpchar") && typmod >= 4 ? typmod - 4 : null;
}

const fitting = (text: string, column: VerifyColumn): string => {
  const length = lengthOf(column);
  return length === null ? text : `pg_catalog.left(${text}, ${length})`;
};

/** Digits before the point that fit into a numeric. */
function digitsOf({ typmod }: VerifyColumn): number {
  if (typmod < 4) return 12;
  const precision = ((typmod - 4) >> 16) & 0xffff;
  // Eleven bits and a sign (numerictypmodin).
  const scale = (((typmod - 4) & 0x7ff) ^ 1024) - 1024;
  return Math.min(12, precision - scale);
}

/**
 * A value that no row has, as far as chance goes; null where the type has too few values, or is not known.
 *
 * @param current The value of the row that was copied.
 */
export function freshValue(
  column: ValueColumn,
  current: string,
  freshness: Freshness,
): string | null {
  const facts = column.type_facts;
  const range = (from: number, count: number) =>
    `${from} + pg_catalog.floor(pg_catalog.random() * ${count})`;
  if (facts.category === "S" && facts.kind === "b") {
    const text = freshness === "new"
      ? RANDOM_TEXT
      : freshness === "prefixed"
      ? `pg_catalog.concat(${RANDOM_WORD}, ${current})`
      : `pg_catalog.concat(${current}, ${RANDOM_WORD})`;
    return cast(fitting(text, facts), column);
  }
  switch (facts.base) {
    case "int2":
      return cast(range(20_000, 12_000), column);
    case "int4":
    case "int8":
      return cast(range(...NUMBERS[freshness][facts.base]), column);
    case "numeric": {
      const digits = digitsOf(facts);
      return digits < 4 ? null : cast(range(10 ** (digits - 1), 8 * 10 ** (digits - 1)), column);
    }
    case "float8":
      return cast("pg_catalog.random() * 1000000", column);
    case "uuid":
      return cast("pg_catalog.gen_random_uuid()", column);
    case "timestamp":
    case "timestamptz":
      return cast(
        `coalesce(${current}, pg_catalog.now()) + pg_catalog.make_interval(secs => pg_catalog.random())`,
        column,
      );
    case "date":
      return cast(`coalesce(${current}, current_date) + (${range(1, 20_000)})::int4`, column);
    case "bytea":
      return cast(`pg_catalog.decode(${RANDOM_TEXT}, 'hex')`, column);
    case "inet":
      return cast(
        `pg_catalog.concat('10.', (${range(0, 256)}), '.', (${range(0, 256)}), '.', (${
          range(1, 254)
        }))`,
        column,
      );
    case "jsonb":
      return cast(`pg_catalog.to_jsonb(${RANDOM_TEXT})`, column);
    default:
      return null;
  }
}

/** A value beside the present one, for a column that need not be unique; null where none is known. */
export function nearValue(column: ValueColumn, current: string): string | null {
  const facts = column.type_facts;
  if (facts.category === "S" && facts.kind === "b") {
    const length = lengthOf(facts);
    // A text that fills its column is changed at its end.
    const kept = length === null ? current : `pg_catalog.left(${current}, ${length - 1})`;
    return cast(
      `pg_catalog.concat(${kept}, case when ${current} like '%x' then 'y' else 'x' end)`,
      column,
    );
  }
  switch (facts.base) {
    case "int2":
    case "int4":
    case "int8":
    case "numeric":
    case "float4":
    case "float8":
      return cast(`coalesce(${current}, 0) + 1`, column);
    case "bool":
      return cast(`not coalesce(${current}, false)`, column);
    case "date":
      return cast(`coalesce(${current}, current_date) + 1`, column);
    case "timestamp":
    case "timestamptz":
      return cast(`coalesce(${current}, pg_catalog.now()) + interval '1 second'`, column);
    case "uuid":
      return cast("pg_catalog.gen_random_uuid()", column);
    default:
      return null;
  }
}

/** A constant of the type that most checks would let pass; NULL where none is known. */
export function plainValue(column: ValueColumn): string {
  const { base, kind, category, label } = column.type_facts;
  if (kind === "e" && label !== null) return cast(literal(label), column);
  if (kind === "r" || kind === "m") return cast(kind === "r" ? "'empty'" : "'{}'", column);
  if (category === "A" && base !== "int2vector" && base !== "oidvector") {
    return cast("'{}'", column);
  }
  if (category === "S" && kind === "b") return cast("'x'", column);
  const constants: Record<string, string> = {
    int2: "1",
    int4: "1",
    int8: "1",
    numeric: "1",
    float4: "1",
    float8: "1",
    money: "'1'",
    oid: "'1'",
    bool: "false",
    date: "current_date",
    timestamp: "pg_catalog.now()",
    timestamptz: "pg_catalog.now()",
    time: "'12:00'",
    timetz: "'12:00+00'",
    interval: "'1 hour'",
    uuid: "'00000000-0000-4000-8000-000000000000'",
    json: "'{}'",
    jsonb: "'{}'",
    bytea: "''",
    inet: "'10.0.0.1'",
    cidr: "'10.0.0.0/8'",
    macaddr: "'08:00:2b:01:02:03'",
    xml: "'<x/>'",
    tsvector: "''",
    point: "'(0,0)'",
  };
  return base !== null && base in constants ? cast(constants[base], column) : "null";
}
