/** Who calls is recorded. Who may call is in tests/unit/http/authorization_test.ts. */
import { assertEquals } from "@std/assert";
import { databaseTest } from "../../support/servers/database.ts";
import { functionsFor, SECRET_KEY } from "../../support/http/functions.ts";
import { legacyKey, tokenIssuer } from "../../support/http/user_tokens.ts";

const JSON_TYPE = { "content-type": "application/json" };
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

const issuer = await tokenIssuer();
const serviceRoleKey = await legacyKey("service_role");
const anonKey = await legacyKey("anon");
const userToken = await issuer.token();

databaseTest("every kind of admin is let in, and recorded by name", async ({ db }) => {
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
      select actor from table_rename.sys_table_migration_events order by id desc limit 1`;
    assertEquals(event.actor, actor);
    const list = await functions.fetch("list-migrations", { headers: { apikey: "", ...headers } });
    assertEquals(list.status, 200);
  }
});
