/** The findings about what is built on an old name and follows the table, each shown to come true. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { RollbackInput } from "../../../shared/contract/requests.ts";
import type { Finding } from "../../../shared/contract/responses.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import { outcomes, prepareOutcomes } from "../../support/roles.ts";
import { until } from "../../support/waiting.ts";

const TABLES = `
  create table teams (id int primary key, name text);
  insert into teams values (1, 'red');
  create table experts (id int primary key, name text, secret boolean not null default false);
  insert into experts values (1, 'Ada', false), (2, 'Bob', true);
  grant select, insert, update, delete on experts, teams to anon;`;

const SECURED = `${TABLES}
  alter table experts enable row level security;
  create policy visible on experts using (not secret);`;

/** Renamed, with something built on the old name. */
async function renamed(db: TestDatabase, functions: Functions, tables: string, built: string) {
  await db.sql.unsafe(tables).simple();
  await functions.rename({ old_name: "experts", new_name: "expert_profiles" });
  await db.sql.unsafe(built).simple();
  await prepareOutcomes(db);
}

async function findings(functions: Functions, more: Partial<RollbackInput> = {}) {
  const plan = await functions.rollback({ table: "experts", mode: "plan", ...more });
  return plan.findings;
}

const codesOf = (findings: Finding[]) =>
  findings.map(({ code, severity }) => `${code} ${severity}`);

databaseTest("where nothing is built on the view there is no finding", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await renamed(db, functions, TABLES, "create view apart as select name from expert_profiles");
  assertEquals(await findings(functions), []);
});

databaseTest("whatever follows is reported, and what is made again for it", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await renamed(
    db,
    functions,
    TABLES,
    `create view names with (security_invoker) as select name from experts;
     create function title(experts) returns text language sql as 'select $1.name'`,
  );
  const [finding, calls, ...others] = await findings(functions);
  assertEquals(codesOf([finding, calls]), [
    "dependants_repointed info",
    "calls_interrupted warning",
  ]);
  assertEquals(others, []);
  assertEquals(finding.object, '"public"."experts"');
  assertStringIncludes(finding.message, "function public.title(public.experts), view public.names");
  assertMatch(
    finding.message,
    /title\(public.experts\) cannot be changed in place and is recreated/,
  );
});

// Whose rights --------------------------------------------------------------------------------------

databaseTest(
  "a plain view that would show more rows is reported, and does once acknowledged",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await renamed(db, functions, SECURED, "create view names as select name from experts");
    await db.sql`grant select on names to anon`;
    const read = ["select count(*) from names"];
    assertEquals(await outcomes(db, "anon", read), ["ok 1 1"]);
    const problem = await functions.refused("breaking_findings", "rollback", { table: "experts" });
    const finding = (problem.findings as Finding[]).find(({ code }) => code === "reads_as_owner")!;
    assertEquals([finding.severity, finding.object], ["breaking", '"public"."names"']);
    assertStringIncludes(finding.message, 'uses the table as "postgres"');
    await functions.rollback({ table: "experts", acknowledge: ["reads_as_owner"] });
    assertEquals(await outcomes(db, "anon", read), ["ok 1 2"]);
  },
);

databaseTest("the remedy of a plain view keeps its rows as they are", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await renamed(db, functions, SECURED, "create view names as select name from experts");
  await db.sql`grant select on names to anon`;
  const { remedy } = (await findings(functions)).find(({ code }) => code === "reads_as_owner")!;
  const [sql] = /alter view [^.]*\.[^.]*\)/.exec(remedy)!;
  await db.sql.unsafe(sql);
  assertEquals(codesOf(await findings(functions)), ["dependants_repointed info"]);
  await functions.rollback({ table: "experts" });
  assertEquals(await outcomes(db, "anon", ["select count(*) from names"]), ["ok 1 1"]);
});

for (const option of ["security_invoker=on", "security_invoker=1", "security_invoker=YES"]) {
  databaseTest(`a view with ${option} is known to run with its caller's rights`, async ({ db }) => {
    await using functions = functionsFor(db.url);
    const built = `create view names with (${option}) as select name from experts`;
    await renamed(db, functions, SECURED, built);
    assertEquals(codesOf(await findings(functions)), ["dependants_repointed info"]);
    await functions.rollback({ table: "experts" });
    const [{ options }] = await db.sql`
      select reloptions::text as options from pg_class where relname = 'names'`;
    assertEquals(options.toLowerCase(), `{${option.toLowerCase()}}`);
  });
}

databaseTest(
  "a rule that would act with its table's owner's rights is reported, and does",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const built = "create rule forget as on delete to teams do also delete from experts";
    await renamed(db, functions, SECURED, built);
    const left = async () => {
      await db.as("anon", (tx) => tx`delete from teams`, { commit: true });
      const [{ n }] = await db.sql`select count(*)::int as n from expert_profiles`;
      return n;
    };
    assertEquals(await left(), 1);
    await db.sql`insert into expert_profiles values (1, 'Ada', false)`;
    const problem = await functions.refused("breaking_findings", "rollback", { table: "experts" });
    const finding = (problem.findings as Finding[]).find(({ code }) => code === "reads_as_owner")!;
    assertEquals(finding.object, "forget on public.teams");
    await functions.rollback({ table: "experts", acknowledge: ["reads_as_owner"] });
    await db.as("anon", (tx) => tx`delete from teams`, { commit: true });
    assertEquals((await db.sql`select from experts`).length, 0);
  },
);

