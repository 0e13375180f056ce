/**
 * A TCP proxy that puts distance between a client and the server: every byte arrives half the distance later,
 * in each direction, and as many of them at once as there are (no limit of bandwidth). In a thread of its
 * own, so that the clients' work does not add to the distance.
 */
export interface DistanceOptions {
  /** The server's port on 127.0.0.1. */
  port: number;
  /** Round trip in milliseconds. */
  distanceMs: number;
}

const scope = self as unknown as {
  onmessage: (event: MessageEvent<DistanceOptions>) => void;
  postMessage: (message: number) => void;
};

scope.onmessage = async ({ data: { port, distanceMs } }) => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  scope.postMessage((listener.addr as Deno.NetAddr).port);
  for await (const client of listener) {
    const server = await Deno.connect({ hostname: "127.0.0.1", port });
    client.setNoDelay(true);
    server.setNoDelay(true);
    forward(client, server, distanceMs / 2);
    forward(server, client, distanceMs / 2);
  }
};

/** Reads without pause; each piece is written once it is due, in order. */
async function forward(from: Deno.TcpConn, to: Deno.TcpConn, delayMs: number): Promise<void> {
  let written: Promise<unknown> = Promise.resolve();
  const later = (work: () => Promise<unknown> | void) => {
    const due = performance.now() + delayMs;
    written = written.then(async () => {
      const wait = due - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      await work();
    }).catch(() => {});
  };
  const buffer = new Uint8Array(65_536);
  try {
    for (let size; (size = await from.read(buffer)) !== null;) {
      const piece = buffer.slice(0, size);
      later(() => writeAll(to, piece));
    }
  } catch {
    // The connection broke: its other side ends too.
  }
  later(() => to.close());
}

async function writeAll(to: Deno.TcpConn, piece: Uint8Array): Promise<void> {
  for (let done = 0; done < piece.length;) done += await to.write(piece.subarray(done));
}
