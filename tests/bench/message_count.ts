/** A proxy that counts what a client asks of the server (PostgreSQL manual, 55.7, message formats). */

export interface CountingMessages extends AsyncDisposable {
  /** A connection string that leads through it. */
  url: string;
  /** Queries since `reset` that name pg_class. */
  readonly catalogMessages: number;
  reset(): void;
}

export function countingMessages(url: string): CountingMessages {
  const port = Number(new URL(url).port);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let catalogMessages = 0;
  const connections: Deno.TcpConn[] = [];
  const accepting = (async () => {
    for await (const client of listener) {
      const server = await Deno.connect({ hostname: "127.0.0.1", port });
      client.setNoDelay(true);
      server.setNoDelay(true);
      connections.push(client, server);
      const watched = client.readable.pipeThrough(queries((text) => {
        // What begins a transaction asks what there is to ask, in the same message.
        if (text.includes("pg_class") && !text.startsWith("begin ")) catalogMessages++;
      }));
      watched.pipeTo(server.writable).catch(() => {});
      server.readable.pipeTo(client.writable).catch(() => {});
    }
  })();
  return {
    url: url.replace(`:${port}/`, `:${(listener.addr as Deno.NetAddr).port}/`),
    get catalogMessages() {
      return catalogMessages;
    },
    reset() {
      catalogMessages = 0;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting.catch(() => {});
      for (const connection of connections) {
        try {
          connection.close();
        } catch {
          // It is closed already.
        }
      }
    },
  };
}

/** Passes everything on, and reports the text of each simple query. */
function queries(seen: (text: string) => void): TransformStream<Uint8Array, Uint8Array> {
  let pending = new Uint8Array(0);
  // The first message of a connection has no type.
  let typed = false;
  return new TransformStream({
    transform(piece, controller) {
      const joined = new Uint8Array(pending.length + piece.length);
      joined.set(pending);
      joined.set(piece, pending.length);
      let start = 0;
      for (;;) {
        const head = start + (typed ? 1 : 0);
        if (joined.length < head + 4) break;
        const end = head + new DataView(joined.buffer).getUint32(head);
        if (joined.length < end) break;
        if (typed && joined[start] === "Q".charCodeAt(0)) {
          seen(new TextDecoder().decode(joined.subarray(head + 4, end)));
        }
        typed = true;
        start = end;
      }
      pending = joined.slice(start);
      controller.enqueue(piece);
    },
  });
}
