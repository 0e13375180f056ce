import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { MAX_BODY_BYTES } from "../../../shared/contract/requests.ts";
import { Problem } from "../../../shared/contract/problems.ts";
import { authenticate } from "../../../shared/http/authenticate.ts";
import { settingsFromEnv } from "../../../shared/http/settings.ts";
import { verifyWebhook } from "../../../shared/http/webhooks/webhook.ts";
import { readWebhookSecrets } from "../../../shared/http/webhooks/webhook_secrets.ts";
import {
  atTime,
  nowInSeconds,
  OTHER_SECRET,
  SECRET,
  signature,
  signedHeaders,
  signedRequest,
} from "../../support/http/webhooks.ts";

const BODY = '{"old_name":"experts","new_name":"expert_profiles"}';

const secrets = readWebhookSecrets(`whsec_${SECRET}`);

async function refused(reason: string, request: Request, given = secrets): Promise<Problem> {
  const problem = await assertRejects(() => verifyWebhook(request, given), Problem);
  assertEquals([problem.code, problem.fields.reason], ["unauthorized", reason], problem.message);
  assert(problem.hint);
  return problem;
}

const accepted = async (request: Request, given = secrets) => await verifyWebhook(request, given);

for (
  const [whose, secret, id, timestamp, body, expected] of [
    [
      "the standard's library",
      SECRET,
      "msg_p5jXN8AQM9LWM0D4loKWxJek",
      1614265330,
      '{"test": 2432232314}',
      "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ],
    [
      "a sender's manual",
      "plJ3nmyCDGBKInavdOK15jsl",
      "msg_loFOjxBNrRLzqYUf",
      1731705121,
      '{"event_type":"ping","data":{"success":true}}',
      "rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
    ],
  ] as const
) {
  Deno.test(`the published signature of ${whose} is right, at the time it was made`, async () => {
    assertEquals(await signature({ secret, id, timestamp, body }), expected);
    const headers = {
      "webhook-id": id,
      "webhook-timestamp": String(timestamp),
      "webhook-signature": `v1,${expected}`,
    };
    const request = () => new Request("http://localhost/", { method: "POST", headers, body });
    const known = readWebhookSecrets(`whsec_${secret}`);
    const webhook = await atTime(timestamp * 1000, () => accepted(request(), known));
    assertEquals([webhook.id, webhook.sentAt], [id, timestamp]);
    assertEquals(new TextDecoder().decode(webhook.body), body);
    await refused("stale", request(), known);
  });
}

Deno.test("any bit of the body, id, time or signature that is flipped makes it wrong", async () => {
  const timestamp = nowInSeconds();
  const headers = await signedHeaders({ body: BODY, timestamp });
  const send = (changed: Record<string, string>, body: string | Uint8Array = BODY) =>
    new Request("http://localhost/", {
      method: "POST",
      headers: { ...headers, ...changed },
      body: body as BodyInit,
    });
  await accepted(send({}));
  const bytes = new TextEncoder().encode(BODY);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3] ^= 1 << (bit & 7);
    await refused("wrong_signature", send({}, flipped));
  }
  const signed = Uint8Array.from(
    atob(headers["webhook-signature"].slice(3)),
    (c) => c.charCodeAt(0),
  );
  for (let bit = 0; bit < signed.length * 8; bit++) {
    const flipped = signed.slice();
    flipped[bit >> 3] ^= 1 << (bit & 7);
    const text = `v1,${btoa(String.fromCharCode(...flipped))}`;
    await refused("wrong_signature", send({ "webhook-signature": text }));
  }
  for (const id of ["msg_2", "msg_", "msg_11", "Msg_1"]) {
    await refused("wrong_signature", send({ "webhook-id": id }));
  }
  for (const off of [-1, 1, 10]) {
    await refused("wrong_signature", send({ "webhook-timestamp": String(timestamp + off) }));
  }
});

