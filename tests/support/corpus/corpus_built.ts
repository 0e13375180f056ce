/**
 * What developers build on a name while it may be a table or a compatibility view: the same statements make the
 * same objects over either, so that a test can compare what a rename in between has left of them.
 */
import { dollarQuoted, ident, literal, qualified } from "../../../shared/sql/quoting.ts";

export interface BuiltOn {
  schema: string;
  name: string;
  /** Names of its columns; at least one, the first of a type that can be compared. */
  columns: string[];
}

/** The kinds of things that can be built. */
export const BUILDS = [
  "view",
  "nested view",
  "recursive view",
  "materialized view",
  "parsed function",
  "parsed procedure",
  "row function",
  "set function",
  "policy",
  "rule",
  "default and check",
] as const;

export type Build = typeof BUILDS[number];

/** Kinds that stand on others: they are built with them. */
const NEEDS: Partial<Record<Build, Build[]>> = {
  "nested view": ["view"],
  "default and check": ["parsed function"],
};

/**
 * Statements that build these kinds of things on a relation, in the schema `into`, which is there.
 *
 * @param mark Goes into every name that is made, so that those of two relations differ.
 */
export function build(on: BuiltOn, into: string, mark: string, kinds: readonly Build[]): string {
  const wanted = new Set(kinds.flatMap((kind) => [...NEEDS[kind] ?? [], kind]));
  return BUILDS.filter((kind) => wanted.has(kind))
    .map((kind) => STATEMENTS[kind](on, (what) => qualified(into, `${mark} ${what}`), mark))
    .join("\n");
}

type Name = (what: string) => string;

const relation = ({ schema, name }: BuiltOn) => qualified(schema, name);
const first = ({ columns }: BuiltOn) => ident(columns[0]);

const STATEMENTS: Record<Build, (on: BuiltOn, name: Name, mark: string) => string> = {
  // The name without an alias, as most views are written; the server keeps it as one.
  "view": (on, name) => `
    create view ${name("view")} with (security_invoker = true, security_barrier = true) as
      select ${relation(on)}.${first(on)} as one from ${relation(on)} where ${
    first(on)
  } is not null;
    comment on view ${name("view")} is 'built in between';
    comment on column ${name("view")}.one is ${literal(`of "${on.name}"`)};
    grant select on ${name("view")} to anon with grant option;
    grant select (one) on ${name("view")} to authenticated;`,
  "nested view": (on, name) => `
    create view ${name("nested")} (n, one) as
      select count(*), v.one from ${name("view")} v join ${relation(on)} t on t.${first(on)} = v.one
      group by v.one;
    create rule on_insert as on insert to ${name("nested")} do instead nothing;`,
  "recursive view": (on, name, mark) => `
    create recursive view ${name("recursive")} (n) as
      select 1 union all
      select n + 1 from ${ident(`${mark} recursive`)}
      where n < (select least(count(*), 3) from ${relation(on)});`,
  "materialized view": (on, name, mark) => `
    create materialized view ${name("stored")} with (fillfactor = 80) as
      select t.${first(on)}::text as one, count(*) as n from ${relation(on)} t group by 1;
    create unique index ${ident(`${mark} stored key`)} on ${name("stored")} (one);
    create index ${ident(`${mark} stored n`)} on ${name("stored")} (n desc) where n > 1;
    comment on materialized view ${name("stored")} is 'refreshed at night';
    comment on index ${name("stored key")} is 'unique';
    grant select on ${name("stored")} to service_role;
    create materialized view ${name("empty")} as select count(*) as n from ${relation(on)}
      with no data;
    create view ${name("on stored")} as select one from ${name("stored")} where n > 0;
    grant select on ${name("on stored")} to anon;`,
  "parsed function": (on, name) => `
    create function ${name("count")}() returns bigint language sql stable security definer
      set work_mem = '1MB'
    begin atomic
      select count(*) from ${relation(on)};
    end;
    comment on function ${name("count")}() is 'counts';
    revoke execute on function ${name("count")}() from public;
    grant execute on function ${name("count")}() to authenticated;`,
  "parsed procedure": (on, name) => `
    create procedure ${name("clear")}(really boolean) language sql
    begin atomic
      delete from ${relation(on)} where not really and really;
    end;`,
  "row function": (on, name) => `
    create function ${name("label")}(r ${relation(on)}) returns text language sql immutable
      as ${dollarQuoted(`select (r).${first(on)}::text`, "label")};
    grant execute on function ${name("label")}(${relation(on)}) to anon;`,
  "set function": (on, name) => `
    create function ${name("rows")}(n int) returns setof ${relation(on)} language sql stable rows 7
    begin atomic
      select * from ${relation(on)} limit n;
    end;`,
  "policy": (on, name) => `
    create table ${name("guarded")} (one text);
    alter table ${name("guarded")} enable row level security;
    create policy seen on ${name("guarded")} as restrictive for select to anon, authenticated
      using (exists (select from ${relation(on)} where ${first(on)}::text = one));
    create policy written on ${name("guarded")} to service_role using (true)
      with check (one in (select x.${first(on)}::text from ${relation(on)} x));
    comment on policy seen on ${name("guarded")} is 'reads another';`,
  "rule": (on, name) => `
    create table ${name("ruled")} (one text);
    create rule also as on delete to ${name("ruled")} where old.one is null
      do also delete from ${relation(on)} t where t.${first(on)}::text = old.one;
    alter table ${name("ruled")} disable rule also;
    comment on rule also on ${name("ruled")} is 'never runs';`,
  "default and check": (_on, name) => `
    create table ${name("defaulted")} (
      id int primary key,
      total bigint not null default ${name("count")}(),
      constraint counted check (id < 0 or ${name("count")}() >= 0)
    );`,
};
