/** Bodies and methods as strangers send them, on bare sockets: slow, endless, in tiny pieces, broken off. */
import net from "node:net";
import { assert, assertEquals, assertLess } from "@std/assert";
import { MAX_BODY_BYTES } from "../../shared/contract/requests.ts";
import { createTestDatabase } from "../support/servers/database.ts";
import { SECRET_KEY } from "../support/http/functions.ts";
import { type GatewayProcess, startGatewayProcess } from "../support/programs/gateway_process.ts";
import type { TestServer } from "../support/servers/servers.ts";
import { SECRET } from "../support/http/webhooks.ts";
import type { Report } from "./report.ts";

/** The longest time for a body, with some for a busy machine, in milliseconds. */
const DEADLINE_MS = [9_000, 16_000];

/** How much the process may grow by bodies that nobody signed, in MiB. */
const MAX_GROWTH_MIB = 128;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Sends a head and what `write` adds to it; answers the status, null where there was none. */
function send(
  { url }: GatewayProcess,
  head: string[],
  write: (socket: net.Socket) => Promise<void>,
): Promise<number | null> {
  const { port } = new URL(url);
  return new Promise((resolve) => {
    let text = "";
    const socket = net.connect(Number(port), "127.0.0.1", () => {
      socket.setNoDelay(true);
      socket.write(`${[head[0], "host: attack", ...head.slice(1)].join("\r\n")}\r\n\r\n`);
      void write(socket);
    });
    const end = () => {
      socket.destroy();
      const [, status] = /^HTTP\/1\.1 (\d+)/.exec(text) ?? [];
      resolve(status === undefined ? null : Number(status));
    };
    socket.on("data", (data) => {
      text += data;
      if (text.includes("\r\n\r\n")) end();
    });
    socket.on("error", end);
    socket.on("close", end);
  });
}

const POST = "POST /functions/v1/rename HTTP/1.1";
const keyed = (...more: string[]) => [
  POST,
  `apikey: ${SECRET_KEY}`,
  "content-type: application/json",
  ...more,
];
const CHUNKED = "transfer-encoding: chunked";

/** A webhook of now, signed by nobody. */
const junk = (...more: string[]) => [
  POST,
  `webhook-id: ${crypto.randomUUID()}`,
  `webhook-timestamp: ${Math.floor(Date.now() / 1_000)}`,
  `webhook-signature: v1,${btoa("x".repeat(32))}`,
  "content-type: application/json",
  ...more,
];

async function drop(socket: net.Socket): Promise<void> {
  while (!socket.destroyed) {
    socket.write("1\r\n \r\n");
    await pause(200);
  }
}

async function pieces(socket: net.Socket, count: number): Promise<void> {
  for (let sent = 0; sent < count && !socket.destroyed; sent++) {
    socket.write("1\r\n \r\n");
    if (sent % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  socket.write("0\r\n\r\n");
}

const nothing = () => Promise.resolve();

export async function attackByBodies(server: TestServer, report: Report): Promise<void> {
  const db = await createTestDatabase(server);
  await using gateway = await startGatewayProcess(db.url, {
    RENAME_WEBHOOK_SECRET: `whsec_${SECRET}`,
  });
  const trying = (what: string, work: () => Promise<void>) =>
    report.trying("bodies and methods of strangers", what, work);
  try {
    const late = async (head: string[], write: (socket: net.Socket) => Promise<void>) => {
      const started = performance.now();
      assertEquals(await send(gateway, head, write), 408);
      const took = performance.now() - started;
      assert(took > DEADLINE_MS[0] && took < DEADLINE_MS[1], `answered after ${took} ms`);
    };
    const slow = [
      trying("a body in drops", () => late(junk(CHUNKED), drop)),
      trying("a body that never comes", () => late(junk("content-length: 100"), nothing)),
      trying("drops with a key", () => late(keyed(CHUNKED), drop)),
    ];
    for (const method of ["TRACE", "TRACK", "get", "Post", "FOO", "DELETE"]) {
      await trying(`method ${method}`, async () => {
        const head = [`${method} /functions/v1/list-migrations HTTP/1.1`, `apikey: ${SECRET_KEY}`];
        assertEquals(await send(gateway, head, nothing), 405);
      });
    }
    await trying("a body that is announced as too large", async () => {
      const head = keyed(`content-length: ${MAX_BODY_BYTES + 1}`);
      assertEquals(await send(gateway, head, nothing), 413);
    });
    await trying("an endless body in chunks", async () => {
      const chunk = `10000\r\n${" ".repeat(65_536)}\r\n`;
      assertEquals(
        await send(gateway, junk(CHUNKED), async (socket) => {
          for (let sent = 0; sent < 32 && !socket.destroyed; sent++) {
            socket.write(chunk);
            await pause(1);
          }
        }),
        413,
      );
    });
    await trying("uploads that break off", async () => {
      const before = gateway.errors();
      for (
        const head of [junk("content-length: 100"), keyed("content-length: 100"), keyed(CHUNKED)]
      ) {
        const chunked = head.includes(CHUNKED);
        await send(gateway, head, async (socket) => {
          socket.write(chunked ? "2\r\n{}\r\n" : "{}");
          await pause(50);
          socket.destroy();
        });
      }
      await pause(500);
      assertEquals(gateway.errors().slice(before.length), "");
    });
    await Promise.all(slow);
    await trying("6,000 packets of one byte each, signed by nobody", async () => {
      const before = memoryMib(gateway.pid);
      let peak = before;
      const looking = setInterval(() => peak = Math.max(peak, memoryMib(gateway.pid)), 50);
      for (let round = 0; round < 3; round++) {
        const statuses = await Promise.all(
          [1, 2].map(() => send(gateway, junk(CHUNKED), (socket) => pieces(socket, 6_000))),
        );
        assertEquals(statuses, [401, 401]);
      }
      clearInterval(looking);
      report.say(`  memory of the process: ${before} MiB before, ${peak} MiB at most`);
      assertLess(peak - before, MAX_GROWTH_MIB);
    });
    await trying("it still answers", async () => {
      assertEquals(
        await send(gateway, [
          "GET /functions/v1/list-migrations HTTP/1.1",
          `apikey: ${SECRET_KEY}`,
        ], nothing),
        200,
      );
    });
  } finally {
    await gateway.kill();
    await db.close();
  }
}

/** What a process has in memory; 0 where that cannot be read. */
function memoryMib(pid: number): number {
  try {
    const [, kib] = /VmRSS:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))!;
    return Math.round(Number(kib) / 1_024);
  } catch {
    return 0;
  }
}
