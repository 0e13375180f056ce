import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { Problem } from "../../../shared/contract/problems.ts";
import { authenticate } from "../../../shared/http/authenticate.ts";
import { type Settings, settingsFromEnv } from "../../../shared/http/settings.ts";
import { readWebhookSecrets } from "../../../shared/http/webhooks/webhook_secrets.ts";
import { legacyKey, tokenIssuer } from "../../support/http/user_tokens.ts";

const SECRET = "sb_secret_abcdefghijklmnopqrstuv_12345678";
const CI_SECRET = "sb_secret_ci_klmnopqrstuvwxyz_12345678";
const PUBLISHABLE = "sb_publishable_abcdefghijklmnopq_12345678";
const SERVICE_ROLE = await legacyKey("service_role");
const ANON = await legacyKey("anon");

const settings: Settings = {
  databaseUrl: undefined,
  secretKeys: { default: SECRET, ci: CI_SECRET },
  publishableKeys: { default: PUBLISHABLE },
  serviceRoleKey: SERVICE_ROLE,
  anonKey: ANON,
  jwks: null,
  deadlineMs: 140_000,
  webhooks: readWebhookSecrets(),
  idempotencyDays: 7,
};

const request = (headers: HeadersInit) => new Request("http://localhost/rename", { headers });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const actor = async (headers: HeadersInit, more: Partial<Settings> = {}) =>
  (await authenticate(request(headers), { ...settings, ...more })).actor;

async function refused(
  code: "unauthorized" | "forbidden",
  headers: HeadersInit,
  more: Partial<Settings> = {},
): Promise<Problem> {
  const problem = await assertRejects(() => actor(headers, more), Problem);
  assertEquals(problem.code, code, JSON.stringify([problem.message, headers]));
  assert(problem.hint);
  return problem;
}

Deno.test("a secret key in the apikey header is recorded under its name", async () => {
  assertEquals(await actor({ apikey: SECRET }), "key:default");
  assertEquals(await actor({ apikey: CI_SECRET }), "key:ci");
});

Deno.test("the service-role key is taken as apikey, as bearer, and as both", async () => {
  assertEquals(await actor({ apikey: SERVICE_ROLE }), "service_role");
  assertEquals(await actor(bearer(SERVICE_ROLE)), "service_role");
  assertEquals(await actor({ apikey: SERVICE_ROLE, ...bearer(SERVICE_ROLE) }), "service_role");
  assertEquals(await actor({ authorization: `bearer ${SERVICE_ROLE}` }), "service_role");
});

Deno.test("what x-actor says is recorded behind the key, never in its place", async () => {
  assertEquals(await actor({ apikey: SECRET, "x-actor": "alice" }), "key:default alice");
  assertEquals(
    await actor({ apikey: SECRET, "x-actor": " service_role " }),
    "key:default service_role",
  );
  assertEquals(await actor({ apikey: SECRET, "x-actor": "a\tb\x7f\x85" }), "key:default ab");
  assertEquals(await actor({ apikey: SECRET, "x-actor": "  " }), "key:default");
  assertEquals(
    await actor({ apikey: SECRET, "x-actor": "x".repeat(5_000) }),
    `key:default ${"x".repeat(200)}`,
  );
});

Deno.test("x-actor alone opens nothing", async () => {
  await refused("unauthorized", { "x-actor": "service_role" });
});

Deno.test("without credentials, or with empty ones, a caller is unauthorized", async () => {
  const none = ["", " "].flatMap((empty) => [
    { apikey: empty },
    { authorization: empty },
    { authorization: `Bearer${empty}` },
  ]);
  for (const headers of [{}, ...none]) {
    const problem = await refused("unauthorized", headers);
    assertEquals(problem.message, "There are no credentials.");
  }
});

