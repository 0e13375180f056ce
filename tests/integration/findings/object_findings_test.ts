/** Findings about objects: what each says comes true, and a neighbour that is not concerned has none. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type postgres from "postgres";
import type { Finding } from "../../../shared/contract/responses.ts";
import {
  createTestDatabase,
  databaseTest,
  type TestDatabase,
} from "../../support/servers/database.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import { testServers } from "../../support/servers/servers.ts";
import { databaseState, stateDifferences } from "../../support/catalog/state.ts";
import { until } from "../../support/waiting.ts";

const MOVE = { old_name: "experts", new_name: "expert_profiles" };

/** The finding that a rename would have, by its code. */
async function planned(functions: Functions, code: string): Promise<Finding | undefined> {
  const { findings } = await functions.rename({ ...MOVE, mode: "plan" });
  return findings.find((finding) => finding.code === code);
}

/** Renames although it is refused unless these codes are acknowledged. */
async function renameAnyway(functions: Functions, code: Finding["code"]): Promise<void> {
  const problem = await functions.refused("breaking_findings", "rename", MOVE);
  const breaking = (problem.findings as Finding[]).filter(({ severity }) => severity === "breaking")
    .map(({ code }) => code);
  assert(breaking.includes(code), breaking.join());
  const answer = await functions.rename({ ...MOVE, acknowledge: breaking });
  assert(answer.verification?.passed);
}

/**
 * What the platform has for database webhooks, with a table in place of the network: its trigger function
 * posts exactly these members (its third and fourth argument are headers, which can hold a key, and
 * parameters).
 */
const WEBHOOKS = `
  create schema supabase_functions;
  grant usage on schema supabase_functions to postgres;
  create table supabase_functions.posted (url text, payload jsonb);
  create function supabase_functions.http_request() returns trigger
  language plpgsql security definer set search_path = '' as $$
  begin
    insert into supabase_functions.posted values (tg_argv[0], pg_catalog.jsonb_build_object(
      'old_record', old, 'record', new, 'type', tg_op,
      'table', tg_table_name, 'schema', tg_table_schema));
    return new;
  end $$`;

databaseTest(
  "webhook_payload: after the rename a database webhook posts the new name",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.admin.unsafe(WEBHOOKS).simple();
    await db.sql.unsafe(`
      create table experts (id int primary key);
      create trigger tell after insert on experts for each row
        execute function supabase_functions.http_request(
          'https://example.com', 'POST', '{"authorization": "Bearer secret"}', '{}', '1000')`)
      .simple();
    await db.sql`insert into experts values (1)`;
    const finding = await planned(functions, "webhook_payload");
    assertEquals([finding?.severity, finding?.object], ["warning", '"public"."experts"']);
    assertStringIncludes(finding!.message, "(tell)");
    assertStringIncludes(finding!.message, '"expert_profiles"');

    await functions.rename(MOVE);
    await db.sql`insert into experts values (2)`;
    const posted = await db.admin`
      select payload ->> 'table' as name, (payload #>> '{record,id}')::int as id
      from supabase_functions.posted order by id`;
    assertEquals(posted.map(({ id, name }) => [id, name]), [[1, "experts"], [
      2,
      "expert_profiles",
    ]]);
  },
);

databaseTest(
  "webhook_payload: a disabled webhook, or another trigger function of that name or schema, has no finding",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.admin.unsafe(`${WEBHOOKS};
      create function supabase_functions.something_else() returns trigger language plpgsql as
        'begin return new; end'`).simple();
    await db.sql.unsafe(`
      create function http_request() returns trigger language plpgsql as 'begin return new; end';
      create table experts (id int primary key);
      create trigger also after insert on experts for each row
        execute function supabase_functions.something_else();
      create trigger own after insert on experts for each row execute function http_request();
      create trigger tell after insert on experts for each row
        execute function supabase_functions.http_request('https://example.com');
      alter table experts disable trigger tell`).simple();
    assertEquals(await planned(functions, "webhook_payload"), undefined);
  },
);