Deno.test("a signature that is cut, longer, of another version or none at all is wrong", async () => {
  const right = (await signedHeaders({ body: BODY }))["webhook-signature"];
  for (let length = 1; length < right.length; length++) {
    const request = await signedRequest({ body: BODY }, {
      "webhook-signature": right.slice(0, length),
    });
    await refused("wrong_signature", request);
  }
  const wrong = [
    `${right}=`,
    `${right}A`,
    right.replace("v1,", "v2,"),
    right.replace("v1,", "v1a,"),
    right.replace("v1,", "V1,"),
    right.replace("v1,", ""),
    right.replace("v1,", "v1 "),
    right.replace("=", ""),
    right.toLowerCase(),
    "v1,",
    "v1",
    ",",
    "v1,undefined",
  ];
  for (const text of wrong) {
    await refused(
      "wrong_signature",
      await signedRequest({ body: BODY }, { "webhook-signature": text }),
    );
  }
});

Deno.test("a body that is cut, longer or of other spelling is wrong, also where it means the same", async () => {
  const headers = await signedHeaders({ body: BODY });
  const bodies = [
    "",
    BODY.slice(0, -1),
    `${BODY} `,
    `${BODY}\n`,
    `\uFEFF${BODY}`,
    JSON.stringify(JSON.parse(BODY), null, 1),
    BODY.replace("experts", "\\u0065xperts"),
  ];
  for (const body of bodies) {
    await refused(
      "wrong_signature",
      new Request("http://localhost/", { method: "POST", headers, body }),
    );
  }
});

Deno.test("a body of any script is signed as the bytes that are sent", async () => {
  const bodies = [
    '{"notes":"Überprüft, 審査済み, تمت, 👩🏽‍🚀"}',
    '{"notes":"e\u0301 is not é"}',
    '{"notes":"\u2028\u2029"}',
    "",
    "no JSON, and no less signed",
    `${"ü".repeat(100_000)}`,
  ];
  for (const body of bodies) await accepted(await signedRequest({ body }));
  const composed = await signedHeaders({ body: '{"notes":"é"}' });
  await refused(
    "wrong_signature",
    new Request("http://localhost/", {
      method: "POST",
      headers: composed,
      body: '{"notes":"e\u0301"}',
    }),
  );
});

Deno.test("a body that is no UTF-8 cannot be signed, since several such bodies would read as one", async () => {
  for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0x7b, 0xfe, 0x7d]]) {
    const body = new Uint8Array(bytes);
    await refused("wrong_signature", await signedRequest({ body }));
    // What the bytes are commonly read as has a signature, and it is not theirs.
    const headers = await signedHeaders({ body: new TextDecoder().decode(body) });
    await refused(
      "wrong_signature",
      new Request("http://localhost/", { method: "POST", headers, body }),
    );
  }
});

Deno.test("the names of the headers are taken in any case", async () => {
  for (const spelt of [(name: string) => name.toUpperCase(), title]) {
    const headers = Object.entries(await signedHeaders({ body: BODY }))
      .map(([name, value]): [string, string] => [spelt(name), value]);
    await accepted(new Request("http://localhost/", { method: "POST", headers, body: BODY }));
  }
});

const title = (name: string) => name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());

Deno.test("a webhook is good for five minutes, by a clock that is ahead or behind", async () => {
  const now = 1_800_000_000;
  for (
    const [off, good] of [
      [0, true],
      [-299, true],
      [-300, true],
      [-301, false],
      [299, true],
      [300, true],
      [301, false],
      [-86_400, false],
      [86_400, false],
    ] as const
  ) {
    const request = await signedRequest({ body: BODY, timestamp: now + off });
    await atTime(now * 1000 + 999, async () => {
      if (good) assertEquals((await accepted(request)).sentAt, now + off);
      else await refused("stale", request);
    });
  }
});

Deno.test("a time that is written in another way is none, even where it is signed", async () => {
  const now = nowInSeconds();
  const times = [
    `0${now}`,
    `+${now}`,
    `${now}.0`,
    `${now}abc`,
    `${now},${now}`,
    `${now} ${now}`,
    `0x${now.toString(16)}`,
    `${now / 1e9}e9`,
    "now",
    "-1",
    "0",
    "NaN",
    "Infinity",
    "9".repeat(30),
    `${now * 1000}`,
    new Date().toISOString(),
  ];
  for (const timestamp of times) {
    await refused("malformed", await signedRequest({ body: BODY, timestamp }));
  }
});

