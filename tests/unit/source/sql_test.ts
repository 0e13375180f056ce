/** Names of renamed tables in files of SQL: what is changed, what is left, and why. */
import { assertEquals } from "@std/assert";
import { renamedBack, renamedIn } from "../../support/documents/source.ts";

/** What is changed, and that the same change backwards gives the same bytes. */
function changed(cases: [before: string, after: string][]): void {
  for (const [before, after] of cases) {
    const there = renamedIn(before, "supabase/seed.sql");
    assertEquals(there.text, after, before);
    assertEquals(there.possible.map(({ reason }) => reason), [], before);
    assertEquals(renamedBack(after, "supabase/seed.sql").text, before, `and back: ${after}`);
  }
}

/** The same one way only: backwards, the statement says the other name already. */
function changedOneWay(cases: [before: string, after: string][]): void {
  for (const [before, after] of cases) {
    assertEquals(renamedIn(before, "supabase/seed.sql").text, after);
    assertEquals(renamedBack(after, "supabase/seed.sql").text, after);
  }
}

function left(cases: [text: string, ...reasons: string[]][]): void {
  for (const [text, ...reasons] of cases) {
    const { text: after, possible } = renamedIn(text, "supabase/seed.sql");
    assertEquals(after, text);
    assertEquals(possible.map(({ reason }) => reason), reasons, text);
  }
}

Deno.test("a relation is changed with everything that says its name again", () => {
  changed([
    [
      "select old.id, public.old.n from public.old where old.id = 1",
      "select new.id, public.new.n from public.new where new.id = 1",
    ],
    [
      "select o.id from old o join b on b.old = o.id",
      "select o.id from new o join b on b.old = o.id",
    ],
    [
      "select old.* from only old, lateral (select old.id) x",
      "select new.* from only new, lateral (select new.id) x",
    ],
    [
      "insert into old (id) values (1) on conflict (id) do update set n = old.n returning old.id;",
      "insert into new (id) values (1) on conflict (id) do update set n = new.n returning new.id;",
    ],
    [
      "update old set n = b.n from b where b.id = old.id",
      "update new set n = b.n from b where b.id = new.id",
    ],
    ["delete from old using b where old.id = b.id", "delete from new using b where new.id = b.id"],
    [
      "merge into old using b on b.id = old.id when matched then update set n = b.n",
      "merge into new using b on b.id = new.id when matched then update set n = b.n",
    ],
    [
      `select * from "old"; truncate app."things", b`,
      `select * from "new"; truncate app."stuff", b`,
    ],
    [
      "copy public.old (id) from stdin;\n1\told's;\n\\.\n\\echo old\nlock table old;",
      "copy public.old (id) from stdin;\n1\told's;\n\\.\n\\echo old\nlock table old;".replace(
        "public.old",
        "public.new",
      ).replace("table old", "table new"),
    ],
    [
      "select 'public.old'::regclass, to_regclass('old'), pg_get_serial_sequence('old', 'id')",
      "select 'public.new'::regclass, to_regclass('new'), pg_get_serial_sequence('new', 'id')",
    ],
  ]);
});

Deno.test("a column of an alias that is the old name stays", () => {
  const after = (text: string) => renamedIn(text, "a.sql").text;
  assertEquals(
    after("select old.ctid from old as old order by (select old.ctid from b)"),
    "select old.ctid from new as old order by (select old.ctid from b)",
  );
  assertEquals(after("update old set old = default"), "update new set old = default");
});