databaseTest(
  "computed_relationships: the Data API finds a function by the row type's name, which is the new one's then",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`
      create table reviews (id int primary key, expert_id int);
      create table experts (id int primary key, name text);
      insert into experts values (1, 'Ada');
      insert into reviews values (7, 1);
      create function reviews_of(experts) returns setof reviews language sql stable as
        'select * from reviews where expert_id = $1.id'`).simple();
    // PostgREST is not at hand; this is how it matches an embedded name to a function in its schema cache:
    // one parameter, whose type has the name of the relation that the request is about.
    const embeddable = async (relation: string) => {
      const [{ count }] = await db.sql`
        select count(*)::int from pg_proc p
        join pg_type parameter on parameter.oid = p.proargtypes[0]
        join pg_class result on result.reltype = p.prorettype
        where p.pronargs = 1 and p.proname = 'reviews_of' and result.relname = 'reviews'
          and parameter.typname = ${relation}
          and parameter.typnamespace = 'public'::regnamespace`;
      return count;
    };
    assertEquals(await embeddable("experts"), 1);
    const finding = await planned(functions, "computed_relationships");
    assertEquals([finding?.severity, finding?.object], ["breaking", '"public"."experts"']);
    assertStringIncludes(finding!.message, "public.reviews_of(public.experts)");

    await renameAnyway(functions, "computed_relationships");
    assertEquals(await embeddable("experts"), 0);
    assertEquals(await embeddable("expert_profiles"), 1);
    // What the remedy says: an overload.
    await db.sql.unsafe(
      `create function reviews_of(experts) returns setof reviews language sql stable
      as 'select * from reviews where expert_id = $1.id'`,
    );
    assertEquals(await embeddable("experts"), 1);
    const [{ id }] = await db.sql`select r.id from experts e, reviews_of(e) r`;
    assertEquals(id, 7);
  },
);

databaseTest(
  "computed_relationships: other functions of the row type, and those of other tables, have no finding",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`
      create table reviews (id int primary key);
      create table experts (id int primary key, name text);
      create type pair as (a int, b int);
      create function title(experts) returns text language sql as 'select $1.name';
      create function two(experts, int) returns setof reviews language sql as 'select * from reviews';
      create function many(experts[]) returns setof reviews language sql as 'select * from reviews';
      create function pair_of(experts) returns pair language sql as 'select 1, 2';
      create function of_review(reviews) returns experts language sql as 'select * from experts'`)
      .simple();
    assertEquals(await planned(functions, "computed_relationships"), undefined);
  },
);

/** A server that leads back into the same database, and what it asks for. */
async function loopback(db: TestDatabase, options = ""): Promise<void> {
  const { port, password } = new URL(db.url);
  await db.admin.unsafe(`
    create extension if not exists postgres_fdw;
    create server here foreign data wrapper postgres_fdw
      options (host '127.0.0.1', port '${port}', dbname '${db.name}'${options});
    create user mapping for postgres server here options (user 'postgres', password '${password}');
    grant usage on foreign server here to postgres`).simple();
}

const FOREIGN_TABLE = `
  create table experts (id int primary key, seen timestamptz);
  insert into experts values (1), (2);
  create schema remote;
  create foreign table remote.all_experts (id int, seen timestamptz) server here
    options (schema_name 'public', table_name 'experts')`;

databaseTest(
  "foreign_table_users: through the view, what postgres_fdw does not send whole fails, until its option is set",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await loopback(db);
    await db.sql.unsafe(FOREIGN_TABLE).simple();
    const write = () => db.sql`update remote.all_experts set seen = clock_timestamp() where id = 1`;
    await write();
    const finding = await planned(functions, "foreign_table_users");
    assertEquals([finding?.severity, finding?.object], ["breaking", '"public"."experts"']);
    assertStringIncludes(finding!.message, "remote.all_experts (server here)");

    await renameAnyway(functions, "foreign_table_users");
    assertEquals((await db.sql`select id from remote.all_experts order by id`).length, 2);
    await db.sql`insert into remote.all_experts values (3, null)`;
    const error = await assertRejects(write) as postgres.PostgresError;
    assertEquals(error.code, "42703");
    await db.sql.unsafe(
      "alter foreign table remote.all_experts options (set table_name 'expert_profiles')",
    );
    await write();
  },
);

databaseTest(
  "foreign_table_users: without a view they fail altogether; names that the options leave out are understood",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await loopback(db);
    await db.sql.unsafe(`
      create table experts (id int primary key);
      create schema remote;
      create foreign table remote.experts (id int) server here options (schema_name 'public')`)
      .simple();
    const move = { ...MOVE, compatibility_view: false };
    const problem = await functions.refused("breaking_findings", "rename", move);
    assertStringIncludes(JSON.stringify(problem.findings), "They fail (42P01).");
    await functions.rename({ ...move, acknowledge: ["foreign_table_users"] });
    const error = await assertRejects(() =>
      db.sql`select * from remote.experts`
    ) as postgres.PostgresError;
    assertEquals(error.code, "42P01");
  },
);

