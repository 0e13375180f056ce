import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { ListMigrationsInput } from "../../../shared/contract/requests.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";

const STATUSES = ["pending", "active", "rolled_back", "finalized"];

interface Recorded {
  id: string;
  batch_id: string;
  schema_name: string;
  old_name: string;
  new_name: string;
  status: string;
}

/** Rows of every status, schema and some batches; several share one time, so that ids break the tie. */
async function record(db: TestDatabase, count: number, prefix = "t"): Promise<Recorded[]> {
  const batches = Array.from({ length: 5 }, () => crypto.randomUUID());
  const rows = Array.from({ length: count }, (_, n) => ({
    id: crypto.randomUUID(),
    batch_id: batches[n % batches.length],
    schema_name: n % 3 ? "public" : "app",
    old_name: n % 7 === 0 ? "often" : `${prefix}${n}`,
    new_name: n % 11 === 0 ? "often_new" : `${prefix}${n}_new`,
    status: n % 7 === 0 || n % 11 === 0 ? "rolled_back" : STATUSES[n % 4],
    requested_at: new Date(Date.UTC(2026, 0, 1) + Math.floor(n / 10) * 1000).toISOString(),
  }));
  await db.sql`
    insert into sys_table_migrations (id, batch_id, schema_name, old_name, new_name, status,
      plan_hash, requested_by, requested_at, migrated_at, rollback_at, finalized_at)
    select id, batch_id, schema_name, old_name, new_name, status, 'sha256:0', 'test', requested_at,
      now(), now(), now()
    from jsonb_to_recordset(${db.sql.json(rows)}) as r(id uuid, batch_id uuid, schema_name text,
      old_name text, new_name text, status text, requested_at timestamptz)`;
  // In the order of the list: newest first.
  return rows.toSorted((a, b) =>
    a.requested_at === b.requested_at
      ? (a.id < b.id ? 1 : -1)
      : (a.requested_at < b.requested_at ? 1 : -1)
  );
}

const ids = (rows: { id: string }[]) => rows.map(({ id }) => id);

databaseTest(
  "migrations are listed newest first, with all that callers may see",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    assertEquals(await functions.list(), { migrations: [], next_cursor: null });
    await db.sql.unsafe("create table a (id int); create table b (id int)").simple();
    const first = await functions.rename({ old_name: "a", new_name: "a_new", notes: "phase 1" });
    const second = await functions.rename({ old_name: "b", new_name: "b_new" });
    await functions.rollback({ table: "b" });
    const { migrations, next_cursor } = await functions.list();
    assertEquals(next_cursor, null);
    assertEquals(migrations[1], first.migrations[0]);
    assertEquals(migrations[0].id, second.migrations[0].id);
    assertEquals(migrations[0].status, "rolled_back");
    assertEquals(migrations[1].notes, "phase 1");
    assertEquals(Object.keys(migrations[0]).sort(), [
      ...["batch_id", "compatibility_view_created", "dependencies", "finalized_at", "finalized_by"],
      ...["id", "migrated_at", "migrated_by", "new_name", "notes", "old_name", "plan_hash"],
      ...["requested_at", "requested_by", "rollback_at", "rollback_by", "schema_name", "status"],
      ...["table_oid", "view_oid"],
    ]);
  },
);