Deno.test("a key that is not configured is unauthorized, however near it comes", async () => {
  const wrong = [
    "x",
    "default",
    "sb_secret_",
    SECRET.slice(0, -1),
    `${SECRET}x`,
    SECRET.toUpperCase(),
    `Bearer ${SECRET}`,
    `${SECRET},${SECRET}`,
    `"${SECRET}"`,
    encodeURIComponent(`${SECRET}=`),
    "undefined",
    "null",
    "[object Object]",
    "é",
  ];
  for (const key of wrong) {
    const problem = await refused("unauthorized", { apikey: key });
    assertFalse(problem.message.includes(SECRET));
  }
});

Deno.test("where no keys are configured, nothing matches them", async () => {
  const none: Settings = {
    ...settings,
    secretKeys: {},
    publishableKeys: {},
    serviceRoleKey: undefined,
    anonKey: undefined,
  };
  for (const key of ["", "undefined", "null", SECRET, SERVICE_ROLE]) {
    await refused("unauthorized", { apikey: key, ...bearer(key) }, none);
  }
});

Deno.test("a secret key in the wrong header is unauthorized, and the hint names the right one", async () => {
  const problem = await refused("unauthorized", bearer(SECRET));
  assertEquals(problem.hint, "Send it in the apikey header, not as a bearer token.");
  await refused("unauthorized", { "x-api-key": SECRET });
  await refused("unauthorized", { authorization: SECRET });
  await refused("unauthorized", { authorization: `Basic ${btoa(`x:${SECRET}`)}` });
  await refused("unauthorized", { cookie: `apikey=${SECRET}` });
});

Deno.test("a publishable key and the anon key are forbidden, wherever they stand", async () => {
  for (const key of [PUBLISHABLE, ANON]) {
    await refused("forbidden", { apikey: key });
    await refused("forbidden", bearer(key));
    await refused("forbidden", { apikey: key, ...bearer(key) });
  }
});

Deno.test("a secret key opens whatever else is sent with it", async () => {
  const token = await (await tokenIssuer()).token();
  assertEquals(await actor({ apikey: SECRET, ...bearer(token) }), "key:default");
  assertEquals(await actor({ apikey: SECRET, ...bearer("x") }), "key:default");
});

for (const withKeySet of [false, true]) {
  const how = withKeySet ? "with a key set" : "without a key set";
  const setting = async () => {
    const issuer = await tokenIssuer();
    return { issuer, more: { jwks: withKeySet ? issuer.jwks : null } };
  };

  Deno.test(`a user's token is forbidden ${how}, alone and beside a publishable key`, async () => {
    const { issuer, more } = await setting();
    const token = await issuer.token();
    await refused("forbidden", bearer(token), more);
    await refused("forbidden", { apikey: PUBLISHABLE, ...bearer(token) }, more);
    await refused("forbidden", { apikey: ANON, ...bearer(token) }, more);
  });

  Deno.test(`an expired token is unauthorized ${how}, also beside a publishable key`, async () => {
    const { issuer, more } = await setting();
    const token = await issuer.token({ exp: Math.floor(Date.now() / 1000) - 60 });
    await refused("unauthorized", bearer(token), more);
    await refused("unauthorized", { apikey: PUBLISHABLE, ...bearer(token) }, more);
  });

  Deno.test(`a token that claims to be an admin's is refused ${how}`, async () => {
    const { issuer, more } = await setting();
    for (const role of ["service_role", "supabase_admin", "postgres"]) {
      const headers = bearer(await issuer.token({ role }));
      const problem = await assertRejects(() => actor(headers, more), Problem);
      assert([401, 403].includes(problem.status));
    }
  });

  Deno.test(`what only looks like a token is unauthorized ${how}`, async () => {
    const { issuer, more } = await setting();
    const [header, payload] = (await issuer.token()).split(".");
    const unsigned = btoa('{"alg":"none"}').replaceAll("=", "");
    for (const token of ["a.b.c", "..", "a", `${header}.${payload}.`, `${unsigned}.${payload}.`]) {
      await refused("unauthorized", bearer(token), more);
    }
  });
}

