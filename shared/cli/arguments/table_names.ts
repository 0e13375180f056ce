/** Names of tables as people write them: `orders`, `shop.orders`, or in quotes where a dot is part of a name. */
import { ident } from "../../sql/quoting.ts";
import { UsageError } from "../exit_codes.ts";

export const NAMES_HELP = `Names of tables:
  orders, or with its schema: shop.orders. Case counts. Where a dot is part of the name, give
  --schema as well, or quotes inside of the shell's: '"a.b"', 'shop."a.b"'.`;

export interface WrittenName {
  /** Undefined where none is written. */
  schema?: string;
  name: string;
}

const PART = String.raw`"(?:[^"]|"")+"`;
const QUOTED = new RegExp(String.raw`^(?:(${PART}|[^".]+)\.)?(${PART})$`, "s");
const QUOTED_SCHEMA = new RegExp(String.raw`^(${PART})\.([^"]+)$`, "s");

/**
 * Reads a table's name. Without quotes what is before the first dot is the schema.
 *
 * @param schema Given apart: then dots and quotes are part of the name.
 */
export function readName(text: string, schema?: string): WrittenName {
  if (schema !== undefined) return { schema, name: text };
  const [, before, name] = QUOTED.exec(text) ?? QUOTED_SCHEMA.exec(text) ?? [];
  if (name !== undefined) {
    return { ...(before !== undefined && { schema: unquoted(before) }), name: unquoted(name) };
  }
  const dot = text.indexOf(".");
  if (dot <= 0 || dot === text.length - 1) return { name: text };
  return { schema: text.slice(0, dot), name: text.slice(dot + 1) };
}

const unquoted = (part: string): string =>
  part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part;

/** A name that `readName` reads as this schema and table. */
export const writtenName = ({ schema, name }: WrittenName): string =>
  schema === undefined ? written(name) : `${written(schema)}.${written(name)}`;

const written = (name: string): string => /[."]/.test(name) ? ident(name) : name;

/**
 * The new name alone, which may be written with the schema that the table is in.
 *
 * @param table.given Whether the schema was given apart: then another beginning is part of the name.
 * @throws {UsageError} It is written with another schema.
 */
export function readNewName(
  text: string,
  table: { schema: string; name: string; given: boolean },
): string {
  const { schema, name } = readName(text);
  if (schema === undefined || schema === table.schema) return name;
  if (table.given) return text;
  throw new UsageError(
    `the new name ${text} has another schema than ${table.schema}.${table.name}.\n` +
      `       A rename leaves the table in its schema; give ${writtenName({ name })}.\n` +
      `       If the dot is part of the name, give it in quotes: '${ident(text)}'`,
  );
}