Deno.test("definitions are changed, and what is only called alike is not", () => {
  changed([
    [
      "create table old (id int primary key, up int references old (id), check (old.id > 0));",
      "create table new (id int primary key, up int references new (id), check (new.id > 0));",
    ],
    [
      "create index old_n on old (lower(old.n)); alter table old add column n int; comment on column old.n is 'of old'",
      "create index old_n on new (lower(new.n)); alter table new add column n int; comment on column new.n is 'of old'",
    ],
    [
      "create view v as select old.id from old; create function f() returns setof old language sql as $$ select old.* from old $$",
      "create view v as select new.id from new; create function f() returns setof new language sql as $$ select new.* from new $$",
    ],
    [
      "create function f() returns void language plpgsql as $f$ declare r old%rowtype; n old.n%type; begin for r in select * from old where old.n > 0 loop update old set n = r.n; end loop; end $f$",
      "create function f() returns void language plpgsql as $f$ declare r new%rowtype; n new.n%type; begin for r in select * from new where new.n > 0 loop update new set n = r.n; end loop; end $f$",
    ],
    [
      "alter publication p add table old, b; grant select on old to old_role",
      "alter publication p add table new, b; grant select on new to old_role",
    ],
  ]);
  changed([[
    "select b.old, old.old as x from old, b",
    "select b.old, new.old as x from new, b",
  ]]);
  changedOneWay([
    ["create table b (old text references old)", "create table b (old text references new)"],
    [
      "create policy old on old for select using (old.owner = auth.uid() and exists (select from b where b.x = old.id))",
      "create policy old on new for select using (new.owner = auth.uid() and exists (select from b where b.x = new.id))",
    ],
    [
      "create trigger t after insert on old for each row execute function old();",
      "create trigger t after insert on new for each row execute function old();",
    ],
    [
      "with old as (select 1 as id) select old.id from old",
      "with old as (select 1 as id) select old.id from old",
    ],
    ["create view old as select 1", "create view old as select 1"],
    [
      "select old.id from b as old; select * from other.old",
      "select old.id from b as old; select * from other.old",
    ],
    ["-- old\n/* from old */ select 1 as old", "-- old\n/* from old */ select 1 as old"],
  ]);
});

Deno.test("a name that stands for the whole row keeps its meaning by an alias", () => {
  changed([
    [
      "select row_to_json(old) from old where old.id = 1",
      "select row_to_json(old) from new as old where old.id = 1",
    ],
    [
      "select old, (old).id, count(old) from public.old",
      "select old, (old).id, count(old) from public.new as old",
    ],
    [
      `select to_jsonb("old") from "old" limit 1`,
      `select to_jsonb("old") from "new" as "old" limit 1`,
    ],
  ]);
  left([
    [
      "select row_to_json(old), public.old.id from public.old",
      "it stands for a row here",
      "it stands for a row here",
    ],
    ["create index on old (f(old))", "it stands for a row here"],
  ]);
});

Deno.test("what cannot be decided is left, with the reason", () => {
  left([
    ["select * from things", "which schema is meant depends on the search path"],
    [
      "set search_path = app, public; select * from old",
      "which schema is meant depends on the search path",
    ],
    ["select * from old join new on true", "the statement says new already"],
    ["with new as (select 1) select * from old, new", "the statement says new already"],
    ["create temp table new (id int); select * from old", "the file makes a temporary table new"],
    ["alter table old add check (old.id > 0)", "old is said here in a way that is not understood"],
    [
      "do $$ begin execute 'delete from old'; end $$",
      "it is in SQL that is put together when it runs",
    ],
    ["select has_table('old')", "a string that is the name"],
    ["select * from old where name = 'it", "the SQL cannot be read: a string that does not end"],
    [
      "create function f() returns int language plpython3u as $$ return plpy.execute('select * from old') $$",
      "the SQL cannot be read: another language",
    ],
  ]);
});

Deno.test("renames that form a chain or a swap are never made", () => {
  const chain = [
    { schema: "public", from: "a", to: "b" },
    { schema: "public", from: "b", to: "c" },
    { schema: "public", from: "x", to: "y" },
  ];
  const unclear = "b is an old name and a new one: nobody can tell which table is meant";
  const { text, possible } = renamedIn(
    "select * from a; select * from b; select * from x",
    "a.sql",
    chain,
  );
  assertEquals(text, "select * from a; select * from b; select * from y");
  assertEquals(possible.map(({ reason }) => reason), [unclear, unclear]);
  const swap = [
    { schema: "public", from: "a", to: "b" },
    { schema: "public", from: "b", to: "a" },
  ];
  assertEquals(renamedIn("select * from a, b", "a.sql", swap).text, "select * from a, b");
  // In another schema it is another name.
  const apart = [
    { schema: "public", from: "a", to: "b" },
    { schema: "app", from: "b", to: "a" },
  ];
  assertEquals(
    renamedIn("select 1 from a; select 1 from app.b", "a.sql", apart).text,
    "select 1 from b; select 1 from app.a",
  );
});

Deno.test("names that need quotes get them, and are left where a string would end", () => {
  const odd = [{ schema: "public", from: "old", to: `O'Brien "x"` }, {
    schema: "public",
    from: "Größe",
    to: "user",
  }];
  assertEquals(
    renamedIn(`select * from old; table "Größe"`, "a.sql", odd).text,
    `select * from "O'Brien ""x"""; table "user"`,
  );
  const inside = renamedIn("select 'old'::regclass", "a.sql", odd);
  assertEquals(inside.possible.map(({ reason }) => reason), ["the name needs quotes in a string"]);
});
