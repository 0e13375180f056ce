/**
 * Who calls. Renaming tables is an admin's work: a signed webhook, a secret key, or the legacy service-role
 * key. Nothing of the database is asked before this is settled.
 */
import { verifyCredentials } from "@supabase/server/core";
// Its peer, which it loads: named here so that the import map decides on the version, not the latest release.
import type {} from "@supabase/supabase-js";
import { Problem } from "../contract/problems.ts";
import type { Settings } from "./settings.ts";
import { isWebhook, verifyWebhook, type Webhook, webhookRefused } from "./webhook.ts";

const HINT = "Send a secret key of the project in the apikey header.";

/** Longest x-actor that is recorded. */
const MAX_ACTOR_LENGTH = 200;

export interface Caller {
  /** What let the caller in: `webhook:<sender>`, `key:<name>` or `service_role`. */
  identity: string;
  /** The same as it is recorded, with what x-actor says behind it. */
  actor: string;
  webhook: Webhook | null;
}

/**
 * Finds out who calls. Whoever sends headers of a webhook is let in by its signature or not at all.
 *
 * @param takesWebhooks Whether the endpoint does.
 * @throws {Problem} `unauthorized`, for a webhook with the `reason`; `forbidden` for keys and tokens that are
 *   right but not an admin's; `body_too_large` for a webhook's body.
 */
export async function authenticate(
  request: Request,
  settings: Settings,
  takesWebhooks = false,
): Promise<Caller> {
  const webhook = isWebhook(request) ? await fromWebhook(request, settings, takesWebhooks) : null;
  const identity = webhook === null
    ? await fromKey(request, settings)
    : `webhook:${webhook.sender}`;
  return { identity, actor: withActor(identity, request), webhook };
}

async function fromWebhook(
  request: Request,
  { webhooks }: Settings,
  taken: boolean,
): Promise<Webhook> {
  if (!taken) {
    throw webhookRefused("not_accepted", "This endpoint takes no webhooks.", {
      hint: "Webhooks go to the endpoints that change something; here, use a key.",
    });
  }
  return await verifyWebhook(request, webhooks);
}

/** The identity that goes with a secret key or the service-role key. */
async function fromKey(request: Request, settings: Settings): Promise<string> {
  const apikey = request.headers.get("apikey");
  const token = bearerToken(request);
  const keyName = apikey && await matchingKey(apikey, "secret", settings);
  if (keyName) return `key:${keyName}`;
  for (const credential of [apikey, token]) {
    if (credential && await same(credential, settings.serviceRoleKey)) return "service_role";
  }
  if (token && await matchingKey(token, "secret", settings)) {
    throw new Problem("unauthorized", "The secret key is in the wrong header.", {
      hint: "Send it in the apikey header, not as a bearer token.",
    });
  }
  for (const credential of [apikey, token]) {
    if (!credential) continue;
    const publishable = await same(credential, settings.anonKey) ||
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
  { secretKeys, publishableKeys }: Settings,
): Promise<string | null> {
  const { data } = await verifyCredentials({ apikey, token: null }, {
    auth: [`${kind}:*`],
    env: { url: "http://localhost", secretKeys, publishableKeys, jwks: null },
  });
  return data?.authMode === kind ? data.keyName ?? null : null;
}

async function same(given: string, expected: string | undefined): Promise<boolean> {
  if (!expected) return false;
  const { data } = await verifyCredentials({ apikey: given, token: null }, {
    auth: ["secret"],
    env: {
      url: "http://localhost",
      secretKeys: { default: expected },
      publishableKeys: {},
      jwks: null,
    },
  });
  return data?.authMode === "secret";
}

/**
 * Whether the token is a user's and still good. Without SUPABASE_JWKS its signature cannot be checked; the
 * claims then decide which refusal it gets, and a refusal it is either way.
 */
async function isUserToken(token: string, { jwks }: Settings): Promise<boolean> {
  if (jwks === null) return looksLikeUserToken(token);
  const { data } = await verifyCredentials({ apikey: null, token }, {
    auth: ["user"],
    env: { url: "http://localhost", secretKeys: {}, publishableKeys: {}, jwks },
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
