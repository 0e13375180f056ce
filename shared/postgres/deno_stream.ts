/** A connection of Deno's as the stream that postgres.js works with. */
import { Duplex } from "node:stream";

const CHUNK_BYTES = 65_536;

/** The stream; destroyed, it closes the connection. */
export function duplexOf(connection: Deno.Conn): Duplex {
  let closed = false;
  const stream = new Duplex({
    allowHalfOpen: false,
    read() {
      const chunk = new Uint8Array(CHUNK_BYTES);
      connection.read(chunk).then(
        (length) => stream.push(length === null ? null : chunk.subarray(0, length)),
        (error) => stream.destroy(error),
      );
    },
    write(chunk: Uint8Array, _encoding, done) {
      writeAll(connection, chunk).then(() => done(), done);
    },
    final(done) {
      connection.closeWrite().then(() => done(), () => done());
    },
    destroy(error, done) {
      if (!closed) connection.close();
      closed = true;
      done(error);
    },
  });
  // By this postgres.js sees whether it can still say good-bye.
  Object.defineProperty(stream, "readyState", {
    get: () => (stream.destroyed ? "closed" : "open"),
  });
  return stream;
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) written += await connection.write(bytes.subarray(written));
}
