/**
 * Names: what has one now, which tables there are, and what could mean a table by its name: texts, routines that
 * are given names, rows of extensions.
 */
import type { NameFacts } from "../facts/facts.ts";
import type { NameColumn } from "../facts/names_in_rows.ts";
import { ident, jsonbLiteral, literal, qualified } from "../sql/quoting.ts";
import { INTERIM_PREFIX } from "../plan/view/interim_name.ts";
import { type Size, sizeColumns } from "./sizes.ts";
import { type Expressions, nameArray } from "./texts/expressions.ts";

/** Whether a name begins like an interim name: a range, which is found by index. */
const beginsInterim = (name: string) =>
  `${name} >= ${literal(INTERIM_PREFIX)} and ${name} < ${literal(INTERIM_PREFIX + "g")}`;

/** What a name `w` means in its schema, in the columns of `named` in `read_facts.ts`. */
export const NAME: Expressions<NameFacts> = {
  schema: "w.schema_name",
  name: "w.relation_name",
  schema_oid: "w.schema_oid::int8",
  can_create: "coalesce(has_schema_privilege(w.schema_oid, 'CREATE'), false)",
  relation: `case when w.oid is not null then
    json_build_object('oid', w.oid::int8, 'kind', w.relkind) end`,
  // Array types that the server made are no obstacle, since it moves them out of the way; every other type is.
  type: `(
    select json_build_object('oid', ty.oid::int8, 'kind',
      case ty.typtype when 'b' then 'base type' when 'c' then 'composite type' when 'd' then 'domain'
        when 'e' then 'enum type' when 'p' then 'pseudo-type' when 'r' then 'range type'
        when 'm' then 'multirange type' else 'type' end)
    from pg_type ty
    where ty.typnamespace = w.schema_oid and ty.typname = w.relation_name::name
      and not (ty.typelem <> 0 and exists (
        select from pg_type element where element.typarray = ty.oid))
    limit 1)`,
};

/** JSON array of what has a name that begins like an interim name. */
export const interimTaken = `(
    select coalesce(json_agg(json_build_object('schema', n.nspname, 'name', i.name)
      order by n.nspname, i.name), '[]')
    from (
      select relnamespace, relname from pg_class where ${beginsInterim("relname")}
      union
      select typnamespace, typname from pg_type where ${beginsInterim("typname")}
    ) i(schema, name)
    join pg_namespace n on n.oid = i.schema)`;

export interface TableRow {
  schema: string;
  oid: number | null;
  name: string | null;
}

/**
 * Query for the tables and partitioned tables of schemas, in the order of their names; temporary ones and
 * those of extensions are left out. A schema that is missing has no row.
 */
export const tablesOfSchemas = (schemas: string[], limit: number): string => `
select n.nspname as schema, c.oid::int8::float8 as oid, c.relname as name
from pg_namespace n
left join pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p')
  and c.relpersistence <> 't' and not exists (
    select from pg_depend d
    where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
where n.nspname in (select s from jsonb_array_elements_text(${jsonbLiteral(schemas)}) s)
order by n.nspname collate "C", c.relname collate "C"
limit ${limit}`;

export interface ListedTableRow extends Size {
  schema: string;
  oid: number;
  name: string;
  kind: "r" | "p";
  owner: string;
  references: { schema: string; table: string }[];
}

/**
 * Query for the same tables, with their owners, their sizes and the tables that their foreign keys refer to.
 *
 * @param patterns Of further schemas; `*` is any text.
 */
