import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { databaseTest } from "../../support/servers/database.ts";
import { loggedBy } from "../../support/http/silent_log.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";

const JSON_ONLY = { accept: "application/json" };

/** `schema.old=new` for each alias. */
async function pairs(functions: Functions, query = ""): Promise<string[]> {
  const response = await functions.fetch("table-aliases", { query, headers: JSON_ONLY });
  const body = await response.json();
  assertEquals(response.status, 200, JSON.stringify(body));
  assertEquals(response.headers.get("content-type"), "application/json; charset=utf-8");
  return body.aliases.map((alias: Record<string, string>) =>
    `${alias.schema}.${alias.old_name}=${alias.new_name}`
  );
}

databaseTest(
  "old names are there from a rename to its rollback, also through several names and schemas",
  async ({ db }) => {
    await db.sql`create schema "Shop, EU"`;
    await db.sql`create schema shop`;
    await db.sql`create table a ()`;
    await db.sql`create table shop."Order Items" ()`;
    await db.sql`create table "Shop, EU".a ()`;
    await using functions = functionsFor(db.url);
    assertEquals(await pairs(functions), []);

    await functions.rename({ old_name: "a", new_name: "b" });
    await functions.rename({ old_name: "b", new_name: "c" });
    await functions.rename({ schema: "shop", old_name: "Order Items", new_name: "a" });
    await functions.rename({ schema: "Shop, EU", old_name: "a", new_name: "x" });
    assertEquals(await pairs(functions), [
      "Shop, EU.a=x",
      "public.a=c",
      "public.b=c",
      "shop.Order Items=a",
    ]);
    assertEquals(await pairs(functions, "?schema=shop,public"), [
      "public.a=c",
      "public.b=c",
      "shop.Order Items=a",
    ]);
    assertEquals(await pairs(functions, "?schema=nowhere"), []);

    await functions.rollback({ table: "c" });
    assertEquals(await pairs(functions, "?schema=public"), ["public.a=b"]);
    await functions.rollback({ table: "b" });
    assertEquals(await pairs(functions, "?schema=public"), []);
    await functions.rename({ old_name: "a", new_name: "again" });
    assertEquals(await pairs(functions, "?schema=public"), ["public.a=again"]);
  },
);

databaseTest(
  "a rename without a view, one that is finalized and one that is pending leave no trace",
  async ({ db }) => {
    await db.sql`create table gone ()`;
    await db.sql`create table done ()`;
    await db.sql`create table later ()`;
    await using functions = functionsFor(db.url);
    await functions.rename({ old_name: "gone", new_name: "g", compatibility_view: false });
    for (const [old_name, status] of [["done", "finalized"], ["later", "pending"]]) {
      const { migrations } = await functions.rename({ old_name, new_name: `${old_name}_2` });
      await db.sql`update sys_table_migrations set status = ${status}, finalized_at = now()
        where id = ${migrations[0].id}`;
    }
    assertEquals(await pairs(functions), []);
    const response = await functions.fetch("table-aliases");
    assertStringIncludes(await response.text(), "type TableAliases = Record<never, never>;");
  },
);

databaseTest("the file is plain text, and only sent to callers without it", async ({ db }) => {
  await db.sql`create table experts ()`;
  await using functions = functionsFor(db.url);
  const get = (headers: Record<string, string> = {}) =>
    functions.fetch("table-aliases", { headers });
  await functions.rename({ old_name: "experts", new_name: "expert_profiles" });

  const first = await get();
  assertEquals(first.status, 200);
  assertEquals(first.headers.get("content-type"), "text/plain; charset=utf-8");
  assertEquals(first.headers.get("x-content-type-options"), "nosniff");
  assertMatch(first.headers.get("x-request-id")!, /^[0-9a-f-]{36}$/);
  const source = await first.text();
  assertStringIncludes(source, 'experts: Database["public"]["Tables"]["expert_profiles"];');
  assertEquals(await (await get()).text(), source);

  const etag = first.headers.get("etag")!;
  const known = await get({ "if-none-match": etag });
  assertEquals([known.status, await known.text()], [304, ""]);
  assertMatch(known.headers.get("x-request-id")!, /^[0-9a-f-]{36}$/);
  assertEquals((await get({ "if-none-match": etag, ...JSON_ONLY })).status, 200);

  await functions.rollback({ table: "experts" });
  const changed = await get({ "if-none-match": etag });
  assertEquals(changed.status, 200);
  assertEquals((await changed.text()).includes("experts"), false);
});

databaseTest("a wrong request is refused with a problem document", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const refused = async (code: string, query: string, init: RequestInit = {}) => {
    const response = await functions.fetch("table-aliases", { query, ...init });
    const type = response.headers.get("content-type");
    assertEquals(type, "application/problem+json; charset=utf-8");
    assertEquals((await response.json()).code, code, query);
    assertEquals(response.headers.get("cache-control"), "no-store");
  };
  await refused("invalid_request", "?schemas=public");
  await refused("invalid_request", "?schema=public&schema=shop");
  await refused("invalid_identifier", "?schema=");
  await refused("invalid_identifier", `?schema=${"x".repeat(64)}`);
  await refused("method_not_allowed", "", { method: "POST" });
  await refused("unauthorized", "", { headers: { apikey: "wrong" } });
  await db.sql`drop table sys_table_migrations cascade`;
  await loggedBy(() => refused("database_unavailable", ""));
});
