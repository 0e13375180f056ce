import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { Problem } from "../../../shared/contract/problems.ts";
import type { Caller } from "../../../shared/http/authenticate.ts";
import { idempotencyOf } from "../../../shared/http/idempotency.ts";
import { settingsFromEnv } from "../../../shared/http/settings.ts";

const CALLER: Caller = { identity: "key:ci", actor: "key:ci deploy", webhook: null };
const WEBHOOK: Caller = {
  identity: "webhook:ci",
  actor: "webhook:ci",
  webhook: { sender: "ci", id: "msg_1", sentAt: 1_800_000_000, body: new Uint8Array() },
};

interface Sent {
  key?: string;
  body?: unknown;
  caller?: Caller;
  changes?: boolean;
}

function read({ key, body = {}, caller = CALLER, changes = true }: Sent) {
  const headers = new Headers(key === undefined ? {} : { "Idempotency-Key": key });
  const request = new Request("http://localhost/rename", { method: "POST", headers });
  return idempotencyOf(request, caller, { changes, body, days: 7 });
}

async function refused(sent: Sent): Promise<Problem> {
  const problem = await assertRejects(() => read(sent), Problem);
  assertEquals(problem.code, "invalid_request");
  assert(problem.hint);
  return problem;
}

Deno.test("a request without a key is like no other", async () => {
  assertEquals(await read({}), null);
});

Deno.test("a key is 1 to 255 visible ASCII characters, taken as they are", async () => {
  for (const key of ["a", "~", "x".repeat(255), '"8e03978e-40d5-43dd"', "it's;--", "a,b"]) {
    assertEquals((await read({ key }))?.key, `key:ci ${key}`);
  }
  for (const key of ["", "x".repeat(256), "a b", "a\tb", "é", "a, b"]) {
    const { fields } = await refused({ key });
    assertEquals((fields.issues as { path: string }[])[0].path, "idempotency-key");
  }
});

Deno.test("callers that think of the same key do not get each other's answers", async () => {
  const keys = new Set<string | undefined>();
  for (const identity of ["key:ci", "key:default", "service_role", "webhook:ci"]) {
    keys.add((await read({ key: "k", caller: { ...CALLER, identity } }))?.key);
  }
  assertEquals(keys.size, 4);
  // No name of a caller and key read as another's: a key has no space.
  const odd = await read({ key: "k", caller: { ...CALLER, identity: "key:ci k" } });
  assertEquals(odd?.key, "key:ci k k");
});

Deno.test("who a caller acts for makes no other request", async () => {
  const other = { ...CALLER, actor: "key:ci somebody else" };
  assertEquals(await read({ key: "k", caller: other }), await read({ key: "k" }));
});

Deno.test("a webhook's id is its key, and no header that is not signed makes it another", async () => {
  const own = await read({ caller: WEBHOOK });
  assertEquals([own?.key, own?.webhookSentAt], ["webhook:ci msg_1", 1_800_000_000]);
  await refused({ caller: WEBHOOK, key: "other" });
  await refused({ caller: WEBHOOK, key: "msg_1" });
  assertEquals((await read({ key: "k" }))?.webhookSentAt, null);
});

Deno.test("a key where nothing is changed is refused, not passed over", async () => {
  await refused({ key: "k", changes: false });
  assertEquals(await read({ changes: false }), null);
});

Deno.test("bodies that say the same are the same, however they are written", async () => {
  const hash = async (text: string) => (await read({ key: "k", body: JSON.parse(text) }))!.bodyHash;
  const body = '{"renames":[{"old_name":"a","new_name":"b"}],"mode":"apply","lock_timeout_ms":200}';
  const same = [
    '{"lock_timeout_ms":200,"mode":"apply","renames":[{"new_name":"b","old_name":"a"}]}',
    ' { "renames" : [ {"old_name":"\\u0061","new_name":"b"} ],\n"mode":"apply","lock_timeout_ms":2e2}',
  ];
  const other = [
    '{"renames":[{"old_name":"a","new_name":"b"}],"mode":"apply"}',
    '{"renames":[{"old_name":"b","new_name":"a"}],"mode":"apply","lock_timeout_ms":200}',
    '{"renames":[{"old_name":"a","new_name":"b"}],"mode":"apply","lock_timeout_ms":"200"}',
    '{"renames":[{"old_name":"a","new_name":"B"}],"mode":"apply","lock_timeout_ms":200}',
    '{"renames":{"0":{"old_name":"a","new_name":"b"}},"mode":"apply","lock_timeout_ms":200}',
  ];
  const expected = await hash(body);
  assert(/^sha256:[0-9a-f]{64}$/.test(expected));
  for (const text of same) assertEquals(await hash(text), expected, text);
  for (const text of other) assertNotEquals(await hash(text), expected, text);
  // Of a list the order counts.
  assertNotEquals(await hash("[1,2]"), await hash("[2,1]"));
  assertNotEquals(await hash('{"a":null}'), await hash("{}"));
});

Deno.test("answers are kept for seven days, or as long as the setting says, but never less than a day", () => {
  const days = (text?: string) =>
    settingsFromEnv((name) => name === "RENAME_IDEMPOTENCY_DAYS" ? text : undefined)
      .idempotencyDays;
  assertEquals(days(), 7);
  for (const [text, expected] of [["30", 30], ["1.5", 1.5], ["0.1", 1], ["1e9", 36_500]] as const) {
    assertEquals(days(text), expected);
  }
  for (const text of ["", "0", "-1", "x", "Infinity", "NaN", "7 days"]) assertEquals(days(text), 7);
});
