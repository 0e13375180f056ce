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

interface TypeValues {
  constant: string;
  /** Left out where the type has too few values. */
  fresh?: (current: string, freshness: Freshness) => string;
  changed?: (current: string) => string;
}

const random = (from: number, count: number) =>
  `${from} + pg_catalog.floor(pg_catalog.random() * ${count})`;

const MIDDLING = random(100_000, 900_000);
const SMALL = random(1, 30_000);
const RANDOM_TEXT = "pg_catalog.md5(pg_catalog.random()::text)";
const RANDOM_WORD = `pg_catalog.left(${RANDOM_TEXT}, 8)`;
const RANDOM_UUID = "pg_catalog.gen_random_uuid()";
const RANDOM_ADDRESS = `pg_catalog.concat('10.', (${random(0, 256)}), '.', (${
  random(0, 256)
}), '.', (${random(1, 254)}))`;

const integer = (large: string) => (_: string, freshness: Freshness) =>
  ({ new: large, prefixed: MIDDLING, suffixed: SMALL })[freshness];

const increment = (current: string) => `coalesce(${current}, 0) + 1`;

const TIMESTAMP: TypeValues = {
  constant: "pg_catalog.now()",
  fresh: (current) =>
    `coalesce(${current}, pg_catalog.now()) + pg_catalog.make_interval(secs => pg_catalog.random())`,
  changed: (current) => `coalesce(${current}, pg_catalog.now()) + interval '1 second'`,
};

/** By base type. */
const VALUES: Record<string, TypeValues> = {
  int2: { constant: "1", fresh: () => random(20_000, 12_000), changed: increment },
  int4: {
    constant: "1",
    fresh: integer(random(1_000_000_000, 1_000_000_000)),
    changed: increment,
  },
  int8: {
    constant: "1",
    fresh: integer(random(4_000_000_000_000, 1_000_000_000_000)),
    changed: increment,
  },
  numeric: { constant: "1", changed: increment },
  float4: { constant: "1", changed: increment },
  float8: { constant: "1", fresh: () => "pg_catalog.random() * 1000000", changed: increment },
  money: { constant: "'1'" },
  oid: { constant: "'1'" },
  bool: { constant: "false", changed: (current) => `not coalesce(${current}, false)` },
  date: {
    constant: "current_date",
    fresh: (current) => `coalesce(${current}, current_date) + (${random(1, 20_000)})::int4`,
    changed: (current) => `coalesce(${current}, current_date) + 1`,
  },
  timestamp: TIMESTAMP,
  timestamptz: TIMESTAMP,
  time: { constant: "'12:00'" },
  timetz: { constant: "'12:00+00'" },
  interval: { constant: "'1 hour'" },
  uuid: {
    constant: "'00000000-0000-4000-8000-000000000000'",
    fresh: () => RANDOM_UUID,
    changed: () => RANDOM_UUID,
  },
  json: { constant: "'{}'" },
  jsonb: { constant: "'{}'", fresh: () => `pg_catalog.to_jsonb(${RANDOM_TEXT})` },
  bytea: { constant: "''", fresh: () => `pg_catalog.decode(${RANDOM_TEXT}, 'hex')` },
  inet: { constant: "'10.0.0.1'", fresh: () => RANDOM_ADDRESS },
  cidr: { constant: "'10.0.0.0/8'" },
  macaddr: { constant: "'08:00:2b:01:02:03'" },
  xml: { constant: "'<x/>'" },
  tsvector: { constant: "''" },
  point: { constant: "'(0,0)'" },
};

/** Texts have as many characters as fit. */
function textValues({ base, typmod }: ColumnTypeFacts): TypeValues {
  const limited = (base === "varchar" || base === "bpchar") && typmod >= 4;
  const length = base === "name" ? 63 : limited ? typmod - 4 : null;
  const left = (text: string, shorterBy = 0) =>
    length === null ? text : `pg_catalog.left(${text}, ${length - shorterBy})`;
  return {
    constant: "'x'",
    fresh: (current, freshness) =>
      left(
        {
          new: RANDOM_TEXT,
          prefixed: `pg_catalog.concat(${RANDOM_WORD}, ${current})`,
          suffixed: `pg_catalog.concat(${current}, ${RANDOM_WORD})`,
        }[freshness],
      ),
    // A text that fills its column is changed at its end.
    changed: (current) =>
      `pg_catalog.concat(${
        left(current, 1)
      }, case when ${current} like '%x' then 'y' else 'x' end)`,
  };
}

function valuesOf({ type_facts: facts }: TypedColumn): TypeValues | undefined {
  const { base, kind, category, label, typmod } = facts;
  if (category === "S" && kind === "b") return textValues(facts);
  if (kind === "e" && label !== null) return { constant: literal(label) };
  if (kind === "r") return { constant: "'empty'" };
  const isArray = category === "A" && base !== "int2vector" && base !== "oidvector";
  if (kind === "m" || isArray) return { constant: "'{}'" };
  const values = base === null ? undefined : VALUES[base];
  const digits = digitsOf(typmod);
  if (base !== "numeric" || digits < 4) return values;
  return { ...values!, fresh: () => random(10 ** (digits - 1), 8 * 10 ** (digits - 1)) };
}

/** Digits before the point that fit into a numeric. */
function digitsOf(typmod: number): number {
  if (typmod < 4) return 12;
  const precision = ((typmod - 4) >> 16) & 0xffff;
  // Eleven bits and a sign (numerictypmodin).
  const scale = (((typmod - 4) & 0x7ff) ^ 1024) - 1024;
  return Math.min(12, precision - scale);
}

const cast = (expression: string | undefined, { type }: ColumnFacts): string | null =>
  expression === undefined ? null : `(${expression})::${type}`;

/** A value that no row is likely to have; null where the type has too few values, or is not known. */
export const freshValue = (
  column: TypedColumn,
  current: string,
  freshness: Freshness,
): string | null => cast(valuesOf(column)?.fresh?.(current, freshness), column);

/** A value other than the present one, for a column that need not be unique; null where none is known. */
export const changedValue = (column: TypedColumn, current: string): string | null =>
  cast(valuesOf(column)?.changed?.(current), column);

/** A constant of the type that most checks let pass; null where none is known. */
export const knownConstant = (column: TypedColumn): string | null =>
  cast(valuesOf(column)?.constant, column);

/** The same, or NULL. */
export const constantValue = (column: TypedColumn): string => knownConstant(column) ?? "null";
