/** Answers that can be had in several media types, and that a caller need not load again. */

/** The media type, without parameters, that the caller likes best; the first one where it has no liking. */
export function preferredType<Type extends string>(
  request: Request,
  types: readonly [Type, ...Type[]],
): Type {
  const accept = request.headers.get("accept") ?? "*/*";
  const [best] = types.toSorted((a, b) => compareLiking(liking(accept, b), liking(accept, a)));
  return best;
}

/** What an answer is in one media type. */
export interface Representation {
  /** Without parameters, such as `text/plain`. */
  type: string;
  body: string;
}

/**
 * The representation that the caller likes best (RFC 9110, section 12.5.1), the first one where it has no
 * liking; as 304 without a body where the caller has it already (If-None-Match, section 13.1.2).
 */
export async function negotiated(
  request: Request,
  representations: [Representation, ...Representation[]],
): Promise<Response> {
  const chosen = bestLiked(request, representations);
  const etag = `"${await hashOf(`${chosen.type}\n${chosen.body}`)}"`;
  const headers = {
    // May be kept, but only used after asking whether it still holds.
    "cache-control": "private, no-cache",
    etag,
    vary: "accept, apikey, authorization",
  };
  if (hasAlready(request.headers.get("if-none-match"), etag)) {
    return new Response(null, { status: 304, headers });
  }
  return new Response(chosen.body, {
    headers: { ...headers, "content-type": `${chosen.type}; charset=utf-8` },
  });
}

/** The representation that the caller likes best, of an answer that nobody keeps. */
export function represented(
  request: Request,
  representations: [Representation, ...Representation[]],
): Promise<Response> {
  const { type, body } = bestLiked(request, representations);
  // RFC 8259 knows no charset of JSON.
  const parameter = type === "application/json" ? "" : "; charset=utf-8";
  const headers = { "content-type": `${type}${parameter}`, vary: "accept" };
  return Promise.resolve(new Response(body, { headers }));
}

function bestLiked(
  request: Request,
  representations: [Representation, ...Representation[]],
): Representation {
  const [first, ...others] = representations;
  const type = preferredType(request, [first.type, ...others.map(({ type }) => type)]);
  return representations.find((one) => one.type === type)!;
}

/** How much a media type is liked, then how closely it was named. */
type Liking = { quality: number; precision: number };

function liking(accept: string, type: string): Liking {
  const [group] = type.split("/");
  const named = accept.split(",").map((range) => {
    const [name, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const quality = parameters.find((parameter) => /^q\s*=/.test(parameter))?.split("=")[1] ?? "1";
    const precision = ["*/*", `${group}/*`, type].indexOf(name);
    return { quality: Number(quality) || 0, precision };
  });
  // The most precise range is the one that counts.
  return named.filter(({ precision }) => precision >= 0)
    .sort((a, b) => b.precision - a.precision)[0] ?? { quality: 0, precision: -1 };
}

const compareLiking = (a: Liking, b: Liking) => a.quality - b.quality || a.precision - b.precision;

/** Weak comparison (RFC 9110, section 8.8.3.2): proxies that compress make tags weak. */
function hasAlready(ifNoneMatch: string | null, etag: string): boolean {
  if (ifNoneMatch === null) return false;
  return ifNoneMatch.split(",").some((tag) => ["*", etag].includes(tag.trim().replace(/^W\//, "")));
}

async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