Deno.test("where one or two of the three headers are missing or empty, the answer says so", async () => {
  const names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
  for (let given = 1; given < 7; given++) {
    for (const value of [undefined, ""]) {
      const headers = new Headers(await signedHeaders({ body: BODY }));
      const missing = names.filter((_, index) => (given & (1 << index)) === 0);
      for (const name of missing) {
        if (value === undefined) headers.delete(name);
        else headers.set(name, value);
      }
      const request = new Request("http://localhost/", { method: "POST", headers, body: BODY });
      const problem = await refused("malformed", request);
      assertEquals(problem.message, `The header ${missing[0]} is missing.`);
    }
  }
});

Deno.test("an id with a full stop is refused, since id, time and body could be divided otherwise", async () => {
  const now = nowInSeconds();
  const inner = `${now}.{"old_name":"a","new_name":"b"}`;
  const headers = await signedHeaders({ id: "msg_1", timestamp: now, body: inner });
  const shifted = { ...headers, "webhook-id": `msg_1.${now}` };
  const body = inner.slice(`${now}.`.length);
  // The very same text is signed.
  assertEquals(
    await signature({ id: shifted["webhook-id"], timestamp: now, body }),
    headers["webhook-signature"].slice(3),
  );
  await refused(
    "malformed",
    new Request("http://localhost/", { method: "POST", headers: shifted, body }),
  );
});

Deno.test("an id is 1 to 255 visible ASCII characters", async () => {
  for (
    const id of [
      "a",
      "!",
      "~",
      "x".repeat(255),
      "a/b+c=d:e-f_g",
      "';drop/**/table/**/canary;--",
    ]
  ) {
    assertEquals((await accepted(await signedRequest({ body: BODY, id }))).id, id);
  }
  for (const id of ["x".repeat(256), "a b", "a, b", "a\tb", "é", "."]) {
    await refused("malformed", await signedRequest({ body: BODY, id }));
  }
});

Deno.test("one right signature among others is enough, as while a secret is replaced", async () => {
  const right = (await signedHeaders({ body: BODY }))["webhook-signature"];
  const other = `v1,${await signature({ secret: OTHER_SECRET, body: BODY })}`;
  for (
    const text of [`${other} ${right}`, `${right} ${other}`, `v1a,x v2,y ${right}`, `  ${right}`]
  ) {
    await accepted(await signedRequest({ body: BODY }, { "webhook-signature": text }));
  }
  for (
    const text of [`${other} ${other}`, `${right}x ${other}`]
  ) {
    await refused(
      "wrong_signature",
      await signedRequest({ body: BODY }, { "webhook-signature": text }),
    );
  }
});

Deno.test("the secret that fits says who the sender is, and another one fits nobody", async () => {
  const both = readWebhookSecrets(`ci=v1,whsec_${SECRET} bot=whsec_${OTHER_SECRET}`);
  assertEquals((await accepted(await signedRequest({ body: BODY }), both)).sender, "ci");
  const byBot = await signedRequest({ body: BODY, secret: OTHER_SECRET });
  assertEquals((await accepted(byBot, both)).sender, "bot");
  await refused("wrong_signature", await signedRequest({ body: BODY, secret: OTHER_SECRET }));
  await refused("wrong_signature", await signedRequest({ body: BODY, secret: btoa(SECRET) }), both);
  assertEquals((await accepted(await signedRequest({ body: BODY }))).sender, "default");
});

