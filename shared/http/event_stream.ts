/**
 * Server-sent events (WHATWG HTML, section 9.2): `progress` events as they happen, then one `result` or
 * `problem` with the body that the JSON answer would have.
 */

/** Time between two comments that keep proxies from closing a silent connection, in milliseconds. */
const KEEP_ALIVE_MS = 15_000;

interface EventSink {
  send(event: string, data: unknown): void;
}

/** An answer that `work` writes events into; the stream ends when the work does. */
export function eventStream(
  headers: Record<string, string>,
  work: (sink: EventSink) => Promise<void>,
  onCancel: () => void,
): Response {
  const encoder = new TextEncoder();
  let keepAlive: ReturnType<typeof setInterval> | undefined;
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      const write = (text: string) => {
        try {
          controller.enqueue(encoder.encode(text));
        } catch {
          // Closed by the caller. `onCancel` was called; the work decides whether it continues.
        }
      };
      const sink: EventSink = {
        send: (event, data) => write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`),
      };
      keepAlive = setInterval(() => write(": still at work\n\n"), KEEP_ALIVE_MS);
      void work(sink).finally(() => {
        clearInterval(keepAlive);
        try {
          controller.close();
        } catch {
          // Closed by the caller already.
        }
      });
    },
    cancel() {
      clearInterval(keepAlive);
      onCancel();
    },
  });
  return new Response(stream, {
    headers: { ...headers, "content-type": "text/event-stream; charset=utf-8" },
  });
}
