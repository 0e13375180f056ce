/** The SQL that makes a random schema. */
import { dollarQuoted, ident, literal, qualified } from "../../shared/plan/quoting.ts";
import {
  type Column,
  type GeneratedSchema,
  type Table,
  TYPES,
  type View,
} from "./generated_schema.ts";

/** Statements that make it, in one message, as the role postgres. */
export function schemaSql(generated: GeneratedSchema, schema: string): string {
  const { tables } = generated;
  return [
    `create schema ${ident(schema)};
    grant usage on schema ${ident(schema)} to public;
    create type ${qualified(schema, "mood")} as enum ('good', 'bad');
    create domain ${qualified(schema, "code")} as text check (value <> '');`,
    // Triggers of tables need functions; what they do is nothing.
    `create function ${qualified(schema, "pass")}() returns trigger language plpgsql
      as $$ begin return coalesce(new, old); end $$;`,
    generated.defaultPrivileges
      ? `alter default privileges in schema ${
        ident(schema)
      } grant select, insert on tables to anon;`
      : "",
    ...tables.map((_, place) => tableSql(tables, place, schema)),
    ...generated.views.map((_, place) => viewSql(generated, place, schema)),
    publicationSql(tables, schema),
    // Last of all, since it takes rights that making the schema needs.
    ...tables.filter((table) => table.ownerLacks !== null).map((table) =>
      `revoke ${table.ownerLacks} on ${qualified(schema, table.name)} from postgres;`
    ),
  ].join("\n");
}

/** The columns a table has in the end: a child those of its parent, too. */
export function columnsOf(tables: Table[], place: number): Column[] {
  const parent = parentOf(tables, place);
  if (parent === null) return tables[place].columns;
  const inherited = columnsOf(tables, parent);
  const taken = new Set(inherited.map(({ name }) => name));
  return [...inherited, ...ownColumns(tables, place).filter(({ name }) => !taken.has(name))];
}

/** The last table before that can be a parent of this one; null: it is no child. */
function parentOf(tables: Table[], place: number): number | null {
  if (tables[place].kind !== "child") return null;
  const found = tables.slice(0, place).findLastIndex(({ kind }) => kind !== "partitioned");
  return found < 0 ? null : found;
}

/** What a child declares by itself: its own key column would be its parent's under another type. */
function ownColumns(tables: Table[], place: number): Column[] {
  const parent = parentOf(tables, place);
  if (parent === null) return tables[place].columns;
  const taken = new Set(columnsOf(tables, parent).map(({ name }) => name));
  return tables[place].columns.slice(1).filter(({ name }) => !taken.has(name));
}

function tableSql(tables: Table[], place: number, schema: string): string {
  const table = tables[place];
  const parent = parentOf(tables, place);
  const name = qualified(schema, table.name);
  const columns = columnsOf(tables, place);
  const key = ident(columns[0].name);
  const declared = ownColumns(tables, place).map((column) => columnSql(column, table, schema, key));
  if (table.dropped && parent === null) declared.splice(1, 0, `${ident("dropped one")} text`);
  const constraints = [
    ...(table.primaryKey ? [`primary key (${key})`] : []),
    ...(table.checked ? [`check (${key} > -100)`] : []),
    ...(table.excluded && table.kind !== "partitioned"
      ? [`exclude using btree (${key} with =) deferrable initially deferred`]
      : []),
  ];
  const statements = [
    `create ${table.kind === "unlogged" ? "unlogged " : ""}table ${name} (
      ${[...declared, ...constraints].join(",\n      ")}
    )${parent === null ? "" : ` inherits (${qualified(schema, tables[parent].name)})`}${
      table.kind === "partitioned" ? ` partition by range (${key})` : ""
    }${table.options && table.kind !== "partitioned" ? " with (fillfactor = 70)" : ""};`,
  ];
  if (table.dropped && parent === null) {
    statements.push(`alter table ${name} drop column ${ident("dropped one")};`);
  }
  if (table.kind === "partitioned") {
    statements.push(
      ...table.partitions.map((partition, n) =>
        `create table ${qualified(schema, partition)} partition of ${name} ${
          n === 0 ? "default" : "for values from (2) to (4)"
        };`
      ),
    );
  }
  statements.push(
    ...rowsSql(table, columns, name),
    ...indexesSql(table, columns, name, place),
    ...referenceSql(tables, place, schema),
    ...securitySql(tables, place, schema),
    ...grantsSql(table, columns, name),
    ...codeSql(table, columns, schema, place),
    ...labelsSql(table, columns, name),
  );
  return statements.join("\n");
}

