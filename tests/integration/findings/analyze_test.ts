/** The analysis through its endpoint. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { AnalyzedTable, Finding } from "../../../shared/contract/responses.ts";
import { countingMessages } from "../../bench/message_count.ts";
import { databaseTest } from "../../support/servers/database.ts";
import {
  createEverythingSchema,
  EVERYTHING_NEIGHBOURS,
} from "../../support/catalog/everything_schema.ts";
import { withoutRecorded } from "../../support/findings.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import { databaseState, stateDifferences } from "../../support/catalog/state.ts";
import { until } from "../../support/waiting.ts";
import { MEMBER_OF_PG_CRON } from "../../support/programs/pg_cron.ts";

/**
 * The objects of each kind that has any, as `name: effect`; but for recorded statements, of which the server
 * keeps what it likes.
 */
function effects({ dependants }: AnalyzedTable): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(dependants)
      .filter(([kind, objects]) => objects.length > 0 && kind !== "statements")
      .map(([kind, objects]) => [kind, objects.map(({ name, effect }) => `${name}: ${effect}`)]),
  );
}

async function analyzed(functions: Functions, query: string): Promise<AnalyzedTable> {
  const { tables } = await functions.analyze(query);
  assertEquals(tables.length, 1);
  return tables[0];
}

/** Asks for an analysis and fails the test unless it is refused with this code. */
async function refused(functions: Functions, code: string, query: string) {
  const problem = await (await functions.fetch("analyze", { query: `?${query}` })).json();
  assertEquals(problem.code, code, JSON.stringify(problem, null, 2));
  return problem;
}

databaseTest(
  "everything that depends on a table is listed by kind, with what a rename does to it",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await createEverythingSchema(db);
    const before = await databaseState(db.admin);
    const items = await analyzed(functions, "schema=app&table=items");
    assertEquals([items.schema, items.table, items.kind, items.owner, items.migrations], [
      "app",
      "items",
      "table",
      "postgres",
      [],
    ]);
    assertEquals(effects(items), {
      foreign_keys: ["items_kind_fkey: follows", "items_parent_fkey: follows"],
      constraints: [
        "items_code_key: follows",
        "items_during_excl: follows",
        "items_mood_check: follows",
        "items_pkey: follows",
        "items_price_check: follows",
        "items_quantity_check: follows",
        "items_serial_key: follows",
      ],
      indexes: [
        "items_brin: follows",
        "items_code_key: follows",
        "items_during_excl: follows",
        "items_expression: follows",
        "items_gin: follows",
        "items_identity: follows",
        "items_invalid: follows",
        "items_partial: follows",
        "items_pkey: follows",
        "items_serial_key: follows",
      ],
      triggers: [
        "items_always: follows",
        "items_constraint: follows",
        "items_note: follows",
        "items_off: follows",
        "items_replica: follows",
        "items_touch: follows",
      ],
      policies: ["items_all: follows", "items_read: follows", "items_write: follows"],
      rules: ["items_log: follows", "items_protect: follows"],
      statistics: ["app.items_statistics: follows"],
      sequences: [
        "app.items_always_no_seq: follows",
        "app.items_id_seq: follows",
        "app.items_serial_no_seq: follows",
      ],
      partitions: ["app.items_child: follows"],
      publications: [
        "everything: changes",
        "of_schema: changes",
        "some_columns: changes",
        "supabase_realtime: breaks",
      ],
      grants: [
        "PUBLIC: handled",
        "anon: handled",
        "authenticated: handled",
        "dashboard_user: handled",
        "postgres: handled",
        "service_role: handled",
      ],
      comments: ["table: handled", "column code: handled", "column price: handled"],
      referenced_by: [
        "app.orders orders_code_fkey: follows",
        "app.orders orders_item_id_fkey: follows",
      ],
      views: ["app.items_view: follows", "app.items_on_view: follows"],
      materialized_views: ["app.items_totals: follows"],
      functions: [
        "app.all_items(): works_through_view",
        "app.count_items(): follows",
        "app.first_item(): works_through_view",
        "app.title(app.items): handled",
      ],
      trigger_functions: ["app.note(): follows", "app.touch(): follows"],
      policies_elsewhere: ["kinds_of_items on app.kinds: follows"],
      others: [
        "table column app.boxes.item: handled",
        "table column app.boxes.items: handled",
      ],
    });
    const detail = (kind: string, name: string) =>
      items.dependants[kind].find((object) => object.name === name)?.detail;
    assertEquals(detail("foreign_keys", "items_parent_fkey"), "It refers to the table itself.");
    assertEquals(detail("foreign_keys", "items_kind_fkey"), null);
    assertEquals(detail("triggers", "items_touch"), "It calls app.touch().");
    assertEquals(detail("triggers", "items_off"), "It calls app.note(), but is disabled.");
    assertEquals(
      detail("grants", "dashboard_user"),
      "SELECT (code), SELECT (price), UPDATE (price).",
    );
    assertStringIncludes(
      detail("publications", "some_columns")!,
      "(id, code, price, made_at) where (price > (0)::numeric)",
    );
    assertEquals(detail("views", "app.items_on_view"), "At depth 2, through other views.");
    assertEquals(stateDifferences(before, await databaseState(db.admin)), []);

    const child = await analyzed(functions, "schema=app&table=items_child");
    assertEquals(effects(child).functions, ["app.title(app.items): breaks"]);
    const events = await analyzed(functions, "schema=app&table=events_2026");
    assertEquals([events.kind, effects(events).parents], ["table", ["app.events: follows"]]);
    const whole = await analyzed(functions, "schema=app&table=events");
    assertEquals([whole.kind, effects(whole).partitions], ["partitioned table", [
      "app.events_2026: follows",
      "app.events_rest: follows",
    ]]);
  },
);

