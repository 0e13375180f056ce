/** The verification, as a short list of checks. */
import type { Difference, Verification } from "../contract/responses.ts";
import { safe, type Stream } from "./terminal.ts";

/** Whether it passed, and each check with the differences it found. */
export function describeVerification(
  { passed, checks }: Verification,
  { colors }: Pick<Stream, "colors">,
): string {
  return [
    colors.bold("Verification  ") + (passed ? colors.green("passed") : colors.red("did not pass")),
    ...checks.map(({ name, passed, detail, differences = [] }) => {
      const mark = passed ? colors.green("✓") : colors.red("✗");
      return [
        `  ${mark} ${safe(name)}${detail ? `: ${safe(detail)}` : ""}`,
        ...differences.map((difference) => describeDifference(difference, colors)),
      ].join("\n");
    }),
  ].join("\n");
}

function describeDifference(
  { object, before, after }: Difference,
  colors: Stream["colors"],
): string {
  const side = (name: string, text: string | null) =>
    `        ${colors.dim(name)} ${text === null ? colors.dim("nothing") : safe(text)}`;
  return [`      ${safe(object)}`, side("before", before), side("now   ", after)].join("\n");
}