const typeSql = (type: string, schema: string) =>
  type === "mood" || type === "code" ? qualified(schema, type) : type;

function columnSql(column: Column, table: Table, schema: string, key: string): string {
  const isKey = ident(column.name) === key;
  // Identity columns of partitioned tables came with 17.
  const source = table.kind === "partitioned" && /identity/.test(column.source)
    ? "serial"
    : column.source;
  const type = typeSql(column.type, schema);
  const notNull = column.notNull ? " not null" : "";
  switch (source) {
    case "serial":
      return isKey ? `${ident(column.name)} ${/big/.test(type) ? "bigserial" : "serial"}` : plain();
    case "identity":
      return `${ident(column.name)} ${type} generated by default as identity (increment by 3)`;
    case "always identity":
      return `${ident(column.name)} ${type} generated always as identity`;
    case "generated":
      return /^(integer|bigint|numeric)/.test(type) && !isKey
        ? `${ident(column.name)} ${type} generated always as (${key} * 2) stored`
        : plain();
    default:
      return plain();
  }
  function plain(): string {
    const value = TYPES[column.type as keyof typeof TYPES];
    const fallback = column.source === "default" && !isKey ? ` default ${value}` : "";
    return `${ident(column.name)} ${type}${fallback}${notNull}`;
  }
}

/** Columns that take a value: the key always, the others where nothing else gives them one. */
function rowsSql(table: Table, columns: Column[], name: string): string[] {
  if (table.rows === 0) return [];
  const given = columns.filter((column, n) =>
    n === 0 || (column.notNull && !/default/.test(column.source) && !isGenerated(column))
  );
  const values = given.map((column, n) => n === 0 ? "n" : TYPES[column.type as keyof typeof TYPES]);
  return [
    `insert into ${name} (${given.map((column) => ident(column.name)).join(", ")})
      overriding system value select ${
      values.join(", ")
    } from generate_series(1, ${table.rows}) n;`,
  ];
}

const isGenerated = ({ source, type }: Column) =>
  source === "generated" && /^(integer|bigint|numeric)/.test(type);

function indexesSql(table: Table, columns: Column[], name: string, place: number): string[] {
  const key = ident(columns[0].name);
  const last = ident(columns.at(-1)!.name);
  return table.indexes.map((kind, n) => {
    switch (kind) {
      case "partial":
        return `create index on ${name} (${key} desc) where ${key} > 2;`;
      case "expression":
        return `create index on ${name} ((${key} % 3), (${last} is null));`;
      case "unique":
        return `create unique index on ${name} (${key})${
          last === key ? "" : ` include (${last})`
        };`;
      case "hash":
        return `create index on ${name} using hash (${key});`;
      case "named":
        return `create index ${ident(`index ${place} ${n}`)} on ${name} (${key});
          comment on index ${qualified(schemaOf(name), `index ${place} ${n}`)} is 'named';`;
      default:
        return `create index on ${name} (${key}, ${last});`;
    }
  }).concat(
    table.statistics
      ? [
        `create statistics ${qualified(schemaOf(name), `statistics ${place}`)} on ${key}, ${
          columns.length > 1 ? last : `(${key} % 2)`
        } from ${name};`,
      ]
      : [],
  );
}

