/**
 * Who calls. Only admins may rename tables: a signed webhook, a secret key, or the legacy service-role key. The
 * database is not used before the caller is known.
 */
import { verifyCredentials } from "@supabase/server/core";
// Its peer dependency: imported here so that the import map decides on the version, not the latest release.
import type {} from "@supabase/supabase-js";
import { Problem } from "../contract/problems.ts";
import type { Settings } from "./settings.ts";
import { isWebhook, verifyWebhook, type Webhook, webhookRefused } from "./webhooks/webhook.ts";

const HINT = "Send a secret key of the project in the apikey header.";

/** Longest x-actor that is recorded. */
const MAX_ACTOR_LENGTH = 200;

/** `verifyCredentials` asks for a URL, but does not use it for these checks. */
const URL_UNUSED = "http://localhost";

export interface Caller {
  /** `webhook:<sender>`, `key:<name>` or `service_role`. */
  identity: string;
  /** As it is recorded: the identity, followed by x-actor where that is sent. */
  actor: string;
  webhook: Webhook | null;
}

/**
 * Finds out who calls. A request with webhook headers is accepted by its signature only.
 *
 * @param acceptsWebhooks Whether the endpoint does. Default: false.
 * @throws {Problem} `unauthorized`, for a webhook with the `reason`; `forbidden` for valid keys and tokens that are
 *   not an admin's; `body_too_large` for a webhook's body.
 */
export async function authenticate(
  request: Request,
  settings: Settings,
  acceptsWebhooks = false,
): Promise<Caller> {
  let webhook: Webhook | null = null;
  if (isWebhook(request)) {
    if (!acceptsWebhooks) {
      throw webhookRefused("not_accepted", "This endpoint takes no webhooks.", {
        hint: "Webhooks go to the endpoints that change something; here, use a key.",
      });
    }
    webhook = await verifyWebhook(request, settings.webhooks);
  }
  const identity = webhook === null
    ? await identityOfKey(request, settings)
    : `webhook:${webhook.sender}`;
  return { identity, actor: withActor(identity, request), webhook };
}

/** The identity that belongs to a secret key or the service-role key. */
async function identityOfKey(request: Request, settings: Settings): Promise<string> {
  const apikey = request.headers.get("apikey");
  const token = bearerToken(request);
  const credentials = [apikey, token].flatMap((credential) => credential || []);
  const keyName = apikey && await matchingKey(apikey, "secret", settings);
  if (keyName) return `key:${keyName}`;
  for (const credential of credentials) {
    if (await equals(credential, settings.serviceRoleKey)) return "service_role";
  }
  if (token && await matchingKey(token, "secret", settings)) {
    throw new Problem("unauthorized", "The secret key is in the wrong header.", {
      hint: "Send it in the apikey header, not as a bearer token.",
    });
  }
  for (const credential of credentials) {
    const publishable = await equals(credential, settings.anonKey) ||
      await matchingKey(credential, "publishable", settings) !== null;
    if (publishable && (!token || token === credential)) {
      throw new Problem("forbidden", "A publishable key may not rename tables.", { hint: HINT });
    }
  }
  if (token && await isUserToken(token, settings)) {
    throw new Problem("forbidden", "A user's token may not rename tables.", { hint: HINT });
  }
  throw new Problem(
    "unauthorized",
    apikey || token ? "The credentials are not valid." : "There are no credentials.",
    { hint: HINT },
  );
}

function bearerToken(request: Request): string | null {
  const [scheme, token, ...rest] = (request.headers.get("authorization") ?? "").split(" ");
  return scheme.toLowerCase() === "bearer" && token && rest.length === 0 ? token : null;
}

/** The name of the configured key that this is; @supabase/server compares in constant time. */
async function matchingKey(
  apikey: string,
  kind: "secret" | "publishable",
  { secretKeys, publishableKeys }: Pick<Settings, "secretKeys" | "publishableKeys">,
): Promise<string | null> {
  const { data } = await verifyCredentials({ apikey, token: null }, {
    auth: [`${kind}:*`],
    env: { url: URL_UNUSED, secretKeys, publishableKeys, jwks: null },
  });
  return data?.authMode === kind ? data.keyName ?? null : null;
}

async function equals(given: string, expected: string | undefined): Promise<boolean> {
  if (!expected) return false;
  const keys = { secretKeys: { default: expected }, publishableKeys: {} };
  return await matchingKey(given, "secret", keys) !== null;
}

/**
 * Whether the token is a user's and still valid. Without SUPABASE_JWKS its signature cannot be checked, and its claims
 * decide; they only decide how it is refused.
 */
async function isUserToken(token: string, { jwks }: Settings): Promise<boolean> {
  if (jwks === null) return looksLikeUserToken(token);
  const { data } = await verifyCredentials({ apikey: null, token }, {
    auth: ["user"],
    env: { url: URL_UNUSED, secretKeys: {}, publishableKeys: {}, jwks },
  });
  return data?.authMode === "user";
}

function looksLikeUserToken(token: string): boolean {
  try {
    const [, payload, signature] = token.split(".");
    const { role, exp } = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    return Boolean(signature) && ["anon", "authenticated"].includes(role) &&
      exp > Date.now() / 1000;
  } catch {
    return false;
  }
}

function withActor(identity: string, request: Request): string {
  const name = request.headers.get("x-actor")?.replace(/\p{Cc}/gu, "").trim();
  return name ? `${identity} ${name.slice(0, MAX_ACTOR_LENGTH)}` : identity;
}
