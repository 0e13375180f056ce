import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Migration, VerifyCheck } from "../../../shared/contract/responses.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import {
  dataApiStandIn,
  type StandIn,
  type StandInOptions,
} from "../../support/http/data_api_stand_in.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";

const EXPERTS = `
  create table kinds (id int primary key, name text);
  insert into kinds values (1, 'a'), (2, 'b');
  create table experts (
    id int primary key, kind_id int references kinds, name text, published boolean default false);
  insert into experts select g, 1 + g % 2, 'e' || g, g % 3 = 0 from generate_series(1, 60) g;
  alter table experts enable row level security;
  create policy published on experts for select to anon using (published);`;

interface Served {
  db: TestDatabase;
  functions: Functions;
  api: StandIn;
  rename(): Promise<Migration>;
  check(migration: Migration, maxMs?: number): Promise<VerifyCheck>;
}

/** A test with a Data API, which has read the schema before anything is renamed. */
function servedTest(
  name: string,
  body: (served: Served) => Promise<void>,
  options: StandInOptions = {},
): void {
  databaseTest(name, async ({ db }) => {
    await db.sql.unsafe(EXPERTS).simple();
    await using api = await dataApiStandIn(db, options);
    await using functions = functionsFor(db.url, { projectUrl: api.url });
    await body({
      db,
      functions,
      api,
      rename: async () => {
        const { migrations } = await functions.rename({
          old_name: "experts",
          new_name: "expert_profiles",
        });
        return migrations[0];
      },
      check: async ({ id }, max_ms) => {
        const { checks: [check] } = await functions.verify({
          migration_id: id,
          checks: ["data_api"],
          max_ms,
        });
        return check;
      },
    });
  });
}

const answers = ({ figures }: VerifyCheck) =>
  figures!.answers as { request: string; answer: string }[];

servedTest(
  "the Data API answers alike through both names, under both keys and with a neighbour embedded",
  async ({ api, rename, check }) => {
    const found = await check(await rename());
    assert(found.passed && !found.skipped, JSON.stringify(found, null, 2));
    assertEquals(answers(found), [
      { request: "GET /rest/v1/experts?select=* with the secret key", answer: "200, 20 rows" },
      { request: "GET /rest/v1/experts?select=* with the publishable key", answer: "200, 20 rows" },
      {
        request:
          "GET /rest/v1/experts?select=*,neighbour:kinds!experts_kind_id_fkey(id) with the secret key",
        answer: "200, 20 rows",
      },
    ]);
    assert(
      api.requests.some((one) => one.startsWith("/rest/v1/experts?")),
      "asked by the old name",
    );
    assert(api.requests.some((one) => one.startsWith("/rest/v1/expert_profiles?")), "by the new");
  },
);

servedTest(
  "a schema cache that is out of date is asked to reload, and waited for",
  async ({ api, rename, check }) => {
    const found = await check(await rename());
    assert(found.passed, JSON.stringify(found, null, 2));
    assert(api.reloads > 0);
    assertStringIncludes(found.detail, "for its schema cache to be reloaded");
    assert((found.figures!.waited_ms as number) > 0);
  },
  { reload: "late" },
);

servedTest(
  "a schema cache that stays stale fails, within a limit",
  async ({ rename, check }) => {
    const started = performance.now();
    const { passed, failures } = await check(await rename(), 200);
    assert(performance.now() - started < 20_000, "it was waited for too long");
    assertEquals(passed, false);
    assertEquals(failures[0], {
      statement: "GET /rest/v1/expert_profiles?select=* with the secret key",
      expected: "an answer, as the table is there",
      got: "404 PGRST205",
    });
  },
  { reload: "never" },
);

servedTest(
  "a grant that is missing on the old name fails under the key that it is missing for",
  async ({ db, rename, check }) => {
    const migration = await rename();
    await db.sql`revoke select on experts from anon`;
    const { failures } = await check(migration);
    assertEquals(failures, [{
      statement: "GET /rest/v1/experts?select=* with the publishable key",
      expected: "200, 20 rows",
      got: "401 42501",
    }]);
  },
);

servedTest(
  "other rows by the old name fail",
  async ({ db, rename, check }) => {
    const migration = await rename();
    await db.sql`alter view experts reset (security_invoker)`;
    const { failures } = await check(migration);
    assertEquals(failures, [{
      statement: "GET /rest/v1/experts?select=* with the publishable key",
      expected: "200, 20 rows",
      got: "200, 20 rows, but other rows than through the new name",
    }]);
  },
);

servedTest(
  "a schema that the Data API does not serve is skipped, and the answer says so",
  async ({ rename, check }) => {
    const { passed, skipped, detail } = await check(await rename());
    assertEquals([passed, skipped], [true, true]);
    assertEquals(detail, "The Data API does not serve the schema public.");
  },
  { schemas: ["api"] },
);

