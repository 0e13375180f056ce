/** Content negotiation: answers that exist in several media types, and conditional requests. */
import type { OperationAnswer } from "../contract/responses.ts";
import type { Operation } from "../report/operation.ts";
import { sha256 } from "./sha256.ts";

/** The media type, without parameters, that the caller prefers; the first one where it has no preference. */
export function preferredType<Type extends string>(
  request: Request,
  types: readonly [Type, ...Type[]],
): Type {
  const accept = request.headers.get("accept") ?? "*/*";
  const [best] = types.toSorted((a, b) =>
    comparePreference(preferenceFor(accept, b), preferenceFor(accept, a))
  );
  return best;
}

/** What an answer is in one media type. */
interface Representation {
  /** Without parameters, such as `text/plain`. */
  type: string;
  body: string;
}

/**
 * The representation that the caller prefers (RFC 9110, section 12.5.1), the first one where it has no preference; 304
 * without a body where the caller has it already (If-None-Match, section 13.1.2).
 */
export async function negotiated(
  request: Request,
  representations: [Representation, ...Representation[]],
): Promise<Response> {
  const { type, body } = preferred(request, representations);
  const etag = `"${await sha256(`${type}\n${body}`)}"`;
  const headers = {
    // It may be stored, but has to be revalidated before each use.
    "cache-control": "private, no-cache",
    etag,
    vary: "accept, apikey, authorization",
  };
  if (matches(request.headers.get("if-none-match"), etag)) {
    return new Response(null, { status: 304, headers });
  }
  return new Response(body, { headers: { ...headers, "content-type": `${type}; charset=utf-8` } });
}

/** The representation that the caller prefers, of an answer that is not cached. */
export function represented(
  request: Request,
  representations: [Representation, ...Representation[]],
): Promise<Response> {
  const { type, body } = preferred(request, representations);
  // JSON has no charset parameter (RFC 8259, section 11).
  const parameter = type === "application/json" ? "" : "; charset=utf-8";
  const headers = { "content-type": `${type}${parameter}`, vary: "accept" };
  return Promise.resolve(new Response(body, { headers }));
}

/** The `respond` of an operation's endpoint: JSON, or Markdown for those who prefer `text/markdown`. */
export const jsonOrMarkdown = (operation: Operation) =>
async (
  answer: OperationAnswer,
  request: Request,
): Promise<Response> => {
  const type = preferredType(request, ["application/json", "text/markdown"]);
  // Only one of them is made: Markdown of a thousand tables takes a while.
  const body = type === "application/json"
    ? JSON.stringify(answer)
    : await inMarkdown(answer, operation);
  return await represented(request, [{ type, body }]);
};

/** Few ask for it, so it is loaded when it is needed. */
async function inMarkdown(answer: OperationAnswer, operation: Operation): Promise<string> {
  const { operationInMarkdown } = await import("../report/operation.ts");
  return operationInMarkdown(answer, { operation });
}

function preferred(
  request: Request,
  representations: [Representation, ...Representation[]],
): Representation {
  const [first, ...others] = representations;
  const type = preferredType(request, [first.type, ...others.map(({ type }) => type)]);
  return representations.find((one) => one.type === type)!;
}

/** The quality value of a media type, and how specific the range is that gives it. */
type Preference = { quality: number; precision: number };

function preferenceFor(accept: string, type: string): Preference {
  const [group] = type.split("/");
  const ranges = accept.split(",").map((range) => {
    const [name, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const quality = parameters.find((parameter) => /^q\s*=/.test(parameter))?.split("=")[1] ?? "1";
    const precision = ["*/*", `${group}/*`, type].indexOf(name);
    return { quality: Number(quality) || 0, precision };
  });
  // The most specific range counts.
  return ranges.filter(({ precision }) => precision >= 0)
    .sort((a, b) => b.precision - a.precision)[0] ?? { quality: 0, precision: -1 };
}

const comparePreference = (a: Preference, b: Preference) =>
  a.quality - b.quality || a.precision - b.precision;

/** Weak comparison (RFC 9110, section 8.8.3.2): proxies that compress make tags weak. */
function matches(ifNoneMatch: string | null, etag: string): boolean {
  if (ifNoneMatch === null) return false;
  return ifNoneMatch.split(",").some((tag) => ["*", etag].includes(tag.trim().replace(/^W\//, "")));
}
