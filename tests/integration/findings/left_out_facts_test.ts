/** Facts leave out the queries for what does not occur; they are the same as with all queries. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { ANYTHING, type Occurring } from "../../../shared/catalog/occurring.ts";
import { factsFromRow, factsQuery, occurringQuery } from "../../../shared/catalog/read_facts.ts";
import { readFactsToPlan } from "../../../shared/operations/steps/reading.ts";
import { beginReading } from "../../../shared/postgres/begin.ts";
import { databaseAt, type Session } from "../../../shared/postgres/connection/database.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";

/** Every kind of thing that can be left out, and a table that has none. */
const SCHEMA = `
  create schema app;
  create table app.plain (id int primary key);
  create table app.teams (id int primary key, name text);
  create table app.people (
    id int primary key, team_id int references app.teams, boss_id int references app.people, name text);
  create table app.members (
    person_id int references app.people, team_id int references app.teams, primary key (person_id, team_id));
  create table app.days (day date) partition by range (day);
  create table app.days_2026 partition of app.days for values from ('2026-01-01') to ('2027-01-01');
  grant select on app.days_2026 to anon;
  grant usage on schema app to anon;
  create view app.old_people with (security_invoker = true) as select id, team_id, boss_id, name from app.people;
  create view app.unused with (security_invoker = true) as select id from app.teams;
  create view app.names as select name from app.old_people;
  create function app.title(app.people) returns text language sql as 'select $1.name';
  create function app.team(app.people) returns setof app.teams rows 1 language sql as
    'select * from app.teams where id = $1.team_id';
  create function app.touch() returns trigger language plpgsql as 'begin return new; end';
  create trigger touch before update on app.teams for each row execute function app.touch()`;

const FOREIGN = `
  create extension postgres_fdw with schema extensions;
  create server here foreign data wrapper postgres_fdw options (dbname 'x');
  create foreign table app.far (id int) server here options (schema_name 'app', table_name 'plain');
  alter foreign table app.far owner to postgres`;

const RELATIONS = "plain teams people members days days_2026 old_people unused names".split(" ");

const wantedOf = (name: string) => ({
  names: [{ schema: "app", name }],
  oids: [],
  mentioned: [name],
  analysis: true,
  builtOn: true,
});

async function inSession<T>(db: TestDatabase, work: (session: Session) => Promise<T>): Promise<T> {
  const limits = {
    deadline: performance.now() + 60_000,
    signal: new AbortController().signal,
    started: performance.now(),
  };
  const database = databaseAt(db.url);
  try {
    return await database.withSession({ lane: "read", limits, waitMs: 5_000 }, async (session) => {
      await session.begin(beginReading(limits));
      return await work(session);
    });
  } finally {
    await database.close();
  }
}

async function allFacts(session: Session, name: string) {
  const [row] = await session.run(factsQuery(wantedOf(name)));
  return factsFromRow(row as { facts: string });
}

databaseTest(
  "queries for what does not occur are left out, and the facts are the same",
  { everyVersion: true },
  async ({ db }) => {
    await db.sql.unsafe(SCHEMA).simple();
    const seen = Object.fromEntries(
      Object.keys(ANYTHING).map((one) => [one, new Set<boolean>()]),
    ) as Record<keyof Occurring, Set<boolean>>;
    const compareAll = () =>
      inSession(db, async (session) => {
        for (const name of RELATIONS) {
          const wanted = wantedOf(name);
          const [row] = await session.run(occurringQuery(wanted));
          const expected = row.occurring as Occurring;
          for (const one of Object.keys(expected) as (keyof Occurring)[]) {
            seen[one].add(expected[one]);
          }
          const query = factsQuery({ ...wanted, expected });
          const [left] = await session.run(query);
          assertEquals(left.occurring, expected, name);
          assertEquals(
            factsFromRow(left as { facts: string }),
            await allFacts(session, name),
            name,
          );
          if (name === "plain") assertNotEquals(query.length, factsQuery(wanted).length);
        }
      });
    await compareAll();
    await db.admin.unsafe(FOREIGN).simple();
    await compareAll();
    // Subscriptions need a second server: there are none.
    assertEquals(
      Object.entries(seen).filter(([, values]) => values.size < 2).map(([one]) => one),
      ["subscriptions"],
    );
  },
);

databaseTest(
  "what comes between the look and the facts is not missed: all is read again",
  async ({ db }) => {
    await db.sql.unsafe(SCHEMA).simple();
    const expected = Object.fromEntries(
      Object.keys(ANYTHING).map((one) => [one, false]),
    ) as unknown as Occurring;
    await inSession(db, async (session) => {
      for (const name of RELATIONS) {
        const { facts, rows } = await readFactsToPlan(
          session,
          { ...wantedOf(name), expected },
          ["select 1 as one"],
        );
        assertEquals(facts, await allFacts(session, name), name);
        assertEquals({ ...rows[0][0] }, { one: 1 });
      }
    });
  },
);
