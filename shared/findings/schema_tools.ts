/**
 * Programs that compare the database with a schema of their own. They see a view where the table was: without
 * keys, NOT NULL and relations. The guide has a section for each.
 */
import { isProtectedSchema } from "../contract/names.ts";
import type { Finding } from "../contract/responses.ts";
import type { Facts } from "../facts/facts.ts";

export const SCHEMA_TOOLS_GUIDE = "shared/guides/schema_tools.md";

/** better-auth has no table of its own; its table of accounts is recognized by these columns. */
export const LOGIN_TABLE = { name: "account", columns: ["accountId", "providerId"] };

interface SchemaTool {
  name: string;
  /** `info`: it compares nothing, and only has the old name in its files. */
  severity: "warning" | "info";
  /** Tables and event triggers by which it is recognized. */
  tables?: string[];
  eventTriggers?: string[];
  /** What it does to the compatibility view. */
  does: string;
  remedy: string;
}

const TOOLS: SchemaTool[] = [
  {
    name: "Drizzle",
    severity: "warning",
    tables: ["__drizzle_migrations"],
    does:
      "drizzle-kit push drops views that are not in its schema, compatibility views among them, without a warning",
    remedy:
      "Do not run drizzle-kit push until the rename is finalized. Put the new name into pgTable(), and generate a " +
      "migration that leaves the rename out.",
  },
  {
    name: "Payload",
    severity: "warning",
    tables: ["payload_migrations"],
    does:
      "at every start its development server pushes its schema with Drizzle, which drops compatibility views",
    remedy:
      "Set push: false in its database adapter until the rename is finalized, and put the new name into dbName of " +
      "the collection.",
  },
  {
    name: "Prisma",
    severity: "warning",
    tables: ["_prisma_migrations"],
    does:
      "prisma db push and prisma migrate dev see that the table is gone and another one is there: they want to " +
      "create it again, or to reset the database",
    remedy:
      "Run neither before @@map has the new name and prisma migrate resolve has marked the rename as applied. " +
      "prisma migrate deploy and the client go on working.",
  },
  {
    name: "TypeORM",
    severity: "warning",
    tables: ["typeorm_metadata"],
    does:
      "synchronize sees a view without keys and NOT NULL, and changes the schema when the program starts",
    remedy: "Set synchronize: false until the entity has the new name.",
  },
  {
    name: "Sequelize",
    severity: "warning",
    tables: ["SequelizeMeta"],
    does:
      "sync() creates what is missing, and with alter or force changes or drops tables, which fails for a view",
    remedy: "Do not call sync() until tableName of the model is the new name.",
  },
  {
    name: "MikroORM",
    severity: "warning",
    tables: ["mikro_orm_migrations"],
    does:
      "its schema generator (updateSchema) drops other tables' foreign keys to the renamed table, then fails",
    remedy: "Do not run it until tableName of the entity is the new name.",
  },
  {
    name: "better-auth",
    severity: "warning",
    tables: [LOGIN_TABLE.name],
    does:
      "its migrate command compares tables with its own schema, and adds what is missing to what is now a view",
    remedy: "Do not run it until modelName of the table is the new name.",
  },
  {
    name: "Directus",
    severity: "warning",
    tables: ["directus_collections"],
    does:
      "from its next start on it leaves out the collection of the old name, because a view has no primary key",
    remedy:
      "Do not restart it before its collection and fields have the new name in its directus_ tables. Then restart it.",
  },
  {
    name: "PostGraphile",
    severity: "warning",
    eventTriggers: ["postgraphile_watch_ddl", "postgraphile_watch_drop"],
    does:
      "types and fields of the old name lose what they got from keys and relations: in watch mode at once, " +
      "otherwise from its next start on",
    remedy:
      "Keep the names of the types with a smart comment on the table (@name), and use the new name in queries.",
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
