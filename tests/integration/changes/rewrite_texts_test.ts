/** Old names in routines and cron jobs: replaced where every use is certain, and given back by a rollback. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import type { OperationAnswer } from "../../../shared/contract/responses.ts";
import { databaseTest } from "../../support/servers/database.ts";
import { createStandIn, forgetStandIn } from "../../support/stand_in_extension.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { sampled } from "../../support/runner/sampled.ts";
import { type Renamed, renamedTests } from "../../support/renamed.ts";

const TABLES = `
  create table teams (id int primary key, name text);
  create table experts (id int primary key, name text, team_id int references teams, n int default 0);
  insert into teams values (1, 'one');
  insert into experts values (1, 'a', 1), (2, 'b', 1);`;

const ROUTINES = `
  create function counted(above int default 0) returns bigint language sql stable security definer
    set search_path = public, pg_temp as 'select count(*) from experts where experts.id > above';
  create function first_of(team int) returns experts language plpgsql as $body$
  declare
    -- A row of experts.
    found_row experts%rowtype;
  begin
    select * into found_row from public.experts e where e.team_id = team order by id limit 1;
    raise notice 'found %', 'experts';
    return found_row;
  end $body$;
  create procedure add_expert(name text) language plpgsql as
    'begin insert into experts (id, name) values (99, name) on conflict (id) do update set n = experts.n + 1; end';
  create function dynamic() returns bigint language plpgsql as
    $$ declare r bigint; begin execute 'select count(*) from experts' into r; return r; end $$;
  create function unconcerned() returns text language sql as $$ select 'experts' $$;
  comment on function counted(int) is 'of experts';
  revoke execute on function counted(int) from public;
  grant execute on function counted(int) to authenticated;`;

const renamedTest = renamedTests(TABLES + ROUTINES);

/** All that is in pg_proc of the user's routines, the bodies apart. */
async function routines({ db }: Renamed) {
  const rows = await db.sql`
    select p.proname, p.prosrc, p.oid::text, p.proacl::text, obj_description(p.oid) as comment,
      (to_jsonb(p) - '{prosrc,proargdefaults}'::text[])::text as rest,
      pg_get_function_arguments(p.oid) as arguments
    from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prolang <> 13
      and p.proname in ('counted', 'first_of', 'add_expert', 'dynamic', 'unconcerned')
    order by p.proname`;
  return new Map(rows.map(({ proname, prosrc, ...rest }) => [proname, { body: prosrc, rest }]));
}

const objects = ({ rewritten_texts = [] }: OperationAnswer) =>
  rewritten_texts.map(({ object }) => object).sort();

const REWRITTEN = [
  "public.add_expert(IN name text)",
  "public.counted(above integer)",
  "public.first_of(team integer)",
];

renamedTest(
  "a refresh gives routines the new name, and nothing else of them changes",
  async (renamed) => {
    const { db, functions, migration } = renamed;
    const before = await routines(renamed);
    const request = { migration_id: migration.id, rewrite_texts: true };

    const plan = await functions.refresh({ ...request, mode: "plan" });
    assertEquals(objects(plan), REWRITTEN);
    assertEquals(await routines(renamed), before, "a plan changes nothing");
    assertEquals(
      plan.findings.filter(({ code }) => code === "text_not_rewritten").map(({ object }) => object),
      ["public.dynamic()"],
    );
    assertStringIncludes(
      plan.rewritten_texts!.find(({ object }) => object === "public.counted(above integer)")!.diff,
      "+select count(*) from expert_profiles as experts where experts.id > above",
    );

    const answer = await functions.refresh({ ...request, expected_plan_hash: plan.plan_hash });
    assert(answer.verification?.passed);
    assertEquals(objects(answer), REWRITTEN);
    const after = await routines(renamed);
    assertEquals(
      [...after].map(([name, { rest }]) => [name, rest]),
      [...before].map(([name, { rest }]) => [name, rest]),
    );
    assertStringIncludes(
      after.get("first_of")!.body,
      "    -- A row of experts.\n    found_row expert_profiles%rowtype;",
    );
    for (const name of ["dynamic", "unconcerned"]) assertEquals(after.get(name), before.get(name));
    await db.sql`call add_expert('c')`;
    await db.sql`call add_expert('c')`;
    const [seen] = await db
      .sql`select counted()::int as n, (first_of(1)).name, (select n from experts where id = 99) as added`;
    assertEquals({ ...seen }, { n: 3, name: "a", added: 1 });

    const again = await functions.refresh({ ...request, mode: "plan" });
    assertEquals(objects(again), [], "nothing is left to be done");
  },
);

