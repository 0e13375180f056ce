/** Reads an answer of server-sent events as it comes (WHATWG HTML, section 9.2.6). */

export interface ReceivedEvent {
  event: string;
  // deno-lint-ignore no-explicit-any -- progress, an operation's answer or a problem document
  data: any;
  /** When it came, on the clock of performance.now(). */
  at: number;
}

/** The events of an answer, each as soon as it is complete; comments are left out. */
export async function* eventsOf(response: Response): AsyncGenerator<ReceivedEvent> {
  let rest = "";
  for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
    rest += text;
    for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
      const fields = Object.fromEntries(
        rest.slice(0, end).split("\n").filter((line) => !line.startsWith(":"))
          .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
      );
      rest = rest.slice(end + 2);
      if (fields.event === undefined) continue;
      yield { event: fields.event, data: JSON.parse(fields.data), at: performance.now() };
    }
  }
  if (rest !== "") throw new Error(`the stream ends within an event: ${rest}`);
}