databaseTest(
  "the findings are those of a rename, and the kinds those that a migration records",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await createEverythingSchema(db);
    const new_name = "the_name_to_come";
    for (const table of ["items", ...EVERYTHING_NEIGHBOURS]) {
      const query = new URLSearchParams({ schema: "app", table });
      const analysis = await analyzed(functions, String(query));
      const move = { schema: "app", old_name: table, new_name };
      const plan = await functions.rename({ ...move, mode: "plan" });
      const essence = (findings: Finding[]) =>
        withoutRecorded(findings).map(({ code, severity, object }) => [code, severity, object]);
      assertEquals(essence(analysis.findings), essence(plan.findings), table);
      assert(!JSON.stringify(analysis).includes(new_name));

      const acknowledge = analysis.findings.map(({ code }) => code);
      const renamed = await functions.rename({ ...move, acknowledge });
      const [{ dependencies }] = renamed.migrations;
      const { statements: _, ...others } = analysis.dependants;
      const { statements: __, ...recorded } = dependencies;
      assertEquals(
        recorded,
        Object.fromEntries(
          Object.entries(others).map(([kind, objects]) => [kind, objects.map(({ name }) => name)]),
        ),
        table,
      );
      await functions.rollback({ migration_id: renamed.migrations[0].id });
    }
  },
);

databaseTest(
  "views are found at any depth, through row types, and where they read each other in a circle",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`
      create table experts (id int primary key);
      create view v1 as select * from experts;
      create view v2 as select v1 from v1;
      create materialized view v3 as select count(*) from v2;
      create view v4 as select * from v3, experts;
      create view by_type as select null::experts as row;
      create view circle_a as select id from experts;
      create view circle_b as select id from circle_a;
      create or replace view circle_a as select id from circle_b`).simple();
    const { dependants } = await analyzed(functions, "table=experts");
    assertEquals(
      dependants.views.map(({ name, detail }) => [name, detail]),
      [
        ["public.by_type", null],
        ["public.v1", null],
        ["public.v4", null],
        ["public.v2", "At depth 2, through other views."],
      ],
    );
    assertEquals(dependants.materialized_views.map(({ name, detail }) => [name, detail]), [
      ["public.v3", "At depth 3, through other views."],
    ]);
    await db.sql`create view into_the_circle as select c.id from circle_a c, experts`;
    await db.sql`create or replace view circle_b as select i.id from into_the_circle i, circle_a`;
    assertEquals(
      (await analyzed(functions, "table=experts")).dependants.views.map(({ name }) => name).sort(),
      [
        "public.by_type",
        "public.circle_a",
        "public.circle_b",
        "public.into_the_circle",
        "public.v1",
        "public.v2",
        "public.v4",
      ],
    );
  },
);