renamedTest(
  "a rollback gives the bodies back, but for what somebody has changed since",
  async (renamed) => {
    const { db, functions, migration } = renamed;
    const before = await routines(renamed);
    await functions.refresh({ migration_id: migration.id, rewrite_texts: true });
    await db.sql.unsafe(`create or replace procedure add_expert(name text) language plpgsql as
    'begin insert into expert_profiles (id, name) values (7, name); end'`);
    const plan = await functions.rollback({ table: "experts", mode: "plan" });
    assertEquals(objects(plan), REWRITTEN.slice(1));
    const answer = await functions.rollback({ table: "experts" });
    assert(answer.verification?.passed);
    assertEquals(
      answer.findings.filter(({ code }) => code === "new_name_mentioned").map(({ object }) =>
        object
      ),
      ["public.add_expert(IN name text)"],
    );
    const after = await routines(renamed);
    assertStringIncludes(after.get("add_expert")!.body, "values (7, name)");
    after.delete("add_expert");
    before.delete("add_expert");
    assertEquals(after, before);
  },
);

renamedTest("a finalization that rewrites is not refused for what it rewrites", async (renamed) => {
  const { db, functions, migration } = renamed;
  const request = { migration_id: migration.id, mode: "plan" } as const;
  const codes = ({ findings }: OperationAnswer) =>
    findings.filter(({ code }) => code.startsWith("old_name")).map(({ code, object }) =>
      `${code} ${object}`
    ).sort();
  assertEquals(codes(await functions.finalize(request)), [
    "old_name_in_use public.add_expert(IN name text)",
    "old_name_in_use public.counted(above integer)",
    "old_name_in_use public.dynamic()",
    "old_name_in_use public.first_of(team integer)",
  ]);
  await db.sql.unsafe(`create function of_row(e experts) returns bigint language sql as
    'select count(*) from experts x where x.id <> e.id'`);
  const plan = await functions.finalize({ ...request, rewrite_texts: true });
  // The function that returns a row of the view is made again for the table, with the text that it has.
  assertEquals(codes(plan), [
    "old_name_in_use public.dynamic()",
    "old_name_in_use public.of_row(e public.experts)",
  ]);
  assertEquals(
    plan.findings.filter(({ code }) => code === "text_not_rewritten").map(({ object }) => object)
      .sort(),
    ["public.dynamic()", "public.of_row(e public.experts)"],
  );
  // A change of its own gives it the new name before.
  await functions.refresh({ migration_id: migration.id, rewrite_texts: true });
  await db.sql`drop function dynamic()`;
  const answer = await functions.finalize({ migration_id: migration.id, rewrite_texts: true });
  assert(answer.verification?.passed);
  const [{ n, name, others }] = await db.sql`
    select counted()::int as n, (first_of(1)).name, (select of_row(e)::int from expert_profiles e limit 1) as others`;
  assertEquals([n, name, others], [2, "a", 1]);
});

renamedTest(
  "a routine that somebody replaces at the same moment is not overwritten",
  async (renamed) => {
    const { db, functions, migration } = renamed;
    const other = db.connect({ max: 1 });
    const begun = Promise.withResolvers<void>();
    const end = Promise.withResolvers<void>();
    const held = other.begin(async (tx) => {
      await tx.unsafe(
        "create or replace function dynamic() returns bigint language sql as 'select 5::bigint'",
      );
      await tx.unsafe(`create or replace procedure add_expert(name text) language plpgsql as
      'begin insert into experts (id, name) values (8, name); end'`);
      begun.resolve();
      await end.promise;
    });
    await begun.promise;
    const refreshed = functions.refresh({ migration_id: migration.id, rewrite_texts: true });
    await new Promise((resolve) => setTimeout(resolve, 300));
    end.resolve();
    await held;
    const { findings } = await refreshed;
    // Where it comes between two looks of ours, that is said, and the next time it gets the new name.
    const left = findings.filter(({ code }) => code === "text_not_rewritten")
      .filter(({ object }) => object.includes("add_expert"));
    if (left.length > 0) {
      assertStringIncludes(left[0].message, "it was changed at this moment");
      await functions.refresh({ migration_id: migration.id, rewrite_texts: true });
    }
    assertStringIncludes(
      (await routines(renamed)).get("add_expert")!.body,
      "into expert_profiles (id, name) values (8",
    );
  },
);

