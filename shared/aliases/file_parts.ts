/** The parts of table-aliases.ts that are the same for every database. */

export const HEADER = `\
// Auto-generated file - DO NOT EDIT MANUALLY
//
// The old names of renamed tables, for code that was written before their renames. Made from the active
// renames in public.sys_table_migrations by the command generate-types, or by GET table-aliases; make it
// again after each rename, rollback and finalization. It needs TypeScript 5.0 or later.

/* eslint-disable */
// deno-fmt-ignore-file
// deno-lint-ignore-file

import type { Database } from "./database.types.ts";

// All types of database.types.ts are exported here as well, so that only the path of an import has to change,
// once. Database is then the one with the aliases.
export type * from "./database.types.ts";
export type { DatabaseWithAliases as Database };
`;

export const HELPER_TYPES = `\
/**
 * Database with the old names as the tables that they stand for: for createClient<DatabaseWithAliases>().
 * An old name has what its compatibility view shows, typed as in the table: what INSERT requires is required.
 */
export type DatabaseWithAliases = {
  [Schema in keyof Database]: Schema extends keyof Renames
    ? SchemaWithAliases<Database[Schema], Renames[Schema]>
    : Database[Schema];
};

/** The tables of the schema public under all their names; with a name, the type of that table's rows. */
export type Tables<
  Name extends keyof Relations<DefaultSchema> | { schema: SchemaName } = never,
  Relation extends Name extends { schema: infer Schema extends SchemaName }
    ? keyof Relations<Schema>
    : never = never,
> = [Name] extends [never] ? Database[DefaultSchema]["Tables"] & TableAliases
  : PartOf<"Row", Name extends { schema: infer Schema extends SchemaName }
      ? Relations<Schema>[Relation]
      : Relations<DefaultSchema>[Name & keyof Relations<DefaultSchema>]>;

/** What can be inserted into a table, by any of its names. */
export type TablesInsert<
  Name extends keyof TablesOf<DefaultSchema> | { schema: SchemaName },
  Table extends Name extends { schema: infer Schema extends SchemaName }
    ? keyof TablesOf<Schema>
    : never = never,
> = PartOf<"Insert", Name extends { schema: infer Schema extends SchemaName }
    ? TablesOf<Schema>[Table]
    : TablesOf<DefaultSchema>[Name & keyof TablesOf<DefaultSchema>]>;

/** What a table can be updated with, by any of its names. */
export type TablesUpdate<
  Name extends keyof TablesOf<DefaultSchema> | { schema: SchemaName },
  Table extends Name extends { schema: infer Schema extends SchemaName }
    ? keyof TablesOf<Schema>
    : never = never,
> = PartOf<"Update", Name extends { schema: infer Schema extends SchemaName }
    ? TablesOf<Schema>[Table]
    : TablesOf<DefaultSchema>[Name & keyof TablesOf<DefaultSchema>]>;

type SchemaName = Exclude<keyof DatabaseWithAliases, "__InternalSupabase">;
type DefaultSchema = Extract<SchemaName, "public">;
type TablesOf<Schema extends SchemaName> = DatabaseWithAliases[Schema]["Tables"];
type Relations<Schema extends SchemaName> = TablesOf<Schema> & DatabaseWithAliases[Schema]["Views"];
type PartOf<Part extends string, Relation> = Relation extends { [_ in Part]: infer Type } ? Type : never;

type AnySchema = { Tables: Record<string, AnyRelation>; Views: Record<string, { Row: unknown }> };
type AnyRelation = { Row: unknown; Insert: unknown; Update: unknown; Relationships: unknown };

type SchemaWithAliases<Schema extends AnySchema, Names> = {
  [Part in keyof Schema]: Part extends "Tables"
    ? TablesWithAliases<Schema["Tables"], Schema["Views"], Names, Aliases<Schema, Names>>
    : Part extends "Views"
    ? Omit<Schema["Views"], Aliases<Schema, Names>>
    : Schema[Part];
};

/** The old names whose view and table are in database.types.ts. */
type Aliases<Schema extends AnySchema, Names> = {
  [Old in keyof Names]: Old extends keyof Schema["Views"]
    ? Names[Old] extends keyof Schema["Tables"] ? Old : never
    : never;
}[keyof Names];

type TablesWithAliases<Tables, Views, Names, Old extends keyof Names> =
  & {
    [Name in keyof Tables]: Name extends Names[Old]
      ? UnderOneName<Tables[Name], Tables[Name], OtherNames<Names, Name, Name>>
      : Tables[Name];
  }
  & {
    [Name in keyof Pick<Names, Old>]: UnderOneName<
      Tables[Names[Name] & keyof Tables],
      Views[Name & keyof Views],
      OtherNames<Names, Names[Name], Name>
    >;
  };

/** All names of the table New but this one. */
type OtherNames<Names, New, Name> = Exclude<
  New | { [Old in keyof Names]: Names[Old] extends New ? Old : never }[keyof Names],
  Name
>;

/**
 * A table as it is seen through a relation of one name: with the columns that the relation has, and, where
 * it refers to itself, under this name alone.
 */
type UnderOneName<Table, Seen, Others> = {
  [Part in keyof Table]: Part extends "Relationships"
    ? ReferringElsewhere<HasAllColumns<Table, Seen> extends true ? Table[Part] : Seen[Part & keyof Seen], Others>
    : HasAllColumns<Table, Seen> extends true
    ? Table[Part]
    : Part extends "Row" | "Insert" | "Update"
    ? Pick<Table[Part], keyof Table[Part] & ColumnsOf<Table, Seen>>
    : Table[Part];
};

type ColumnsOf<Table, Seen> =
  | keyof PartOf<"Row", Seen>
  | PartOf<"ComputedFields", Table>;

type HasAllColumns<Table, Seen> = [keyof PartOf<"Row", Table>] extends [ColumnsOf<Table, Seen>] ? true : false;

type ReferringElsewhere<Relationships, Names, Kept extends unknown[] = []> = Relationships extends
  [infer First, ...infer Rest]
  ? ReferringElsewhere<Rest, Names, First extends { referencedRelation: Names } ? Kept : [...Kept, First]>
  : Kept;
`;
