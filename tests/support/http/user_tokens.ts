/** JSON Web Tokens like those of Supabase Auth, with the key set that SUPABASE_JWKS would hold. */

const encode = (value: unknown): string =>
  base64Url(new TextEncoder().encode(JSON.stringify(value)));

function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const nowInSeconds = () => Math.floor(Date.now() / 1000);

export interface TokenIssuer {
  /** What SUPABASE_JWKS holds. */
  jwks: { keys: JsonWebKey[] };
  /** A signed token of a signed-in user, an hour long; `claims` add to it or replace some. */
  token(claims?: Record<string, unknown>): Promise<string>;
}

/** An issuer with a key pair of its own (ES256, as new projects have). */
export async function tokenIssuer(): Promise<TokenIssuer> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const { privateKey, publicKey } = await crypto.subtle.generateKey(algorithm, true, [
    "sign",
    "verify",
  ]);
  const kid = crypto.randomUUID();
  const jwk = await crypto.subtle.exportKey("jwk", publicKey);
  return {
    jwks: { keys: [{ ...jwk, kid, alg: "ES256", use: "sig" } as JsonWebKey] },
    token: async (claims = {}) => {
      const signed = [
        encode({ alg: "ES256", typ: "JWT", kid }),
        encode({
          sub: "0b0f2f0e-3a4f-4b5f-8f53-000000000001",
          role: "authenticated",
          aud: "authenticated",
          iat: nowInSeconds(),
          exp: nowInSeconds() + 3600,
          ...claims,
        }),
      ].join(".");
      const signature = await crypto.subtle.sign(
        { name: "ECDSA", hash: "SHA-256" },
        privateKey,
        new TextEncoder().encode(signed),
      );
      return `${signed}.${base64Url(new Uint8Array(signature))}`;
    },
  };
}

/** A token as the legacy keys are (HS256, no kid), of the role given. */
export async function legacyKey(role: string, expiresInSeconds = 3600): Promise<string> {
  const key = await crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode("super-secret-jwt-token-with-at-least-32-characters-long"),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const signed = [
    encode({ alg: "HS256", typ: "JWT" }),
    encode({ iss: "supabase", role, iat: nowInSeconds(), exp: nowInSeconds() + expiresInSeconds }),
  ].join(".");
  const signature = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(signed));
  return `${signed}.${base64Url(new Uint8Array(signature))}`;
}