/** The schema that a qualified name begins with; these are never odd. */
const schemaOf = (name: string) => name.slice(1, name.indexOf('"."'));

/** A foreign key to the key of a table that has a primary key, which holds since no row refers to anything. */
function referenceSql(tables: Table[], place: number, schema: string): string[] {
  const { references, name } = tables[place];
  const target = references === null ? -1 : references % (place + 1);
  if (target < 0 || !tables[target].primaryKey) return [];
  // What is written down cannot refer to what a crash empties.
  if (tables[target].kind === "unlogged" && tables[place].kind !== "unlogged") return [];
  const type = columnsOf(tables, target)[0].type;
  const key = ident(columnsOf(tables, target)[0].name);
  return [
    `alter table ${qualified(schema, name)} add column ${ident(`refers ${place}`)} ${type};
    alter table ${qualified(schema, name)} add foreign key (${ident(`refers ${place}`)})
      references ${qualified(schema, tables[target].name)} (${key}) on delete cascade
      deferrable initially deferred;`,
  ];
}

function securitySql(tables: Table[], place: number, schema: string): string[] {
  const table = tables[place];
  const name = qualified(schema, table.name);
  const key = ident(columnsOf(tables, place)[0].name);
  if (table.rowSecurity === "off") return [];
  const conditions = {
    all: "true",
    even: `${key} % 2 = 0`,
    role: "current_user <> 'anon'",
    "other table": place === 0 ? `${key} < 3` : `exists (
      select from ${qualified(schema, tables[place - 1].name)} o
      where o.${ident(columnsOf(tables, place - 1)[0].name)} = ${name}.${key})`,
  };
  return [
    `alter table ${name} enable row level security;`,
    ...(table.rowSecurity === "forced" ? [`alter table ${name} force row level security;`] : []),
    ...table.policies.map((policy, n) =>
      `create policy ${ident(`policy ${n}`)} on ${name} as ${
        policy.restrictive ? "restrictive" : "permissive"
      } for ${policy.command} to ${policy.roles.join(", ") || "public"} ${
        policy.command === "insert" ? "with check" : "using"
      } (${conditions[policy.condition]});`
    ),
  ];
}

function grantsSql(table: Table, columns: Column[], name: string): string[] {
  return [
    ...table.grants.map((grant) => {
      const column = grant.column === null ? null : columns[grant.column % columns.length];
      const privileges = column === null
        ? grant.privileges
        : grant.privileges.filter((privilege) => privilege !== "delete");
      if (privileges.length === 0) return "";
      const what = privileges
        .map((one) => (column === null ? one : `${one} (${ident(column.name)})`)).join(", ");
      const option = grant.grantable && grant.grantee !== "public" ? " with grant option" : "";
      const give = `grant ${what} on ${name} to ${grant.grantee}${option};`;
      return grant.passedOn && grant.grantee !== "authenticated"
        ? `grant ${what} on ${name} to authenticated with grant option;
          set role authenticated; ${give} reset role;`
        : give;
    }),
  ];
}