/** What becomes of a body that says the old name; `unconcerned`: it means something else everywhere. */
type Fate = "rewritten" | "left" | "unconcerned";

/** A function's definition without its name, and what becomes of its body. */
type GeneratedBody = [definition: string, fate: Fate];

const sqlBody = (query: string) => `language sql as $body$ ${query} -- of experts\n $body$`;

const plpgsqlBody = (query: string, declarations = "experts_n int;") =>
  `language plpgsql as $body$
  declare /* experts */ ${declarations}
  begin return (${query}); end $body$`;

/** Bodies with the name in code, strings, comments and dynamic SQL; quoted, qualified, aliased and shadowed. */
const generatedBodies: fc.Arbitrary<GeneratedBody> = fc.record({
  name: fc.constantFrom("experts", "public.experts", '"experts"', "EXPERTS"),
  alias: fc.constantFrom("", "e", "as e", '"experts"', "expert_profiles"),
  write: fc.constantFrom(sqlBody, plpgsqlBody),
  form: fc.nat(11),
}).map(({ name, alias, write, form }): GeneratedBody => {
  const own = alias === "" ? "experts" : alias.replace("as ", "");
  const other = alias === "expert_profiles" ? "x" : alias;
  const dynamic = (statement: string): GeneratedBody => [
    `language plpgsql as $body$ declare r text; begin execute ${statement} into r; return r; end $body$`,
    "left",
  ];
  const forms: (() => GeneratedBody)[] = [
    ...[
      `select count(*)::text from ${name} ${alias} where ${own}.id < 5`,
      `select string_agg(${own}.name, ',' order by ${own}.id) from ${name} ${alias}`,
      `with experts_of as (select * from ${name} ${alias}) select count(*)::text from experts_of`,
      `select (select max(${own}.id) from ${name} ${alias} join teams on teams.id = ${own}.team_id)::text`,
      `with expert_profiles as (select 1 as one) select count(*)::text from ${name} ${other}, expert_profiles p`,
      `select row_to_json(${own})::text from ${name} ${alias} order by ${own}.id limit 1`,
      `select 'experts ' || count(*) || ' from experts' from ${name} ${alias}`,
      `with experts as (select 7 as id) select sum(t.id + experts.id)::text from public.experts t, experts`,
    ].map((query) => (): GeneratedBody => [write(query), "rewritten"]),
    // A name that a common table expression has taken is not the table's.
    () => [
      write(`with experts as (select 7 as id) select count(*)::text from experts ${alias}`),
      "unconcerned",
    ],
    () => [
      plpgsqlBody(
        `select count(*)::text from ${name} e where e.id > experts`,
        "experts int := 1;",
      ),
      "rewritten",
    ],
    () => dynamic(`'select count(*)::text from ${name} ${alias}'`),
    () => dynamic("format('select max(id)::text from %I', 'experts')"),
  ];
  return forms[form]();
});

databaseTest(
  "whatever the body: it does the same on the renamed table as before",
  { everyVersion: true },
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(TABLES).simple();
    const bodies = fc.sample(generatedBodies, { numRuns: sampled(250, 120), seed: 5 });
    const numbers = bodies.map((_, n) => n);
    const having = (wanted: Fate) => numbers.filter((n) => bodies[n][1] === wanted);
    for (const fate of ["rewritten", "left", "unconcerned"] as const) {
      assert(having(fate).length > 3, fate);
    }
    await db.sql.unsafe(
      bodies.map(([body], n) => `create function f${n}() returns text ${body}`).join(";\n"),
    ).simple();
    const results = async (of: number[]) => ({
      ...(await db.sql.unsafe(`select ${of.map((n) => `f${n}() as f${n}`).join(", ")}`))[0],
    });
    const working = numbers.filter((n) => bodies[n][1] !== "left");
    const before = await results(working);
    const { migrations: [{ id }] } = await functions.rename({
      old_name: "experts",
      new_name: "expert_profiles",
    });
    const answer = await functions.finalize({
      migration_id: id,
      rewrite_texts: true,
      acknowledge: ["old_name_in_use"],
    });
    const numbersOf = (named: { object: string }[]) =>
      named.map(({ object }) => Number(/^public[.]f(\d+)[(][)]$/.exec(object)![1]))
        .sort((a, b) => a - b);
    assertEquals(numbersOf(answer.rewritten_texts!), having("rewritten"));
    assertEquals(
      numbersOf(answer.findings.filter(({ code }) => code === "text_not_rewritten")),
      having("left"),
    );
    assertEquals(await results(working), before);
    const [{ left }] = await db
      .sql`select count(*)::int as left from pg_class where relname = 'experts'`;
    assertEquals(left, 0);
  },
);