for (
  const [what, change] of [
    ["that only read", "alter foreign table remote.all_experts options (add updatable 'false')"],
    ["of another table", "alter foreign table remote.all_experts options (set table_name 'other')"],
    ["in another database", "alter server here options (set dbname 'postgres')"],
    ["on another machine", "alter server here options (set host 'db.example.com')"],
  ]
) {
  databaseTest(`foreign_table_users: foreign tables ${what} have no finding`, async ({ db }) => {
    await using functions = functionsFor(db.url);
    await loopback(db);
    await db.sql.unsafe(FOREIGN_TABLE).simple();
    assert(await planned(functions, "foreign_table_users"));
    await db.admin.unsafe(change);
    assertEquals(await planned(functions, "foreign_table_users"), undefined);
  });
}

databaseTest(
  "subscription_target: a subscription stops at the view, and goes on after a rollback",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const server = testServers().find(({ version }) => version === db.version)!;
    const publisher = await createTestDatabase(server);
    const table = "create table experts (id int primary key)";
    const slot = `slot_of_${db.name}`;
    try {
      await publisher.sql.unsafe(`${table}; create publication feed for table experts`).simple();
      await publisher.sql`select pg_create_logical_replication_slot(${slot}, 'pgoutput')`;
      await db.sql.unsafe(table);
      await db.admin.unsafe(`create subscription feed connection '${publisher.adminUrl}'
        publication feed with (create_slot = false, slot_name = '${slot}', copy_data = false)`);
      const arrived = (id: number) =>
        until(`row ${id} arrives`, async () => {
          const rows = await db.sql`select from experts where id = ${id}`;
          return rows.length > 0;
        }, 30_000);
      await publisher.sql`insert into experts values (1)`;
      await arrived(1);
      const finding = await planned(functions, "subscription_target");
      assertEquals([finding?.severity, finding?.object], ["breaking", '"public"."experts"']);
      assertStringIncludes(finding!.message, "feed");

      await renameAnyway(functions, "subscription_target");
      await publisher.sql`insert into experts values (2)`;
      await until("the subscription fails", async () => {
        const [row] = await db.admin`select apply_error_count::int as errors
          from pg_stat_subscription_stats where subname = 'feed'`;
        return row.errors > 0;
      }, 30_000);
      assertEquals((await db.sql`select id from experts`).map(({ id }) => id), [1]);
      await functions.rollback({ table: "experts" });
      await arrived(2);
    } finally {
      await db.admin.unsafe("alter subscription feed disable").catch(() => {});
      await db.admin.unsafe("alter subscription feed set (slot_name = none)").catch(() => {});
      await db.admin.unsafe("drop subscription feed").catch(() => {});
      await until("the slot is free", async () => {
        await publisher.admin`select pg_drop_replication_slot(${slot})`;
        return true;
      }).catch(() => {});
      await publisher.close();
    }
  },
);

const GUARD = (when: string) => `
  create function guard() returns event_trigger language plpgsql as
    $$ begin raise exception 'no % today', tg_tag; end $$;
  create event trigger guard ${when} execute function guard()`;

databaseTest(
  "event_trigger: one that refuses the commands of a rename stops it, and nothing is changed",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql`create table experts (id int primary key)`;
    await db.admin.unsafe(GUARD("on ddl_command_end when tag in ('CREATE VIEW')")).simple();
    const finding = await planned(functions, "event_trigger");
    assertEquals([finding?.severity, finding?.object], ["info", "guard"]);
    assertStringIncludes(finding!.message, "public.guard()");
    const before = await databaseState(db.admin);
    const problem = await functions.refused("forbidden", "rename", MOVE);
    assertStringIncludes(problem.detail, "no CREATE VIEW today");
    assertEquals(stateDifferences(before, await databaseState(db.admin)), []);
  },
);

databaseTest(
  "event_trigger: one that refuses to drop views stops the rollback",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql`create table experts (id int primary key)`;
    await db.admin.unsafe(GUARD("on sql_drop when tag in ('DROP VIEW')")).simple();
    const finding = await planned(functions, "event_trigger");
    assertStringIncludes(finding!.message, "rollback");
    await functions.rename(MOVE);
    const problem = await functions.refused("forbidden", "rollback", { table: "experts" });
    assertStringIncludes(problem.detail, "no DROP VIEW today");
  },
);

for (
  const [what, sql] of [
    ["at other commands", GUARD("on ddl_command_start when tag in ('CREATE INDEX')")],
    ["at rewrites of tables", GUARD("on table_rewrite")],
    [
      "that is disabled",
      `${GUARD("on ddl_command_start")}; alter event trigger guard disable`,
    ],
    [
      "for replication only",
      `${GUARD("on ddl_command_start")}; alter event trigger guard enable replica`,
    ],
  ]
) {
  databaseTest(`event_trigger: one ${what}, or the platform's, has no finding`, async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql`create table experts (id int primary key)`;
    await db.admin.unsafe(sql).simple();
    assertEquals(await planned(functions, "event_trigger"), undefined);
    await functions.rename(MOVE);
  });
}

