import type { ReactNode } from "react";
import type { Finding } from "../../../../contract/responses.ts";

export type Tone = "neutral" | "good" | "notice" | "warning" | "bad";

export const Badge = ({ tone = "neutral", children }: { tone?: Tone; children: ReactNode }) => (
  <span className="badge" data-tone={tone}>{children}</span>
);

const SEVERITIES: Record<Finding["severity"], Tone> = {
  info: "notice",
  warning: "warning",
  breaking: "bad",
};

export const severityTone = (severity: Finding["severity"]): Tone => SEVERITIES[severity];
