import type { ReactNode } from "react";
import type { Finding, Migration } from "../../../../contract/responses.ts";

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

const STATES: Record<Migration["status"], { tone: Tone; text: string }> = {
  pending: { tone: "notice", text: "proposed" },
  active: { tone: "warning", text: "active" },
  rolled_back: { tone: "neutral", text: "rolled back" },
  finalized: { tone: "good", text: "finalized" },
};

/** What became of a rename. */
export const StateBadge = ({ status }: { status: Migration["status"] }) => (
  <Badge tone={STATES[status].tone}>{STATES[status].text}</Badge>
);