databaseTest(
  "a renamed table is found under its name and each of its old ones, which are listed",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql`create table a (id int primary key)`;
    const first = await functions.rename({ old_name: "a", new_name: "b" });
    const second = await functions.rename({ old_name: "b", new_name: "c" });
    for (const name of ["a", "b", "c"]) {
      const { table, migrations, dependants } = await analyzed(functions, `table=${name}`);
      assertEquals(table, "c");
      assertEquals(migrations, [
        { id: second.migrations[0].id, old_name: "b", new_name: "c" },
        { id: first.migrations[0].id, old_name: "a", new_name: "b" },
      ]);
      assertEquals(dependants.views.map(({ name }) => name).sort(), ["public.a", "public.b"]);
    }
    // All three are one table, which is listed once.
    assertEquals((await functions.analyze("table=a&table=c&table=b&table=a")).tables.length, 1);
    assertEquals((await functions.analyze("")).tables.map(({ table }) => table), ["c"]);

    // A view that somebody else dropped does not hide the table; one that they made there does.
    await db.sql`drop view a`;
    assertEquals((await analyzed(functions, "table=a")).table, "c");
    await db.sql`create view a as select 1 as one`;
    await refused(functions, "unsupported_relation", "table=a");
    await db.sql`drop view a`;
    await db.sql`create table a (id int)`;
    assertEquals((await analyzed(functions, "table=a")).migrations, []);
  },
);

databaseTest("once a rename is finalized, its old name belongs to no table", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql`create table a (id int primary key)`;
  await functions.rename({ old_name: "a", new_name: "b" });
  await functions.finalize({ table: "a" });
  await refused(functions, "table_not_found", "table=a");
  assertEquals((await analyzed(functions, "table=b")).migrations, []);
});

databaseTest(
  "without a table, all tables of the schemas are analyzed, and nothing else",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`
      create schema app;
      create schema nothing;
      create table b (id int primary key);
      create table "A" (id int primary key);
      create view a_view as select * from b;
      create materialized view a_copy as select * from b;
      create sequence a_sequence;
      create table app.whole (id int) partition by range (id);
      create table app.part partition of app.whole default`).simple();
    await db.admin`alter extension pgcrypto add table public.b`;
    const found = async (query: string) =>
      (await functions.analyze(query)).tables.map(({ schema, table }) => `${schema}.${table}`);
    assertEquals(await found(""), ["public.A"]);
    await db.admin`alter extension pgcrypto drop table public.b`;
    assertEquals(await found(""), ["public.A", "public.b"]);
    assertEquals(await found("schema=app&schema=public"), [
      "app.part",
      "app.whole",
      "public.A",
      "public.b",
    ]);
    assertEquals(await found("schema=nothing"), []);
    assertEquals(await found("schema=app&table=part&table=whole"), ["app.part", "app.whole"]);
  },
);

databaseTest("a table of another role can be analyzed, though not renamed", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.admin`create table experts (id int primary key)`;
  const { owner } = await analyzed(functions, "table=experts");
  assertEquals(owner, "supabase_admin");
  await functions.refused("not_table_owner", "rename", {
    old_name: "experts",
    new_name: "expert_profiles",
  });
});

