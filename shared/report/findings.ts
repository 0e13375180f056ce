/** Findings as Markdown: the gravest first, each with its remedy; or, where there are many, by code. */
import type { Finding } from "../contract/responses.ts";
import { code, counted, prose, shortened } from "./escape.ts";

/** `each`: all that there is to know. `by_code`: one of each code, with the objects. `counts`: how many. */
export type FindingsDetail = "each" | "by_code" | "counts";

const SEVERITIES: Finding["severity"][] = ["breaking", "warning", "info"];

const HEADINGS: Record<Finding["severity"], string> = {
  breaking: "Breaking",
  warning: "Warnings",
  info: "For information",
};

/** Most objects that are named of a code, and longest text of one, in characters. */
const MAX_OBJECTS = 5;
const MAX_TEXT = 400;

/** An empty text where there are none. */
export function findingsInMarkdown(findings: Finding[], detail: FindingsDetail = "each"): string {
  if (findings.length === 0) return "";
  return [
    "### Findings",
    ...SEVERITIES.flatMap((severity) => {
      const own = findings.filter((finding) => finding.severity === severity);
      if (own.length === 0) return [];
      const items = detail === "each" ? own.map(whole) : byCode(own, detail);
      return [
        `**${HEADINGS[severity]}** (${own.length.toLocaleString("en-US")})`,
        items.join("\n"),
      ];
    }),
  ].join("\n\n");
}

const whole = ({ code: name, object, message, remedy }: Finding): string =>
  [
    `- ${code(name)} ${code(object)}: ${prose(message)}`,
    `  - *Remedy:* ${prose(remedy)}`,
  ].join("\n");

function byCode(findings: Finding[], detail: "by_code" | "counts"): string[] {
  const groups = Map.groupBy(findings, (finding) => finding.code);
  return [...groups].toSorted(([, a], [, b]) => b.length - a.length).map(([name, own]) => {
    const count = `- ${code(name)}, ${counted(own.length, "time")}`;
    if (detail === "counts") return count;
    const objects = [...new Set(own.map(({ object }) => object))];
    const named = objects.slice(0, MAX_OBJECTS).map((object) => code(shortened(object, 140)));
    const more = objects.length - named.length;
    const [{ message, remedy }] = own;
    const text = (value: string) => prose(shortened(value, MAX_TEXT));
    return [
      `${count}: ${named.join(", ")}${more > 0 ? ` and ${more.toLocaleString("en-US")} more` : ""}`,
      `  - ${own.length === 1 ? "" : "The first one: "}${text(message)}`,
      `  - *Remedy:* ${text(remedy)}`,
    ].join("\n");
  });
}

/** Codes of the findings that stop an apply unless they are acknowledged. */
export const breakingCodes = (findings: Finding[]): string[] => [
  ...new Set(findings.filter(({ severity }) => severity === "breaking").map(({ code }) => code)),
];

/** `2 breaking findings, 1 warning`; an empty text where there are none. */
export function findingsCounted(findings: Finding[]): string {
  const words = {
    breaking: ["breaking finding"],
    warning: ["warning"],
    info: ["piece of information", "pieces of information"],
  } as const;
  return SEVERITIES.flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    const [one, several] = words[severity] as readonly [string, string?];
    return count === 0 ? [] : [counted(count, one, several)];
  }).join(", ");
}
