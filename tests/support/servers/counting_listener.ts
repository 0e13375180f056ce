/** A port where a database could be, to see whether anybody knocks. */

export interface CountingListener extends Disposable {
  /** A database URL that leads here. */
  readonly url: string;
  readonly port: number;
  /** Connections so far. */
  readonly connections: number;
}

/**
 * Listens on a free port of this machine. Whoever connects is asked, like a client of a PostgreSQL server
 * that is still starting, to come back later; or, with `hangUp`, nothing.
 */
export function countConnections({ hangUp = false } = {}): CountingListener {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  let connections = 0;
  const answer = async (connection: Deno.Conn) => {
    connections++;
    try {
      if (!hangUp) {
        await connection.read(new Uint8Array(1_024));
        await connection.write(STARTING_UP);
      }
      connection.close();
    } catch {
      // The client was faster.
    }
  };
  (async () => {
    for await (const connection of listener) void answer(connection);
  })().catch(() => {});
  return {
    url: `postgresql://postgres:secret-of-the-database@127.0.0.1:${port}/postgres?sslmode=disable`,
    port,
    get connections() {
      return connections;
    },
    [Symbol.dispose]: () => listener.close(),
  };
}

/** A port on this machine where nobody listens. */
export function closedPort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

/** ErrorResponse: cannot_connect_now (PostgreSQL manual, 55.7). */
const STARTING_UP = (() => {
  const fields = "SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0";
  const message = new Uint8Array(5 + fields.length);
  message[0] = "E".charCodeAt(0);
  new DataView(message.buffer).setUint32(1, 4 + fields.length);
  message.set(new TextEncoder().encode(fields), 5);
  return message;
})();
