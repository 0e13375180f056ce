/** Reading a JSON body within its limits. */
import { Problem } from "../contract/problems.ts";
import { MAX_BODY_BYTES } from "../contract/requests.ts";

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
    // A byte order mark is no JSON (RFC 8259, section 8.1), and bad UTF-8 would become other names.
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return JSON.parse(text);
  } catch (cause) {
    throw new Problem("invalid_json", "The body is not valid JSON in UTF-8.", {
      hint: 'Send an object like {"old_name": "experts", "new_name": "expert_profiles"}.',
      cause,
    });
  }
}

/** Longest time for a whole body, in milliseconds. Anybody can send one: webhooks are read before they are believed. */
export const BODY_TIMEOUT_MS = 10_000;

/** Room for the beginning of a body, in bytes. */
const FIRST_ROOM = 16_384;

/**
 * The body's bytes. Stops reading at the limit: a body is never held in memory beyond it, whatever its length says, and
 * however many packets it comes in: a packet of one byte can have a buffer of many kilobytes.
 *
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
  const reader = partsOf(request.body);
  const late = Promise.withResolvers<never>();
  late.promise.catch(() => {});
  const timer = setTimeout(() => late.reject(tooSlow(timeoutMs)), timeoutMs);
  let bytes: Uint8Array = new Uint8Array(FIRST_ROOM);
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.next(), late.promise]);
      if (done || value === undefined) return bytes.subarray(0, length);
      if (length + value.byteLength > MAX_BODY_BYTES) throw tooLarge();
      bytes = withRoom(bytes, length, value.byteLength);
      bytes.set(value, length);
      length += value.byteLength;
    }
  } catch (error) {
    // What is still to come is not waited for.
    reader.cancel();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

interface Parts {
  /** The next part, which is good until the one after it is asked for. */
  next: () => Promise<{ done: boolean; value?: Uint8Array }>;
  cancel: () => void;
}

/**
 * Reads all parts into one buffer, where the stream can do that: otherwise each packet, of however few bytes, leaves a
 * buffer of many kilobytes behind until the next garbage collection.
 */
function partsOf(body: ReadableStream<Uint8Array>): Parts {
  const reader = inOneBuffer(body) ?? body.getReader();
  let buffer = new ArrayBuffer(FIRST_ROOM);
  const read = async () => {
    if (!(reader instanceof ReadableStreamBYOBReader)) return await reader.read();
    const part = await reader.read(new Uint8Array(buffer));
    // The buffer comes back with the part, and is the next one's.
    if (part.value !== undefined) buffer = part.value.buffer;
    return part;
  };
  return {
    async next() {
      try {
        return await read();
      } catch (cause) {
        // A connection that broke is the caller's affair, no fault of ours.
        throw new Problem("body_incomplete", "The body ended before it was complete.", {
          hint: "Send the request again, as a whole.",
          cause,
        });
      }
    },
    cancel: () => void reader.cancel().catch(() => {}),
  };
}

function inOneBuffer(body: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | null {
  try {
    return body.getReader({ mode: "byob" });
  } catch {
    // No stream of bytes.
    return null;
  }
}

/** The same bytes with room for more, twice as much each time. */
function withRoom(bytes: Uint8Array, length: number, more: number) {
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
  new Problem("body_too_slow", `The body did not come within ${ms / 1000} s.`, {
    hint: "Send it at once, over a better connection.",
  });
