/** What a compatibility test has found, check by check. */
import type { VerifyAnswer, VerifyCheck } from "../../../contract/responses.ts";
import { visible } from "../../../report/document/text.ts";
import { checkTitle } from "../live/phases.ts";
import { Badge } from "../parts/controls/badge.tsx";
import { Fold } from "../parts/controls/fold.tsx";

export function VerifyResult({ answer: { session, checks } }: { answer: VerifyAnswer }) {
  return (
    <div className="stack tight">
      {!session.executed && <p>{session.detail}</p>}
      <ul className="checks">
        {checks.map((check) => (
          <li key={check.name}>
            <Result check={check} /> <strong>{checkTitle(check.name)}</strong>
            <p className="quiet">{visible(check.detail)}</p>
            {check.failures.length > 0 && <Failures check={check} />}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Result({ check: { passed, skipped } }: { check: VerifyCheck }) {
  if (skipped) return <Badge>skipped</Badge>;
  return <Badge tone={passed ? "good" : "bad"}>{passed ? "passed" : "failed"}</Badge>;
}

const Failures = ({ check: { passed, failures } }: { check: VerifyCheck }) => (
  <Fold
    title={`${failures.length} ${failures.length === 1 ? "difference" : "differences"}`}
    open={!passed}
  >
    <ul className="failures">
      {failures.map(({ statement, expected, got }, index) => (
        <li key={index}>
          <code className="statement">{visible(statement)}</code>
          <dl>
            <div>
              <dt>The table</dt>
              <dd>{visible(expected)}</dd>
            </div>
            <div>
              <dt>The old name</dt>
              <dd>{visible(got)}</dd>
            </div>
          </dl>
        </li>
      ))}
    </ul>
  </Fold>
);
