/** An operation's progress as an async iterator. */
import type { Progress } from "../contract/responses.ts";

/**
 * The progress of an operation, and its answer. The loop ends with the operation, and throws what `answer` rejects
 * with. Leaving the loop early does not stop the operation.
 */
export interface Followed<Answer> extends AsyncIterable<Progress> {
  answer: Promise<Answer>;
}

/** Starts the call at once; progress is kept until the loop asks for it. */
export function followed<Answer>(
  call: (onProgress: (progress: Progress) => void) => Promise<Answer>,
): Followed<Answer> {
  const reports: Progress[] = [];
  let wake = () => {};
  let over = false;
  const answer = call((progress) => {
    reports.push(progress);
    wake();
  }).finally(() => {
    over = true;
    wake();
  });
  // A caller that only loops gets the failure there.
  answer.catch(() => {});
  async function* events(): AsyncGenerator<Progress> {
    for (let next = 0;;) {
      if (next < reports.length) yield reports[next++];
      else if (over) break;
      else await new Promise<void>((resolve) => wake = resolve);
    }
    await answer;
  }
  return { answer, [Symbol.asyncIterator]: events };
}
