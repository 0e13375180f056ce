/** Findings in tests. */
import type { Finding } from "../../shared/contract/responses.ts";

/**
 * All but those about recorded statements: of these the server keeps what it likes, and drops them at any time
 * when other tests fill its list.
 */
export function withoutRecorded(findings: Finding[]): Finding[] {
  return findings.filter(({ object }) => !object.startsWith("statement "));
}