databaseTest("what is no table, or not there, is refused by name", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(`
    create table experts (id int primary key);
    create view a_view as select * from experts;
    create sequence a_sequence`).simple();
  await db.admin.unsafe(`
    create foreign data wrapper nowhere;
    create server nowhere foreign data wrapper nowhere;
    create foreign table a_foreign (id int) server nowhere;
    create table a_member (id int);
    alter extension pgcrypto add table a_member`).simple();
  for (const name of ["a_view", "a_sequence", "a_foreign", "experts_pkey"]) {
    const problem = await refused(functions, "unsupported_relation", `table=experts&table=${name}`);
    assertEquals(problem.status, 422);
    assertStringIncludes(problem.detail, `"public"."${name}"`);
  }
  await refused(functions, "extension_owned", "table=a_member");
  for (const query of ["table=nope", "schema=nope&table=experts", "schema=nope", "table=Experts"]) {
    assertEquals((await refused(functions, "table_not_found", query)).status, 404);
  }
  for (
    const query of ["schema=auth", "schema=public&schema=cron", "schema=storage&table=objects"]
  ) {
    assertEquals((await refused(functions, "protected_schema", query)).status, 403);
  }
  await refused(functions, "invalid_request", "schema=public&schema=app&table=experts");
  await refused(functions, "invalid_request", "tables=experts");
  await refused(functions, "invalid_identifier", "table=");
  const post = await functions.fetch("analyze", { method: "POST" });
  assertEquals([post.status, post.headers.get("allow")], [405, "GET"]);
  const other = await functions.fetch("list-migrations", { query: "?table=a&table=b" });
  assertEquals(other.status, 400);
});

databaseTest("a schema with too many tables to read at once is refused", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(`do $$ begin
    for i in 1..1001 loop execute format('create table t%s ()', i); end loop; end $$`).simple();
  const problem = await refused(functions, "invalid_request", "");
  assertStringIncludes(problem.detail, "more than 1000 tables");
  assertEquals((await functions.analyze("table=t7")).tables.length, 1);
  await db.sql`drop table t7`;
  // The tracking tables do not count.
  assertEquals((await functions.analyze("")).tables.length, 1000);
});

databaseTest(
  "the catalog is asked the same few times, however many tables there are",
  async ({ db }) => {
    await db.sql.unsafe(`do $$ begin for i in 1..30 loop
      execute format('create table t%s (id int primary key)', i); end loop; end $$`).simple();
    await using counting = countingMessages(db.url);
    await using functions = functionsFor(counting.url);
    const asked = async (query: string) => {
      counting.reset();
      await functions.analyze(query);
      return counting.catalogMessages;
    };
    // One message reads the facts; the look for drift goes with the beginning of its transaction.
    assertEquals(await asked("table=t1"), 1);
    assertEquals(await asked(Array.from({ length: 30 }, (_, i) => `table=t${i + 1}`).join("&")), 1);
    // Which tables there are is a question of its own.
    assertEquals(await asked(""), 2);
  },
);

databaseTest(
  "the answer shows no argument of a trigger, since it can be a key",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`
    create function note() returns trigger language plpgsql as 'begin return new; end';
    create table "Odd ""Näme""" (id int primary key);
    create trigger secret after insert on "Odd ""Näme""" for each row
      execute function note('Bearer hunter2');
    create trigger by_name after insert on "Odd ""Näme""" for each row
      execute function note('x', 'Odd "Näme"', 'hunter2');
    create trigger other after insert on "Odd ""Näme""" for each row
      execute function note('Odd "Näme"2', 'o', 'Odd')`).simple();
    const query = String(new URLSearchParams({ table: 'Odd "Näme"' }));
    const analysis = await analyzed(functions, query);
    assert(!JSON.stringify(analysis).includes("hunter2"), JSON.stringify(analysis));
    const named = "one of its arguments is the table's name";
    assertEquals(
      analysis.dependants.triggers.map(({ name, detail }) => [name, detail!.includes(named)]),
      [["by_name", true], ["other", false], ["secret", false]],
    );
  },
);

