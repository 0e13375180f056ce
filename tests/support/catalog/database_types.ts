/** Types of a database as `supabase gen types` writes them, of the schema public, as far as applications here need. */
import type postgres from "postgres";

const TYPES: Record<string, string> = {
  int4: "number",
  int8: "number",
  float8: "number",
  numeric: "number",
  bool: "boolean",
};

interface Column {
  name: string;
  type: string;
  required: boolean;
  nullable: boolean;
}

interface Relationship {
  foreignKeyName: string;
  columns: string[];
  isOneToOne: boolean;
  referencedRelation: string;
  referencedColumns: string[];
}

export async function databaseTypes(sql: postgres.Sql): Promise<string> {
  const tables = await sql<{ name: string; columns: Column[]; keys: Relationship[] | null }[]>`
    select c.relname as name, (
      select json_agg(json_build_object('name', a.attname, 'type', t.typname,
        'nullable', not a.attnotnull,
        'required', a.attnotnull and not a.atthasdef and a.attidentity = '') order by a.attnum)
      from pg_attribute a join pg_type t on t.oid = a.atttypid
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns, (
      select json_agg(json_build_object('foreignKeyName', k.conname, 'isOneToOne', false,
        'columns', array(select a.attname from unnest(k.conkey) with ordinality u(n, i)
          join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.n order by u.i),
        'referencedRelation', r.relname,
        'referencedColumns', array(select a.attname from unnest(k.confkey) with ordinality u(n, i)
          join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.n order by u.i))
        order by k.conname)
      from pg_constraint k join pg_class r on r.oid = k.confrelid
      where k.conrelid = c.oid and k.contype = 'f') as keys
    from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
    order by 1`;
  const row = (columns: Column[], optional: (column: Column) => boolean) =>
    columns.map((one) =>
      `${one.name}${optional(one) ? "?" : ""}: ${TYPES[one.type] ?? "string"}${
        one.nullable ? " | null" : ""
      }`
    ).join("; ");
  const entries = tables.map(({ name, columns, keys }) => `
      ${JSON.stringify(name)}: {
        Row: { ${row(columns, () => false)} };
        Insert: { ${row(columns, ({ required }) => !required)} };
        Update: { ${row(columns, () => true)} };
        Relationships: ${JSON.stringify(keys ?? [])};
      };`);
  return `// Generated.
export interface Database {
  public: {
    Tables: {${entries.join("")}
    };
    Views: Record<never, never>;
    Functions: Record<never, never>;
    Enums: Record<never, never>;
    CompositeTypes: Record<never, never>;
  };
}
type Named = Database["public"]["Tables"];
export type Tables<Name extends keyof Named> = Named[Name]["Row"];
export type TablesInsert<Name extends keyof Named> = Named[Name]["Insert"];
export type TablesUpdate<Name extends keyof Named> = Named[Name]["Update"];
`;
}
