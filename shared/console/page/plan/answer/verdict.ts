/** What a plan says on the whole: whether it can be applied, and what has to be accepted before. */
import type { Finding, OperationAnswer } from "../../../../contract/responses.ts";

/** Findings with one code and one severity. */
export interface FindingGroup {
  code: Finding["code"];
  severity: Finding["severity"];
  findings: Finding[];
  /** Identifies what is accepted with a tick: another object that breaks is another decision. */
  key: string;
}

const SEVERITIES: Finding["severity"][] = ["breaking", "warning", "info"];

/** The worst first, then those that occur most often. */
export function groupFindings(findings: Finding[]): FindingGroup[] {
  const groups = [
    ...Map.groupBy(findings, ({ code, severity }) => `${severity} ${code}`).values(),
  ].map((group): FindingGroup => {
    const [{ code, severity }] = group;
    const objects = [...new Set(group.map(({ object }) => object))].sort();
    return { code, severity, findings: group, key: JSON.stringify([code, ...objects]) };
  });
  return groups.sort((a, b) =>
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    b.findings.length - a.findings.length || (a.code < b.code ? -1 : 1)
  );
}

export interface Verdict {
  /** `ready`: it can be applied. `accept`: as soon as the open codes are accepted. `refused`: not as it is. */
  state: "ready" | "accept" | "refused";
  /** Codes of breaking findings that are not accepted yet. */
  open: string[];
  /** Those that are accepted, as they are sent. */
  acknowledge: string[];
  title: string;
  /** Why, or what to do. */
  detail?: string;
}

const counted = (count: number, one: string, several = `${one}s`) =>
  `${count} ${count === 1 ? one : several}`;

/** @param accepted Keys of the groups that are ticked. */
export function verdictOf(
  { findings, would_be_refused }: Pick<OperationAnswer, "findings" | "would_be_refused">,
  accepted: ReadonlySet<string>,
): Verdict {
  const groups = groupFindings(findings);
  const breaking = groups.filter(({ severity }) => severity === "breaking");
  const acknowledge = breaking.filter(({ key }) => accepted.has(key)).map(({ code }) => code);
  const open = breaking.filter(({ key }) => !accepted.has(key)).map(({ code }) => code);
  const warnings = findings.filter(({ severity }) => severity === "warning").length;
  const toRead = warnings === 0 ? "" : ` Read the ${counted(warnings, "warning")} first.`;
  if (would_be_refused === undefined) {
    // A proposal keeps what was accepted when it was made.
    const title = breaking.length === 0
      ? "Nothing would break."
      : "What breaks was accepted with the proposal.";
    return { state: "ready", open: [], acknowledge, title, detail: `It can be applied.${toRead}` };
  }
  if (would_be_refused.code !== "breaking_findings") {
    const { detail, hint } = would_be_refused;
    return {
      state: "refused",
      open,
      acknowledge,
      title: "It would be refused.",
      detail: [detail, hint].filter((text) => text !== undefined).join(" "),
    };
  }
  const number = breaking.reduce((sum, { findings }) => sum + findings.length, 0);
  const kinds = breaking.length > 1 && breaking.length < number
    ? ` of ${breaking.length} kinds`
    : "";
  const breaks = `${counted(number, "breaking finding")}${kinds}`;
  if (open.length === 0) {
    const title = "You accepted everything that breaks.";
    return { state: "ready", open, acknowledge, title, detail: `It can be applied.${toRead}` };
  }
  return {
    state: "accept",
    open,
    acknowledge,
    title: `It would be refused: ${breaks}.`,
    detail: open.length === breaking.length
      ? "Fix what breaks, or accept it below."
      : `${counted(open.length, "code is", "codes are")} not accepted yet.`,
  };
}