databaseTest(
  "each filter, alone and with the others, gives exactly what it says",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const all = await record(db, 120);
    const [sample] = all.filter(({ status }) => status === "active");
    const conditions: [ListMigrationsInput, (row: Recorded) => boolean][] = [
      [{ status: "active" }, (row) => row.status === "active"],
      [{ status: "pending" }, (row) => row.status === "pending"],
      [{ status: "rolled_back" }, (row) => row.status === "rolled_back"],
      [{ status: "finalized" }, (row) => row.status === "finalized"],
      [{ schema: "app" }, (row) => row.schema_name === "app"],
      [{ schema: "nowhere" }, () => false],
      [{ batch_id: sample.batch_id }, (row) => row.batch_id === sample.batch_id],
      [{ table: "often" }, (row) => row.old_name === "often"],
      [{ table: "often_new" }, (row) => row.new_name === "often_new"],
      [{ table: sample.old_name }, (row) => row.old_name === sample.old_name],
      [{ table: sample.new_name }, (row) => row.new_name === sample.new_name],
      [{ table: sample.new_name.toUpperCase() }, () => false],
    ];
    for (const [query, wanted] of conditions) {
      for (const [more, also] of [[{}, () => true] as typeof conditions[0], ...conditions]) {
        const overlap = Object.keys(more).some((name) => name in query);
        if (overlap) continue;
        const both = { ...query, ...more, limit: 200 };
        const { migrations, next_cursor } = await functions.list(both);
        assertEquals(
          ids(migrations),
          ids(all.filter((row) => wanted(row) && also(row))),
          `${JSON.stringify(both)}`,
        );
        assertEquals(next_cursor, null);
      }
    }
  },
);

databaseTest("a table renamed onto its old name's sibling is listed once", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe("create table a (id int)").simple();
  await functions.rename({ old_name: "a", new_name: "b" });
  await functions.rename({ old_name: "b", new_name: "c" });
  const { migrations } = await functions.list({ table: "b" });
  assertEquals(migrations.map(({ new_name }) => new_name), ["c", "b"]);
  const pages = [];
  let cursor: string | undefined;
  do {
    const page = await functions.list({ table: "b", limit: 1, ...(cursor && { cursor }) });
    pages.push(...page.migrations);
    assert(pages.length <= 100, "the pages never end");
    cursor = page.next_cursor ?? undefined;
  } while (cursor);
  assertEquals(ids(pages), ids(migrations));
});

databaseTest("pages through 500 rows have neither gaps nor doubles", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const all = await record(db, 500);
  for (
    const [limit, query] of [[7, { schema: "app" }], [50, {}], [200, { table: "often" }]] as const
  ) {
    const found: string[] = [];
    let cursor: string | null = null;
    let pages = 0;
    do {
      const page = await functions.list({ ...query, limit, ...(cursor ? { cursor } : {}) });
      assert(page.migrations.length <= limit);
      found.push(...ids(page.migrations));
      cursor = page.next_cursor;
      pages++;
      assert(pages <= 100, "the pages never end");
    } while (cursor);
    const wanted = all.filter((row) =>
      !("schema" in query && row.schema_name !== query.schema) &&
      !("table" in query && row.old_name !== query.table)
    );
    assertEquals(found, ids(wanted));
    assertEquals(pages, Math.max(1, Math.ceil(wanted.length / limit)));
  }
});

databaseTest("pages stay whole while rows are added and taken away", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const all = await record(db, 200);
  const found: string[] = [];
  let cursor: string | null = null;
  let page = 0;
  do {
    const { migrations, next_cursor } = await functions.list({
      limit: 30,
      ...(cursor ? { cursor } : {}),
    });
    found.push(...ids(migrations));
    cursor = next_cursor;
    await db.sql`
      insert into sys_table_migrations (batch_id, schema_name, old_name, new_name, plan_hash,
        requested_by) values (gen_random_uuid(), 'public', ${`new${page}`}, ${`newer${page}`}, '', '')`;
    await db.sql`delete from sys_table_migrations where id = ${found[0]}`;
    page++;
    assert(page <= 100, "the pages never end");
  } while (cursor);
  assertEquals(found, ids(all));
});

databaseTest("a page holds 50 rows unless asked otherwise, and 200 at most", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await record(db, 210);
  assertEquals((await functions.list()).migrations.length, 50);
  assertEquals((await functions.list({ limit: 1 })).migrations.length, 1);
  assertEquals((await functions.list({ limit: 200 })).migrations.length, 200);
  // A look at everything that is active is made at one moment.
  assertEquals((await functions.list({ limit: 1000, include: "usage" })).migrations.length, 210);
});

