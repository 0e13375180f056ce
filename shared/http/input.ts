/** Reading what a request sends: its JSON body, within limits of size and time, or its query string. */
import { Problem } from "../contract/problems.ts";
import { MAX_BODY_BYTES } from "../contract/requests.ts";

/** Longest time for a whole body, in milliseconds. Anybody can send one: webhooks are read before they are verified. */
const BODY_TIMEOUT_MS = 10_000;

/** First size of the buffer for a body, in bytes. */
const FIRST_BUFFER_BYTES = 16_384;

/** Longest name of a query parameter that an answer repeats, and most names. */
const MAX_NAME_LENGTH = 200;
const MAX_NAMES = 20;

/**
 * The request's body as JSON.
 *
 * @param body The body where it has been read already.
 * @throws {Problem} `unsupported_media_type`, `invalid_json`, or as `readBytes`.
 */
export async function readJson(request: Request, body?: Uint8Array): Promise<unknown> {
  const type = (request.headers.get("content-type") ?? "").split(";")[0].trim().toLowerCase();
  if (type !== "application/json") {
    if (body === undefined) await request.body?.cancel();
    throw new Problem(
      "unsupported_media_type",
      type === "" ? "The body has no media type." : `The body is ${type}, not JSON.`,
      { hint: "Send content-type: application/json." },
    );
  }
  const bytes = body ?? await readBytes(request);
  try {
    return JSON.parse(decodeExactly(bytes));
  } catch (cause) {
    throw new Problem("invalid_json", "The body is not valid JSON in UTF-8.", {
      hint: 'Send an object like {"old_name": "experts", "new_name": "expert_profiles"}.',
      cause,
    });
  }
}

/**
 * Decodes UTF-8. A byte order mark is kept, since JSON may not have one (RFC 8259, section 8.1); invalid bytes are not
 * replaced, since they would become other names.
 *
 * @throws {TypeError} For invalid UTF-8.
 */
export const decodeExactly = (bytes: Uint8Array): string =>
  new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);

/**
 * The body's bytes. Reading stops at the limit, whatever length is announced, so that a body never takes more memory
 * than that.
 *
 * @param timeoutMs Default: 10 s.
 * @throws {Problem} `body_too_large`, `body_too_slow`, `body_incomplete`.
 */
export async function readBytes(
  request: Request,
  timeoutMs = BODY_TIMEOUT_MS,
): Promise<Uint8Array> {
  const announced = Number(request.headers.get("content-length") ?? 0);
  if (announced > MAX_BODY_BYTES) {
    await request.body?.cancel();
    throw tooLarge();
  }
  if (request.body === null) return new Uint8Array();
  const chunks = chunksOf(request.body);
  const late = Promise.withResolvers<never>();
  late.promise.catch(() => {});
  const timer = setTimeout(() => late.reject(tooSlow(timeoutMs)), timeoutMs);
  let bytes: Uint8Array = new Uint8Array(FIRST_BUFFER_BYTES);
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await Promise.race([chunks.next(), late.promise]);
      if (done || value === undefined) return bytes.subarray(0, length);
      if (length + value.byteLength > MAX_BODY_BYTES) throw tooLarge();
      bytes = grown(bytes, length, value.byteLength);
      bytes.set(value, length);
      length += value.byteLength;
    }
  } catch (error) {
    chunks.cancel();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

interface Chunks {
  /** The next chunk, valid until the following one is requested. */
  next: () => Promise<{ done: boolean; value?: Uint8Array }>;
  cancel: () => void;
}

/**
 * Reads all chunks into one buffer where the stream supports that. Otherwise each packet, even of one byte, leaves a
 * buffer of many kilobytes behind until the next garbage collection.
 */
function chunksOf(body: ReadableStream<Uint8Array>): Chunks {
  const byteReader = readerOfBytes(body);
  const reader = byteReader ?? body.getReader();
  const read = byteReader === null
    ? () => (reader as ReadableStreamDefaultReader<Uint8Array>).read()
    : intoOneBuffer(byteReader);
  return {
    async next() {
      try {
        return await read();
      } catch (cause) {
        // The caller's connection broke: no fault of ours.
        throw new Problem("body_incomplete", "The body ended before it was complete.", {
          hint: "Send the whole request again.",
          cause,
        });
      }
    },
    cancel: () => void reader.cancel().catch(() => {}),
  };
}

function intoOneBuffer(reader: ReadableStreamBYOBReader) {
  let buffer = new ArrayBuffer(FIRST_BUFFER_BYTES);
  return async () => {
    const chunk = await reader.read(new Uint8Array(buffer));
    // The buffer comes back with the chunk, and is used for the next one.
    if (chunk.value !== undefined) buffer = chunk.value.buffer;
    return chunk;
  };
}

function readerOfBytes(body: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | null {
  try {
    return body.getReader({ mode: "byob" });
  } catch {
    return null;
  }
}

/** The same bytes in a buffer that has room for `more`; its size doubles. */
function grown(bytes: Uint8Array, length: number, more: number) {
  if (length + more <= bytes.byteLength) return bytes;
  const larger = new Uint8Array(Math.max(length + more, bytes.byteLength * 2));
  larger.set(bytes.subarray(0, length));
  return larger;
}

const tooLarge = () =>
  new Problem("body_too_large", `The body is larger than ${MAX_BODY_BYTES} bytes.`, {
    hint: "Rename fewer tables in one request.",
  });

const tooSlow = (ms: number) =>
  new Problem("body_too_slow", `The body did not arrive within ${ms / 1000} s.`, {
    hint: "Send it at once, over a better connection.",
  });

type Query = Record<string, string | string[]>;

/**
 * The query string as an object. A parameter that is `repeatable` becomes an array.
 *
 * @throws {Problem} `invalid_request` where another parameter is given twice, since it is not clear which one counts.
 */
export function queryOf(request: Request, repeatable: string[] = []): Query {
  const query: Query = {};
  for (const [name, value] of new URL(request.url).searchParams) {
    // functions-js adds it when a region is chosen; it is for the platform.
    if (name === "forceFunctionRegion") continue;
    if (repeatable.includes(name)) {
      query[name] = [...query[name] ?? [], value];
    } else if (Object.hasOwn(query, name)) {
      throw invalidQuery(`"${shortened(name)}" is given twice.`, "Give each parameter once.", [
        { path: shortened(name), message: "is given twice" },
      ]);
    } else {
      Object.defineProperty(query, name, { value, enumerable: true });
    }
  }
  return query;
}

/**
 * The options of a POST are in its body. One in the query would be ignored, and another change made than was meant.
 *
 * @throws {Problem} `invalid_request` where there is a query.
 */
export function refuseQuery(query: Query): void {
  const names = Object.keys(query).map(shortened);
  if (names.length === 0) return;
  const message = "belongs into the body";
  throw invalidQuery(
    `The query parameter "${names[0]}" ${message}.`,
    "Send every option as a field of the JSON body.",
    names.slice(0, MAX_NAMES).map((path) => ({ path, message })),
  );
}

const shortened = (name: string) => name.slice(0, MAX_NAME_LENGTH);

const invalidQuery = (
  detail: string,
  hint: string,
  issues: { path: string; message: string }[],
): Problem => new Problem("invalid_request", detail, { hint, fields: { issues } });
