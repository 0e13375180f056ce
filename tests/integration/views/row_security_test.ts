/** Row-level security: through both names each role sees and writes the rows it could before, no others. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { outcomes, prepareOutcomes, testRoles } from "../../support/roles.ts";

const ANN = "00000000-0000-4000-8000-00000000000a";
const BOB = "00000000-0000-4000-8000-00000000000b";

/** Notes with an owner; a team's notes are read by its members; what is locked stays as it is. */
const NOTES = `
  create table members (team text, member uuid);
  insert into members values ('red', '${ANN}'), ('blue', '${BOB}');
  create table notes (
    id int primary key, author uuid default auth.uid(), team text, body text default 'new',
    published boolean not null default false, locked boolean not null default false);
  insert into notes values
    (1, '${ANN}', 'red', 'ann private', false, false),
    (2, '${ANN}', 'red', 'ann published', true, false),
    (3, '${BOB}', 'blue', 'bob private', false, false),
    (4, '${BOB}', 'red', 'bob published', true, false),
    (5, '${ANN}', 'blue', 'ann locked', true, true);
  alter table notes enable row level security;`;

const POLICIES = `
  create policy published on notes for select to anon, authenticated using (published);
  create policy team on notes for select to authenticated using (
    exists (select from members m where m.team = notes.team and m.member = auth.uid()));
  create policy own_insert on notes for insert to authenticated with check (author = auth.uid());
  create policy own_update on notes for update to authenticated
    using (author = auth.uid()) with check (author = auth.uid() and body <> 'forbidden');
  create policy own_delete on notes for delete to authenticated using (author = auth.uid());
  create policy admins on notes to authenticated
    using (auth.jwt() -> 'app_metadata' ->> 'role' = 'admin') with check (auth.jwt() -> 'app_metadata' ->> 'role' = 'admin' and team is not null);
  create policy unlocked on notes as restrictive for update using (not locked);
  create policy not_locked_away on notes as restrictive for delete to public using (not locked);
  create policy sober on notes as restrictive to authenticated using (body <> 'secret');`;

/** Reads and writes of every kind, some of rows that must not be seen or written. */
const attempts = (t: string) => [
  `select string_agg(n::text, ' | ' order by id) from ${t} n`,
  `select count(*) from ${t}`,
  `select string_agg(body, ',' order by id) from ${t} where team = 'red'`,
  `select string_agg(id::text, ',') from (select id from ${t} order by id for update) x`,
  `select leak.body(body) from ${t} order by leak.body(body) limit 1`,
  `select count(*) from ${t} where leak.body(body) = 'x'`,
  `select count(*) from members m join ${t} n using (team)`,
  `insert into ${t} (id, team) values (10, 'red')`,
  `insert into ${t} (id, team) values (10, 'red') returning author, body`,
  `insert into ${t} (id, author) values (10, '${BOB}')`,
  `insert into ${t} (id, author) values (10, '${ANN}')`,
  `insert into ${t} (id) values (1) on conflict (id) do nothing`,
  `insert into ${t} (id) values (1) on conflict (id) do update set body = 'upsert' returning body`,
  `insert into ${t} (id) values (3) on conflict (id) do update set body = default`,
  `insert into ${t} select 10 + id, author, team, body from ${t}`,
  `update ${t} set body = 'changed'`,
  `update ${t} set body = body || '!' where id = 1 returning body`,
  `update ${t} set body = 'forbidden' where id = 2`,
  `update ${t} set author = '${BOB}' where id in (1, 2)`,
  `update ${t} set author = '${ANN}', team = null where id = 3`,
  `update ${t} set body = 'changed' where id = 3`,
  `update ${t} set body = 'changed' where id = 5`,
  `update ${t} n set body = m.team from members m where m.team = n.team`,
  `delete from ${t}`,
  `delete from ${t} where id = 3`,
  `delete from ${t} where id = 5 returning id`,
  `with d as (delete from ${t} where author = '${ANN}' returning id) select count(*) from d`,
];

interface Actor {
  who: string;
  role: string;
  claims?: Record<string, unknown>;
}

const ACTORS: Actor[] = [
  { who: "anon", role: "anon" },
  { who: "ann", role: "authenticated", claims: { sub: ANN } },
  { who: "bob", role: "authenticated", claims: { sub: BOB } },
  { who: "nobody", role: "authenticated" },
  {
    who: "admin",
    role: "authenticated",
    claims: { sub: BOB, app_metadata: { role: "admin" } },
  },
  { who: "service_role", role: "service_role" },
  { who: "postgres", role: "postgres" },
];

