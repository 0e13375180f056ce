import { assertEquals } from "@std/assert";
import { Webhook } from "standardwebhooks";
import {
  isPrivateAddress,
  refusalOfHost,
  type Resolve,
} from "../../../shared/notifications/addresses.ts";
import { backgroundEnded, inBackground } from "../../../shared/notifications/background.ts";
import { send } from "../../../shared/notifications/send.ts";
import { closedPort } from "../../support/servers/counting_listener.ts";
import { SECRET } from "../../support/http/webhooks.ts";

/** First and last address of each network that is not public, and what is next to it. */
const PRIVATE = [
  ...["0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255"],
  ...["127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254", "169.254.255.255"],
  ...["172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.2.1", "192.168.0.0", "192.168.255.255"],
  ...["198.18.0.0", "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.1.1.1"],
  ...["240.0.0.1", "255.255.255.255"],
  ...["::", "::1", "[::1]", "fe80::1", "fe80::1%eth0", "febf::1", "fc00::1", "fdff::1", "ff02::1"],
  ...["::ffff:127.0.0.1", "::ffff:7f00:1", "[::ffff:a00:1]", "64:ff9b::a9fe:a9fe", "::127.0.0.1"],
  ...["2001:db8::1", "2001::1", "2002:7f00:1::", "3fff::1", "100::1", "fec0::1", "5f00::1"],
  ...["", "nonsense", "1.2.3", "1.2.3.256", "1::2::3", ":::", "12345::", "1:2:3:4:5:6:7"],
];

const PUBLIC = [
  ...["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"],
  ...["128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0"],
  ...["192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"],
  ...["2606:4700:4700::1111", "[2a00:1450:4001:81b::200e]", "2003::1", "::ffff:1.1.1.1"],
  ...["64:ff9b::101:101", "2001:200::1", "2001:4860:4860:0:0:0:0:8888"],
];

Deno.test("addresses that are not of the public Internet are distinguished from those that are", () => {
  assertEquals(PRIVATE.filter((address) => !isPrivateAddress(address)), []);
  assertEquals(PUBLIC.filter(isPrivateAddress), []);
});

const signal = new AbortController().signal;
const NotFound = () => Promise.reject(new Deno.errors.NotFound("no records"));

Deno.test("a name is refused unless all that it leads to is public", async () => {
  const names: Record<string, [string[], string[]]> = {
    "public.example": [["1.1.1.1"], ["2606:4700:4700::1111"]],
    "four.example": [["1.1.1.1"], []],
    "metadata.example": [["169.254.169.254"], []],
    "half.example": [["1.1.1.1", "10.0.0.1"], ["2606:4700:4700::1111"]],
    "six.example": [["1.1.1.1"], ["::1"]],
    "unknown.example": [[], []],
  };
  const resolve: Resolve = (name, type) => {
    const found = names[name][type === "A" ? 0 : 1];
    return found.length === 0 ? NotFound() : Promise.resolve(found);
  };
  const refusals = await Promise.all(
    [...Object.keys(names), "8.8.8.8", "[::1]", "LOCALHOST", "printer.local"].map((name) =>
      refusalOfHost(name, signal, resolve)
    ),
  );
  const leads = "the name leads to a private address";
  assertEquals(refusals, [
    ...[null, null, leads, leads, leads, "the name cannot be resolved"],
    ...[null, "the address is private", "the name is local", "the name is local"],
  ]);
});

Deno.test("where the runtime cannot look names up, or may not, a public one is taken at its word", async () => {
  const forbidden: Resolve = () => Promise.reject(new Deno.errors.NotCapable("no net access"));
  assertEquals(await refusalOfHost("example.com", signal, forbidden), null);
  assertEquals(await refusalOfHost("127.0.0.1", signal, forbidden), "the address is private");
});

Deno.test("a name of this machine is found out by the runtime's own look-up", async () => {
  const resolve: Resolve = (_, type, signal) => Deno.resolveDns("localhost", type, { signal });
  const refusal = await refusalOfHost("www.example.com", signal, resolve);
  assertEquals(refusal, "the name leads to a private address");
});

const sending = {
  signers: [new Webhook(SECRET)],
  allowPrivate: true,
  timeoutMs: 5_000,
};

Deno.test("an answer's body is not read, however long", async () => {
  let written = 0;
  const closed = Promise.withResolvers<void>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    const chunk = new Uint8Array(65_536);
    return new Response(
      new ReadableStream({
        pull(controller) {
          written += chunk.length;
          controller.enqueue(chunk);
        },
        cancel: () => closed.resolve(),
      }),
      { status: 500 },
    );
  });
  const url = new URL(`http://127.0.0.1:${server.addr.port}/`);
  const outcome = await send(url, "msg_1", "{}", sending);
  assertEquals(outcome, { delivered: false, error: "answered 500", final: false });
  // The connection is closed under it; what fits into buffers is all that was ever written.
  await closed.promise;
  assertEquals(written < 64 * 1024 * 1024, true, `${written} bytes`);
  await server.shutdown();
});

Deno.test("what fails on the way is named without the URL", async () => {
  const secret = "of-the-receiver";
  const errors: string[] = [];
  const tls = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  void (async () => {
    for await (const connection of tls) connection.close();
  })();
  for (
    const url of [
      `http://127.0.0.1:${closedPort()}/${secret}`,
      `https://127.0.0.1:${tls.addr.port}/${secret}`,
      `http://no-such-name.invalid/${secret}`,
    ]
  ) {
    const outcome = await send(new URL(url), "msg_1", "{}", sending);
    errors.push(outcome.delivered ? "delivered" : outcome.error);
  }
  tls.close();
  assertEquals(errors, [
    "the connection failed",
    "the TLS connection failed",
    "the name cannot be resolved",
  ]);
});

Deno.test("the platform is informed of work that goes on after the answer", async () => {
  const kept: Promise<unknown>[] = [];
  const runtime = { waitUntil: (work: Promise<unknown>) => void kept.push(work) };
  Object.assign(globalThis, { EdgeRuntime: runtime });
  try {
    const { promise, resolve } = Promise.withResolvers<void>();
    let ended = false;
    inBackground(promise.then(() => void (ended = true)));
    assertEquals([kept.length, ended], [1, false]);
    resolve();
    await backgroundEnded();
    assertEquals(ended, true);
    await Promise.all(kept);
  } finally {
    delete (globalThis as { EdgeRuntime?: unknown }).EdgeRuntime;
  }
});
