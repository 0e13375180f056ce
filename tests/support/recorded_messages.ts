/** What the functions send to the server, message by message, and in which state each was sent. */
import { startCuttingProxy } from "./servers/cutting_proxy.ts";

export interface SentMessage {
  connection: number;
  /** Type byte of the protocol: `Q` for statements. */
  type: string;
  text: string;
  /** Whether the server had said that a transaction is open. */
  inTransaction: boolean;
}

export interface RecordedMessages extends AsyncDisposable {
  /** The URL led through the recorder. */
  url: string;
  sent: SentMessage[];
}

/** Records what is sent to the server of `url`. */
export function recordMessages(url: string): RecordedMessages {
  const proxy = startCuttingProxy(Number(new URL(url).port));
  const sent: SentMessage[] = [];
  const open = new Map<number, boolean>();
  proxy.judge = ({ from, type, connection, text }) => {
    // ReadyForQuery says I (idle), T (in a transaction) or E (in one that failed).
    if (from === "server" && type === "Z") open.set(connection, text !== "I");
    if (from === "client") {
      const inTransaction = open.get(connection) ?? false;
      sent.push({ connection, type, text: text.replace(/\0$/, ""), inTransaction });
    }
    return "forward";
  };
  return {
    url: proxy.through(url),
    sent,
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}
