/** Bodies that get a new name are checked by plpgsql_check, where a database has it. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import type { OperationAnswer } from "../../../shared/contract/responses.ts";
import type { TestDatabase } from "../../support/servers/database.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import { ownServers } from "../../support/servers/own_servers.ts";
import { notTested } from "../../support/runner/not_tested.ts";

/** Debian's package of PostgreSQL 15, for which it has plpgsql_check; the servers that the project installs have none. */
const DEBIAN = "/usr/lib/postgresql/15";

const TABLES = `
  create schema app;
  create table app.experts (id int primary key, name text, n int default 0);
  create table app.experts_log (id int);
  insert into app.experts values (1, 'a');`;

/** Made while the rename is active. Only `caller` stops working with the new name: `of_row` takes rows of the view. */
const ROUTINES = `
  create function app.of_row(e app.experts) returns int language sql as 'select e.n';
  create function app.caller() returns int language plpgsql as $$
  begin
    return (select app.of_row(e) from app.experts e limit 1);
  end $$;
  create function app.plain() returns int language plpgsql as
    'begin return (select max(id) from experts); end';
  create function app.broken() returns int language plpgsql as
    'begin perform nothing from experts; return (select max(id) from app.experts); end';
  create function app.copied() returns trigger language plpgsql as
    'begin insert into app.experts (id, name) values (new.id, new.id::text); return new; end';
  create trigger copied before insert on app.experts_log for each row execute function app.copied();
  create function app.unused() returns trigger language plpgsql as
    'begin delete from app.experts where id = old.id; return old; end';`;

const CHANGED = [
  "app.broken()",
  "app.copied()",
  "app.plain()",
  "app.unused()",
];

const installed = (() => {
  try {
    return Deno.statSync(join(DEBIAN, "lib/plpgsql_check.so")).isFile;
  } catch {
    return false;
  }
})();

interface Renamed {
  db: TestDatabase;
  functions: Functions;
  request: { migration_id: string; rewrite_texts: true };
}

const objects = ({ rewritten_texts = [] }: OperationAnswer) =>
  rewritten_texts.map(({ object }) => object).sort();

const left = ({ findings }: OperationAnswer) =>
  findings.filter(({ code }) => code === "text_not_rewritten");

const bodyOf = async ({ db }: Renamed, name: string): Promise<string> =>
  (await db.sql`select prosrc from pg_proc where proname = ${name}`)[0].prosrc;

if (installed) {
  const programs = { initdb: join(DEBIAN, "bin/initdb"), pgCtl: join(DEBIAN, "bin/pg_ctl") };
  const servers = ownServers([15], {}, programs);

  const checkedTest = (name: string, body: (renamed: Renamed) => Promise<void>) =>
    servers.test(name, async ({ db }) => {
      await db.admin`create extension plpgsql_check schema extensions`;
      await db.sql.unsafe(TABLES).simple();
      await using functions = functionsFor(db.url);
      const { migrations: [{ id }] } = await functions.rename({
        schema: "app",
        old_name: "experts",
        new_name: "expert_profiles",
      });
      await db.sql.unsafe(ROUTINES).simple();
      await body({ db, functions, request: { migration_id: id, rewrite_texts: true } });
    });

  checkedTest(
    "a routine in which plpgsql_check finds a new error keeps its text, in the plan and in the change",
    async (renamed) => {
      const { functions, request } = renamed;
      const before = await bodyOf(renamed, "caller");
      const plan = await functions.refresh({ ...request, mode: "plan" });
      assertEquals(objects(plan), CHANGED);
      const [finding, ...others] = left(plan);
      assertEquals([finding.object, others], ["app.caller()", []]);
      assertStringIncludes(
        finding.message,
        "plpgsql_check finds an error with the new name in line 3: " +
          "function app.of_row(expert_profiles) does not exist",
      );
      assertStringIncludes(await bodyOf(renamed, "plain"), "from experts)");
      const answer = await functions.refresh({ ...request, expected_plan_hash: plan.plan_hash });
      assert(answer.verification?.passed);
      assertEquals(objects(answer), CHANGED);
      assertEquals(await bodyOf(renamed, "caller"), before);
      // What was wrong before is no reason.
      assertStringIncludes(
        await bodyOf(renamed, "broken"),
        "perform nothing from expert_profiles;",
      );
    },
  );

  checkedTest(
    "a trigger function is checked for the relations whose triggers call it",
    async (renamed) => {
      const { db, functions, request } = renamed;
      // Without a relation the extension refuses to check it.
      await db.sql.unsafe(`
        create or replace function app.copied() returns trigger language plpgsql as $$
        begin
          new.id := (select app.of_row(e) from app.experts e where e.id = new.id);
          return new;
        end $$`);
      const plan = await functions.refresh({ ...request, mode: "plan" });
      assertEquals(left(plan).map(({ object }) => object), ["app.caller()", "app.copied()"]);
      assertStringIncludes(left(plan)[1].message, "in line 3");
    },
  );

  checkedTest(
    "a finalization does not take for an error what it repairs itself",
    async ({ db, functions, request }) => {
      await db.sql`drop function app.broken()`;
      const answer = await functions.finalize(request);
      assert(answer.verification?.passed);
      assertEquals(objects(answer), [
        "app.caller()",
        "app.copied()",
        "app.plain()",
        "app.unused()",
      ]);
      const [{ n }] = await db.sql`select app.caller() as n`;
      assertEquals(n, 0);
    },
  );

  checkedTest(
    "nothing that another role has written runs because of a check",
    async ({ db, functions, request }) => {
      // Said to be immutable, so that a planner runs it; no rollback takes back what a sequence counts.
      await db.admin.unsafe(`
        create role other login;
        create schema other authorization other;
        set role other;
        create sequence other.runs;
        create function other.lure() returns int language plpgsql immutable as
          'begin return nextval(''other.runs''); end';
        grant usage on schema other to public;
        grant usage on sequence other.runs to public;
        reset role`).simple();
      try {
        await db.sql.unsafe(`
          create function app.lured() returns int language plpgsql as
            'begin return (select max(id) from app.experts where id > other.lure()); end'`);
        const answer = await functions.refresh({ ...request, mode: "plan" });
        assert(objects(answer).includes("app.lured()"));
        const [{ is_called }] = await db.admin`select is_called from other.runs`;
        assertEquals(is_called, false);
      } finally {
        await db.admin.unsafe("drop owned by other; drop role other").simple();
      }
    },
  );

  checkedTest(
    "a function of the same name that somebody puts beside the extension's is not called",
    async ({ db, functions, request }) => {
      await db.admin.unsafe(`
        create function extensions.plpgsql_check_function_tb(funcoid regprocedure, relid regclass,
          fatal_errors boolean, other_warnings boolean)
        returns table (lineno int, sqlstate text, message text, level text) language sql as
          $$ select 1, 'XX000', 'not the extension', 'error' $$`);
      const answer = await functions.refresh({ ...request, mode: "plan" });
      assertEquals(left(answer).map(({ object }) => object), ["app.caller()"]);
    },
  );
} else {
  notTested(
    "bodies are checked by plpgsql_check",
    "Debian's postgresql-15-plpgsql-check is not installed",
  );
}