function codeSql(table: Table, columns: Column[], schema: string, place: number): string[] {
  const name = qualified(schema, table.name);
  const key = ident(columns[0].name);
  const pass = qualified(schema, "pass");
  const triggers = table.triggers.map((kind, n) => {
    const trigger = ident(`trigger ${n}`);
    switch (kind) {
      case "after statement":
        return `create trigger ${trigger} after insert on ${name} referencing new table as added
          for each statement execute function ${pass}();`;
      case "conditional":
        return `create trigger ${trigger} before update on ${name} for each row
          when (new.${key} > 1000) execute function ${pass}();`;
      case "disabled":
        return `create trigger ${trigger} after delete on ${name} for each row execute function ${pass}();
          alter table ${name} disable trigger ${trigger};`;
      default:
        return `create trigger ${trigger} before insert or update on ${name} for each row
          execute function ${pass}('argument', 'it''s');`;
    }
  });
  const functions = table.functions.map((kind, n) => {
    const routine = qualified(schema, `function ${place} ${n}`);
    switch (kind) {
      case "plpgsql":
        return `create function ${routine}() returns text language plpgsql as ${
          dollarQuoted(
            `
          declare
            found_one ${name};
          begin
            select * into found_one from ${name} order by ${key} limit 1;
            return found_one::text;
          end `,
            "f",
          )
        };`;
      case "parsed":
        return `create function ${routine}() returns bigint language sql stable
          begin atomic select count(*) from ${name} where ${key} > 0; end;`;
      case "row":
        return `create function ${routine}(r ${name}) returns text language sql stable as ${
          dollarQuoted(`select (r).${key}::text`, "f")
        };`;
      case "set":
        return `create function ${routine}() returns setof ${name} language sql stable as ${
          dollarQuoted(`select * from ${name}`, "f")
        };`;
      case "array":
        return `create function ${routine}(r ${name}[]) returns bigint language sql immutable as ${
          dollarQuoted("select count(*) from unnest(r)", "f")
        };`;
      default:
        return `create function ${routine}() returns bigint language sql stable as ${
          dollarQuoted(`select count(*) from ${name} -- ${table.name.replaceAll("\n", " ")}`, "f")
        };`;
    }
  });
  const rule = table.rule
    ? [
      `create rule ${
        ident("keeps 13")
      } as on delete to ${name} where old.${key} = 13 do instead nothing;`,
    ]
    : [];
  return [...triggers, ...rule, ...functions];
}

function labelsSql(table: Table, columns: Column[], name: string): string[] {
  return [
    ...(table.comment === null ? [] : [`comment on table ${name} is ${literal(table.comment)};`]),
    ...columns.flatMap((column) => [
      ...(column.comment
        ? [`comment on column ${name}.${ident(column.name)} is ${literal(`of "${column.name}"`)};`]
        : []),
      ...(column.settings
        ? [`alter table ${name} alter column ${ident(column.name)} set statistics 200;`]
        : []),
    ]),
  ];
}

/** Two columns, whatever it is over: \`c0\` and \`c1\`. */
function viewSql(generated: GeneratedSchema, place: number, schema: string): string {
  const view: View = generated.views[place];
  const table = view.table % generated.tables.length;
  const name = qualified(schema, view.name);
  const from = qualified(schema, generated.tables[table].name);
  const columns = columnsOf(generated.tables, table);
  const prefix = view.alias ? "t" : from;
  const other = view.view === null || place === 0
    ? null
    : qualified(schema, generated.views[view.view % place].name);
  const options = view.options.map((option) => `${option} = true`).join(", ");
  return `create ${view.materialized ? "materialized view" : "view"} ${name}${
    options === "" || view.materialized ? "" : ` with (${options})`
  } as select ${prefix}.${ident(columns[0].name)} as c0, ${prefix}.${
    ident(columns.at(-1)!.name)
  } as c1 from ${from}${view.alias ? " t" : ""}${
    other === null ? "" : ` left join ${other} v on v.c0 = ${prefix}.${ident(columns[0].name)}`
  };
  ${view.materialized ? `create index on ${name} (c0);` : ""}
  ${view.granted ? `grant select on ${name} to anon, authenticated;` : ""}`;
}

function publicationSql(tables: Table[], schema: string): string {
  const published = tables.filter((table) => table.published && table.kind !== "unlogged");
  if (published.length === 0) return "";
  return `create publication ${ident(`${schema} published`)} for table ${
    published.map(({ name }) => qualified(schema, name)).join(", ")
  } with (publish = 'insert');`;
}

/** Statements that take it all away. */
export const dropSql = (schema: string): string =>
  `drop publication if exists ${ident(`${schema} published`)};
  drop schema if exists ${ident(schema)} cascade;`;
