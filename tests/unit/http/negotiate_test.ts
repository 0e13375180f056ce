import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { negotiated } from "../../../shared/http/negotiate.ts";

const answer = (headers: Record<string, string>, text = "text") =>
  negotiated(new Request("http://localhost/", { headers }), [
    { type: "text/plain", body: text },
    { type: "application/json", body: "{}" },
  ]);

const typeFor = async (accept: string) =>
  (await answer({ accept })).headers.get("content-type")?.split(";")[0];

for (
  const [accept, type] of [
    ["*/*", "text/plain"],
    ["text/plain", "text/plain"],
    ["application/json", "application/json"],
    ["Application/JSON; charset=utf-8", "application/json"],
    ["application/json, */*", "application/json"],
    ["application/json, text/plain, */*", "text/plain"],
    ["text/plain;q=0.5, application/json", "application/json"],
    ["application/json;q=0.5, text/*", "text/plain"],
    ["application/json;q=0, */*", "text/plain"],
    ["text/plain; q=0, application/*", "application/json"],
    ["image/png", "text/plain"],
    ["", "text/plain"],
    [",;q=,/", "text/plain"],
  ]
) {
  Deno.test(`who accepts ${JSON.stringify(accept)} gets ${type}`, async () => {
    assertEquals(await typeFor(accept), type);
  });
}

Deno.test("each representation has a tag of its own, which changes with what it says", async () => {
  const tag = async (...args: Parameters<typeof answer>) =>
    (await answer(...args)).headers.get("etag")!;
  const plain = await tag({});
  assertMatch(plain, /^"[0-9a-f]{64}"$/);
  assertEquals(await tag({}), plain);
  assertNotEquals(await tag({}, "other"), plain);
  assertNotEquals(await tag({ accept: "application/json" }), plain);
});

Deno.test("who has the current answer gets 304, with its tag and without a body", async () => {
  const etag = (await answer({})).headers.get("etag")!;
  for (const known of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
    const response = await answer({ "if-none-match": known });
    assertEquals([response.status, await response.text()], [304, ""], known);
    assertEquals(response.headers.get("etag"), etag);
    assertEquals(response.headers.get("cache-control"), "private, no-cache");
    assertMatch(response.headers.get("vary")!, /accept/);
  }
  for (const known of ['"x"', etag.slice(1, -1), ""]) {
    assertEquals((await answer({ "if-none-match": known })).status, 200, known);
  }
});
