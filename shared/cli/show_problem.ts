/** A refusal or failure, for a person to read. */
import type { RenameError } from "../client/client.ts";
import type { Blocker, Finding } from "../contract/responses.ts";
import { correctedCalls } from "./corrected_call.ts";
import { describeFindings } from "./show_findings.ts";
import { paragraph, safe, type Stream, table } from "./terminal.ts";

type Page = Pick<Stream, "colors" | "width">;

/** How each member of a problem document that is a list is shown. */
const LISTS: Record<string, (items: never[], page: Page, places: string[]) => string> = {
  findings: (findings: Finding[], page) => describeFindings(findings, page),
  blockers: describeBlockers,
  differences: describeDrift,
  dependants: (items: { view: string; kind: string; identity: string; reason: string }[], page) =>
    `${page.colors.bold("Built on the view")}\n` + table(
      ["KIND", "OBJECT", "VIEW", "REASON"],
      items.map(({ kind, identity, view, reason }) => [kind, identity, view, reason]),
      page,
    ),
  issues: (items: { path: string; message: string; hint?: string }[], page, places) =>
    table(
      ["PLACE", "FIELD", "FAULT", "NEXT STEP"],
      items.map(({ path, message, hint }) => [placeOf(path, places), path, message, hint ?? null]),
      page,
    ),
};

/** Members that are told otherwise. */
const TOLD = new Set([
  ...["type", "title", "status", "detail", "code", "hint"],
  ...["issues_total", "attempts", "waited_ms"],
]);

/**
 * Message, hint and code, then what the case adds: findings, blockers, differences, dependants, issues.
 *
 * @param places Where each rename was written, to name the line of an issue.
 * @param args The arguments of the command, to print the call that was perhaps meant.
 */
export function describeProblem(
  error: RenameError,
  page: Page,
  places: string[] = [],
  args: string[] = [],
): string {
  const { colors, width } = page;
  const label = (text: string, color: (text: string) => string) => color(text.padEnd(6));
  const labelled = (name: string, text: string) =>
    label(name, colors.bold) + paragraph(safe(text), width, 7).slice(6);
  const parts = [
    label("Error", (text) => colors.bold(colors.red(text))) +
    paragraph(safe(error.detail), width, 7).slice(6),
  ];
  if (error.hint) parts.push(labelled("Hint", error.hint));
  const status = error.status === undefined ? "" : ` (${error.status})`;
  const request = error.requestId === undefined ? "" : `, request ${error.requestId}`;
  parts.push(labelled("Code", `${error.code}${status}${request}`));

  const members = Object.entries(error.problem ?? {}).filter(([name]) => !TOLD.has(name));
  for (const [name, value] of members) {
    if (typeof value !== "string" && typeof value !== "number") continue;
    parts.push(labelled("", `${name.replaceAll("_", " ")}: ${value}`));
  }
  for (const [name, value] of members) {
    const describe = Object.hasOwn(LISTS, name) ? LISTS[name] : undefined;
    if (describe === undefined || !Array.isArray(value) || value.length === 0) continue;
    if (name === "issues" && places.length === 0 && saysTheSame(value)) continue;
    parts.push(`\n${describe(value as never[], page, places)}`);
  }
  const calls = correctedCalls(args, error.problem ?? {});
  if (calls.length > 0) {
    parts.push(["\nPerhaps you meant:", ...calls.map((call) => `  ${safe(call)}`)].join("\n"));
  }
  const accept = acceptableCodes(error);
  if (accept.length > 0) {
    parts.push(
      `\nTo go on all the same, add  ${colors.bold(`--acknowledge ${safe(accept.join(","))}`)}`,
    );
  }
  return parts.join("\n");
}

/** Whether the one issue is the refusal itself. */
const saysTheSame = (issues: { code?: string }[]) =>
  issues.length === 1 && issues[0]?.code !== undefined;

/** What an acknowledgement would help against. */
function acceptableCodes({ code, problem }: RenameError): string[] {
  if (code === "breaking_findings") {
    const findings = (problem?.findings ?? []) as Finding[];
    return [
      ...new Set(
        findings.filter(({ severity }) => severity === "breaking").map(({ code }) => code),
      ),
    ];
  }
  const differences = (problem?.differences ?? []) as { code?: string }[];
  const onlyView = differences.length > 0 &&
    differences.every((difference) => difference.code === "view_missing");
  return code === "drifted" && onlyView ? ["view_missing"] : [];
}

function describeBlockers(blockers: Blocker[], page: Page): string {
  const rows = blockers.map(({ pid, role, application_name, state, since, query, gid }) => [
    gid ?? String(pid),
    role,
    application_name,
    state,
    since,
    query,
  ]);
  const head = ["PID", "ROLE", "APPLICATION", "STATE", "SINCE", "QUERY"];
  return `${page.colors.bold("Who holds locks on the tables")}\n${table(head, rows, page)}`;
}

function describeDrift(
  differences: { object: string; message: string; remedy: string }[],
  { colors, width }: Page,
): string {
  return [
    colors.bold("Where database and record disagree"),
    ...differences.flatMap(({ message, remedy }) => [
      `  ${colors.red("✗")} ${paragraph(safe(message), width, 4).trimStart()}`,
      colors.dim(paragraph(`→ ${safe(remedy)}`, width, 4)),
    ]),
  ].join("\n");
}

function placeOf(path: string, places: string[]): string | null {
  const index = /^renames\.(\d+)\b/.exec(path)?.[1];
  return index === undefined ? null : places[Number(index)] ?? null;
}