Deno.test("the setting holds one secret or several, with or without names, in the forms that senders give", () => {
  const senders = (text: string) => {
    const { secrets, unreadable } = readWebhookSecrets(text);
    return [...secrets.map(({ sender }) => sender), ...Array(unreadable).fill("?")].join(" ");
  };
  const [a, b] = [`whsec_${SECRET}`, `whsec_${OTHER_SECRET}`];
  assertEquals(senders(a), "default");
  assertEquals(senders(`v1,${a}`), "default");
  for (const between of [" ", ",", "\n", " , ", "\t"]) {
    assertEquals(senders(`${a}${between}${b}`), "default default", between);
    assertEquals(senders(`v1,${a}${between}v1,${b}`), "default default", between);
    assertEquals(
      senders(`ci=v1,${a}${between}bot.2=${b}${between}${a}`),
      "ci bot.2 default",
      between,
    );
  }
  const padded = `whsec_${btoa("x".repeat(32))}`;
  assert(padded.endsWith("="));
  assertEquals(senders(`x=${padded},y=v1,${padded},z=${a}`), "x y z");
  assertEquals(senders(""), "");
  assertEquals(senders(" ,, "), "");
});

Deno.test("an entry that cannot be read lets nobody in, closes nothing to others, and is not repeated", () => {
  const broken = [
    SECRET,
    "whsec_",
    "v1,whsec_",
    `whsec_${SECRET.slice(1)}`,
    "whsec_%%%%",
    `whsec_${btoa("fifteen bytes .")}`,
    `whsk_${SECRET}`,
    `a/b=whsec_${SECRET}`,
    `${"x".repeat(65)}=whsec_${SECRET}`,
    `=whsec_${SECRET}`,
    `WHSEC_${SECRET}`,
  ];
  for (const entry of broken) {
    const read = readWebhookSecrets(`${entry} bot=whsec_${OTHER_SECRET}`);
    assertEquals([read.unreadable, read.secrets.map(({ sender }) => sender)], [1, ["bot"]], entry);
    assertFalse(JSON.stringify(Object.keys(read)).includes(SECRET));
  }
  const sixteen = `whsec_${btoa("sixteen bytes ..")}`;
  assertEquals(readWebhookSecrets(sixteen).secrets.length, 1);
});

Deno.test("where the project has no secret, nothing is a webhook", async () => {
  for (const none of ["", "x", undefined]) {
    await refused("not_accepted", await signedRequest({ body: BODY }), readWebhookSecrets(none));
  }
});

Deno.test("what is wrong with the headers is reported before the body is read, and a large body is not read to its end", async () => {
  let read = 0;
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        read += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
    }, { highWaterMark: 0 });
  const send = async (changed: Record<string, string>) =>
    new Request("http://localhost/", {
      method: "POST",
      headers: { ...await signedHeaders({ body: BODY }), ...changed },
      body: endless(),
      duplex: "half",
    } as RequestInit);
  await refused("malformed", await send({ "webhook-id": "a.b" }));
  await refused("stale", await send({ "webhook-timestamp": "1" }));
  assertEquals(read, 0);
  const large = await send({});
  const problem = await assertRejects(() => verifyWebhook(large, secrets), Problem);
  assertEquals(problem.code, "body_too_large");
  assert(read <= MAX_BODY_BYTES + 2 * 65_536, `${read} bytes were read`);
});

Deno.test("a webhook is recorded under its sender, with what x-actor says behind it", async () => {
  const settings = settingsFromEnv((name) =>
    name === "RENAME_WEBHOOK_SECRET" ? `ci=whsec_${SECRET}` : undefined
  );
  const call = async (changed: Record<string, string>, taken = true) =>
    await authenticate(await signedRequest({ body: BODY }, changed), settings, taken);
  assertEquals((await call({})).actor, "webhook:ci");
  const caller = await call({ "x-actor": "deploy 42" });
  assertEquals([caller.identity, caller.actor], ["webhook:ci", "webhook:ci deploy 42"]);
  await assertRejects(() => call({}, false), Problem, "takes no webhooks");
});

Deno.test("a key beside a wrong signature does not make it right", async () => {
  const settings = settingsFromEnv((name) =>
    ({
      RENAME_WEBHOOK_SECRET: `whsec_${SECRET}`,
      SUPABASE_SECRET_KEYS: '{"default":"sb_secret_of_the_test"}',
    })[name]
  );
  const request = await signedRequest({ body: BODY, secret: OTHER_SECRET }, {
    apikey: "sb_secret_of_the_test",
  });
  const problem = await assertRejects(() => authenticate(request, settings, true), Problem);
  assertEquals(problem.fields.reason, "wrong_signature");
});