databaseTest("what is not a query for a list is refused, and says why", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const cursorOf = (value: unknown) => btoa(JSON.stringify(value));
  const time = "2026-01-01T00:00:00+00:00";
  for (
    const [query, path] of [
      ["?limit=0", "limit"],
      ["?limit=201", "limit"],
      ["?limit=ten", "limit"],
      ["?limit=1.5", "limit"],
      ["?status=done", "status"],
      ["?batch_id=1", "batch_id"],
      ["?limit=1&limit=2", "limit"],
      ["?include=uses", "include"],
      ["?include=usage&limit=1001", "limit"],
      ["?include=", "include"],
      ["?Status=active", ""],
      ["?offset=10", ""],
      ["?cursor=", "cursor"],
      ["?cursor=x", "cursor"],
      ["?cursor=%00", "cursor"],
      [`?cursor=${cursorOf([time])}`, "cursor"],
      [`?cursor=${cursorOf([time, "1' or true --"])}`, "cursor"],
      [`?cursor=${cursorOf(["now()", crypto.randomUUID()])}`, "cursor"],
      [`?cursor=${cursorOf(["2026-99-99T99:99:99+00:00", crypto.randomUUID()])}`, "cursor"],
      [`?cursor=${cursorOf(["999999-01-01T00:00:00+00:00", crypto.randomUUID()])}`, "cursor"],
      [`?cursor=${cursorOf({})}`, "cursor"],
      [`?cursor=${cursorOf(null)}`, "cursor"],
      [`?cursor=${"a".repeat(501)}`, "cursor"],
    ]
  ) {
    const response = await functions.fetch("list-migrations", { query });
    const problem = await response.json();
    assertEquals([response.status, problem.code], [400, "invalid_request"], query);
    assertEquals(problem.issues[0].path, path, query);
    assert(problem.hint.length > 5);
  }
  for (
    const [query, code] of [["?table=", "invalid_identifier"], [
      "?schema=%00",
      "invalid_identifier",
    ]]
  ) {
    const problem = await (await functions.fetch("list-migrations", { query })).json();
    assertEquals(problem.code, code, query);
  }
});

databaseTest("names in a query are values, whatever they look like", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const name = `it's "odd" \\ ; -- %_ é`;
  await db.sql`create table ${db.sql(name)} (id int)`;
  const { migrations } = await functions.rename({ old_name: name, new_name: "plain" });
  assertEquals(ids((await functions.list({ table: name })).migrations), ids(migrations));
  assertEquals((await functions.list({ table: "%" })).migrations, []);
  assertEquals((await functions.list({ schema: "' or true --" })).migrations, []);
});

databaseTest("without the tracking tables the list says what to do", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql`drop table sys_table_migrations cascade`;
  const { error } = console;
  console.error = () => {};
  const problem = await (await functions.fetch("list-migrations")).json();
  console.error = error;
  assertEquals(problem.code, "database_unavailable");
  assertStringIncludes(problem.hint, "supabase db push");
});

databaseTest(
  "a migration is found by its id, with the plan that was recorded, and without it unless asked",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe("create table a (id int); create table b (id int)").simple();
    const renames = ["a", "b"].map((name) => ({ old_name: name, new_name: `${name}_new` }));
    const acknowledge = ["realtime_publication"];
    const done = await functions.rename({ renames, acknowledge });
    const [, { id }] = done.migrations;
    assertEquals(await functions.list({ id }), {
      migrations: done.migrations.slice(1),
      next_cursor: null,
    });
    const { migrations: [{ plan }] } = await functions.list({ id, include: "plan" });
    assertEquals(plan!.acknowledged, acknowledge);
    assert(
      plan!.statements.some(({ sql }) => sql === 'alter table "public"."b" rename to "b_new"'),
    );
    const run = new Set(done.statements.map(({ sql }) => sql));
    assertEquals(plan!.statements.filter(({ sql }) => !run.has(sql)), []);
    assertEquals((await functions.list({ id, status: "pending" })).migrations, []);
    assertEquals((await functions.list({ id: crypto.randomUUID() })).migrations, []);
  },
);
