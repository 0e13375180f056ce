/** What is built on several old names at once, and on the names of a chain. */
import { assert, assertEquals } from "@std/assert";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { describe, descriptionDifferences, identities } from "../../support/catalog/described.ts";
import { finalize } from "../../support/finalize.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";

const TABLES = `
  create schema app;
  create table app.teams (id int primary key, name text);
  create table app.experts (id int primary key, name text, team_id int references app.teams);
  create table app.bookings (id int primary key, expert_id int references app.experts);
  insert into app.teams values (1, 'red'), (2, 'blue');
  insert into app.experts values (1, 'Ada', 1), (2, 'Bob', 2);
  insert into app.bookings values (1, 1), (2, 1), (3, 2);`;

const NAMES = ["teams", "experts", "bookings"];

/** Built on old names of some tables and new names of others. */
const BUILT = `
  create view app.two_old with (security_invoker) as
    select e.name, t.name as team from app.experts e join app.teams t on t.id = e.team_id;
  create view app.old_and_new with (security_invoker) as
    select e.name, t.name as team from app.experts e join app.new_teams t on t.id = e.team_id;
  create view app.new_and_old with (security_invoker) as
    select e.name, t.name as team from app.new_experts e join app.teams t on t.id = e.team_id;
  create view app.three with (security_invoker) as
    select count(*) as n from app.experts e join app.new_teams t on t.id = e.team_id
    join app.bookings b on b.expert_id = e.id;
  create materialized view app.counted as
    select t.name, count(*) as n from app.teams t join app.experts e on e.team_id = t.id group by t.name;
  create unique index counted_key on app.counted (name);
  create view app.above with (security_invoker) as
    select c.n, t.team from app.counted c join app.two_old t on t.team = c.name;
  alter table app.new_teams enable row level security;
  create policy with_experts on app.new_teams using (exists (
    select from app.experts e where e.team_id = new_teams.id));
  create function app.pairs(app.experts, app.teams) returns text language sql immutable
    as 'select $1.name || $2.name';
  create procedure app.move() language sql begin atomic
    update app.experts set team_id = (select max(id) from app.new_teams);
    insert into app.bookings select max(b.id) + 1, max(e.id) from app.bookings b, app.experts e;
  end;`;

const READS = [
  "select string_agg(x::text, ' ' order by x::text) as x from app.two_old x",
  "select string_agg(x::text, ' ' order by x::text) as x from app.old_and_new x",
  "select string_agg(x::text, ' ' order by x::text) as x from app.new_and_old x",
  "select n as x from app.three",
  "select string_agg(x::text, ' ' order by x::text) as x from app.above x",
  "select string_agg(x::text, ' ' order by x::text) as x from app.counted x",
];

async function reads(db: TestDatabase): Promise<string[]> {
  const rows = [];
  for (const read of READS) rows.push(String((await db.sql.unsafe(read))[0].x));
  return rows;
}

async function renamedBatch(db: TestDatabase, functions: Functions) {
  await db.sql.unsafe(TABLES).simple();
  const { batch_id, migrations } = await functions.rename({
    renames: NAMES.map((old_name) => ({ schema: "app", old_name, new_name: `new_${old_name}` })),
  });
  await db.sql.unsafe(BUILT).simple();
  return { batch_id: batch_id!, ids: migrations.map(({ id }) => id) };
}

/** Every object that was built, as text. */
async function texts(db: TestDatabase): Promise<Record<string, string>> {
  const description = await describe(db.sql, "app");
  return Object.fromEntries(
    Object.entries(description)
      .filter(([object]) => !/(teams|experts|bookings)(_\w+)?$/.test(object)),
  );
}

/** Any form of a table's name, as one: which one a text says depends on what the table is called now. */
const withOneName = (texts: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(texts).map(([object, text]) => [
      object.replace(/\bnew_(?=teams|experts|bookings)/g, ""),
      text.replace(/\bnew_(?=teams|experts|bookings)/g, ""),
    ]),
  );

databaseTest(
  "what is built on several old and new names follows a whole batch back",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const { batch_id } = await renamedBatch(db, functions);
    const [before, rows, oids] = [
      await texts(db),
      await reads(db),
      await identities(db.sql, "app"),
    ];
    const answer = await functions.rollback({ batch_id });
    assert(answer.verification?.passed, JSON.stringify(answer.verification, null, 2));
    const after = await texts(db);
    assertEquals(descriptionDifferences(withOneName(before), withOneName(after)), []);
    assert(!Object.values(after).some((text) => /\bnew_|__compat/.test(text)));
    assertEquals(await reads(db), rows);
    const kept = ["view two_old", "view three", "policy with_experts", "routine app.move()"];
    const now = await identities(db.sql, "app");
    for (const object of kept) assertEquals(now[object], oids[object], object);
    const [{ pairs }] = await db.sql`
    select app.pairs(e, t) from app.experts e join app.teams t on t.id = e.team_id where e.id = 1`;
    assertEquals(pairs, "Adared");
  },
);

