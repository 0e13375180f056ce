/** Nobody but an admin gets as far as the database, at any endpoint. */
import { assertEquals, assertMatch } from "@std/assert";
import { countConnections } from "../support/counting_listener.ts";
import { spreadTest } from "../support/database.ts";
import { type Functions, functionsFor, PUBLISHABLE_KEY, SECRET_KEY } from "../support/functions.ts";
import { loggedBy } from "../support/silent_log.ts";
import { legacyKey, tokenIssuer } from "../support/user_tokens.ts";

const ENDPOINTS = {
  rename: { method: "POST", body: '{"old_name":"experts","new_name":"expert_profiles"}' },
  rollback: { method: "POST", body: '{"table":"experts"}' },
  "list-migrations": { method: "GET" },
};

const JSON_TYPE = { "content-type": "application/json" };
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

const issuer = await tokenIssuer();
const serviceRoleKey = await legacyKey("service_role");
const anonKey = await legacyKey("anon");
const userToken = await issuer.token();
const expiredToken = await issuer.token({ exp: 1_700_000_000 });

/** What callers who are no admins send, and the status that each gets. */
const INTRUDERS: [string, Record<string, string>, number][] = [
  ["no key", {}, 401],
  ["an empty key", { apikey: "" }, 401],
  ["a wrong key", { apikey: "sb_secret_wrong" }, 401],
  ["a key one character short", { apikey: SECRET_KEY.slice(0, -1) }, 401],
  ["the secret key as a bearer token", bearer(SECRET_KEY), 401],
  ["the secret key in another header", { "x-api-key": SECRET_KEY }, 401],
  ["the secret key as a cookie", { cookie: `apikey=${SECRET_KEY}` }, 401],
  ["an empty bearer token", bearer(""), 401],
  ["the publishable key", { apikey: PUBLISHABLE_KEY }, 403],
  ["the publishable key as a bearer token", bearer(PUBLISHABLE_KEY), 403],
  ["the anon key, as supabase-js sends it", { apikey: anonKey, ...bearer(anonKey) }, 403],
  ["a user's token", bearer(userToken), 403],
  ["a user's token beside the publishable key", {
    apikey: PUBLISHABLE_KEY,
    ...bearer(userToken),
  }, 403],
  ["an expired token", bearer(expiredToken), 401],
  ["an expired token beside the publishable key", {
    apikey: PUBLISHABLE_KEY,
    ...bearer(expiredToken),
  }, 401],
  ["a token signed by somebody else", bearer(await (await tokenIssuer()).token()), 401],
  ["a service-role key of another project", { apikey: await legacyKey("service_role", 60) }, 401],
  ["an unsigned webhook", { "webhook-id": "msg_1", "webhook-signature": "v1,x" }, 401],
];

/** Sends exactly these headers, none of the functions' own. */
async function send(
  functions: Functions,
  endpoint: keyof typeof ENDPOINTS,
  headers: Record<string, string>,
): Promise<Response> {
  return await functions.fetch(endpoint, {
    ...ENDPOINTS[endpoint],
    headers: { apikey: "", ...JSON_TYPE, ...headers },
  });
}

for (const endpoint of Object.keys(ENDPOINTS) as (keyof typeof ENDPOINTS)[]) {
  Deno.test(`${endpoint} refuses whoever is no admin without a word to the database`, async () => {
    using listener = countConnections();
    await using functions = functionsFor(listener.url, {
      jwks: issuer.jwks,
      serviceRoleKey,
      anonKey,
    });
    for (const [who, headers, status] of INTRUDERS) {
      const response = await send(functions, endpoint, headers);
      const body = await response.json();
      assertEquals([who, response.status], [who, status]);
      assertEquals(body.code, status === 401 ? "unauthorized" : "forbidden", who);
      assertEquals(response.headers.get("content-type"), "application/problem+json; charset=utf-8");
      assertMatch(response.headers.get("x-request-id")!, /^[0-9a-f-]{36}$/);
    }
    // Time for a connection that was begun to arrive.
    await new Promise((resolve) => setTimeout(resolve, 50));
    assertEquals(listener.connections, 0);

    // The listener does count: an admin gets as far as the database.
    await loggedBy(async () => {
      assertEquals((await send(functions, endpoint, { apikey: SECRET_KEY })).status, 503);
    });
    assertEquals(listener.connections > 0, true);
  });
}

spreadTest("every kind of admin is let in, and recorded by name", async ({ db }) => {
  const ci = "sb_secret_of_the_pipeline";
  await using functions = functionsFor(db.url, {
    secretKeys: { default: SECRET_KEY, ci },
    serviceRoleKey,
    anonKey,
    jwks: issuer.jwks,
  });
  const callers: [Record<string, string>, string][] = [
    [{ apikey: SECRET_KEY }, "key:default"],
    [{ apikey: ci }, "key:ci"],
    [
      { apikey: ci, "x-actor": "deploy 42'; drop table canary" },
      "key:ci deploy 42'; drop table canary",
    ],
    [{ apikey: serviceRoleKey }, "service_role"],
    [bearer(serviceRoleKey), "service_role"],
    [{ apikey: serviceRoleKey, ...bearer(serviceRoleKey) }, "service_role"],
    [{ apikey: anonKey, ...bearer(serviceRoleKey) }, "service_role"],
    [{ apikey: SECRET_KEY, ...bearer(userToken), "x-actor": "zoë\\" }, "key:default zoë\\"],
  ];
  for (const [index, [headers, actor]] of callers.entries()) {
    await db.sql`create table ${db.sql(`t${index}`)} (id int)`;
    const response = await functions.fetch("rename", {
      method: "POST",
      headers: { apikey: "", ...JSON_TYPE, ...headers },
      body: JSON.stringify({ old_name: `t${index}`, new_name: `u${index}` }),
    });
    const body = await response.json();
    assertEquals(response.status, 200, JSON.stringify(body));
    assertEquals(body.migrations[0].migrated_by, actor);
    const [event] = await db.sql`
      select actor from sys_table_migration_events order by id desc limit 1`;
    assertEquals(event.actor, actor);
    assertEquals((await send(functions, "list-migrations", headers)).status, 200);
  }
});
