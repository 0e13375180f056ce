/** Names: which can be identifiers, and which schemas and tables are protected. */

/** Longest identifier in bytes: NAMEDATALEN - 1 (PostgreSQL manual, 4.1.1). Longer ones are truncated silently. */
export const MAX_IDENTIFIER_BYTES = 63;

const encoder = new TextEncoder();

/**
 * Why a name cannot be an identifier; null if it can. Mixed case, quotes, white space, reserved words and any Unicode
 * are allowed, since every name is quoted.
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

/** The schema of this tool's tables, except public.sys_table_migrations. */
export const OWN_SCHEMA = "table_rename";

/** The table of events; without it nothing is changed. */
export const EVENTS_TABLE = `${OWN_SCHEMA}.sys_table_migration_events`;

/** The tables of this tool: schema and name. */
export const TRACKING_TABLES: readonly (readonly [schema: string, name: string])[] = [
  ["public", "sys_table_migrations"],
  ...["events", "requests", "usage", "notifications", "verifications", "uses"].map((name) =>
    [OWN_SCHEMA, `sys_table_migration_${name}`] as const
  ),
];

/** The former schema of the counters, which are in OWN_SCHEMA now. */
const FORMER_SCHEMA = "table_rename_ticks";

/** Schemas that contain only objects of this tool. */
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

/** Whether the schema belongs to PostgreSQL or to the platform, whose services use its tables by name. */
export function isProtectedSchema(schema: string): boolean {
  return PROTECTED_SCHEMAS.has(schema) || PROTECTED_PREFIXES.some((p) => schema.startsWith(p));
}

/** Whether the name belongs to a tracking table, which the functions themselves use. */
export function isTrackingTable(schema: string, name: string): boolean {
  return schema === "public" && name.startsWith("sys_table_migration");
}

/** Most renames of one request. */
export const MAX_RENAMES = 1_000;
