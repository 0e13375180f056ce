/**
 * Names: what can be an identifier, and which schemas and tables are off limits.
 */

/** Longest identifier in bytes: NAMEDATALEN - 1 (PostgreSQL manual, 4.1.1). Longer ones are cut silently. */
export const MAX_IDENTIFIER_BYTES = 63;

const encoder = new TextEncoder();

/**
 * Why a name cannot be an identifier, or null where it can. Mixed case, quotes, white space, reserved
 * words and any unicode are fine, since every name is quoted.
 */
export function identifierFault(name: string): string | null {
  if (name.length === 0) return "a name cannot be empty";
  if (name.includes("\0")) return "a name cannot contain a NUL character";
  if (!name.isWellFormed()) return "a name cannot contain half of a surrogate pair";
  const bytes = encoder.encode(name).length;
  if (bytes > MAX_IDENTIFIER_BYTES) {
    return `a name can have at most ${MAX_IDENTIFIER_BYTES} bytes in UTF-8, this one has ${bytes}`;
  }
  return null;
}

/** Holds what belongs to this tool, public.sys_table_migrations apart. */
export const OWN_SCHEMA = "table_rename";

/** The table of events, without which nothing is changed. */
export const EVENTS_TABLE = `${OWN_SCHEMA}.sys_table_migration_events`;

/** The tables of this tool: schema and name. */
export const TRACKING_TABLES: readonly (readonly [schema: string, name: string])[] = [
  ["public", "sys_table_migrations"],
  ...["events", "requests", "usage", "notifications"].map((name) =>
    [OWN_SCHEMA, `sys_table_migration_${name}`] as const
  ),
];

/** Where the counters were before they had OWN_SCHEMA. */
const FORMER_SCHEMA = "table_rename_ticks";

/** Schemas in which everything belongs to this tool. */
export const OWN_SCHEMAS = [OWN_SCHEMA, FORMER_SCHEMA];

const PROTECTED_SCHEMAS = new Set([
  ...OWN_SCHEMAS,
  "auth",
  "storage",
  "realtime",
  "_realtime",
  "extensions",
  "information_schema",
  "cron",
  "vault",
  "net",
  "pgmq",
  "pgsodium",
  "pgsodium_masks",
  "pgbouncer",
  "pgtle",
  "_analytics",
  "_supavisor",
]);

const PROTECTED_PREFIXES = ["pg_", "supabase_", "graphql"];

/** Whether the schema belongs to PostgreSQL or to the platform, whose services name its tables themselves. */
export function isProtectedSchema(schema: string): boolean {
  return PROTECTED_SCHEMAS.has(schema) || PROTECTED_PREFIXES.some((p) => schema.startsWith(p));
}

/** Whether the name is one of the tracking tables', which the work itself stands on. */
export function isTrackingTable(schema: string, name: string): boolean {
  return schema === "public" && name.startsWith("sys_table_migration");
}
