/** An operation's progress as an async iterator, for those who would rather loop than be called. */
import type { Progress } from "../contract/responses.ts";

/**
 * What an operation tells while it is under way, and how it ended. The loop ends with the operation, and throws
 * what `answer` rejects with. Leaving it early leaves the operation to go on.
 */
export interface Followed<Answer> extends AsyncIterable<Progress> {
  answer: Promise<Answer>;
}

/** Starts the call at once; progress that nobody has asked for yet is kept. */
export function followed<Answer>(
  call: (onProgress: (progress: Progress) => void) => Promise<Answer>,
): Followed<Answer> {
  const told: Progress[] = [];
  let wake = () => {};
  let over = false;
  const answer = call((progress) => {
    told.push(progress);
    wake();
  }).finally(() => {
    over = true;
    wake();
  });
  // Whoever only loops hears of a failure there.
  answer.catch(() => {});
  async function* events(): AsyncGenerator<Progress> {
    for (let next = 0;;) {
      if (next < told.length) yield told[next++];
      else if (over) break;
      else await new Promise<void>((resolve) => wake = resolve);
    }
    await answer;
  }
  return { answer, [Symbol.asyncIterator]: events };
}
