/**
 * Who may call what: every kind of caller, and what each kind of endpoint answers. Written down here and
 * computed nowhere.
 */
import { legacyKey, tokenIssuer } from "./user_tokens.ts";
import { OTHER_SECRET, SECRET, signedHeaders } from "./webhooks.ts";

export const KEYS = {
  secret: "sb_secret_AbCdEfGhIjKlMnOp_of_the_table",
  ci: "sb_secret_QrStUvWxYz012345_of_the_table",
  publishable: "sb_publishable_of_the_table",
  serviceRole: await legacyKey("service_role"),
  anon: await legacyKey("anon"),
};

export const issuer = await tokenIssuer();

/** Senders of webhooks: one whose secret is being replaced, and one more. */
export const WEBHOOK_SECRET = `ci=whsec_${SECRET} ci=whsec_${
  btoa("the next secret of the ci")
} bot=whsec_${OTHER_SECRET}`;

/** What the endpoints are like. A new one must be put down here. */
export const ENDPOINTS: Record<
  string,
  { method: "GET" | "POST"; body?: string; query?: string; webhooks: boolean }
> = {
  rename: { method: "POST", body: '{"old_name":"a","new_name":"b"}', webhooks: true },
  rollback: { method: "POST", body: '{"table":"a"}', webhooks: true },
  finalize: { method: "POST", body: '{"table":"a"}', webhooks: true },
  refresh: { method: "POST", body: `{"migration_id":"${crypto.randomUUID()}"}`, webhooks: true },
  verify: { method: "POST", body: `{"migration_id":"${crypto.randomUUID()}"}`, webhooks: false },
  "report-uses": {
    method: "POST",
    body: '{"uses":[{"old_name":"a","certain":0,"possible":0}]}',
    webhooks: false,
  },
  analyze: { method: "GET", query: "table=a", webhooks: false },
  "list-migrations": { method: "GET", webhooks: false },
  "list-events": { method: "GET", webhooks: false },
  "table-aliases": { method: "GET", webhooks: false },
};

/** Methods that no endpoint answers, whoever calls; TRACE and CONNECT no Request can have. */
export const NO_METHODS = ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "QUERY"];

/** `let in as ACTOR`, or the status, code and, of webhooks, the reason of the refusal. */
type Outcome = string;

export interface CallerKind {
  who: string;
  headers: (body: string) => Record<string, string> | Promise<Record<string, string>>;
  query?: string;
  /** At endpoints that take webhooks, and at the others; one outcome where they are the same. */
  outcome: Outcome | { webhooks: Outcome; others: Outcome };
}

const LET_IN = "let in as key:default";
const NOBODY = "401 unauthorized";
const NO_ADMIN = "403 forbidden";

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const basic = (user: string, password: string) => ({
  authorization: `Basic ${btoa(`${user}:${password}`)}`,
});
const userToken = await issuer.token();
const expired = await issuer.token({ exp: 1_700_000_000 });
const adminToken = await issuer.token({ role: "service_role" });
const foreign = await (await tokenIssuer()).token();
const [, payload] = userToken.split(".");
const unsigned = `${btoa('{"alg":"none"}').replaceAll("=", "")}.${payload}.`;

const key = (who: string, headers: Record<string, string>, outcome: Outcome): CallerKind => ({
  who,
  headers: () => headers,
  outcome,
});

const webhook = (
  who: string,
  outcome: Outcome,
  change: (headers: Record<string, string>) => Record<string, string> = (headers) => headers,
  delivery: Parameters<typeof signedHeaders>[0] = {},
): CallerKind => ({
  who,
  headers: async (body) => change(await signedHeaders({ body, ...delivery })),
  outcome: { webhooks: outcome, others: "401 unauthorized not_accepted" },
});

const now = () => Math.floor(Date.now() / 1000);
const without = (name: string) => (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).filter(([header]) => header !== name));

