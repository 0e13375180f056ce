/**
 * Who may call what, cell by cell: every kind of caller at every endpoint by every method. Whoever is let in
 * gets no further, since there is no database; the database distinguishes a webhook that comes again from its
 * first delivery, in tests/integration/http/webhooks_test.ts.
 */
import { assert, assertEquals } from "@std/assert";
import { REQUESTS } from "../../../shared/contract/requests.ts";
import { forgetDatabase } from "../../../shared/postgres/connection/database.ts";
import { type EndpointDefinition, handle } from "../../../shared/http/endpoint.ts";
import type { Settings } from "../../../shared/http/settings.ts";
import { readWebhookSecrets } from "../../../shared/http/webhooks/webhook_secrets.ts";
import { listFunctions } from "../../../shared/local/functions/function_list.ts";
import {
  type CallerKind,
  CALLERS,
  ENDPOINTS,
  issuer,
  KEYS,
  NO_METHODS,
  WEBHOOK_SECRET,
} from "../../support/http/authorization_table.ts";
import { consoleOf } from "../../support/programs/console.ts";
import { countConnections } from "../../support/servers/counting_listener.ts";

const settings: Settings = {
  databaseUrl: undefined,
  secretKeys: { default: KEYS.secret, ci: KEYS.ci },
  publishableKeys: { default: KEYS.publishable },
  serviceRoleKey: KEYS.serviceRole,
  anonKey: KEYS.anon,
  jwks: issuer.jwks,
  deadlineMs: 10_000,
  webhooks: readWebhookSecrets(WEBHOOK_SECRET),
  idempotencyDays: 7,
  logLevel: "error",
};

const functions = await listFunctions(new URL("../../../", import.meta.url));
const definitions: Record<string, EndpointDefinition<unknown>> = Object.fromEntries(
  await Promise.all(functions.map(async ({ name, entrypoint }) => [
    name,
    (await import(entrypoint.href)).definition,
  ])),
);

/** Sends one request of the kind, and says what came of it as the table does. */
async function outcomeOf(
  endpoint: string,
  method: string,
  { headers, query }: CallerKind,
  databaseUrl?: string,
): Promise<{ outcome: string; response: Response }> {
  const { body, query: own } = ENDPOINTS[endpoint];
  const sent = method === "GET" || method === "HEAD" ? undefined : body ?? "";
  const search = [own, query].filter(Boolean).join("&");
  const request = new Request(`http://localhost/${endpoint}${search && `?${search}`}`, {
    method,
    headers: { "content-type": "application/json", ...await headers(sent ?? "") },
    body: sent,
  });
  let response: Response | undefined;
  const lines = await consoleOf(async () => {
    response = await handle(definitions[endpoint], request, { ...settings, databaseUrl });
  });
  const problem = await response!.json();
  const { actor } = lines.length === 0 ? {} as { actor?: string } : JSON.parse(lines.at(-1)!.text);
  const outcome = problem.code === "database_unavailable"
    ? `let in as ${actor}`
    : [response!.status, problem.code, problem.reason].filter(Boolean).join(" ");
  return { outcome, response: response! };
}

const expected = ({ outcome }: CallerKind, endpoint: string): string =>
  typeof outcome === "string"
    ? outcome
    : outcome[ENDPOINTS[endpoint].webhooks ? "webhooks" : "others"];

Deno.test("the table has every endpoint of the contract, and every endpoint that is deployed", () => {
  assertEquals(Object.keys(ENDPOINTS).sort(), Object.keys(REQUESTS).sort());
  assertEquals(Object.keys(ENDPOINTS).sort(), Object.keys(definitions).sort());
  assertEquals(new Set(CALLERS.map(({ who }) => who)).size, CALLERS.length);
});

for (const [endpoint, { method }] of Object.entries(ENDPOINTS)) {
  Deno.test(`${endpoint} answers every kind of caller as the table says`, async () => {
    const found: [string, string][] = [];
    for (const caller of CALLERS) {
      const { outcome, response } = await outcomeOf(endpoint, method, caller);
      found.push([caller.who, outcome]);
      // No page of a browser reads an answer or has a request with a key let through.
      const cors = [...response.headers.keys()].filter((name) => /^access-control/.test(name));
      assertEquals(cors, []);
      assert(!/^(basic|bearer)/i.test(response.headers.get("www-authenticate") ?? ""));
    }
    assertEquals(found, CALLERS.map((caller) => [caller.who, expected(caller, endpoint)]));
  });

  Deno.test(`${endpoint} says nothing to the database before it knows who calls`, async () => {
    using listener = countConnections();
    // A refused webhook is at times reported to the database, so that forgeries are noticed.
    const refused = CALLERS.filter((caller) =>
      ["401 unauthorized", "403 forbidden"].includes(expected(caller, endpoint))
    );
    assert(refused.length > 20);
    for (const caller of refused) await outcomeOf(endpoint, method, caller, listener.url);
    // Time for a connection that was begun to arrive.
    await new Promise((resolve) => setTimeout(resolve, 20));
    assertEquals(listener.connections, 0);
  });

  Deno.test(`${endpoint} answers ${method} only, whoever calls`, async () => {
    const others = [...NO_METHODS, method === "GET" ? "POST" : "GET"];
    for (const other of others) {
      for (const caller of CALLERS) {
        const { outcome, response } = await outcomeOf(endpoint, other, caller);
        assertEquals([other, caller.who, outcome], [other, caller.who, "405 method_not_allowed"]);
        assertEquals(response.headers.get("allow"), method);
        assertEquals(response.headers.get("access-control-allow-origin"), null);
      }
    }
  });
}

Deno.test("who is let in gets as far as the database", async () => {
  using listener = countConnections();
  const admin = CALLERS.find(({ who }) => who === "the secret key")!;
  assertEquals(
    (await outcomeOf("rename", "POST", admin, listener.url)).outcome,
    "let in as key:default",
  );
  await forgetDatabase(listener.url);
  assert(listener.connections > 0);
});
