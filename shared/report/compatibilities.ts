/** Tests of several old names in one report. */
import type { VerifyAnswer } from "../contract/responses.ts";
import { describeCompatibility } from "./compatibility.ts";
import {
  type Document,
  documentOf,
  name as asName,
  table,
  type Text,
  toned,
} from "./document/document.ts";
import { counted } from "./document/text.ts";

export interface TestedName {
  /** The old name, with its schema where that is not public. */
  name: string;
  passed: boolean;
  answer?: VerifyAnswer;
  /** Why it could not be tested. */
  problem?: { code: string; detail: string };
}

/** All names in a table, then what did not pass. */
export function describeCompatibilities(
  tested: TestedName[],
  { url, left }: { url?: string; left: number },
): Document {
  if (tested.length + left === 0) {
    return documentOf([[{ is: "text", text: "There is no active rename with a view to test." }]]);
  }
  const wrong = tested.filter(({ passed }) => !passed);
  const good = wrong.length + left === 0;
  return documentOf([
    [
      {
        is: "title",
        tone: good ? "good" : "bad",
        label: "Compatibility",
        text: good
          ? `all ${counted(tested.length, "old name")} passed`
          : `${wrong.length} of ${counted(tested.length, "old name")} did not pass`,
        url,
      },
      left === 0 ? null : { is: "text", text: `${counted(left, "old name")} were not tested.` },
    ],
    [table(
      ["Old name", "Result", "Tests", "Failed", "Skipped", "Why"],
      tested.map((one): (Text | null)[] => {
        const checks = one.answer?.checks ?? [];
        const failed = checks.filter(({ passed }) => !passed);
        const skipped = checks.filter(({ skipped }) => skipped);
        return [
          asName(one.name),
          one.passed ? toned("passed", "good") : toned("did not pass", "bad"),
          one.answer === undefined ? null : String(checks.length),
          failed.length === 0 ? null : failed.map(({ name }) => name).join(", "),
          skipped.length === 0 ? null : skipped.map(({ name }) => name).join(", "),
          one.problem?.code ?? null,
        ];
      }),
      { of: "old name" },
    )],
    ...wrong.flatMap(({ name, answer, problem }) => [
      [
        { is: "heading", text: name } as const,
        {
          is: "text",
          text: problem?.detail ?? "did not pass:",
        } as const,
      ],
      // The title is in the table already.
      ...answer === undefined ? [] : describeCompatibility(answer, {}).sections.slice(1),
    ]),
  ]);
}