databaseTest(
  "texts that name the table are listed with what becomes of each, those of its triggers too",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.admin.unsafe(`
      create schema cron;
      create table cron.job (jobid bigint, jobname text, command text, database text, username text);
      insert into cron.job values
        (1, 'tidy', 'delete from experts', current_database(), 'postgres'),
        (2, null, 'truncate public.experts', current_database(), 'postgres');
      ${MEMBER_OF_PG_CRON}`).simple();
    await db.sql.unsafe(`
      create table experts (id int primary key);
      create table others (id int primary key);
      create function reads() returns int language plpgsql as 'begin return (select 1 from experts); end';
      create function empties(why text) returns void language plpgsql as 'begin truncate experts; end';
      create function rows_of() returns setof experts language plpgsql as
        'begin return query select * from experts; end';
      create function of_another() returns int language sql as
        'select 1 /* experts */ from others where ''experts'' <> ''''';
      create function audit() returns trigger language plpgsql as
        $$ begin if tg_table_name = 'experts' then raise notice 'x'; end if; return new; end $$;
      create function touch() returns trigger language plpgsql as 'begin return new; end';
      create trigger a before insert on experts for each row execute function audit();
      create trigger b before insert on experts for each row execute function touch();
      create trigger c before insert on others for each row execute function touch()`).simple();
    const { tables: [experts, others] } = await functions.analyze("table=experts&table=others");
    const dependantsOf = (kind: string, { dependants } = experts) =>
      dependants[kind].map(({ name, effect, detail }) => [name, effect, detail]);
    assertEquals(dependantsOf("functions"), [
      ["public.empties(pg_catalog.text)", "breaks", "truncate: begin truncate experts; end"],
      [
        "public.reads()",
        "works_through_view",
        "It names the table: begin return (select 1 from experts); end",
      ],
      [
        "public.rows_of()",
        "works_through_view",
        "It names the table: begin return query select * from experts; end",
      ],
    ]);
    assertEquals(dependantsOf("trigger_functions").map(([name, effect]) => [name, effect]), [
      ["public.audit()", "breaks"],
      ["public.touch()", "follows"],
    ]);
    assertEquals(dependantsOf("cron_jobs").map(([name, effect]) => [name, effect]), [
      ["tidy", "works_through_view"],
      ["2", "breaks"],
    ]);
    assertEquals(dependantsOf("functions", others).map(([name, effect]) => [name, effect]), [
      ["public.of_another()", "works_through_view"],
    ]);
    assertEquals(dependantsOf("trigger_functions", others), [["public.touch()", "follows", null]]);
    assertEquals(dependantsOf("cron_jobs", others), []);
    // Analyzed together or alone, a table's findings are its own.
    assertEquals((await analyzed(functions, "table=experts")).findings, experts.findings);
    assertEquals((await analyzed(functions, "table=others")).findings, others.findings);
    assertEquals(others.findings, []);
  },
);

databaseTest(
  "recorded statements are listed where a view cannot serve them, and only those",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe("create table experts (id int primary key)");
    const dependants = await until("the statement is recorded", async () => {
      await db.sql.unsafe("select id, xmin from experts");
      await db.sql.unsafe("select id from experts");
      const { dependants } = await analyzed(functions, "table=experts");
      return dependants.statements.length > 0 && dependants;
    });
    assertEquals(
      dependants.statements.map(({ effect, detail }) => [effect, detail]),
      [["breaks", "system_columns: select id, xmin from experts"]],
    );
    assert(/^-?\d+$/.test(dependants.statements[0].name), dependants.statements[0].name);
  },
);