async function prepare(db: TestDatabase, ddl: string): Promise<void> {
  await db.sql.unsafe(`${NOTES}${ddl}
    grant all on notes, members to anon, authenticated, service_role;
    create schema leak;
    grant usage on schema leak to public;
    create function leak.body(body text) returns text cost 0.000001 language plpgsql as $$ begin
      if body like '%private' then raise exception 'leaked' using errcode = 'ZZ001'; end if;
      return body;
    end $$`).simple();
  await prepareOutcomes(db);
}

/** What happens to each actor with each statement, by actor and statement without the table's name. */
async function outcomesOf(db: TestDatabase, actors: Actor[], t: string) {
  const tried = attempts("notes");
  const result: Record<string, Record<string, string>> = {};
  for (const { who, role, claims } of actors) {
    const found = await outcomes(db, role, attempts(t), claims);
    result[who] = Object.fromEntries(found.map((outcome, n) => [tried[n], outcome]));
  }
  return result;
}

/** Renames `notes` to `memos` and back; everybody's outcomes must be the same all along. */
async function everybodySeesTheSame(db: TestDatabase, actors: Actor[]) {
  await using functions = functionsFor(db.url);
  const before = await outcomesOf(db, actors, "notes");
  const answer = await functions.rename({ old_name: "notes", new_name: "memos" });
  assertEquals(answer.findings, []);
  assert(answer.verification?.passed, JSON.stringify(answer.verification, null, 2));
  assertEquals(await outcomesOf(db, actors, "notes"), before, "through the old name");
  assertEquals(await outcomesOf(db, actors, "memos"), before, "through the new name");
  const back = await functions.rollback({ batch_id: answer.batch_id! });
  assert(back.verification?.passed, JSON.stringify(back.verification, null, 2));
  assertEquals(await outcomesOf(db, actors, "notes"), before, "after the rollback");
  return before;
}

const visible = (found: Record<string, Record<string, string>>, who: string) =>
  found[who]["select count(*) from notes"];

for (const defaultPrivileges of ["classic", "none"] as const) {
  databaseTest(
    `policies of every kind hold through both names (default privileges: ${defaultPrivileges})`,
    { defaultPrivileges },
    async ({ db }) => {
      await prepare(db, POLICIES);
      const found = await everybodySeesTheSame(db, ACTORS);
      // The policies do distinguish the actors.
      assertEquals(
        ACTORS.map(({ who }) => [who, visible(found, who)]),
        [
          ["anon", "ok 1 3"],
          ["ann", "ok 1 4"],
          ["bob", "ok 1 4"],
          ["nobody", "ok 1 3"],
          ["admin", "ok 1 5"],
          ["service_role", "ok 1 5"],
          ["postgres", "ok 1 5"],
        ],
      );
      assertEquals(found.ann["update notes set body = 'forbidden' where id = 2"], "42501");
      assertEquals(found.ann["update notes set body = 'changed' where id = 5"], "ok 0");
      assertEquals(found.anon["insert into notes (id, team) values (10, 'red')"], "42501");
      assertEquals(found.anon["select count(*) from notes where leak.body(body) = 'x'"], "ok 1 0");
    },
  );
}

databaseTest(
  "a table with row-level security and no policy stays shut for all but those who bypass it",
  async ({ db }) => {
    await prepare(db, "");
    const found = await everybodySeesTheSame(db, ACTORS);
    assertEquals(visible(found, "ann"), "ok 1 0");
    assertEquals(visible(found, "service_role"), "ok 1 5");
  },
);

for (const force of [false, true]) {
  databaseTest(
    `an owner without BYPASSRLS is ${force ? "held to" : "free of"} the policies through both ` +
      `names where row-level security is ${force ? "" : "not "}forced`,
    async ({ db }) => {
      await using role = await testRoles(db, "owner", "stranger");
      await prepare(db, `${POLICIES} grant select on notes to ${role.stranger};`);
      await db.admin.unsafe(`grant ${role.owner} to postgres;
        grant usage, create on schema public to ${role.owner};
        grant authenticated to ${role.owner}`).simple();
      await db.sql.unsafe(`
        ${force ? "alter table notes force row level security;" : ""}
        alter table members owner to ${role.owner};
        alter table notes owner to ${role.owner}`).simple();
      const found = await everybodySeesTheSame(db, [
        ...ACTORS,
        { who: "owner", role: role.owner, claims: { sub: ANN } },
        { who: "stranger", role: role.stranger },
      ]);
      assertEquals(visible(found, "owner"), force ? "ok 1 4" : "ok 1 5");
      assertEquals(visible(found, "stranger"), "ok 1 0");
    },
  );
}

