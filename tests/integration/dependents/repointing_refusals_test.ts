/** What was built on the old name and cannot follow the table stops a rollback, with a reason each. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { testRoles } from "../../support/roles.ts";
import { databaseState, stateDifferences } from "../../support/catalog/state.ts";
import { EXPERTS, refusedChange, type Renamed, renamedTests } from "../../support/renamed.ts";

interface Dependant {
  view: string;
  kind: string;
  identity: string;
  reason: string;
}

const TABLES = `${EXPERTS}
  grant select on experts to anon;`;

/** A function on the old name's row type that indexes and the like can use. */
const TITLE =
  `create function title(experts) returns text language sql immutable as 'select $1.name';`;
const A_TITLE = "title(row(1, name, 1)::experts)";

const renamedTest = renamedTests(TABLES);

/** Refused, with nothing changed; gives the list. */
async function refused(renamed: Renamed): Promise<Dependant[]> {
  for (const mode of ["plan", "apply"]) {
    const problem = await refusedChange(renamed, "rollback", "dependants_cannot_follow", {
      mode,
      acknowledge: ["reads_as_owner", "view_changed", "view_grants_changed"],
    });
    if (mode === "plan") continue;
    const dependants = problem.dependants as Dependant[];
    assert(dependants.every(({ view }) => view === '"public"."experts"'));
    assertStringIncludes(problem.detail, dependants[0].identity);
    assertStringIncludes(problem.detail, dependants[0].reason);
    return dependants;
  }
  throw new Error("not reached");
}

/** Exactly this one, for this reason. */
async function refusedFor(
  renamed: Renamed,
  kind: string,
  identity: string,
  reason: string,
): Promise<void> {
  const dependants = await refused(renamed);
  assertEquals(dependants.map((one) => [one.kind, one.identity]), [[kind, identity]]);
  assertStringIncludes(dependants[0].reason, reason);
}

for (
  const [what, sql, kind, identity, reason] of [
    [
      "a trigger on the old name itself",
      `create function nothing() returns trigger language plpgsql as 'begin return new; end';
       create trigger on_it instead of insert on experts for each row execute function nothing()`,
      "trigger",
      'on_it on "public"."experts"',
      "on the view itself",
    ],
    [
      "a rule on the old name itself",
      "create rule on_it as on delete to experts do also notify gone",
      "rule",
      'on_it on "public"."experts"',
      "on the view itself",
    ],
    [
      "a column of its row type",
      "create table on_it (e experts)",
      "table column",
      "public.on_it.e",
      "row type",
    ],
    [
      "a column of its array type",
      "create table on_it (e experts[])",
      "table column",
      "public.on_it.e",
      "row type",
    ],
    [
      "a composite type's attribute",
      "create type pair as (a int, e experts)",
      "composite type column",
      "public.pair.e",
      "row type",
    ],
    [
      "a whole row as a view's column",
      "create view on_it with (security_invoker) as select e from experts e",
      "view column",
      "public.on_it.e",
      "row type",
    ],
    ["a domain", "create domain on_it as experts", "type", "public.on_it", "row type"],
    [
      "a cast",
      `create function on_it(experts) returns int language sql immutable as 'select 1';
       create cast (experts as int) with function on_it(experts)`,
      "cast",
      "(public.experts AS integer)",
      "cannot be repointed",
    ],
    [
      "an operator",
      `create function same(experts, experts) returns bool language sql immutable as 'select true';
       create operator = (leftarg = experts, rightarg = experts, function = same)`,
      "operator",
      "public.=(public.experts,public.experts)",
      "cannot be repointed",
    ],
    [
      "an aggregate",
      `create function step(int, experts) returns int language sql immutable as 'select $1';
       create aggregate on_it(experts) (sfunc = step, stype = int)`,
      "aggregate",
      "public.on_it(public.experts)",
      "aggregate cannot be repointed",
    ],
    [
      "an index's expression",
      `${TITLE} create index on_it on teams ((${A_TITLE}))`,
      "index",
      "public.on_it",
      "rebuilt",
    ],
    [
      "a generated column",
      `${TITLE} alter table teams add column on_it text generated always as (${A_TITLE}) stored`,
      "default value",
      "for public.teams.on_it",
      "generated column",
    ],
    [
      "extended statistics",
      `${TITLE} create statistics on_it on id, (${A_TITLE}) from teams`,
      "statistics object",
      "public.on_it",
      "cannot be repointed",
    ],
    [
      "statistics on a materialized view",
      `create materialized view m as select id, name from experts;
       create statistics on_it on id, name from m`,
      "statistics object",
      "public.on_it",
      "cannot be repointed",
    ],
    [
      "a domain's constraint",
      `${TITLE} create domain on_it as text
         constraint titled check (title(row(1, value, 1)::experts) <> '')`,
      "domain constraint",
      "titled on public.on_it",
      "domain's constraint",
    ],
    [
      "a trigger's condition",
      `${TITLE} create trigger on_it before update on teams for each row
         when (title(row(1, new.name, 1)::experts) <> '')
         execute function suppress_redundant_updates_trigger()`,
      "trigger",
      "on_it on public.teams",
      "condition",
    ],
    [
      "a partition key",
      `${TITLE} create table on_it (name text) partition by list ((${A_TITLE}))`,
      "table",
      "public.on_it",
      "cannot be repointed",
    ],
    [
      "a constraint that others inherit",
      `${TITLE} create table above (name text, constraint titled check (${A_TITLE} <> ''));
       create table below () inherits (above)`,
      "table constraint",
      "titled on public.above",
      "inherit",
    ],
  ] as const
) {
  renamedTest(`${what} cannot follow: refused, and nothing is changed`, async (renamed) => {
    await renamed.db.sql.unsafe(sql).simple();
    const dependants = await refused(renamed);
    const found = dependants.find((one) => one.kind === kind && one.identity === identity);
    assert(found, JSON.stringify(dependants, null, 2));
    assertStringIncludes(found.reason, reason);
  });
}

