/** A server that compiles queries (PostgreSQL's and Debian's default) compiles none of ours. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { join } from "node:path";
import { functionsFor } from "../../support/http/functions.ts";
import { ownServers } from "../../support/servers/own_servers.ts";
import { wholeCycle } from "../../support/whole_cycle.ts";
import { notTested } from "../../support/runner/not_tested.ts";

/** Debian's package of PostgreSQL 15, which has JIT; the servers that the project installs have none. */
const DEBIAN = "/usr/lib/postgresql/15";

const TABLES = `
  create schema app;
  create table app.people (id int primary key generated always as identity, name text default 'x');
  create table app.posts (id int primary key, author int references app.people);
  insert into app.people default values;
  create view app.names as select name from app.people;
  create view app.written as select p.name, count(*) from app.people p join app.posts o on o.author = p.id group by 1;
  create materialized view app.counted as select count(*) from app.people;
  grant usage on schema app to authenticated;
  grant select on app.people to authenticated`;

const installed = (() => {
  try {
    return Deno.statSync(join(DEBIAN, "lib/llvmjit.so")).isFile;
  } catch {
    return false;
  }
})();

if (installed) {
  const programs = { initdb: join(DEBIAN, "bin/initdb"), pgCtl: join(DEBIAN, "bin/pg_ctl") };
  const servers = ownServers([15], { jit: "on" }, programs);

  servers.test("no query of ours is compiled, however expensive it seems", async ({ db }) => {
    await db.sql.unsafe(TABLES).simple();
    // Whatever a query of the login is said to cost, it is compiled.
    for (const limit of ["jit_above_cost", "jit_inline_above_cost", "jit_optimize_above_cost"]) {
      await db.admin.unsafe(`alter role postgres in database ${db.name} set ${limit} = 0`);
    }
    const client = db.connect({ max: 1, fetch_types: false });
    await db.admin`create extension if not exists pg_stat_statements schema extensions`;
    assert((await client`select pg_jit_available()`)[0].pg_jit_available);
    const compiled = async () => {
      const [row] = await db.admin`
        select coalesce(sum(s.jit_functions) filter (where query like '%pg_namespace%'), 0)::int as theirs,
          count(*)::int as statements
        from extensions.pg_stat_statements s
        where s.dbid = (select oid from pg_database where datname = current_database())
          and s.userid = (select oid from pg_roles where rolname = 'postgres')`;
      return row;
    };
    // What any other client asks is.
    await client`select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace`;
    assertGreater((await compiled()).theirs, 0);
    await db.admin`select extensions.pg_stat_statements_reset()`;
    await using functions = functionsFor(db.url);
    await wholeCycle(functions, { schema: "app", old_name: "people", new_name: "persons" });
    const { theirs, statements } = await compiled();
    assertEquals(theirs, 0);
    assertGreater(statements, 50);
  });
} else {
  notTested(
    "no query of ours is compiled",
    "Debian's postgresql-15 is not installed",
  );
}
