/** Findings, the most severe first: each with its remedy or, where there are many, by code. */
import type { Finding } from "../contract/responses.ts";
import {
  type Block,
  type FindingsDetail,
  type Item,
  key,
  name,
  section,
  toned,
} from "./document/document.ts";
import { counted, number, shortened } from "./document/text.ts";

const TONES = { breaking: "bad", warning: "warning", info: "notice" } as const;
const SEVERITIES: Finding["severity"][] = ["breaking", "warning", "info"];

/** Most objects that are named of a code, and longest text of one, in characters. */
const MAX_OBJECTS = 5;
const MAX_TEXT = 400;

export const findingsSection = (
  findings: Finding[],
  heading = "Findings",
  detail?: FindingsDetail,
): Block[] => section(heading, findings.length === 0 ? null : { is: "findings", findings, detail });

export function findingItems(findings: Finding[], detail: FindingsDetail): Item[] {
  return SEVERITIES.flatMap((severity) => {
    const own = findings.filter((finding) => finding.severity === severity);
    if (detail === "each") return own.map(item);
    const groups = [...Map.groupBy(own, ({ code }) => code).values()];
    return groups.toSorted((a, b) => b.length - a.length).map((group) => groupItem(group, detail));
  });
}

const item = ({ severity, code, object, message, remedy }: Finding): Item => ({
  mark: toned(severity, TONES[severity]),
  text: [key(code), "  ", name(object)],
  body: [message],
  remedy,
});

function groupItem(group: Finding[], detail: FindingsDetail): Item {
  const [{ severity, code, message, remedy }] = group;
  const mark = toned(severity, TONES[severity]);
  const objects = [...new Set(group.map(({ object }) => object))];
  const head = { mark, text: key(code) };
  if (detail === "objects") return { ...head, body: [objects.join(", ")] };
  const note = counted(group.length, "time");
  if (detail === "counts") return { ...head, note };
  const named = objects.slice(0, MAX_OBJECTS).map((object) => shortened(object, 140)).join(", ");
  const more = objects.length - MAX_OBJECTS;
  return {
    ...head,
    note,
    body: [
      more > 0 ? `${named} and ${number(more)} more` : named,
      `${group.length === 1 ? "" : "The first one: "}${shortened(message, MAX_TEXT)}`,
    ],
    remedy: shortened(remedy, MAX_TEXT),
  };
}

/** Findings that need nobody's attention. */
export const notesOf = (findings: Finding[]): Finding[] =>
  findings.filter(({ severity }) => severity === "info");

/** Codes of the findings that stop an apply unless they are acknowledged. */
export const breakingCodes = (findings: Finding[]): string[] => [
  ...new Set(findings.filter(({ severity }) => severity === "breaking").map(({ code }) => code)),
];

/** `2 breaking findings, 1 warning`. */
export function findingsCounted(findings: Finding[]): string {
  const words = {
    breaking: ["breaking finding", "breaking findings"],
    warning: ["warning", "warnings"],
    info: ["note", "notes"],
  };
  return SEVERITIES.flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    const [one, several] = words[severity];
    return count === 0 ? [] : [counted(count, one, several)];
  }).join(", ") || "no findings";
}