databaseTest(
  "where the view is not the table owner's, its owner's rights give nobody a row more",
  async ({ db }) => {
    await using role = await testRoles(db, "owner");
    await prepare(db, POLICIES);
    await db.admin.unsafe(`grant ${role.owner} to postgres;
      grant usage, create on schema public to ${role.owner}`).simple();
    await db.sql.unsafe(`alter table notes owner to ${role.owner}`);
    await db.admin.unsafe(`revoke create on schema public from ${role.owner}`);
    await using functions = functionsFor(db.url);
    const before = await outcomesOf(db, ACTORS, "notes");
    const answer = await functions.rename({ old_name: "notes", new_name: "memos" });
    assertEquals(answer.findings.map(({ code }) => code), ["view_owner"]);
    assertEquals(await outcomesOf(db, ACTORS, "notes"), before);
    assertEquals(await outcomesOf(db, ACTORS, "memos"), before);
  },
);

databaseTest(
  "row-level security and policies that come after the rename hold through the old name",
  async ({ db }) => {
    await prepare(db, "alter table notes disable row level security;");
    await using functions = functionsFor(db.url);
    await functions.rename({ old_name: "notes", new_name: "memos" });
    const open = await outcomesOf(db, ACTORS, "notes");
    assertEquals(visible(open, "anon"), "ok 1 5");
    await db.sql`alter table memos enable row level security`;
    assertEquals(visible(await outcomesOf(db, ACTORS, "notes"), "anon"), "ok 1 0");
    await db.sql.unsafe(
      POLICIES.replaceAll(" on notes ", " on memos ").replaceAll("notes.", "memos."),
    )
      .simple();
    const closed = await outcomesOf(db, ACTORS, "notes");
    assertNotEquals(closed, open);
    assertEquals(await outcomesOf(db, ACTORS, "memos"), closed);
  },
);

databaseTest(
  "policies of other tables that look into the renamed one go on deciding the same",
  async ({ db }) => {
    await prepare(db, POLICIES);
    await db.sql.unsafe(`
      create table comments (id int primary key, note int references notes, body text);
      insert into comments select id, id, body from notes;
      alter table comments enable row level security;
      create policy readable on comments using (exists (select from notes n where n.id = note))
        with check (exists (select from notes n where n.id = note and n.author = auth.uid()));
      grant all on comments to anon, authenticated`).simple();
    await using functions = functionsFor(db.url);
    const tried = [
      "select string_agg(id::text, ',' order by id) from comments",
      "insert into comments values (10, 1, 'a')",
      "insert into comments values (10, 3, 'a')",
      "select count(*) from comments c join notes n on n.id = c.note",
    ];
    const all = () =>
      Promise.all(ACTORS.map(({ role, claims }) => outcomes(db, role, tried, claims)));
    const before = await all();
    const { batch_id } = await functions.rename({ old_name: "notes", new_name: "memos" });
    assertEquals(await all(), before);
    await functions.rollback({ batch_id: batch_id! });
    assertEquals(await all(), before);
  },
);

databaseTest(
  "functions with their owner's rights, and views on the table, show whom they showed before",
  async ({ db }) => {
    await using role = await testRoles(db, "reporter");
    await prepare(
      db,
      `${POLICIES}
      create view all_notes as select id, body from notes;
      create view own_notes with (security_invoker = true) as select id, body from notes;
      create function count_all() returns bigint security definer language sql
        as 'select count(*) from public.notes';
      create function count_own() returns bigint language plpgsql
        as 'begin return (select count(*) from public.notes); end';`,
    );
    await db.admin.unsafe(`grant ${role.reporter} to postgres`);
    await db.sql.unsafe(`
      grant select on all_notes, own_notes to anon, authenticated;
      grant select on notes to ${role.reporter};
      create policy reporters on notes for select to ${role.reporter} using (id = 1);
      create function count_reported() returns bigint security definer language sql
        as 'select count(*) from public.notes'`).simple();
    await db.admin.unsafe(`alter function count_reported() owner to ${role.reporter}`);
    await using functions = functionsFor(db.url);
    const tried = [
      "select count(*) from all_notes",
      "select count(*) from own_notes",
      "select count_all()",
      "select count_own()",
      "select count_reported()",
    ];
    const all = () =>
      Promise.all(ACTORS.map(({ role, claims }) => outcomes(db, role, tried, claims)));
    const before = await all();
    assertEquals(before[0], ["ok 1 5", "ok 1 3", "ok 1 5", "ok 1 3", "ok 1 1"]);
    const { batch_id } = await functions.rename({ old_name: "notes", new_name: "memos" });
    assertEquals(await all(), before);
    await functions.rollback({ batch_id: batch_id! });
    assertEquals(await all(), before);
  },
);