databaseTest(
  "names alone are listed of all schemas that a pattern means, with what they refer to and were called",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`
      create schema tenant_a; create schema "tenant%b"; create schema tenantxc;
      create table tenant_a.teams (id int primary key, parent int references tenant_a.teams);
      create table tenant_a.experts (id int primary key, team int references tenant_a.teams, again int
        references tenant_a.teams) partition by range (id);
      create table "tenant%b".experts (team int references tenant_a.teams);
      create table tenantxc.experts (id int);
      create view tenant_a.seen as select 1 as one;`);
    await functions.rename({ schema: "tenant_a", old_name: "teams", new_name: "squads" });
    await functions.finalize({ schema: "tenant_a", table: "teams", quiet_for_days: 0 });
    const named = async (query: string) => {
      const { tables } = await functions.analyze(`detail=names&${query}`);
      return tables.map(({ schema, table, references, migrations }: AnalyzedTable) =>
        [
          `${schema}.${table}`,
          ...references!.map((other) => `> ${other.schema}.${other.table}`),
          ...migrations.map(({ old_name }) => `was ${old_name}`),
        ].join(" ")
      );
    };
    const inA = ["tenant_a.experts > tenant_a.squads", "tenant_a.squads was teams"];
    assertEquals(await named("schema=tenant_a"), inA);
    assertEquals(await named("schemas=tenant_*"), inA);
    assertEquals(await named("schemas=tenant%25*&schemas=*xc"), [
      "tenant%b.experts > tenant_a.squads",
      "tenantxc.experts",
    ]);
    // Schemas of the server, the platform and this tool are left out, and so are its tables.
    const all = await named("schemas=*");
    assertEquals(all.filter((name: string) => /^(pg_|auth|table_rename|public)/.test(name)), []);
    assertEquals(all.length, 4);
    await refused(functions, "protected_schema", "detail=names&schema=auth");
    await refused(functions, "table_not_found", "detail=names&schema=nowhere");
    await refused(functions, "invalid_request", "detail=names&table=experts");
    await refused(functions, "invalid_request", "schemas=tenant_*");
  },
);

databaseTest(
  "sizes are those of the catalog, with indexes, TOAST and partitions, and with names alone they wait for no lock",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`
      create table plain (id int primary key, text text);
      alter table plain alter text set storage external;
      insert into plain select i, repeat('x', 5000) from generate_series(1, 300) i;
      create table parts (id int primary key) partition by range (id);
      create table parts_1 partition of parts for values from (0) to (1000) partition by range (id);
      create table parts_1a partition of parts_1 for values from (0) to (1000);
      create table parts_2 partition of parts for values from (1000) to (2000);
      insert into parts select generate_series(0, 1499);
      create table unknown (id int primary key);`).simple();
    for (const table of ["plain", "parts_1a", "parts_2"]) {
      await db.sql.unsafe(`vacuum analyze ${table}`);
    }
    const measured = await db.sql`
      select relname as name, sum((select pg_total_relation_size(p.relid)
        from pg_class l where l.oid = p.relid and l.relkind = 'r'))::float8 as bytes
      from pg_class t, lateral (
        select relid from pg_partition_tree(t.oid) union select t.oid) p
      where relname in ('plain', 'parts', 'parts_1') group by relname`;
    const bytes = Object.fromEntries(measured.map(({ name, bytes }) => [name, bytes]));
    const holder = db.connect({ max: 1 });
    for (const query of ["table=plain&table=parts&table=parts_1&table=unknown", "detail=names"]) {
      // The whole analysis reads expressions, which the server does not show of a locked table.
      if (query === "detail=names") {
        await holder.unsafe("begin; lock table plain, parts, unknown in access exclusive mode")
          .simple();
      }
      const { tables } = await functions.analyze(query);
      const sizes = new Map(
        tables.map(({ table, estimated_bytes, estimated_rows }) => [
          table,
          { bytes: estimated_bytes, rows: estimated_rows },
        ]),
      );
      assertEquals(sizes.get("unknown"), { bytes: null, rows: null }, query);
      for (const [name, rows] of [["plain", 300], ["parts", 1_500], ["parts_1", 1_000]] as const) {
        const { bytes: estimated, rows: counted } = sizes.get(name)!;
        assertEquals(counted, rows, `${query} ${name}`);
        // Files have a few more pages: free space maps, visibility maps.
        const ratio = estimated! / bytes[name];
        assert(ratio > 0.4 && ratio <= 1, `${query} ${name}: ${estimated} of ${bytes[name]}`);
      }
      assert(sizes.get("plain")!.bytes! > 300 * 5_000, "without TOAST");
    }
  },
);