/** Says that an extension is installed that is not at hand here; only that it is there is looked at. */
async function pretendExtension(db: TestDatabase, name: string): Promise<void> {
  await db.admin.begin(async (tx) => {
    await tx`set local allow_system_table_mods = on`;
    await tx`insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
      select 99999, ${name}, 10, oid, false, '1.5.11' from pg_namespace where nspname = 'graphql_public'`;
  });
}

databaseTest(
  "graphql: where pg_graphql is installed, a table whose types change their names has a finding",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql`create table experts (id int primary key)`;
    assertEquals(await planned(functions, "graphql"), undefined);
    await pretendExtension(db, "pg_graphql");
    const comment = async (text: string) => {
      await db.sql.unsafe(`comment on table experts is '${text}'`);
      return (await planned(functions, "graphql"))?.severity;
    };
    assertEquals(await comment("All of them"), "warning");
    assertEquals(await comment('@graphql({"totalCount": {"enabled": true}})'), "breaking");
    assertEquals(await comment('All. @graphql({"name": "Expert"}) of them'), undefined);
    assertEquals(await comment("@graphql(not JSON)"), "warning");
    assertEquals(await comment('@graphql( or @graphql({"name": "Expert"}) of }'), undefined);
    assertEquals(await comment('@graphql({"name": })'), "breaking");
    // Without a primary key a table is in no GraphQL schema.
    await db.sql`alter table experts drop constraint experts_pkey`;
    assertEquals(await comment("All of them"), undefined);
  },
);

/**
 * The names of the relations that a publication's next changes are about (manual, 55.9, Relation messages).
 * They come as soon as they are written to disk, which is after the commit here.
 */
async function publishedNames(db: TestDatabase, publication: string): Promise<string[]> {
  return await until("changes are published", async () => {
    const rows = await db.sql`
      select data from pg_logical_slot_get_binary_changes(${db.name}, null, null,
        'proto_version', '1', 'publication_names', ${publication})`;
    const names = rows.map(({ data }) => data as Uint8Array)
      .filter((data) => data[0] === "R".charCodeAt(0))
      .map((data) => new TextDecoder().decode(data.slice(5)).split("\0").slice(0, 2).join("."));
    return names.length > 0 && names;
  });
}

for (
  const [code, severity, publication] of [
    ["realtime_publication", "breaking", "supabase_realtime"],
    ["publication_name_change", "warning", "feed"],
  ]
) {
  databaseTest(
    `${code}: changes are published under the new name, also those made through the old one`,
    async ({ db }) => {
      await using functions = functionsFor(db.url);
      await db.sql.unsafe(`create table experts (id int primary key);
        ${publication === "feed" ? "create publication feed" : ""};
        alter publication ${publication} add table experts`).simple();
      await db.sql`select pg_create_logical_replication_slot(${db.name}, 'pgoutput')`;
      try {
        await db.sql`insert into experts values (1)`;
        assertEquals(await publishedNames(db, publication), ["public.experts"]);
        assertEquals((await planned(functions, code))?.severity, severity);
        await functions.rename({ ...MOVE, acknowledge: [code] });
        await db.sql`insert into experts values (2)`;
        assertEquals(await publishedNames(db, publication), ["public.expert_profiles"]);
        // The way out that one would think of: the view itself cannot be published.
        await assertRejects(() =>
          db.sql.unsafe(`alter publication ${publication} add table experts`)
        );
      } finally {
        await db.sql`select pg_drop_replication_slot(${db.name})`;
      }
    },
  );
}

databaseTest(
  "a table on which nothing of this is has no findings, though others in its schema have them all",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.admin.unsafe(WEBHOOKS).simple();
    await loopback(db);
    await db.sql.unsafe(`
      create table experts (id int primary key, name text);
      create table others (id int primary key);
      alter publication supabase_realtime add table others;
      create trigger tell after insert on others for each row
        execute function supabase_functions.http_request('https://example.com');
      create function experts_of(others) returns setof experts language sql as 'select * from experts';
      create foreign table experts_elsewhere (id int) server here options (table_name 'others')`)
      .simple();
    const plan = await functions.rename({ ...MOVE, mode: "plan" });
    // A function returns its rows, which is handled.
    assertEquals(plan.findings.map(({ code, severity }) => [code, severity]), [
      ["row_type_functions", "info"],
    ]);
    const other = await functions.rename({
      old_name: "others",
      new_name: "another",
      mode: "plan",
    });
    assertEquals(
      other.findings.map(({ code }) => code).filter((code) => code !== "row_type_functions").sort(),
      ["computed_relationships", "foreign_table_users", "realtime_publication", "webhook_payload"],
    );
  },
);