// Names ---------------------------------------------------------------------------------------------

for (
  const [what, sql, kind, identity] of [
    [
      "a view",
      `create view on_it with (security_invoker) as
         select a.id from experts a join expert_profiles b using (id)`,
      "view",
      "public.on_it",
    ],
    [
      "a materialized view",
      "create materialized view on_it as select id from experts union select id from expert_profiles",
      "materialized view",
      "public.on_it",
    ],
    [
      "a policy of the table",
      "create policy on_it on expert_profiles using (exists (select from experts))",
      "policy",
      "on_it on public.expert_profiles",
    ],
    [
      "a rule of the table",
      "create rule on_it as on delete to expert_profiles do also select count(*) from experts",
      "rule",
      "on_it on public.expert_profiles",
    ],
    [
      "a routine",
      `create procedure on_it() language sql begin atomic
         insert into experts (name) select name from expert_profiles; end`,
      "procedure",
      "public.on_it()",
    ],
    [
      "a routine on both row types",
      "create function on_it(experts, expert_profiles) returns int language sql as 'select 1'",
      "function",
      "public.on_it(public.experts,public.expert_profiles)",
    ],
  ] as const
) {
  renamedTest(`${what} that uses the table under both names is refused`, async (renamed) => {
    await renamed.db.sql.unsafe(sql).simple();
    await refusedFor(renamed, kind, identity, "under two names");
  });
}

renamedTest("a routine that the table has already is not replaced", async (renamed) => {
  await renamed.db.sql.unsafe(`${TITLE}
    create function title(expert_profiles) returns text language sql immutable as 'select ''kept''';
    create function title(experts[]) returns text language sql immutable as 'select ''other'''`)
    .simple();
  await refusedFor(
    renamed,
    "function",
    "public.title(public.experts)",
    "one for the table exists already, public.title(public.expert_profiles)",
  );
});

// Columns -------------------------------------------------------------------------------------------

renamedTest("a column that has another name now is not guessed", async (renamed) => {
  await renamed.db.sql.unsafe(`
    create view on_it with (security_invoker) as select name from experts;
    create view follows with (security_invoker) as select id from experts;
    alter table expert_profiles rename column name to full_name`).simple();
  await refusedFor(
    renamed,
    "view",
    "public.on_it",
    'the column "name", which the table does not have',
  );
});

renamedTest("what reads whole rows is refused once the table has more columns", async (renamed) => {
  await renamed.db.sql.unsafe(`
    create view as_json with (security_invoker) as select row_to_json(e) as json from experts e;
    create function every() returns setof experts language sql as 'select * from experts';
    create view follows with (security_invoker) as select id from experts;
    alter table expert_profiles add column bio text`).simple();
  const dependants = await refused(renamed);
  assertEquals(dependants.map(({ identity }) => identity), ["public.every()", "public.as_json"]);
  for (const { reason } of dependants) assertStringIncludes(reason, "whole rows");
});

// Who may -------------------------------------------------------------------------------------------

renamedTest("what belongs to a role out of reach is refused with its name", async (renamed) => {
  const { db } = renamed;
  await using roles = await testRoles(db, "other");
  await db.admin.unsafe(`
    grant create on schema public to ${roles.other};
    grant select on experts to ${roles.other};
    set role ${roles.other};
    create view on_it with (security_invoker) as select id from experts;
    reset role`).simple();
  await refusedFor(renamed, "view", "public.on_it", `belongs to the role "${roles.other}"`);
});

renamedTest("what cannot be given back to its owner is refused", async (renamed) => {
  const { db } = renamed;
  await using roles = await testRoles(db, "other");
  await db.admin.unsafe(`
    grant ${roles.other} to postgres;
    grant create on schema public to ${roles.other};
    grant select on experts, expert_profiles to ${roles.other};
    set role ${roles.other};
    create materialized view on_it as select id from experts;
    reset role;
    revoke create on schema public from ${roles.other}`).simple();
  await refusedFor(
    renamed,
    "materialized view",
    "public.on_it",
    "that role may not create in the schema",
  );
});