databaseTest(
  "embeddings that the view makes ambiguous fail, and pass with the remedies of the findings",
  async ({ db }) => {
    await db.sql.unsafe(`
      create table posts (id int primary key, parent_id int references posts);
      create table tags (id int primary key);
      create table post_tags (
        post_id int references posts, tag_id int references tags, primary key (post_id, tag_id));
      insert into posts values (1, null), (2, 1); insert into tags values (3);
      insert into post_tags values (1, 3)`).simple();
    await using api = await dataApiStandIn(db);
    await using functions = functionsFor(db.url, { projectUrl: api.url });
    const rename = async (old_name: string, new_name: string, acknowledge: string[]) => {
      const { migrations: [{ id }] } = await functions.rename({ old_name, new_name, acknowledge });
      return id;
    };
    const check = async (migration_id: string) => {
      const { checks: [check] } = await functions.verify({ migration_id, checks: ["data_api"] });
      return check;
    };
    const joins = await rename("post_tags", "labels", ["ambiguous_many_to_many"]);
    const requests = ["posts?select=*,neighbour:tags(*)", "tags?select=*,neighbour:posts(*)"]
      .map((request) => `GET /rest/v1/${request} with the secret key`);
    const ambiguous = await check(joins);
    assertEquals([ambiguous.passed, ambiguous.skipped], [false, undefined]);
    assertEquals(
      ambiguous.failures.toSorted((a, b) => a.statement < b.statement ? -1 : 1),
      requests.map((statement) => ({
        statement,
        expected: "an answer, as before the rename",
        got: "300 PGRST201",
      })),
    );
    assertStringIncludes(
      ambiguous.detail,
      "2 requests for tables that it joins, through neither name.",
    );

    const self = await rename("posts", "articles", ["ambiguous_self_reference"]);
    const itself = await check(self);
    assertEquals(itself.failures, [{
      statement: "GET /rest/v1/posts?select=*,neighbour:parent_id(id) with the secret key",
      expected: "200, 2 rows",
      got: "300 PGRST201",
    }]);
    await db.sql.unsafe(`
      create function articles(posts) returns setof articles rows 1 stable language sql as
        'select t.* from articles t where t.id = $1.parent_id';
      notify pgrst`).simple();
    const remedied = await check(self);
    assert(remedied.passed, JSON.stringify(remedied, null, 2));
    assert(
      answers(remedied).some(({ request }) => request.includes("neighbour:parent_id(id)")),
      "the embedding was asked for",
    );
  },
);

let writes = 0;
servedTest(
  "an answer that keeps changing by itself is no failure, and is reported",
  async ({ rename, check }) => {
    const { passed, detail } = await check(await rename());
    assertEquals(passed, true);
    assertStringIncludes(detail, "its answer kept changing");
  },
  { instead: () => Response.json([{ id: writes++ }]) },
);

databaseTest("without a Data API the test is skipped, and the answer says so", async ({ db }) => {
  await db.sql.unsafe(EXPERTS).simple();
  const silent = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () =>
      Response.json({ code: "NOT_FOUND", message: "Requested function was not found" }, {
        status: 404,
      }),
  );
  const url = `http://127.0.0.1:${silent.addr.port}`;
  const details: Record<string, string> = {};
  const { migration_id } = await (async () => {
    await using functions = functionsFor(db.url);
    const { migrations } = await functions.rename({
      old_name: "experts",
      new_name: "expert_profiles",
    });
    return { migration_id: migrations[0].id };
  })();
  for (
    const [name, settings] of Object.entries({
      unset: {},
      another: { projectUrl: url },
      nowhere: { projectUrl: "http://127.0.0.1:9" },
      keyless: { projectUrl: url, secretKeys: {}, serviceRoleKey: "legacy" },
    })
  ) {
    await using functions = functionsFor(db.url, settings);
    const response = await functions.fetch("verify", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(name === "keyless" && { apikey: "legacy" }),
      },
      body: JSON.stringify({ migration_id, checks: ["data_api"] }),
    });
    const { checks: [check] } = await response.json();
    assertEquals([check.passed, check.skipped], [true, true]);
    details[name] = check.detail;
  }
  assertEquals(details, {
    unset: "SUPABASE_URL or a secret key is not set.",
    another: "No Data API is served at SUPABASE_URL: /rest/v1/ answers 404.",
    nowhere: "No Data API is served at SUPABASE_URL: /rest/v1/ does not answer.",
    keyless: "No Data API is served at SUPABASE_URL: /rest/v1/ answers 404.",
  });
  await silent.shutdown();
});
