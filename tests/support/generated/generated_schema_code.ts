/** The SQL of what a random table has besides its columns: security, privileges and code. */
import { dollarQuoted, ident, qualified } from "../../../shared/sql/quoting.ts";
import { type Column, columnsOf, type Table } from "./generated_schema.ts";

/** Row-level security and policies; a policy can read the table before. */
export function securitySql(tables: Table[], place: number, schema: string): string[] {
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

/** Grants, as the owner and as whom it was granted to. */
export function grantsSql(table: Table, columns: Column[], name: string): string[] {
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

/** Triggers, rules, and functions of every kind. */
export function codeSql(table: Table, columns: Column[], schema: string, place: number): string[] {
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
