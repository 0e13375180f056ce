/** Objects of a hostile author: what our sessions run of them, and with whose rights. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { databaseAt } from "../../../shared/postgres/connection/database.ts";
import { readWebhookSecrets } from "../../../shared/http/webhooks/webhook_secrets.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { SECRET, signedHeaders } from "../../support/http/webhooks.ts";

const RENAME = { old_name: "experts", new_name: "expert_profiles" };

/** How often a function of the author's ran: a sequence counts, whatever is rolled back. */
const WITNESS = `
  create sequence witness;
  grant usage on sequence witness to public;`;

const ranSoFar = async ({ admin }: TestDatabase) => {
  const [row] =
    await admin`select case when is_called then last_value else 0 end::int as n from witness`;
  return row.n as number;
};

databaseTest(
  "operators and functions of the project's schemas never stand in for the server's",
  async ({ db }) => {
    await db.sql.unsafe(`${WITNESS}
    create table experts (id int primary key, name text);
    insert into experts values (1, 'a');
    create function trap(anyelement) returns anyelement language plpgsql as
      $$ begin perform nextval('public.witness'); return $1; end $$;
    create function trap_json(jsonb, jsonb) returns text language plpgsql as
      $$ begin perform nextval('public.witness'); return $1 #>> '{}'; end $$;
    create operator ->> (leftarg = jsonb, rightarg = jsonb, function = trap_json);
    create operator -> (leftarg = jsonb, rightarg = jsonb, function = trap_json);
    create function trap_names(name, name) returns boolean language plpgsql as
      $$ begin perform nextval('public.witness'); return true; end $$;
    create operator ~ (leftarg = name, rightarg = name, function = trap_names);
    create operator ~~ (leftarg = name, rightarg = name, function = trap_names);
    create function quote_ident(name) returns text language sql as
      $$ select public.trap('experts'::text) $$;
    create function format(text, name, name) returns text language sql as $$ select public.trap('x'::text) $$;
    create function lower(name) returns text language sql as $$ select public.trap('x'::text) $$;
    create function to_regclass(name) returns regclass language sql as
      $$ select public.trap('public.experts'::regclass) $$`)
      .simple();
    // They do stand in where the project's schemas are looked through.
    await db.sql`select '{}'::jsonb ->> '"a"'`;
    assertEquals(await ranSoFar(db), 1);
    await using functions = functionsFor(db.url, {
      webhooks: readWebhookSecrets(`whsec_${SECRET}`),
      deadlineMs: 60_000,
    });
    const forged = {
      ...await signedHeaders({ body: "{}" }),
      "webhook-signature": "v1,x",
      apikey: "",
    };
    await functions.fetch("rename", { method: "POST", headers: forged, body: "{}" });
    const events = await db
      .sql`select from table_rename.sys_table_migration_events where operation = 'webhook'`;
    assertEquals(events.length, 1, "the refused webhook left no event");
    const { migrations: [{ id }] } = await functions.rename({ ...RENAME, count_use: true });
    await db.sql`select count(*) from experts`;
    await functions.list({ include: "usage,drift" });
    await functions.analyze("schema=public");
    await functions.refresh({ migration_id: id });
    await functions.fetch("table-aliases");
    await functions.refused("already_renamed", "rename", RENAME);
    await functions.rollback({ table: "experts" });
    assertEquals(await ranSoFar(db), 1);
  },
);

/** A function that leaves its caller's role, in each way that its text can show. */
const WAYS_OUT = {
  "reset role": "begin reset role; return new; end",
  "set role": "begin set local role postgres; return new; end",
  "the setting": "begin perform set_config( 'role', 'postgres', true); return new; end",
};

databaseTest(
  "a trigger that leaves its caller's role is not run by verify, which says so",
  async ({ db }) => {
    await db.sql.unsafe(`${WITNESS}
    create table experts (id int primary key, name text);
    insert into experts values (1, 'a');
    create function leave() returns trigger language plpgsql as $$ begin return new; end $$;
    create trigger leave before insert or update on experts for each row execute function leave()`)
      .simple();
    await using functions = functionsFor(db.url);
    const { migrations: [{ id }] } = await functions.rename(RENAME);
    const detail = async () => {
      const { checks: [{ detail }] } = await functions.verify({
        migration_id: id,
        checks: ["writes"],
      });
      return detail!;
    };
    assertStringIncludes(await detail(), "Executed through both names");
    const seen = "perform nextval('public.witness');";
    for (const [way, body] of Object.entries(WAYS_OUT)) {
      const counting = body.replace("begin", `begin ${seen}`);
      await db.sql.unsafe(
        `create or replace function leave() returns trigger language plpgsql as $$ ${counting} $$`,
      );
      const said = await detail();
      assertStringIncludes(said, "Only explained, not executed", way);
      assertStringIncludes(
        said,
        "leave its role: trigger leave on public.expert_profiles (public.leave)",
        way,
      );
    }
    await db.sql.unsafe(`create or replace function leave() returns trigger language plpgsql
    set role = 'postgres' as $$ begin ${seen} return new; end $$`);
    assertStringIncludes(await detail(), "Only explained, not executed");
    assertEquals(await ranSoFar(db), 0);
  },
);

databaseTest(
  "what a trigger or a policy prepares in our session does not stay there",
  async ({ db }) => {
    await db.sql.unsafe(`${WITNESS}
    create table experts (id int primary key, name text);
    insert into experts values (1, 'a');
    alter table experts enable row level security;
    create function plant(name text) returns boolean language plpgsql as $$
      begin
        perform nextval('public.witness');
        execute format('prepare %I as select 1', name || nextval('public.witness'));
        return true;
      end $$;
    create function planting() returns trigger language plpgsql as
      $$ begin perform public.plant('table_rename_check_relations'); return new; end $$;
    create trigger planting before insert on experts for each row execute function planting();
    create policy planted on experts for select to anon using (plant('planted'));
    grant all on experts to anon`).simple();
    await using functions = functionsFor(db.url);
    const { migrations: [{ id }] } = await functions.rename(RENAME);
    const { passed } = await functions.verify({
      migration_id: id,
      checks: ["reads", "writes", "joins"],
    });
    assert(passed);
    assert(await ranSoFar(db) > 0, "nothing was planted");
    // At the same time, so that each has a connection of its own: all that there are.
    const left = await Promise.all(
      Array.from({ length: 4 }, () =>
        databaseAt(db.url).query(
          "select name from pg_catalog.pg_prepared_statements, pg_catalog.pg_sleep(0.05)",
        )),
    );
    assertEquals(left.flatMap((rows) => [...rows]), []);
  },
);
