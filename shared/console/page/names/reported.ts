/** What the project knows of an old name beside its use, in a sentence: the last test, and what is left in code. */
import type { Migration } from "../../../contract/responses.ts";

type LastVerified = NonNullable<Migration["last_verified"]>;
type UsesInCode = NonNullable<Migration["uses_in_code"]>;

/** Such as "Code still has 3 uses and 1 possible one in 2 repositories." */
export function usesText({ certain, possible, repositories }: UsesInCode): string {
  const where = repositories === 1 ? "" : ` in ${repositories} repositories`;
  if (certain === 0 && possible === 0) return `No use was found in code${where}.`;
  const uses = certain === 1 ? "1 use" : `${certain} uses`;
  const others = possible === 0
    ? ""
    : possible === 1
    ? " and 1 possible one"
    : ` and ${possible} possible ones`;
  return `Code still has ${uses}${others}${where}.`;
}

/** Such as "5 checks, 1 failed, 2 skipped". */
export const checksText = ({ checks, failed, skipped }: LastVerified): string =>
  [
    `${checks} checks`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ].join(", ");
