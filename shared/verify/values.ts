/**
 * Values for a test row, as expressions of PL/pgSQL that are cast to the column's type: fresh ones for what must be
 * unique, changed ones for an update, constants where there is no row to copy.
 */
import type { ColumnFacts } from "../facts/facts.ts";
import type { ColumnTypeFacts } from "../facts/verify_facts.ts";
import { literal } from "../sql/quoting.ts";

/** A column with what is known of its type. */
export interface TypedColumn extends ColumnFacts {
  type_facts: ColumnTypeFacts;
}

/**
 * How a fresh value is made, since a check may ask for a form: a new text, or one before or behind the text that is
 * there; a number beyond all others, or of a middling or small size.
 */
export type Freshness = "new" | "prefixed" | "suffixed";

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

const isText = ({ category, kind }: ColumnTypeFacts): boolean => category === "S" && kind === "b";

/** In characters; null: without limit. */
function lengthOf({ base, typmod }: ColumnTypeFacts): number | null {
  if (base === "name") return 63;
  return (base === "varchar" || base === "bpchar") && typmod >= 4 ? typmod - 4 : null;
}

/** Digits before the point that fit into a numeric. */
function digitsOf({ typmod }: ColumnTypeFacts): number {
  if (typmod < 4) return 12;
  const precision = ((typmod - 4) >> 16) & 0xffff;
  // Eleven bits and a sign (numerictypmodin).
  const scale = (((typmod - 4) & 0x7ff) ^ 1024) - 1024;
  return Math.min(12, precision - scale);
}

/** A value that no row is likely to have; null where the type has too few values, or is not known. */
export function freshValue(
  column: TypedColumn,
  current: string,
  freshness: Freshness,
): string | null {
  const value = freshExpression(column.type_facts, current, freshness);
  return value === null ? null : cast(value, column);
}

function freshExpression(
  facts: ColumnTypeFacts,
  current: string,
  freshness: Freshness,
): string | null {
  const range = (from: number, count: number) =>
    `${from} + pg_catalog.floor(pg_catalog.random() * ${count})`;
  if (isText(facts)) {
    const text = {
      new: RANDOM_TEXT,
      prefixed: `pg_catalog.concat(${RANDOM_WORD}, ${current})`,
      suffixed: `pg_catalog.concat(${current}, ${RANDOM_WORD})`,
    }[freshness];
    const length = lengthOf(facts);
    return length === null ? text : `pg_catalog.left(${text}, ${length})`;
  }
  switch (facts.base) {
    case "int2":
      return range(20_000, 12_000);
    case "int4":
    case "int8":
      return range(...NUMBERS[freshness][facts.base]);
    case "numeric": {
      const digits = digitsOf(facts);
      return digits < 4 ? null : range(10 ** (digits - 1), 8 * 10 ** (digits - 1));
    }
    case "float8":
      return "pg_catalog.random() * 1000000";
    case "uuid":
      return "pg_catalog.gen_random_uuid()";
    case "timestamp":
    case "timestamptz":
      return `coalesce(${current}, pg_catalog.now()) + pg_catalog.make_interval(secs => pg_catalog.random())`;
    case "date":
      return `coalesce(${current}, current_date) + (${range(1, 20_000)})::int4`;
    case "bytea":
      return `pg_catalog.decode(${RANDOM_TEXT}, 'hex')`;
    case "inet": {
      const octets = [range(0, 256), range(0, 256), range(1, 254)].map((octet) => `(${octet})`);
      return `pg_catalog.concat('10.', ${octets.join(", '.', ")})`;
    }
    case "jsonb":
      return `pg_catalog.to_jsonb(${RANDOM_TEXT})`;
    default:
      return null;
  }
}

/** A value other than the present one, for a column that need not be unique; null where none is known. */
export function changedValue(column: TypedColumn, current: string): string | null {
  const facts = column.type_facts;
  if (isText(facts)) {
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

const CONSTANTS: Record<string, string> = {
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

/** A constant of the type that most checks let pass; null where none is known. */
export function knownConstant(column: TypedColumn): string | null {
  const { base, kind, category, label } = column.type_facts;
  if (kind === "e" && label !== null) return cast(literal(label), column);
  if (kind === "r") return cast("'empty'", column);
  const isArray = category === "A" && base !== "int2vector" && base !== "oidvector";
  if (kind === "m" || isArray) return cast("'{}'", column);
  if (isText(column.type_facts)) return cast("'x'", column);
  return base !== null && base in CONSTANTS ? cast(CONSTANTS[base], column) : null;
}

/** The same, or NULL. */
export const constantValue = (column: TypedColumn): string => knownConstant(column) ?? "null";
