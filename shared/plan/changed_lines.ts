/** What differs between two plans, line by line, for people. */

/** Most lines that are told; the hashes say that there is a difference in any case. */
const MAX_LINES = 100;

/** Beyond so many lines that differ at the middle, they are told as removed and added as a whole. */
const MAX_COMPARED = 2_000;

/**
 * Lines of `before` that are gone, as `- line`, and lines of `after` that are new, as `+ line`, in the order
 * of both: by their longest common subsequence.
 */
export function linesChanged(before: string[], after: string[]): string[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  while (
    end < before.length - start && end < after.length - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  ) end++;
  const [old, now] = [
    before.slice(start, before.length - end),
    after.slice(start, after.length - end),
  ];
  const changed = old.length > MAX_COMPARED || now.length > MAX_COMPARED
    ? [...old.map((line) => `- ${line}`), ...now.map((line) => `+ ${line}`)]
    : compared(old, now);
  const more = changed.length - MAX_LINES;
  return more > 0 ? [...changed.slice(0, MAX_LINES), `… and ${more} more lines`] : changed;
}

function compared(before: string[], after: string[]): string[] {
  // lengths[i][j]: longest common subsequence of what follows line i and line j.
  const width = after.length + 1;
  const lengths = new Uint16Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      lengths[i * width + j] = before[i] === after[j]
        ? lengths[(i + 1) * width + j + 1] + 1
        : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
  }
  const changed: string[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      i++;
      j++;
    } else if (
      j === after.length ||
      (i < before.length && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1])
    ) {
      changed.push(`- ${before[i++]}`);
    } else {
      changed.push(`+ ${after[j++]}`);
    }
  }
  return changed;
}
