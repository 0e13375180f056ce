import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { testRoles } from "../../support/roles.ts";
import { type Verified, verifyTest } from "../../support/verified.ts";
import type { VerifyCheck } from "../../../shared/contract/responses.ts";

const ALICE = "0b0f2f0e-3a4f-4b5f-8f53-000000000001";
const BOB = "0b0f2f0e-3a4f-4b5f-8f53-000000000002";

/** Alice has three rows, Bob one, and one row in two is published. */
const EXPERTS = `
  create table experts (
    id int primary key generated always as identity,
    owner_id uuid,
    name text not null default 'x',
    published boolean not null default false);
  alter table experts enable row level security;
  create policy own on experts for select to authenticated using (owner_id = auth.uid());
  create policy published on experts for select to anon, authenticated using (published);
  insert into experts (owner_id, name, published)
  select case when g <= 3 then '${ALICE}'::uuid when g = 4 then '${BOB}' end, 'e' || g, g > 4 and g % 2 = 0
  from generate_series(1, 10) g`;

/** What each persona read: how many rows, or which refusal. */
const readBy = ({ figures }: VerifyCheck): Record<string, unknown> =>
  Object.fromEntries(
    (figures!.personas as Record<string, unknown>[]).map((
      one,
    ) => [one.persona, one.rows ?? one.refused]),
  );

verifyTest(
  "every persona reads the same through both names, each set of claims its own rows",
  EXPERTS,
  async ({ passes, verify }) => {
    const check = await passes("reads", {
      claims: [{ sub: ALICE }, { sub: BOB, role: "authenticated" }, { role: "anon", sub: BOB }],
    });
    assertEquals(readBy(check), {
      postgres: 10,
      anon: 3,
      authenticated: 3,
      service_role: 10,
      "authenticated with claims[0]": 6,
      "authenticated with claims[1]": 4,
      "anon with claims[2]": 3,
    });
    // The whole of it passes, too.
    const { passed, checks } = await verify();
    assert(passed, JSON.stringify(checks, null, 2));
    assertEquals(checks.map(({ name }) => name), ["reads", "writes", "joins", "cost", "data_api"]);
  },
);

verifyTest(
  "a view that lost security_invoker fails: whoever reads it sees rows that the table hides",
  EXPERTS,
  async ({ db, fails }) => {
    await db.sql`alter view experts reset (security_invoker)`;
    const failures = await fails("reads", { claims: [{ sub: BOB }] });
    assertEquals(failures, [
      failure("anon", "3 rows", "10 rows"),
      failure("authenticated", "3 rows", "10 rows"),
      failure("authenticated with claims[0]", "4 rows", "10 rows"),
    ]);
  },
);

const failure = (persona: string, expected: string, got: string) => ({
  statement: `as ${persona}: select * from "public"."experts"`,
  expected,
  got,
});

verifyTest(
  "a grant that is missing on the old name fails, for the role that it is missing for",
  EXPERTS,
  async ({ db, fails }) => {
    await db.sql`revoke select on experts from anon`;
    assertEquals(await fails("reads"), [
      failure("anon", "3 rows", "42501 (insufficient_privilege)"),
    ]);
  },
);

verifyTest(
  "a refusal through both names alike is a pass",
  EXPERTS,
  async ({ db, passes }) => {
    await db.sql`revoke select on experts, expert_profiles from anon`;
    assertEquals(readBy(await passes("reads")).anon, "42501");
  },
);

verifyTest(
  "a column that was added to the table alone fails, and so does one that it renamed",
  EXPERTS,
  async ({ db, fails }) => {
    await db.sql`alter table expert_profiles add column email text`;
    await db.sql`alter table expert_profiles rename column name to full_name`;
    const statement = 'select * from "public"."experts"';
    assertEquals(await fails("reads"), [
      { statement, expected: 'column "full_name" text', got: "no such column" },
      { statement, expected: 'column "email" text', got: "no such column" },
      { statement, expected: "no such column", got: 'column "name" text' },
    ]);
  },
);

verifyTest(
  "a column that a refresh left out on purpose is no failure",
  EXPERTS,
  async ({ functions, migration, passes }) => {
    await functions.refresh({ migration_id: migration.id, without_columns: ["name"] });
    await passes("reads");
    await passes("writes");
    await passes("cost");
  },
);

verifyTest(
  "a view that leaves rows out fails, and so does one with as many rows and another value in them",
  EXPERTS,
  async ({ db, fails }) => {
    const replace = (name: string, rest: string) =>
      db.sql.unsafe(`create or replace view experts with (security_invoker = true) as
        select id, owner_id, ${name} as name, published from expert_profiles ${rest}`);
    await replace("name", "where id > 1");
    assertEquals((await fails("reads"))[0], failure("postgres", "10 rows", "9 rows"));
    await replace("case id when 7 then upper(name) else name end", "");
    assertEquals(
      (await fails("reads"))[0],
      failure("postgres", "10 rows", '10 rows, but other rows than "public"."expert_profiles" has'),
    );
  },
);