export const CALLERS: CallerKind[] = [
  key("nobody", {}, NOBODY),
  key("an empty key", { apikey: "" }, NOBODY),
  key("a wrong key", { apikey: "sb_secret_wrong" }, NOBODY),
  key("the name of a key", { apikey: "default" }, NOBODY),
  key("the secret key", { apikey: KEYS.secret }, LET_IN),
  key("the second secret key", { apikey: KEYS.ci }, "let in as key:ci"),
  // HTTP has no spaces around a header's value (RFC 9110, 5.5).
  key("the secret key with spaces around it", { apikey: ` ${KEYS.secret} ` }, LET_IN),
  key("the secret key with a space in it", { apikey: KEYS.secret.replace("_of", " _of") }, NOBODY),
  key("the secret key without its last character", { apikey: KEYS.secret.slice(0, -1) }, NOBODY),
  key("the secret key with one more character", { apikey: `${KEYS.secret}x` }, NOBODY),
  key("the secret key in lower case", { apikey: KEYS.secret.toLowerCase() }, NOBODY),
  key("the secret key in upper case", { apikey: KEYS.secret.toUpperCase() }, NOBODY),
  key("the secret key twice", { apikey: `${KEYS.secret}, ${KEYS.secret}` }, NOBODY),
  key("both secret keys in one header", { apikey: `${KEYS.secret},${KEYS.ci}` }, NOBODY),
  key("the secret key as a bearer token", bearer(KEYS.secret), NOBODY),
  key("the secret key as a password", basic("service_role", KEYS.secret), NOBODY),
  key("the secret key as a scheme", { authorization: KEYS.secret }, NOBODY),
  key("the secret key in another header", { "x-api-key": KEYS.secret }, NOBODY),
  key("the secret key in a cookie", { cookie: `apikey=${KEYS.secret}` }, NOBODY),
  {
    who: "the secret key in the query",
    headers: () => ({}),
    query: `apikey=${KEYS.secret}`,
    outcome: NOBODY,
  },
  key(
    "a browser's page with the secret key",
    { apikey: KEYS.secret, origin: "https://x.example" },
    LET_IN,
  ),
  key(
    "the secret key beside a user's token",
    { apikey: KEYS.secret, ...bearer(userToken) },
    LET_IN,
  ),
  key("the secret key beside a wrong token", { apikey: KEYS.secret, ...bearer("x") }, LET_IN),
  key("the publishable key", { apikey: KEYS.publishable }, NO_ADMIN),
  key("the publishable key as a bearer token", bearer(KEYS.publishable), NO_ADMIN),
  key("the publishable key beside the secret key as a bearer token", {
    apikey: KEYS.publishable,
    ...bearer(KEYS.secret),
  }, NOBODY),
  key("the anon key", { apikey: KEYS.anon }, NO_ADMIN),
  key("the anon key as a bearer token", bearer(KEYS.anon), NO_ADMIN),
  key("the anon key in both headers", { apikey: KEYS.anon, ...bearer(KEYS.anon) }, NO_ADMIN),
  key("a user's token", bearer(userToken), NO_ADMIN),
  key("a user's token as an apikey", { apikey: userToken }, NOBODY),
  key("a user's token beside the publishable key", {
    apikey: KEYS.publishable,
    ...bearer(userToken),
  }, NO_ADMIN),
  key("a user's token beside the anon key", { apikey: KEYS.anon, ...bearer(userToken) }, NO_ADMIN),
  key("a user's token as a password", basic("x", userToken), NOBODY),
  key("a user's token that says service_role", bearer(adminToken), NO_ADMIN),
  key("an expired user's token", bearer(expired), NOBODY),
  key("an expired user's token beside the publishable key", {
    apikey: KEYS.publishable,
    ...bearer(expired),
  }, NOBODY),
  key("a token that somebody else signed", bearer(foreign), NOBODY),
  key("a token that nobody signed", bearer(unsigned), NOBODY),
  key("the service-role key", { apikey: KEYS.serviceRole }, "let in as service_role"),
  key("the service-role key as a bearer token", bearer(KEYS.serviceRole), "let in as service_role"),
  key("the service-role key in both headers", {
    apikey: KEYS.serviceRole,
    ...bearer(KEYS.serviceRole),
  }, "let in as service_role"),
  key("the service-role key as a password", basic("x", KEYS.serviceRole), NOBODY),
  key(
    "another project's service-role key",
    { apikey: await legacyKey("service_role", 60) },
    NOBODY,
  ),
  key("somebody who only says who it is", { "x-actor": "service_role" }, NOBODY),

  webhook("a webhook", "let in as webhook:ci"),
  webhook("a webhook of another sender", "let in as webhook:bot", undefined, {
    secret: OTHER_SECRET,
  }),
  webhook("a webhook signed with the next secret", "let in as webhook:ci", undefined, {
    secret: btoa("the next secret of the ci"),
  }),
  webhook("a webhook with the secret key beside it", "let in as webhook:ci", (headers) => ({
    ...headers,
    apikey: KEYS.secret,
  })),
  webhook("a webhook with a user's token beside it", "let in as webhook:ci", (headers) => ({
    ...headers,
    ...bearer(userToken),
  })),
  webhook("a webhook signed with a wrong secret", "401 unauthorized wrong_signature", undefined, {
    secret: btoa("a secret of nobody's own"),
  }),
  webhook(
    "a wrong signature with the secret key beside it",
    "401 unauthorized wrong_signature",
    (headers) => ({ ...headers, "webhook-signature": "v1,x", apikey: KEYS.secret }),
  ),
  webhook("a webhook signed for another body", "401 unauthorized wrong_signature", undefined, {
    body: "{}",
  }),
  webhook(
    "a webhook of six minutes ago",
    "401 unauthorized stale",
    undefined,
    { timestamp: now() - 360 },
  ),
  webhook("a webhook of the future", "401 unauthorized stale", undefined, {
    timestamp: now() + 900,
  }),
  webhook("a webhook without its id", "401 unauthorized malformed", without("webhook-id")),
  webhook("a webhook without its time", "401 unauthorized malformed", without("webhook-timestamp")),
  webhook(
    "a webhook without a signature",
    "401 unauthorized malformed",
    without("webhook-signature"),
  ),
  webhook(
    "an empty header of a webhook beside the secret key",
    "401 unauthorized malformed",
    () => ({ apikey: KEYS.secret, "webhook-id": "" }),
  ),
  webhook("the secret itself for a signature", "401 unauthorized wrong_signature", (headers) => ({
    ...headers,
    "webhook-signature": `v1,${SECRET}`,
  })),
];