databaseTest(
  "what is built on several old and new names follows when they all end",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const { batch_id } = await renamedBatch(db, functions);
    const [before, rows] = [await texts(db), await reads(db)];
    await finalize(db, { batch_id });
    const after = await texts(db);
    assertEquals(descriptionDifferences(withOneName(before), withOneName(after)), []);
    assert(
      !Object.values(after).some((text) => /app\.(teams|experts|bookings)\b|__compat/.test(text)),
    );
    assertEquals(await reads(db), rows);
    const views = await db.sql`select relname from pg_class
    where relnamespace = 'app'::regnamespace and relname in ('teams', 'experts', 'bookings')`;
    assertEquals(views.length, 0);
  },
);

for (const order of [[0, 1, 2], [2, 1, 0], [1, 0, 2]]) {
  databaseTest(
    `old names end one by one, some in this way and some in that (${order})`,
    async ({ db }) => {
      await using functions = functionsFor(db.url);
      const { ids } = await renamedBatch(db, functions);
      const [before, rows] = [await texts(db), await reads(db)];
      for (const [n, index] of order.entries()) {
        if (n === 1) await finalize(db, { migration_id: ids[index] });
        else {
          const answer = await functions.rollback({ migration_id: ids[index] });
          assert(answer.verification?.passed, JSON.stringify(answer.verification, null, 2));
        }
        assertEquals(descriptionDifferences(withOneName(before), withOneName(await texts(db))), []);
        assertEquals(await reads(db), rows);
      }
    },
  );
}

// Chains --------------------------------------------------------------------------------------------

const CHAIN_BUILT = `
  create view on_first with (security_invoker) as select id, name from experts;
  create view on_second with (security_invoker) as select id, name from a;
  create view on_both with (security_invoker) as select f.id, s.name from experts f join a s using (id);
  create view on_last with (security_invoker) as select id, name from b;`;

async function renamedChain(db: TestDatabase, functions: Functions): Promise<string[]> {
  await db.sql.unsafe(`create table experts (id int primary key, name text);
    insert into experts values (1, 'Ada')`).simple();
  const ids = [];
  for (const [old_name, new_name] of [["experts", "a"], ["a", "b"]]) {
    ids.push((await functions.rename({ old_name, new_name })).migrations[0].id);
  }
  await db.sql.unsafe(CHAIN_BUILT).simple();
  return ids;
}

async function tablesRead(db: TestDatabase): Promise<Record<string, string>> {
  const rows = await db.sql`
    select v.relname as view, string_agg(distinct t.relname || '.' || t.relkind::text, ' ') as reads
    from pg_class v join pg_rewrite r on r.ev_class = v.oid
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
      and d.refclassid = 'pg_class'::regclass and d.refobjid <> v.oid
    join pg_class t on t.oid = d.refobjid
    where v.relname like 'on\\_%' group by 1 order by 1`;
  for (const { view } of rows) {
    assertEquals((await db.sql`select name from ${db.sql(view)}`).length, 1, view);
  }
  return Object.fromEntries(rows.map(({ view, reads }) => [view, reads]));
}

databaseTest(
  "a chain goes back step by step, and what is built on each name follows its step",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const [first, second] = await renamedChain(db, functions);
    await functions.rollback({ migration_id: second });
    assertEquals(await tablesRead(db), {
      on_first: "experts.v",
      on_second: "a.r",
      on_both: "a.r experts.v",
      on_last: "a.r",
    });
    // Now this one uses the table under two names, of which one is to go.
    await functions.refused("dependants_cannot_follow", "rollback", { migration_id: first });
    await db.sql`drop view on_both`;
    await functions.rollback({ migration_id: first });
    assertEquals(await tablesRead(db), {
      on_first: "experts.r",
      on_second: "experts.r",
      on_last: "experts.r",
    });
  },
);

databaseTest(
  "the first name of a chain ends first, and the table keeps its last one",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const [first, second] = await renamedChain(db, functions);
    await finalize(db, { migration_id: first });
    assertEquals(await tablesRead(db), {
      on_first: "b.r",
      on_second: "a.v",
      on_both: "a.v b.r",
      on_last: "b.r",
    });
    await db.sql`drop view on_both`;
    await finalize(db, { migration_id: second });
    assertEquals(await tablesRead(db), { on_first: "b.r", on_second: "b.r", on_last: "b.r" });
  },
);