export const listedTables = (schemas: string[], patterns: string[], limit: number): string => `
with listed as materialized (
  select n.nspname, c.oid, c.relname, c.relkind, c.relowner, c.relpages, c.reltuples, c.reltoastrelid
  from pg_namespace n
  join pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p')
    and c.relpersistence <> 't' and not exists (
      select from pg_depend d
      where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
  where n.nspname in (select s from jsonb_array_elements_text(${jsonbLiteral(schemas)}) s)
    or n.nspname like any (array(
      select p from jsonb_array_elements_text(${jsonbLiteral(patterns.map(likePattern))}) p))
  limit ${limit}),
referred as (
  select x.oid, json_agg(json_build_object('schema', x.nspname, 'table', x.relname)
    order by x.nspname, x.relname) as tables
  from (
    select distinct c.oid, rn.nspname, r.relname
    from listed c
    join pg_constraint f on f.conrelid = c.oid and f.contype = 'f' and f.confrelid <> c.oid
    join pg_class r on r.oid = f.confrelid
    join pg_namespace rn on rn.oid = r.relnamespace) x
  group by x.oid)
select c.nspname as schema, c.oid::int8::float8 as oid, c.relname as name, c.relkind as kind,
  pg_get_userbyid(c.relowner) as owner,${sizeColumns("c")},
  coalesce(f.tables, '[]') as references
from listed c left join referred f on f.oid = c.oid
order by c.nspname collate "C", c.relname collate "C"`;

const likePattern = (pattern: string): string =>
  pattern.replace(/[\\%_]/g, "\\$&").replaceAll("*", "%");

/**
 * Query for the names of tables and partitioned tables, whatever their schema, but for the server's own.
 */
export const tableNames = (limit: number): string => `
select n.nspname as schema, c.relname as table
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and c.relpersistence <> 't'
  and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
limit ${limit}`;

export const schemasAmong = (schemas: string[]): string => `
select n.nspname as schema from pg_namespace n
where n.nspname in (select s from jsonb_array_elements_text(${jsonbLiteral(schemas)}) s)`;

/** Most that are read: where a database has more, texts of some schemas are taken to mean the table, perhaps. */
const MAX_SAME_NAMED = 20_000;

/**
 * JSON array of `[schema, name]` of the relations of any schema that have one of the names: a routine means the one
 * beside it, not the table of another schema.
 */
export const sameNamedRelations = (names: string[]): string =>
  `(
    select coalesce(json_agg(json_build_array(x.nspname, x.relname)), '[]')
    from (
      select n.nspname, c.relname
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relname = any (${
    nameArray([...new Set(names)])
  })
      limit ${MAX_SAME_NAMED}) x)`;

/** The platform's schemas whose routines are not looked at; what begins with `pg_` is the server's. */
const PLATFORM_SCHEMAS = "information_schema pgmq cron net vault realtime storage auth extensions"
  .split(" ");

/** JSON array of the names of the user's routines that run SQL which they build, or take a regclass. */
export const dynamicSqlRoutines = `(
    select coalesce(json_agg(distinct p.proname), '[]')
    from pg_proc p
    where p.pronargs > 0
      and p.pronamespace <> all (array(
        select n.oid from pg_namespace n
        where starts_with(n.nspname, 'pg_') or n.nspname = any(${nameArray(PLATFORM_SCHEMAS)})))
      and ('regclass'::regtype = any(p.proargtypes::oid[])
        or (p.prolang = any(array(select l.oid from pg_language l where l.lanname = 'plpgsql'))
          and p.prosrc ~* '\\mexecute\\M')))`;

/** Up to so many names are looked for with one regular expression; more, word by word. */
const MAX_ALTERNATIVES = 20;

/**
 * SQL condition that a text may name one of these relations; null where there are none. It is a quick look that may
 * find too much and never too little: for a name's longest run of plain characters, which is a word in every text
 * that names the relation.
 */
export function mayName(names: string[], text: string): string | null {
  const words = [...new Set(names.map(longestWord))];
  const plain = words.filter((word) => word !== null);
  const odd = names.filter((name) => longestWord(name) === null);
  const conditions = [
    ...(plain.length === 0
      ? []
      : [plain.length <= MAX_ALTERNATIVES ? oneOf(plain, text) : anyOf(plain, text)]),
    ...odd.map((name) => `strpos(${text}, ${literal(name)}) > 0`),
  ];
  return conditions.length === 0 ? null : `(${conditions.join("\n    or ")})`;
}

const oneOf = (words: string[], text: string) =>
  `${text} ~* ${literal(`(^|[^a-z0-9_])(${words.join("|")})([^a-z0-9_]|$)`)}`;