/** What pg_cron has of jobs, as far as it is used. */
const PG_CRON = `
  create table cron.job (jobid bigint primary key, schedule text, command text, nodename text,
    nodeport int, database text, username text, active boolean, jobname text);
  grant usage on schema cron to postgres;
  grant select on cron.job to postgres;
  create function cron.alter_job(job_id bigint, schedule text default null, command text default null,
    database text default null, username text default null, active boolean default null)
  returns void language sql security definer set search_path = pg_catalog, pg_temp as $$
    update cron.job j set command = coalesce($3, j.command) where j.jobid = $1 $$;
  insert into cron.job values
    (1, '0 3 * * *', 'delete from experts where name is null', 'localhost', 5432, current_database(),
      'postgres', true, 'nightly'),
    (2, '0 3 * * *', 'refresh materialized view x; select count(*) from public.experts', 'localhost', 5432,
      current_database(), 'postgres', true, null),
    (3, '0 3 * * *', 'delete from experts', 'localhost', 5432, current_database(), 'supabase_admin', true, 'of another'),
    (4, '0 3 * * *', 'table experts', 'localhost', 5432, current_database(), 'postgres', true, 'shared'),
    (5, '0 3 * * *', 'table experts', 'localhost', 5432, current_database(), 'supabase_admin', true, 'shared');`;

renamedTest(
  "cron jobs get the new name by pg_cron's own function, and the old one back",
  async (renamed) => {
    const { db, functions, migration } = renamed;
    await db.admin`create schema cron`;
    await createStandIn(db, "pg_cron", "cron", PG_CRON);
    const commands = async () =>
      (await db.admin`select command from cron.job order by jobid`).map(({ command }) => command);
    const before = await commands();
    const answer = await functions.refresh({ migration_id: migration.id, rewrite_texts: true });
    assertEquals(objects(answer).filter((object) => object.startsWith("cron job")), [
      "cron job 2",
      "cron job nightly",
    ]);
    assertEquals(await commands(), [
      "delete from expert_profiles where name is null",
      "refresh materialized view x; select count(*) from public.expert_profiles",
      "delete from experts",
      "table experts",
      "table experts",
    ]);
    assertEquals(
      answer.findings.filter(({ code }) => code === "text_not_rewritten").map(({ object }) =>
        object
      ).sort(),
      ["cron job of another", "cron job shared", "cron job shared", "public.dynamic()"],
    );
    await functions.rollback({ table: "experts" });
    assertEquals(await commands(), before);
    await forgetStandIn(db, "pg_cron");
  },
);

databaseTest(
  "of a batch each table's texts are kept, and a rollback of all gives all back",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(
      TABLES + `
    create function joined() returns bigint language sql as
      'select count(*) from experts join teams on teams.id = experts.team_id'`,
    ).simple();
    const body = async () =>
      (await db.sql`select prosrc from pg_proc where proname = 'joined'`)[0].prosrc;
    const before = await body();
    const { migrations, batch_id } = await functions.rename({
      renames: [{ old_name: "experts", new_name: "people" }, {
        old_name: "teams",
        new_name: "groups",
      }],
    });
    for (const { id } of migrations) {
      await functions.refresh({
        migration_id: id,
        rewrite_texts: true,
      });
    }
    assertEquals(
      await body(),
      "select count(*) from people as experts join groups as teams on teams.id = experts.team_id",
    );
    await functions.rollback({ batch_id: batch_id! });
    assertEquals(await body(), before);
  },
);
