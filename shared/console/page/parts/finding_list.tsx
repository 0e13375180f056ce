import type { Finding } from "../../../contract/responses.ts";
import { Badge, severityTone } from "./controls/badge.tsx";
import { isNeeded } from "./remedy.ts";
import { TextWithTimes } from "./text_with_times.tsx";

const ORDER: Finding["severity"][] = ["breaking", "warning", "info"];

/** Findings, the worst first; each with what to do. */
export function FindingList({ findings }: { findings: Finding[] }) {
  if (findings.length === 0) {
    return <p className="quiet">No findings.</p>;
  }
  const sorted = findings.toSorted((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
  return (
    <ul className="findings">
      {sorted.map((finding, index) => (
        <li key={index}>
          <Badge tone={severityTone(finding.severity)}>{finding.severity}</Badge>
          <div>
            <p>
              <TextWithTimes text={finding.message} />
            </p>
            {isNeeded(finding.remedy) && (
              <p className="quiet">
                <TextWithTimes text={finding.remedy} />
              </p>
            )}
            <p className="quiet">
              <code>{finding.code}</code>
            </p>
          </div>
        </li>
      ))}
    </ul>
  );
}
