/** Findings, the gravest first, each with its remedy. */
import type { Finding } from "../contract/responses.ts";
import { paragraph, safe, type Stream } from "./terminal.ts";

const SEVERITIES: Finding["severity"][] = ["breaking", "warning", "info"];

/** A heading and every finding; an empty text where there are none. */
export function describeFindings(
  findings: Finding[],
  { colors, width, heading = "Findings" }: Pick<Stream, "colors" | "width"> & { heading?: string },
): string {
  if (findings.length === 0) return "";
  const colorOf = { breaking: colors.red, warning: colors.yellow, info: colors.cyan };
  const sorted = findings.toSorted((a, b) =>
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity)
  );
  return [
    colors.bold(heading),
    ...sorted.flatMap(({ severity, code, object, message, remedy }) => [
      `  ${colorOf[severity](severity)}  ${colors.bold(safe(code))}  ${safe(object)}`,
      paragraph(safe(message), width, 4),
      colors.dim(paragraph(`→ ${safe(remedy)}`, width, 4)),
    ]),
  ].join("\n");
}
