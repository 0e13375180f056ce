import { assert, assertEquals, assertFalse, assertLess, assertRejects } from "@std/assert";
import { Problem } from "../../../shared/contract/problems.ts";
import { MAX_BODY_BYTES } from "../../../shared/contract/requests.ts";
import { readBytes, readJson } from "../../../shared/http/input.ts";

const JSON_TYPE = { "content-type": "application/json" };

function request(body: BodyInit | null, headers: HeadersInit = JSON_TYPE): Request {
  return new Request("http://localhost/rename", { method: "POST", body, headers });
}

async function refusedWith(code: string, sent: Request): Promise<void> {
  const problem = await assertRejects(() => readJson(sent), Problem);
  assertEquals(problem.code, code);
}

const bytes = (...values: number[]) => new Uint8Array(values);
const encoded = (text: string) => new TextEncoder().encode(text);

/** A body that is sent in chunks without saying how long it is; counts what was taken from it. */
function streamed(chunk: Uint8Array, chunks: number) {
  const state = { sent: 0, cancelled: false };
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (state.sent === chunks) return controller.close();
      state.sent++;
      controller.enqueue(chunk);
    },
    cancel: () => void (state.cancelled = true),
  }, { highWaterMark: 0 });
  return { state, request: request(stream as unknown as BodyInit) };
}

Deno.test("a JSON body is read, whatever parameters its media type has", async () => {
  const types = [
    "application/json",
    "application/json; charset=utf-8",
    "Application/JSON",
    " application/json ;x=y",
  ];
  for (const type of types) {
    assertEquals(await readJson(request('{"a":["é👩",1]}', { "content-type": type })), {
      a: ["é👩", 1],
    });
  }
});

Deno.test("a body of another media type, or of none, is refused unread", async () => {
  const types = [
    "",
    "text/plain",
    "text/json",
    "application/jsonp",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/octet-stream",
    "application/problem+json",
    "text/plain, application/json",
  ];
  for (const type of types) {
    const sent = streamed(encoded("{}"), 1);
    sent.request.headers.set("content-type", type);
    await refusedWith("unsupported_media_type", sent.request);
    assertEquals(sent.state, { sent: 0, cancelled: true });
  }
  const untyped = request(encoded("{}"), {});
  assertFalse(untyped.headers.has("content-type"));
  await refusedWith("unsupported_media_type", untyped);
});

Deno.test("a body that is announced as too large is refused unread", async () => {
  for (const length of [MAX_BODY_BYTES + 1, 1e15]) {
    const sent = streamed(encoded("{}"), 1);
    sent.request.headers.set("content-length", String(length));
    await refusedWith("body_too_large", sent.request);
    assertEquals(sent.state, { sent: 0, cancelled: true });
  }
});

Deno.test("a streamed body is read up to the limit and no further", async () => {
  const endless = streamed(new Uint8Array(65_536).fill(0x20), 10_000);
  await refusedWith("body_too_large", endless.request);
  assertLess(endless.state.sent * 65_536, MAX_BODY_BYTES + 3 * 65_536);
  assert(endless.state.cancelled);
});

Deno.test("an announced length that is too small, or none, does not widen the limit", async () => {
  for (const length of ["1", "0", "x", "-1"]) {
    const sent = streamed(new Uint8Array(65_536).fill(0x20), 32);
    sent.request.headers.set("content-length", length);
    await refusedWith("body_too_large", sent.request);
  }
});

Deno.test("a body of exactly 1 MiB is read, one byte more is not", async () => {
  const text = (length: number) => `"${"a".repeat(length - 2)}"`;
  assertEquals(MAX_BODY_BYTES, 1_048_576);
  assertEquals(
    (await readJson(request(text(MAX_BODY_BYTES))) as string).length,
    MAX_BODY_BYTES - 2,
  );
  await refusedWith("body_too_large", request(text(MAX_BODY_BYTES + 1)));
});

Deno.test("a body in many chunks is put together, characters cut in two included", async () => {
  const whole = encoded('{"old_name":"é👩"}');
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of whole) controller.enqueue(bytes(byte));
      controller.close();
    },
  });
  assertEquals(await readJson(request(stream as unknown as BodyInit)), { old_name: "é👩" });
});

Deno.test("what is not JSON in UTF-8 is refused", async () => {
  const bodies: (BodyInit | null)[] = [
    null,
    "",
    " ",
    "{",
    "{}{}",
    "{'a':1}",
    "{a:1}",
    "[1,]",
    '{"a":1,}',
    "// c\n{}",
    "NaN",
    "undefined",
    "\u00a0{}",
    '"a\nb"',
    '"\\x41"',
    "\ufeff{}",
    // Overlong, a surrogate, a lone continuation byte, cut off, Latin-1, UTF-16.
    bytes(0x22, 0xc0, 0xaf, 0x22),
    bytes(0x22, 0xed, 0xa0, 0x80, 0x22),
    bytes(0x22, 0x80, 0x22),
    bytes(0x22, 0xf0, 0x9f, 0x91),
    bytes(0x22, 0xe9, 0x22),
    bytes(0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00),
    bytes(0x7b, 0x00, 0x7d, 0x00),
  ];
  for (const body of bodies) await refusedWith("invalid_json", request(body));
});

Deno.test("a body nested as deeply as the limit allows does not end the function", async () => {
  const depth = 500_000;
  const deep = await readJson(request("[".repeat(depth) + "]".repeat(depth)))
    .catch((error) => error);
  assert(Array.isArray(deep) || (deep as Problem).code === "invalid_json");
});

Deno.test("a body that does not come to its end in time is refused, and no longer read", async () => {
  let sent = 0;
  let cancelled = false;
  const drops = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      sent++;
      if (!cancelled) controller.enqueue(bytes(0x20));
    },
    cancel: () => void (cancelled = true),
  }, { highWaterMark: 0 });
  const silent = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
  for (const body of [drops, silent]) {
    const started = performance.now();
    const reading = readBytes(request(body as unknown as BodyInit), 120);
    assertEquals((await assertRejects(() => reading, Problem)).code, "body_too_slow");
    assertLess(performance.now() - started, 1_000);
  }
  assert(cancelled && sent > 1);
});

Deno.test("what is kept of a body is its bytes, and not the buffers that they came in", async () => {
  // The next packet overwrites the one before: whoever keeps packets has the last one many times over.
  const buffer = new ArrayBuffer(65_536);
  let sent = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent === 6_000) return controller.close();
      controller.enqueue(new Uint8Array(buffer, 0, 1).fill(sent++ % 251));
    },
  }, { highWaterMark: 0 });
  const read = await readBytes(request(stream as unknown as BodyInit));
  assertEquals([...read], Array.from({ length: 6_000 }, (_, index) => index % 251));
  assertLess(read.buffer.byteLength, 65_536);
});

Deno.test("an upload that breaks off is the caller's fault, not ours", async () => {
  const broken = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.error(new TypeError("connection reset")),
  });
  await refusedWith("body_incomplete", request(broken as unknown as BodyInit));
});
