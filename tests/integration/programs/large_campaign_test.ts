/** What a campaign of many tables costs the server: counted in requests, statements and pages, never in time. */
import { assert, assertEquals } from "@std/assert";
import { runMain, withEndpoints } from "../../support/programs/cli.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";

const TABLES = 20;

/** Tables of the same names in each of these schemas, all renamed. */
async function renamedTenants(
  db: TestDatabase,
  functions: ReturnType<typeof functionsFor>,
  schemas: string[],
) {
  const tables = Array.from({ length: TABLES }, (_, index) => `doc_${index}`);
  await db.sql.unsafe(
    schemas.map((schema) =>
      `create schema ${schema};` +
      tables.map((table) => `create table ${schema}.${table} (id int primary key);`).join("")
    ).join(""),
  ).simple();
  await functions.rename({
    renames: schemas.flatMap((schema) =>
      tables.map((table) => ({ schema, old_name: table, new_name: `new_${table}` }))
    ),
  });
}

/** Statements of this database since the last reset. */
async function statements(db: TestDatabase, like = "%") {
  const rows = await db.admin`
    select calls::int, (shared_blks_hit + shared_blks_read)::int as pages
    from pg_stat_statements s join pg_database d on d.oid = s.dbid
    where d.datname = ${db.name} and query ilike ${like}`;
  const sum = (of: "calls" | "pages") => rows.reduce((total, row) => total + row[of], 0);
  return { calls: sum("calls"), pages: sum("pages") };
}

const forget = (db: TestDatabase) =>
  db.admin`select pg_stat_statements_reset(0, oid, 0) from pg_database where datname = ${db.name}`;

databaseTest(
  "what a list with drift and usage reads grows with the migrations alone, not with namesakes in other schemas",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const pagesRead = async (count: number) => {
      const query = { status: "active", include: "drift,usage", limit: 1_000 } as const;
      await functions.list(query);
      await forget(db);
      assertEquals((await functions.list(query)).migrations.length, count);
      return (await statements(db)).pages / count;
    };
    await renamedTenants(db, functions, ["tenant_0"]);
    await pagesRead(TABLES);
    await renamedTenants(db, functions, ["tenant_1", "tenant_2"]);
    const few = await pagesRead(3 * TABLES);
    await renamedTenants(db, functions, Array.from({ length: 27 }, (_, i) => `tenant_${i + 3}`));
    const many = await pagesRead(30 * TABLES);
    assert(many <= 1.3 * few, `${many} pages for each of many migrations, ${few} for each of few`);
    // A scan of pg_proc alone, as small as it is here, reads a hundred.
    assert(many <= 150, `${many} pages for each migration`);
  },
);

databaseTest(
  "status asks for each page once, and looks for lost views only with the first",
  async ({ db }) => {
    await db.sql`
    insert into sys_table_migrations (batch_id, schema_name, old_name, new_name, status, plan_hash,
      requested_by, migrated_at, finalized_at)
    select gen_random_uuid(), 'public', 'old_' || i, 'new_' || i,
      case when i <= 1500 then 'active' else 'finalized' end, 'sha256:' || repeat('0', 64),
      'test', now(), case when i > 1500 then now() end
    from generate_series(1, 2000) i`;
    await using functions = functionsFor(db.url);
    const requests: string[] = [];
    const counted = {
      ...functions,
      fetch: (name: string, init?: Parameters<typeof functions.fetch>[1]) => {
        requests.push(`${name} ${new URLSearchParams(init?.query).get("status")}`);
        return functions.fetch(name, init);
      },
    };
    await forget(db);
    await withEndpoints(counted, async (env) => {
      const { code, stdout } = await runMain(["status"], env, { width: 80 });
      assertEquals(code, 0);
      assert(stdout.startsWith("Status  2,000 tables"), stdout.slice(0, 200));
    });
    assertEquals(requests, [
      ...Array(2).fill("list-migrations active"),
      "list-migrations pending",
      ...Array(3).fill("list-migrations finalized"),
    ]);
    assertEquals((await statements(db, "%with gone as materialized%")).calls, 3);
  },
);
