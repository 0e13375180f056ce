/** An answer that comes as server-sent events: `progress` as it happens, then one `result` or `problem`. */
import { type EventSourceMessage, EventSourceParserStream } from "eventsource-parser/stream";
import { progress } from "../contract/responses.ts";
import {
  fromProblem,
  isProblem,
  parseObject,
  unexpectedAnswer,
  unreachable,
} from "./rename_error.ts";
import type { CallOptions } from "./retry.ts";

/**
 * Reads the events until the last one, and returns its result. Events of other names and unknown progress are
 * those of a newer server, and ignored.
 *
 * @throws {RenameError} The code of the problem; `unreachable` where the stream breaks off;
 *   `unexpected_answer` where its end makes no sense.
 */
export async function readEvents(
  response: Response,
  endpoint: URL,
  { onProgress, signal }: CallOptions,
): Promise<Record<string, unknown>> {
  const requestId = response.headers.get("x-request-id") ?? undefined;
  const broken = (cause: unknown) => {
    signal?.throwIfAborted();
    return unreachable(endpoint, cause, requestId);
  };
  for await (const { event, data } of messages(response, broken)) {
    const body = parseObject(data);
    if (event === "progress") {
      const { success, data: known } = progress.safeParse(body);
      if (success) onProgress?.(known);
    } else if (event === "problem" || event === "result") {
      if (event === "problem" && isProblem(body)) throw fromProblem(body, requestId);
      if (event === "result" && body !== undefined) return body;
      throw unexpectedAnswer(endpoint, response.status, `its ${event} is none`, { requestId });
    }
  }
  throw broken(new Error("the event stream ended before the result"));
}

/** The events of the response's body; ending the loop closes the connection. */
async function* messages(
  { body }: Response,
  broken: (cause: unknown) => Error,
): AsyncGenerator<EventSourceMessage> {
  if (body === null) return;
  const decoder: ReadableWritablePair<string, BufferSource> = new TextDecoderStream();
  try {
    yield* body.pipeThrough(decoder).pipeThrough(new EventSourceParserStream());
  } catch (cause) {
    throw broken(cause);
  }
}
