/**
 * Programs that compare the database with a schema of their own. They see a view where the table was: without
 * keys, NOT NULL and relations. The guide has a section for each.
 */
import { isProtectedSchema } from "../contract/names.ts";
import type { Finding } from "../contract/responses.ts";
import type { Facts } from "../facts/facts.ts";

const SCHEMA_TOOLS_GUIDE = "shared/guides/schema_tools.md";

/** better-auth has no table of its own; its table of accounts is recognized by these columns. */
export const LOGIN_TABLE = { name: "account", columns: ["accountId", "providerId"] };

interface SchemaTool {
  name: string;
  /** `info`: it compares nothing, and only has the old name in its files. */
  severity: "warning" | "info";
  /** Tables and event triggers by which it is recognized. */
  tables?: string[];
  eventTriggers?: string[];
  does: string;
  remedy: string;
}

const TOOLS: SchemaTool[] = [
  {
    name: "Drizzle",
    severity: "warning",
    tables: ["__drizzle_migrations"],
    does:
      "drizzle-kit push drops compatibility views, which are not in its schema, without a warning",
    remedy:
      "Do not run drizzle-kit push until the rename is finalized. Put the new name into pgTable(), and generate a " +
      "migration that leaves the rename out.",
  },
  {
    name: "Payload",
    severity: "warning",
    tables: ["payload_migrations"],
    does:
      "its development server pushes its schema at every start, which drops compatibility views",
    remedy:
      "Set push: false in its database adapter until the rename is finalized. Put the new name into dbName of the " +
      "collection.",
  },
  {
    name: "Prisma",
    severity: "warning",
    tables: ["_prisma_migrations"],
    does: "prisma db push and migrate dev want to create the table again, or to reset the database",
    remedy:
      "Run neither before @@map has the new name and prisma migrate resolve has marked the rename as applied. " +
      "migrate deploy and the client go on working.",
  },
  {
    name: "TypeORM",
    severity: "warning",
    tables: ["typeorm_metadata"],
    does: "at its start synchronize adds keys and NOT NULL, which fails for a view (42809)",
    remedy: "Set synchronize: false until the entity has the new name.",
  },
  {
    name: "Sequelize",
    severity: "warning",
    tables: ["SequelizeMeta"],
    does: "sync() creates indexes, and alters or drops tables, which fails for a view (42809)",
    remedy: "Do not call sync() until tableName of the model is the new name.",
  },
  {
    name: "MikroORM",
    severity: "warning",
    tables: ["mikro_orm_migrations"],
    does: "updateSchema drops other tables' foreign keys to the renamed table, then fails",
    remedy: "Do not run it until tableName of the entity is the new name.",
  },
  {
    name: "better-auth",
    severity: "warning",
    tables: [LOGIN_TABLE.name],
    does: "its migrate command alters what differs from its schema, which fails for a view",
    remedy: "Do not run it until modelName of the table is the new name.",
  },
  {
    name: "Directus",
    severity: "warning",
    tables: ["directus_collections"],
    does: "after a restart it ignores the collection, because a view has no primary key",
    remedy: "Do not restart it before its directus_ tables have the new name. Then restart it.",
  },
  {
    name: "PostGraphile",
    severity: "warning",
    eventTriggers: ["postgraphile_watch_ddl", "postgraphile_watch_drop"],
    does:
      "after a restart, in watch mode at once, the types of the old name lose the fields that come from keys and " +
      "relations",
    remedy: "Keep the names of types with a smart comment (@name), or use the new name in queries.",
  },
  {
    name: "Knex",
    severity: "info",
    tables: ["knex_migrations"],
    does: "it compares nothing, but migrations that have not run yet may alter the old name",
    remedy: "After the rename, use the new name in migrations.",
  },
];

export const TABLE_MARKS = TOOLS.flatMap(({ tables = [] }) => tables)
  .filter((name) => name !== LOGIN_TABLE.name);
export const EVENT_TRIGGER_MARKS = TOOLS.flatMap(({ eventTriggers = [] }) => eventTriggers);

/** One finding for each program of which tables or event triggers were found in the user's schemas. */
export function schemaToolFindings({ schema_tools }: Facts): Finding[] {
  return TOOLS.flatMap(({ name, severity, tables = [], eventTriggers = [], does, remedy }) => {
    const seen = schema_tools.filter(({ mark, schema }) =>
      [...tables, ...eventTriggers].includes(mark) &&
      (schema === null || !isProtectedSchema(schema))
    );
    if (seen.length === 0) return [];
    const objects = seen.map(({ object }) => object).join(", ");
    return [{
      code: "schema_tool_seen",
      severity,
      object: name,
      message: `${name} has been used with this database (${objects}): ${does}.`,
      remedy: `${remedy} See ${SCHEMA_TOOLS_GUIDE}.`,
    }];
  });
}