verifyTest(
  "roles with any privilege are tried, and one that cannot be taken on is named",
  EXPERTS,
  async ({ db, passes }) => {
    await using roles = await testRoles(db, "reader", "closed");
    await db.admin.unsafe(`
      grant ${roles.reader} to postgres;
      grant usage on schema public to ${roles.reader};
      grant select on expert_profiles, experts to ${roles.reader}, ${roles.closed}`).simple();
    const check = await passes("reads", { claims: [{ role: roles.closed }, { role: "nobody" }] });
    // Without a policy for it, it reads no row; but it was tried.
    assertEquals(readBy(check)[roles.reader], 0);
    assertEquals(roles.closed in readBy(check), false);
    const why = "postgres may not SET ROLE to it";
    assertEquals(check.figures!.not_tried, [
      { role: roles.closed, why },
      { role: `${roles.closed} with claims[0]`, why },
      { role: "nobody with claims[1]", why: "there is no such role" },
    ]);
    assertStringIncludes(check.detail, `Not tried: ${roles.closed} (${why})`);
  },
);

verifyTest(
  "a role that may read some columns is tried with these",
  `create table experts (id int primary key, name text, secret text);
   insert into experts values (1, 'a', 's');
   revoke all on experts from anon;
   grant select (id, name) on experts to anon`,
  async ({ db, passes, fails }) => {
    assertEquals(readBy(await passes("reads")).anon, 1);
    await db.sql`revoke select (name) on experts from anon`;
    assertEquals(await fails("reads"), [{
      statement: 'as anon: select "id", "name" from "public"."experts"',
      expected: "1 row",
      got: "42501 (insufficient_privilege)",
    }]);
  },
);

/** Rows that nobody has seen are hidden in the middle; the ends are looked at. */
const MANY = `
  create table experts (id int primary key, name text);
  insert into experts select g, 'n' || g from generate_series(1, 300000) g;
  analyze experts`;

verifyTest(
  "of many rows the first and the last are compared, within the limits",
  MANY,
  async ({ db, passes, fails }) => {
    const sampled = await passes("reads", { max_cost: 100, max_rows: 50 });
    assertEquals(
      sampled.figures!.personas as unknown,
      ["postgres", "anon", "authenticated", "service_role"].map((persona) => ({
        persona,
        rows: 100,
        compared: "ends",
      })),
    );
    const all = await passes("reads");
    assertEquals(readBy(all).anon, 300_000);
    await db.sql`
      create or replace view experts with (security_invoker = true) as
      select id, case when id = 299999 then 'other' else name end as name from expert_profiles`;
    const [failure] = await fails("reads", { max_cost: 100, max_rows: 50 });
    assertStringIncludes(failure.statement, "first and last rows");
    assertStringIncludes(failure.got, "other rows");
  },
);

verifyTest(
  "a read that takes too long is stopped, and reported",
  `create table experts (id int primary key, name text);
   create function slow() returns boolean language plpgsql as
     $$ begin perform pg_sleep(5); return true; end $$;
   alter table experts enable row level security;
   create policy slow on experts to anon using (slow());
   insert into experts values (1, 'a')`,
  async ({ check }) => {
    const started = performance.now();
    const found = await check("reads", { max_ms: 200 });
    assert(performance.now() - started < 4_000, "the limit was not kept");
    assertStringIncludes(found.detail, "Not tried: anon: it took longer than 200 ms.");
    assertEquals(Object.keys(readBy(found)), ["postgres", "authenticated", "service_role"]);
  },
);

verifyTest(
  "a persona whose rows would take long to find is shown what it sees of the first and last ones",
  `${MANY};
   alter table experts enable row level security;
   create policy few on experts for select to anon using (id % 4 = 0)`,
  async ({ db, passes, fails }) => {
    const limits = { max_cost: 20, max_rows: 100 };
    const of = ({ figures }: VerifyCheck, persona: string) =>
      (figures!.personas as Record<string, unknown>[]).find((one) => one.persona === persona)!;
    const check = await passes("reads", limits);
    assertEquals(of(check, "anon"), {
      persona: "anon",
      rows: 50,
      compared: "seen of the ends",
    });
    await db.sql`alter view experts reset (security_invoker)`;
    const [failure] = await fails("reads", limits);
    assertEquals([failure.expected, failure.got], ["50 rows", "200 rows"]);
  },
);

verifyTest(
  "a table without rows, and one without a key, are read too",
  `create table experts (name text)`,
  async ({ db, passes }: Verified) => {
    assertEquals(readBy(await passes("reads")).postgres, 0);
    await db.sql`insert into expert_profiles select 'n' || g from generate_series(1, 5000) g`;
    await db.sql`analyze expert_profiles`;
    assertEquals(readBy(await passes("reads", { max_cost: 1, max_rows: 10 })).postgres, 10);
  },
);

verifyTest(
  "reading is left alone where a policy could reach outside of the database",
  `create schema net;
   create function net.http_get(text) returns int language sql as 'select 1';
   create function asked() returns boolean language sql as $$ select net.http_get('x') = 1 $$;
   create table experts (id int primary key);
   alter table experts enable row level security;
   create policy asking on experts for select to anon using (asked());
   insert into experts values (1)`,
  async ({ passes }) => {
    const { detail, figures } = await passes("reads");
    assertStringIncludes(detail, "No rows were read");
    assertStringIncludes(detail, "asking");
    assertEquals(figures!.personas as unknown, []);
  },
);
