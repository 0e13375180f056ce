import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import type { VerifyCheck } from "../../../shared/contract/responses.ts";
import { databaseTest } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { type Verified, verifying, verifyTest } from "../../support/verified.ts";

/** Neighbours both ways, and the table itself. */
const EXPERTS = `
  create table kinds (id int primary key, name text);
  insert into kinds select g, 'k' || g from generate_series(1, 5) g;
  create table experts (
    id int primary key, kind_id int not null references kinds, mentor_id int references experts,
    name text not null, code numeric);
  insert into experts select g, 1 + g % 5, nullif(g / 2, 0), 'e' || g, g from generate_series(1, 2000) g;
  create table posts (id int primary key, expert_id int not null references experts, title text);
  insert into posts select g, 1 + g % 2000, 't' from generate_series(1, 4000) g;
  create index on posts (expert_id);
  analyze kinds, experts, posts`;

/** The table refers to itself, which the Data API will not embed by the old name. */
const joinedTest = (name: string, sql: string, body: (verified: Verified) => Promise<void>) =>
  verifyTest(name, sql, body, { acknowledge: ["ambiguous_self_reference"] });

const neighbours = ({ figures }: VerifyCheck) =>
  figures!.neighbours as { foreign_key: string; rows: number; compared: string }[];

joinedTest(
  "joins with neighbours both ways, and with itself, give the same rows by the same plans",
  EXPERTS,
  async ({ passes }) => {
    const check = await passes("joins");
    assertEquals(
      neighbours(check).map(({ foreign_key, rows, compared }) => [foreign_key, rows, compared]),
      [
        ["posts_expert_id_fkey", 4000, "all"],
        ["experts_kind_id_fkey", 2000, "all"],
        ["experts_mentor_id_fkey", 1999, "all"],
      ],
    );
  },
);

joinedTest(
  "a join that gives other rows by the old name fails, as does its plan",
  EXPERTS,
  async ({ db, fails }) => {
    await db.sql`
      create or replace view experts with (security_invoker = true) as
      select id, kind_id, mentor_id, name, code from expert_profiles where id <> 7`;
    const failures = await fails("joins");
    const rows = failures.filter(({ statement }) => statement.startsWith("as postgres: select"));
    assertEquals(rows.map(({ expected, got }) => [expected, got]), [
      ["4000 rows", "3998 rows"],
      ["2000 rows", "1999 rows"],
      ["1999 rows", "1996 rows"],
    ]);
    assertEquals(
      rows[0].statement,
      'as postgres: select * from "public"."experts" as t join "public"."posts" as n on t."id" = n."expert_id"',
    );
    assert(failures.some(({ statement }) => statement.startsWith("as postgres: explain")));
  },
);

joinedTest(
  "joins that would be costly are made for some rows, or only explained",
  EXPERTS,
  async ({ passes }) => {
    const some = await passes("joins", { max_cost: 150, max_rows: 10 });
    assertEquals(neighbours(some)[0], { ...neighbours(some)[0], rows: 20, compared: "some" });
    const none = await passes("joins", { max_cost: 0.1 });
    assertEquals(neighbours(none)[0].compared, "none");
    assertStringIncludes(none.detail, "Too costly to be run");
  },
);

joinedTest(
  "a role that may not read a neighbour is refused alike",
  EXPERTS,
  async ({ db, passes }) => {
    await db.sql`revoke all on kinds from anon`;
    await passes("joins");
  },
);

joinedTest(
  "a missing grant fails reads and joins, and not cost",
  EXPERTS,
  async ({ db, fails, passes }) => {
    await db.sql`revoke select on experts from anon`;
    const failures = await fails("joins");
    assertEquals(failures.map(({ got }) => got), Array(3).fill("42501 (insufficient_privilege)"));
    assert(failures.every(({ statement }) => statement.startsWith("as anon: select")));
    await passes("cost");
  },
);

joinedTest(
  "without neighbours there is nothing to join, and the answer says so",
  `create table experts (id int primary key)`,
  async ({ check }) => {
    const { passed, skipped, detail } = await check("joins");
    assertEquals([passed, skipped], [true, true]);
    assertEquals(detail, "No foreign key leads here or away.");
  },
);