databaseTest(
  "who will be able to read through a view, without a right to the table, is reported",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await renamed(db, functions, TABLES, "create view names as select name from experts");
    await db.sql.unsafe(`
    revoke select on experts, expert_profiles from anon; grant select on names to anon`).simple();
    const read = ["select count(*) from names"];
    assertEquals(await outcomes(db, "anon", read), ["42501"]);
    const finding = (await findings(functions)).find(({ code }) => code === "reads_as_owner")!;
    assertEquals(finding.severity, "warning");
    assertStringIncludes(finding.message, "anon will be able to read");
    await functions.rollback({ table: "experts" });
    assertEquals(await outcomes(db, "anon", read), ["ok 1 2"]);
  },
);

// Time ----------------------------------------------------------------------------------------------

databaseTest(
  "a large materialized view is not filled while clients wait without being asked about",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await renamed(
      db,
      functions,
      TABLES,
      `create view names with (security_invoker) as select id, name from experts;
     create materialized view totals as
       select count(*) as n from names n join experts e using (id);
     create materialized view empty as select count(*) as n from experts with no data`,
    );
    const rebuilt = async () =>
      (await findings(functions)).filter(({ code }) => code === "materialized_view_rebuilt");
    assertEquals(codesOf(await rebuilt()), [
      "materialized_view_rebuilt warning",
      "materialized_view_rebuilt warning",
    ]);
    await db.sql`insert into expert_profiles
    select n, repeat(md5(n::text), 40), false from generate_series(10, 12000) n`;
    const [empty, totals] = await rebuilt();
    assertEquals([empty.severity, empty.object], ["warning", '"public"."empty"']);
    assertStringIncludes(empty.message, "unpopulated");
    assertEquals([totals.severity, totals.object], ["breaking", '"public"."totals"']);
    assertMatch(totals.message, /public.totals 0.0 MB, public.expert_profiles 1\d\.\d MB/);
    await functions.refused("breaking_findings", "rollback", { table: "experts" });
    await functions.rollback({ table: "experts", acknowledge: ["materialized_view_rebuilt"] });
    assertEquals((await db.sql`select n::int from totals`)[0].n, 11_993);
    const error = await db.sql`select n from empty`.catch(({ code }) => code);
    assertEquals(error, "55000");
  },
);

databaseTest("a constraint that reads a large table again is asked about", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await renamed(
    db,
    functions,
    TABLES,
    `create function title(experts) returns text language sql immutable as 'select $1.name';
     alter table teams add constraint titled check (title(row(1, name, false)::experts) <> '');
     alter table teams add constraint later check (title(row(2, name, false)::experts) <> '') not valid`,
  );
  const again = async () =>
    (await findings(functions)).filter(({ code }) => code === "constraint_checked_again");
  assertEquals((await again()).map(({ severity }) => severity), ["warning", "warning"]);
  await db.sql`insert into teams
    select n, repeat(md5(n::text), 40) from generate_series(10, 12000) n`;
  const [later, titled] = await again();
  assertEquals(later.severity, "warning");
  assertEquals([titled.severity, titled.object], ["breaking", '"public"."teams"']);
  assertMatch(titled.message, /"titled" .* whole table \(1\d\.\d MB\)/);
  await functions.rollback({ table: "experts", acknowledge: ["constraint_checked_again"] });
  const rows = await db.sql`select conname, convalidated from pg_constraint
    where conrelid = 'teams'::regclass and contype = 'c' order by 1`;
  assertEquals(rows.map((row) => [row.conname, row.convalidated]), [["later", false], [
    "titled",
    true,
  ]]);
  assertEquals(await db.sql`insert into teams values (0, '')`.catch(({ code }) => code), "23514");
});

// In flight -----------------------------------------------------------------------------------------

databaseTest(
  "a routine's call that begins while the locks are held fails once, as the finding said",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await renamed(
      db,
      functions,
      TABLES,
      `create function counted() returns bigint language sql stable
       begin atomic select count(*) from experts; end;
     create view names with (security_invoker) as select name from experts`,
    );
    const finding = (await findings(functions)).find(({ code }) => code === "calls_interrupted")!;
    assertStringIncludes(finding.message, "function public.counted()");
    // Has the critical section take a while.
    await db.admin.unsafe(`
    create function linger() returns event_trigger language plpgsql as $$
    begin
      if current_setting('application_name') = 'table-rename' then perform pg_sleep(1); end if;
    end $$;
    create event trigger linger on sql_drop execute function linger()`).simple();
    const rollback = functions.rollback({ table: "experts" });
    await until("the critical section lingers", async () => {
      const [row] = await db.sql`select true as there from pg_stat_activity
      where application_name = 'table-rename' and wait_event = 'PgSleep'`;
      return row?.there;
    });
    const call = db.sql`select counted()`.catch(({ code }) => code);
    const read = db.sql`select name from names`;
    await rollback;
    assertEquals(await call, "XX000");
    assertEquals((await read).length, 2);
    assertEquals(Number((await db.sql`select counted()`)[0].counted), 2);
  },
);