renamedTest(
  "privileges granted by a role out of reach cannot be granted again",
  async (renamed) => {
    const { db } = renamed;
    await using roles = await testRoles(db, "other");
    await db.sql.unsafe(`${TITLE}
    grant execute on function title(experts) to ${roles.other} with grant option`).simple();
    await db.admin.unsafe(`set role ${roles.other};
    grant execute on function title(experts) to anon; reset role`).simple();
    await refusedFor(
      renamed,
      "function",
      "public.title(public.experts)",
      `granted by "${roles.other}"`,
    );
  },
);

renamedTest("a schema in which this role may not create is named", async (renamed) => {
  const { db } = renamed;
  await db.admin.unsafe(`
    create schema closed; grant usage, create on schema closed to postgres`).simple();
  await db.sql`create view closed.on_it with (security_invoker) as select id from experts`;
  await db.admin.unsafe("revoke create on schema closed from postgres").simple();
  await refusedFor(renamed, "view", "closed.on_it", 'may not create in the schema "closed"');
});

renamedTest("what only a superuser may write is refused", async (renamed) => {
  const { db } = renamed;
  await db.sql.unsafe(TITLE).simple();
  await db.admin.unsafe("alter function title(experts) leakproof").simple();
  await refusedFor(renamed, "function", "public.title(public.experts)", "only a superuser");
});

renamedTest("what belongs to an extension is refused with its name", async (renamed) => {
  const { db } = renamed;
  await db.sql`create view on_it with (security_invoker) as select id from experts`;
  await db.admin.unsafe("alter extension pgcrypto add view on_it").simple();
  await refusedFor(renamed, "view", "public.on_it", 'the extension "pgcrypto"');
});

renamedTest("what depends on an extension is not made again without that", async (renamed) => {
  const { db } = renamed;
  await db.sql.unsafe(TITLE).simple();
  await db.admin.unsafe("alter function title(experts) depends on extension pgcrypto").simple();
  await refusedFor(renamed, "function", "public.title(public.experts)", "depends on an extension");
});

renamedTest("another session's temporary view is refused", async (renamed) => {
  const session = renamed.db.connect({ max: 1 });
  await session`create temporary view on_it with (security_invoker) as select id from experts`;
  const [dependant, ...others] = await refused(renamed);
  assertEquals(others, []);
  assertStringIncludes(dependant.reason, "temporary");
  await session.end();
});

renamedTest("an index that is not valid is not made valid by the way", async (renamed) => {
  const { db } = renamed;
  await db.sql.unsafe(`insert into expert_profiles (name) values ('a'), ('a');
    create materialized view on_it as select name from experts`).simple();
  await db.sql`create unique index concurrently not_valid on on_it (name)`.catch(() => {});
  await refusedFor(renamed, "materialized view", "public.on_it", '"not_valid" is not valid');
});

renamedTest("routines that stand on each other are refused", async (renamed) => {
  await renamed.db.sql.unsafe(`
    create function one(experts) returns text language sql begin atomic select $1.name; end;
    create function two(experts) returns text language sql begin atomic select one($1); end;
    create or replace function one(experts) returns text language sql begin atomic select two($1); end`)
    .simple();
  const dependants = await refused(renamed);
  assertEquals(dependants.map(({ identity }) => identity), [
    "public.one(public.experts)",
    "public.two(public.experts)",
  ]);
  for (const { reason } of dependants) assertStringIncludes(reason, "depends on itself");
});

renamedTest("the whole list is reported at once", async (renamed) => {
  await renamed.db.sql.unsafe(
    Array.from({ length: 12 }, (_, n) => `create table on_it_${n} (e experts)`).join(";"),
  ).simple();
  assertEquals((await refused(renamed)).length, 12);
});

// What only the server can find out -----------------------------------------------------------------

renamedTest("a name that the table's new column made ambiguous is refused", async (renamed) => {
  const { db, functions, migration: { id } } = renamed;
  await db.sql.unsafe(`
    create table notes (id int, note text, author text);
    create table authors (author text, born int);
    create view on_it with (security_invoker) as
      select * from experts e join notes n using (id) join authors a using (author);
    alter table expert_profiles add column author text`).simple();
  const before = await databaseState(db.admin);
  const problem = await functions.refused("dependants_cannot_follow", "rollback", {
    migration_id: id,
  });
  assertStringIncludes(problem.detail, "author");
  assertEquals(problem.sqlstate, "42702");
  assertEquals(stateDifferences(before, await databaseState(db.admin)), []);
});

renamedTest("a materialized view that can no longer be filled is refused", async (renamed) => {
  const { db, functions, migration: { id } } = renamed;
  await db.sql.unsafe(`
    insert into expert_profiles (name) values ('1');
    create materialized view on_it as select 10 / name::int as part from experts;
    update expert_profiles set name = '0'`).simple();
  const before = await databaseState(db.admin);
  const problem = await functions.refused("dependants_cannot_follow", "rollback", {
    migration_id: id,
  });
  assertStringIncludes(problem.detail, "division by zero");
  assertStringIncludes(problem.detail, "materialized view public.on_it");
  assertEquals(stateDifferences(before, await databaseState(db.admin)), []);
});