joinedTest(
  "plans are equal but for names, and the times through both names are reported side by side",
  EXPERTS,
  async ({ passes }) => {
    const started = performance.now();
    const { figures } = await passes("cost", { max_ms: 300 });
    assertLess(performance.now() - started, 30_000);
    const queries = figures!.queries as Record<string, Record<string, number>>;
    assertEquals(Object.keys(queries), ["by key", "first page", "count"]);
    for (const [name, { runs, table_ms, view_ms, ratio, ...planning }] of Object.entries(queries)) {
      assert(runs >= 1 && runs <= 100, name);
      assert(table_ms > 0 && view_ms > 0 && ratio > 0, `${name}: ${JSON.stringify(queries[name])}`);
      assert(planning.table_planning_ms > 0 && planning.view_planning_ms > 0, name);
    }
  },
);

joinedTest(
  "a security barrier fails: it makes another plan where a function filters",
  EXPERTS,
  async ({ db, fails, passes }) => {
    await passes("cost");
    await db.sql`alter view experts set (security_barrier = true)`;
    const failures = await fails("cost");
    const [one] = failures.filter(({ statement }) => statement.includes("md5"));
    assertEquals(
      one.statement,
      `as postgres: explain select * from "public"."experts" as t where pg_catalog.md5(t."id"::text) = 'x'`,
    );
    assertStringIncludes(one.expected, "Seq Scan on expert_profiles");
    assertStringIncludes(one.got, "Subquery Scan");
  },
);

joinedTest(
  "a plan that differs by row-level security only where a role sees it is found for that role",
  EXPERTS,
  async ({ db, fails, passes }) => {
    await db.sql.unsafe(`
      alter table expert_profiles enable row level security;
      create policy cheap on expert_profiles for select to anon using (code < 100)`).simple();
    await passes("cost");
    await passes("joins");
    await db.sql`alter view experts reset (security_invoker)`;
    const failures = await fails("cost");
    assert(failures.some(({ statement }) => statement.startsWith("as anon: explain select")));
    assertEquals(failures.some(({ statement }) => statement.startsWith("as postgres")), false);
  },
);

joinedTest(
  "partitions and inheritance have equal plans, too",
  `create table experts (id int, at date, name text, primary key (id, at)) partition by range (at);
   create table experts_a partition of experts for values from ('2026-01-01') to ('2026-07-01');
   create table experts_b partition of experts for values from ('2026-07-01') to ('2027-01-01');
   insert into experts select g, date '2026-01-01' + g % 360, 'n' from generate_series(1, 1000) g;
   create table posts (id int primary key, expert_id int, at date,
     foreign key (expert_id, at) references experts);
   analyze`,
  async ({ passes }) => {
    await passes("joins");
    await passes("cost");
    await passes("reads");
  },
);

joinedTest(
  "what would be too costly to run is explained only",
  EXPERTS,
  async ({ passes }) => {
    const { figures, detail } = await passes("cost", { max_cost: 20 });
    assertEquals(Object.keys(figures!.queries as object), ["by key", "first page"]);
    assertStringIncludes(detail, "Not run: count (its estimated cost is beyond max_cost).");
  },
);

joinedTest(
  "rows that clients write meanwhile make no plan look different",
  `create table experts (id bigserial primary key, name text)`,
  async ({ db, functions, migration }) => {
    const client = db.connect({ max: 1 });
    let over = false;
    const writing = (async () => {
      while (!over) {
        await client`insert into experts (name) select md5(g::text) from generate_series(1, 2000) g`;
      }
    })();
    try {
      for (let round = 0; round < 3; round++) {
        const answer = await functions.verify({ migration_id: migration.id });
        assert(answer.passed, JSON.stringify(answer.checks.map(({ failures }) => failures)));
      }
    } finally {
      over = true;
      await writing;
    }
  },
);

databaseTest(
  "a join whose sides the server writes in another order passes, whichever table is renamed",
  { versions: [15, 17, 18] },
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`
      create table users (id uuid primary key default gen_random_uuid(), name text);
      create table posts (id int primary key, author_id uuid references users, title text);
      create index on posts (author_id);
      alter table posts enable row level security;
      create policy own on posts using (author_id = auth.uid());
      insert into users (name) values ('a');
      insert into posts select 1, u.id, 't' from users u`).simple();
    // A loop over two rows, which filters; then one that looks an index up by its bitmap.
    for (const posts of [1, 5_000]) {
      await db.sql`insert into posts
        select g, case when g % 100 = 0 then u.id end, 't' from users u, generate_series(2, ${posts}) g`;
      await db.sql.unsafe("analyze users, posts");
      for (const [old_name, new_name] of [["users", "people"], ["posts", "articles"]]) {
        const { migrations: [migration] } = await functions.rename({ old_name, new_name });
        const { passes } = verifying(db, functions, migration);
        await passes("joins");
        await functions.rollback({ migration_id: migration.id });
      }
    }
  },
);