Deno.test("with a key set, a token of another issuer is unauthorized", async () => {
  const { jwks } = await tokenIssuer();
  const foreign = await (await tokenIssuer()).token();
  await refused("unauthorized", bearer(foreign), { jwks });
  await refused("unauthorized", { apikey: PUBLISHABLE, ...bearer(foreign) }, { jwks });
});

Deno.test("a key set without a usable key opens nothing, and closes nothing to secret keys", async () => {
  const token = await (await tokenIssuer()).token();
  for (const keys of [[], [{}], [{ kty: "none" }]] as JsonWebKey[][]) {
    await refused("unauthorized", bearer(token), { jwks: { keys } });
    assertEquals(await actor({ apikey: SECRET }, { jwks: { keys } }), "key:default");
  }
});

Deno.test("a header of a webhook is not passed over for a key beside it, where webhooks are not taken", async () => {
  for (const name of ["webhook-id", "webhook-timestamp", "webhook-signature"]) {
    const problem = await refused("unauthorized", { [name]: "v1,x", apikey: SECRET });
    assertEquals(problem.message, "This endpoint takes no webhooks.");
  }
});

Deno.test("every wrong key gets the same answer, so that it reveals nothing", async () => {
  const answers = new Set<string>();
  for (const key of ["x", SECRET.slice(0, -1), SERVICE_ROLE.slice(0, -1), "sb_secret_x", "a.b"]) {
    answers.add(JSON.stringify((await refused("unauthorized", { apikey: key })).toBody()));
  }
  assertEquals(answers.size, 1);
});

Deno.test("settings are read from the environment of the platform, and broken ones are no keys", () => {
  const read = (values: Record<string, string>) => settingsFromEnv((name) => values[name]);
  assertEquals(
    read({
      SUPABASE_DB_URL: " postgresql://x \n",
      SUPABASE_URL: "https://x.supabase.co",
      SUPABASE_SECRET_KEYS: '{"default":"a","ci":"b"}',
      SUPABASE_PUBLISHABLE_KEYS: '{"default":"c"}',
      SUPABASE_SERVICE_ROLE_KEY: "d",
      SUPABASE_ANON_KEY: "e",
      SUPABASE_JWKS: '{"keys":[{"kty":"EC"}]}',
      RENAME_DEADLINE_MS: "5000",
      LOG_LEVEL: "debug",
      RENAME_IDEMPOTENCY_DAYS: "30",
    }),
    {
      databaseUrl: "postgresql://x",
      verifyDatabaseUrl: undefined,
      projectUrl: "https://x.supabase.co",
      secretKeys: { default: "a", ci: "b" },
      publishableKeys: { default: "c" },
      serviceRoleKey: "d",
      anonKey: "e",
      jwks: { keys: [{ kty: "EC" }] },
      deadlineMs: 5_000,
      logLevel: "debug",
      notify: null,
      webhooks: { secrets: [], unreadable: 0 },
      idempotencyDays: 30,
    },
  );
  const urls = { RENAME_DB_URL: "postgresql://renamer@x", SUPABASE_DB_URL: "postgresql://x" };
  assertEquals(read(urls).databaseUrl, "postgresql://renamer@x");
  assertEquals(read({ ...urls, RENAME_DB_URL: " " }).databaseUrl, "postgresql://x");
  const verifier = { ...urls, RENAME_VERIFY_DB_URL: "postgresql://verifier@x" };
  assertEquals(read(verifier).verifyDatabaseUrl, "postgresql://verifier@x");
  const nothing = read({ SUPABASE_DB_URL: "", SUPABASE_SERVICE_ROLE_KEY: "  " });
  assertEquals(nothing.databaseUrl, undefined);
  assertEquals(nothing.serviceRoleKey, undefined);
  for (const broken of ["x", "[]", '["a"]', "null", '"a"', "1", '{"default":""}', '{"a":null}']) {
    assertEquals(read({ SUPABASE_SECRET_KEYS: broken }).secretKeys, {}, broken);
  }
  for (const broken of ["", "x", "{}", "null", "1", '{"keys":1}']) {
    assertEquals(read({ SUPABASE_JWKS: broken }).jwks, null, broken);
  }
});
