/**
 * A TCP proxy before a PostgreSQL server that sees every protocol message (PostgreSQL manual,
 * chapter 55) and cuts the connection where a test says so. Only the one connection breaks; the
 * proxy goes on taking new ones, as a network does after a moment.
 */
import { messagesOf, type Side } from "./protocol_messages.ts";

export interface ProxyMessage {
  /** Who sent it. */
  from: Side;
  /** Its number among all messages from that side since `reset`, from 1. */
  number: number;
  /** Number of its connection since `reset`; 0 for one that was there before. */
  connection: number;
  /** Type byte as a letter; "startup" for messages without one. */
  type: string;
  /** What it holds, as far as it is text. */
  readonly text: string;
}

/**
 * What becomes of a message: `forward` it, `cut` the connection instead, or forward it and `cut
 * after` it. A promise holds up the messages behind it.
 */
export type Verdict = "forward" | "cut" | "cut after";

export interface CuttingProxy extends AsyncDisposable {
  readonly port: number;
  /** The server's port; new connections go there. */
  target: number;
  /** `url` led through the proxy. */
  through(url: string): string;
  /** Asked about each message. Default: forward all. */
  judge: (message: ProxyMessage) => Verdict | Promise<Verdict>;
  /** Counts from 1 again. */
  reset(): void;
  /** How many messages came from each side since `reset`. */
  readonly counts: Record<Side, number>;
  /** How many connections were cut since `reset`. */
  readonly cuts: number;
}

/** Starts a proxy before the server at port `target` on the loopback interface. */
export function startCuttingProxy(target: number): CuttingProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.TcpConn>();
  let counts: Record<Side, number> = { client: 0, server: 0 };
  let connections = 0;
  let cuts = 0;
  let generation = 0;
  const disposed = Promise.withResolvers<Verdict>();
  const proxy: CuttingProxy = {
    port: listener.addr.port,
    target,
    through: (url) => {
      const through = new URL(url);
      through.port = String(listener.addr.port);
      return through.href;
    },
    judge: () => "forward",
    reset() {
      counts = { client: 0, server: 0 };
      connections = cuts = 0;
      generation++;
    },
    get counts() {
      return counts;
    },
    get cuts() {
      return cuts;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      disposed.resolve("cut");
      for (const connection of open) close(connection);
      await accepting;
    },
  };

  async function serve(client: Deno.TcpConn): Promise<void> {
    const number = ++connections;
    const born = generation;
    open.add(client);
    let server: Deno.TcpConn;
    try {
      server = await Deno.connect({ hostname: "127.0.0.1", port: proxy.target });
    } catch {
      // The server is down: the client's connection breaks, too.
      open.delete(client);
      return close(client);
    }
    open.add(server);
    for (const side of [client, server]) side.setNoDelay(true);
    let broken = false;

    const pump = async (from: Side, source: Deno.TcpConn, target: Deno.TcpConn) => {
      try {
        const split = messagesOf(from);
        for await (const chunk of source.readable) {
          // What still comes on a cut connection is read, so that it is closed and not reset.
          if (broken) continue;
          const pass: Uint8Array[] = [];
          for (const message of split(chunk)) {
            const verdict = proxy.judge({
              from,
              number: ++counts[from],
              connection: born === generation ? number : 0,
              type: message.type,
              get text() {
                return new TextDecoder().decode(message.bytes.subarray(5));
              },
            });
            const decided = await Promise.race([verdict, disposed.promise]);
            if (broken) break;
            if (decided !== "cut") pass.push(message.bytes);
            if (decided === "forward") continue;
            broken = true;
            cuts++;
            break;
          }
          await write(target, pass);
          if (broken) await Promise.allSettled([source.closeWrite(), target.closeWrite()]);
        }
      } finally {
        await target.closeWrite().catch(() => {});
      }
    };
    await Promise.allSettled([pump("client", client, server), pump("server", server, client)]);
    for (const connection of [client, server]) {
      open.delete(connection);
      close(connection);
    }
  }

  const accepting = (async () => {
    const served = new Set<Promise<void>>();
    for await (const client of listener) served.add(serve(client));
    await Promise.all(served);
  })();
  return proxy;
}

async function write(target: Deno.TcpConn, parts: Uint8Array[]): Promise<void> {
  for (let rest = concat(parts); rest.length > 0;) {
    rest = rest.subarray(await target.write(rest));
  }
}

function concat(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // Its stream has closed it already.
  }
}
