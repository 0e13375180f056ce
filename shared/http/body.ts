/** Reading a JSON body within its limits. */
import { Problem } from "../contract/problems.ts";
import { MAX_BODY_BYTES } from "../contract/requests.ts";

/**
 * The request's body as JSON.
 *
 * @param body The body where it has been read already.
 * @throws {Problem} `unsupported_media_type`, `body_too_large` or `invalid_json`.
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

/**
 * The body's bytes. Stops reading at the limit: a body is never held in memory beyond it, whatever its length
 * says.
 *
 * @throws {Problem} `body_too_large`.
 */
export async function readBytes(request: Request): Promise<Uint8Array> {
  const announced = Number(request.headers.get("content-length") ?? 0);
  if (announced > MAX_BODY_BYTES) {
    await request.body?.cancel();
    throw tooLarge();
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.byteLength;
    if (length > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

const tooLarge = () =>
  new Problem("body_too_large", `The body is larger than ${MAX_BODY_BYTES} bytes.`, {
    hint: "Rename fewer tables in one request.",
  });
