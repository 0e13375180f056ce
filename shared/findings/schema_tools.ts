/**
 * Programs that read the catalog at their start, or compare it with a schema of their own. They see a view where
 * the table was: without keys, NOT NULL and relations. The guide has a section for each.
 */
import { isProtectedSchema } from "../contract/names.ts";
import type { Finding } from "../contract/responses.ts";
import type { Facts } from "../facts/facts.ts";

export const SCHEMA_TOOLS_GUIDE = "shared/guides/schema_tools.md";

/** better-auth leaves no table of its own kind; its table of accounts is known by these columns. */
export const LOGIN_TABLE = { name: "account", columns: ["accountId", "providerId"] };

interface SchemaTool {
  name: string;
  /** `info`: it compares nothing, and has the old name in its files only. */
  severity: "warning" | "info";
  tables?: string[];
  eventTriggers?: string[];
  /** What it does, behind its name. */
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
      "Do not run drizzle-kit push until the rename is finalized; put the new name into pgTable() and generate a " +
      "migration without the rename in it.",
  },
  {
    name: "Payload",
    severity: "warning",
    tables: ["payload_migrations"],
    does:
      "its development server pushes its schema with Drizzle at every start, which drops compatibility views",
    remedy:
      "Set push: false in its database adapter until the rename is finalized; put the new name into dbName of " +
      "the collection.",
  },
  {
    name: "Prisma",
    severity: "warning",
    tables: ["_prisma_migrations"],
    does:
      "prisma db push and migrate dev see the table gone and another one in its place: they want to make " +
      "it again, or to reset the database",
    remedy:
      "Run neither before @@map has the new name and the rename is marked with migrate resolve; migrate " +
      "deploy and the client go on.",
  },
  {
    name: "TypeORM",
    severity: "warning",
    tables: ["typeorm_metadata"],
    does:
      "synchronize sees a view without keys and NOT NULL, and changes the schema at the program's start",
    remedy: "Set synchronize: false until the entity has the new name.",
  },
  {
    name: "Sequelize",
    severity: "warning",
    tables: ["SequelizeMeta"],
    does:
      "sync() makes what it misses, and changes or drops tables with alter and force, none of which a view takes",
    remedy: "Do not call sync() until tableName of the model is the new name.",
  },
  {
    name: "MikroORM",
    severity: "warning",
    tables: ["mikro_orm_migrations"],
    does:
      "its schema generator (updateSchema) drops foreign keys of other tables that refer to the renamed one, then fails",
    remedy: "Do not run it until tableName of the entity is the new name.",
  },
  {
    name: "better-auth",
    severity: "warning",
    tables: [LOGIN_TABLE.name],
    does:
      "its migrate command compares tables with its own schema, and adds what it misses to what is a view then",
    remedy: "Do not run it until modelName of the table is the new name.",
  },
  {
    name: "Directus",
    severity: "warning",
    tables: ["directus_collections"],
    does:
      "from its next start on it leaves out what has no primary key, as a view: the collection of the old name",
    remedy:
      "Do not restart it before its collection and fields have the new name in its directus_ tables; then restart it.",
  },
  {
    name: "PostGraphile",
    severity: "warning",
    eventTriggers: ["postgraphile_watch_ddl", "postgraphile_watch_drop"],
    does:
      "in watch mode at once, else from its next start on, types and fields of the old name lose what keys " +
      "and relations gave them",
    remedy:
      "Keep the type's names by a smart comment on the table (@name), and use the new name where it is asked for.",
  },
  {
    name: "Knex",
    severity: "info",
    tables: ["knex_migrations"],
    does: "it compares nothing; migrations that are still to be run may alter the old name",
    remedy: "Use the new name in migrations from the rename on.",
  },
];

export const TABLE_MARKS = TOOLS.flatMap(({ tables = [] }) => tables)
  .filter((name) => name !== LOGIN_TABLE.name);
export const EVENT_TRIGGER_MARKS = TOOLS.flatMap(({ eventTriggers = [] }) => eventTriggers);

/** One finding for each program that left its traces in a schema of the user's. */
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