const anyOf = (words: string[], text: string) =>
  `exists (
      select from regexp_split_to_table(lower(${text}), '[^a-z0-9_]+') w
      where w = any(${literal(`{${words.join(",")}}`)}::text[]))`;

/** The longest run of plain characters, in lower case; null where there is none. */
export function longestWord(name: string): string | null {
  const words = name.replace(/[A-Z]/g, (letter) => letter.toLowerCase()).match(/[a-z0-9_]+/g);
  return words?.reduce((longest, word) => word.length > longest.length ? word : longest) ?? null;
}

/*
 * Tables of extensions that keep names of tables in their rows. What belongs to an extension is what pg_depend says
 * does, never what is called so.
 */

/** Columns that are called like names of tables. */
const TABLE_NAME_COLUMN =
  "(^|_)(table|tablename|relation|relname|rel|relid|parent|partition|child)(_?name|_table|_relation|_id)?$";

/** Columns that are called like the schemas of such names. */
const SCHEMA_COLUMN = "(^|_)(schema|schemaname|schema_name|nspname|namespace)$";

/** Most columns that are looked into; an extension has a handful. */
const MAX_COLUMNS = 100;

/** Largest table that is looked through, in pages; as last counted, since to measure it would wait for its locks. */
const MAX_PAGES = 4_096;

const MAX_VALUES = 100;

const type = (name: string) => `${literal(name)}::regtype`;

/** JSON array of the columns of extensions' tables that are called like names of tables. */
export const nameColumns = `(
    select coalesce(json_agg(x.found), '[]')
    from (
      select json_build_object(
        'extension', e.extname,
        'schema', n.nspname,
        'table', c.relname,
        'column', a.attname,
        'by_oid', a.atttypid = ${type("regclass")},
        'schema_column', s.attname,
        'readable', not c.relrowsecurity and c.relpages <= ${MAX_PAGES}
          and has_schema_privilege(n.oid, 'USAGE')
          and has_column_privilege(c.oid, a.attnum, 'SELECT')
          and (s.attnum is null or has_column_privilege(c.oid, s.attnum, 'SELECT'))) as found
      from pg_depend d
      join pg_extension e on e.oid = d.refobjid
      join pg_class c on c.oid = d.objid and c.relkind in ('r', 'p')
      join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        and a.atttypid in (${["regclass", "name", "text", "varchar"].map(type).join(", ")})
        and a.attname ~ ${literal(TABLE_NAME_COLUMN)}
      left join lateral (
        select b.attname, b.attnum
        from pg_attribute b
        where b.attrelid = c.oid and b.attnum > 0 and not b.attisdropped
          and b.atttypid in (${["name", "text", "varchar"].map(type).join(", ")})
          and b.attname ~ ${literal(SCHEMA_COLUMN)}
        order by b.attnum
        limit 1) s on true
      where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_extension'::regclass and d.deptype = 'e'
      order by e.extname, n.nspname, c.relname, a.attnum
      limit ${MAX_COLUMNS}) x)`;

/**
 * Query for what these columns hold of the wanted names, as rows `(index, value, schema)`. It reads tables that
 * are small, and finds no more than a few rows in each.
 */
export function namesInRowsQuery(
  columns: NameColumn[],
  { values, oids }: { values: string[]; oids: number[] },
): string {
  const texts = `array[${values.map(literal).join(", ")}]::text[]`;
  const numbers = `array[${oids.join(", ")}]::int8[]`;
  return columns.map(({ schema, table, column, by_oid, schema_column }, index) => {
    const value = `t.${ident(column)}`;
    const compared = by_oid ? `${value}::oid::int8` : `${value}::text`;
    const beside = schema_column === null ? "null::text" : `t.${ident(schema_column)}::text`;
    return `(select distinct ${index} as index, ${compared}::text as value, ${beside} as schema
  from ${qualified(schema, table)} t
  where ${compared} = any (${by_oid ? numbers : texts})
  limit ${MAX_VALUES})`;
  }).join("\nunion all\n");
}
