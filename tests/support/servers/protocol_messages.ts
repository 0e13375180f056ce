/** Splits a PostgreSQL byte stream into its messages (PostgreSQL manual, 55.7, message formats). */

/** The two ends of a connection. */
export type Side = "client" | "server";

export interface RawMessage {
  /** Type byte as a letter; "startup" for what a client sends before the connection is set up. */
  type: string;
  /** The whole message, type and length included. */
  bytes: Uint8Array;
}

/** A start-up message whose version is this one is the last without a type byte. */
const PROTOCOL_3 = 3 << 16;

/** A function that takes the bytes from one side as they come, and gives the complete messages. */
export function messagesOf(side: Side): (chunk: Uint8Array) => RawMessage[] {
  let rest = new Uint8Array(0);
  let startingUp = side === "client";
  return (chunk) => {
    const bytes = new Uint8Array(rest.length + chunk.length);
    bytes.set(rest);
    bytes.set(chunk, rest.length);
    const view = new DataView(bytes.buffer);
    const messages: RawMessage[] = [];
    let offset = 0;
    for (;;) {
      const typeBytes = startingUp ? 0 : 1;
      if (offset + typeBytes + 4 > bytes.length) break;
      const end = offset + typeBytes + view.getInt32(offset + typeBytes);
      if (end > bytes.length) break;
      const type = startingUp ? "startup" : String.fromCharCode(bytes[offset]);
      if (startingUp && view.getInt32(offset + 4) === PROTOCOL_3) startingUp = false;
      messages.push({ type, bytes: bytes.slice(offset, end) });
      offset = end;
    }
    rest = bytes.slice(offset);
    return messages;
  };
}
