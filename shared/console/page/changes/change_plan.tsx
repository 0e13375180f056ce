/// <reference lib="dom" />
/** What a change would do: whether it is time, what breaks, what else is changed, and the statements. */
import { FINDINGS } from "../../../contract/findings.ts";
import type { Finding, Statement } from "../../../contract/responses.ts";
import { VerdictBadge, VerdictReasons } from "../names/verdict_parts.tsx";
import { FindingList } from "../parts/finding_list.tsx";
import { Fold } from "../parts/controls/fold.tsx";
import { Renaming } from "../parts/name.tsx";
import { ProblemBox } from "../parts/problem_box.tsx";
import { Sql } from "../parts/sql.tsx";
import { breakingCodes, type ChangeKind } from "./change.ts";
import type { Plans } from "../api/change_plans.ts";
import { RewrittenTexts } from "./rewritten_texts.tsx";

/** More findings than that are folded. */
const SHOWN_FINDINGS = 4;

export function ChangePlan(
  { kind, plans: { planned, refused }, accepted, onAccept }: {
    kind: ChangeKind;
    plans: Plans;
    accepted: ReadonlySet<string>;
    onAccept: (code: string, yes: boolean) => void;
  },
) {
  const findings = planned.flatMap(({ plan }) => plan.findings);
  const breaking = findings.filter(({ severity }) => severity === "breaking");
  const others = findings.filter(({ severity }) => severity !== "breaking");
  const texts = planned.flatMap(({ plan }) => plan.rewritten_texts ?? []);
  const statements = planned.flatMap(({ plan }) => plan.statements);
  return (
    <>
      {refused.length > 0 && <Refused plans={{ planned, refused }} />}
      {kind === "finalize" && <Verdicts plans={{ planned, refused }} />}
      {planned.length > 0 && (
        <>
          {breaking.length > 0 && (
            <section className="stack tight">
              <h3>What breaks</h3>
              <Breaking findings={breaking} accepted={accepted} onAccept={onAccept} />
            </section>
          )}
          {others.length > 0
            ? others.length > SHOWN_FINDINGS
              ? (
                <Fold title={`What else you should know (${others.length})`}>
                  <FindingList findings={others} />
                </Fold>
              )
              : (
                <section className="stack tight">
                  <h3>What {breaking.length > 0 && "else "}you should know</h3>
                  <FindingList findings={others} />
                </section>
              )
            : breaking.length === 0 && <p>Nothing breaks.</p>}
          {texts.length > 0 && <RewrittenTexts texts={texts} />}
          <Fold title={`Statements (${statements.length})`}>
            <Sql text={sqlOf(statements)} />
          </Fold>
        </>
      )}
    </>
  );
}

function Refused({ plans: { planned, refused } }: { plans: Plans }) {
  if (planned.length === 0 && refused.length === 1) return <ProblemBox error={refused[0].error} />;
  const tables = refused.flatMap(({ unit }) => unit.targets).length;
  return (
    <section className="stack tight">
      <h3>
        {planned.length === 0
          ? "Nothing can be done now"
          : `${tables} of them cannot be done now, and ${tables === 1 ? "is" : "are"} left out`}
      </h3>
      {refused.map(({ unit: { targets: [target] }, error }) => (
        <Fold
          key={target.id}
          title={
            <Renaming
              schema={target.schema_name}
              old_name={target.old_name}
              new_name={target.new_name}
            />
          }
        >
          <ProblemBox error={error} />
        </Fold>
      ))}
    </section>
  );
}

/** Whether the old names can be given up, as far as their use is concerned. */
function Verdicts({ plans: { planned } }: { plans: Plans }) {
  const migrations = planned.flatMap(({ plan }) => plan.migrations);
  if (migrations.length === 0) return null;
  if (migrations.length === 1) {
    return (
      <section className="stack tight">
        <h3>
          Ready to finalize? <VerdictBadge migration={migrations[0]} />
        </h3>
        <VerdictReasons migration={migrations[0]} />
      </section>
    );
  }
  const ready = migrations.filter((one) => one.ready_to_finalize?.ready === true);
  return (
    <section className="stack tight">
      <h3>Ready to finalize?</h3>
      <p>
        {ready.length === migrations.length
          ? `All ${migrations.length} are ready.`
          : `${ready.length} of ${migrations.length} are ready.`}
      </p>
      <Fold title="Each with its reasons">
        <ul className="stack">
          {migrations.map((migration) => (
            <li key={migration.id} className="stack tight">
              <span className="row tight">
                <Renaming
                  schema={migration.schema_name}
                  old_name={migration.old_name}
                  new_name={migration.new_name}
                />
                <VerdictBadge migration={migration} />
              </span>
              <VerdictReasons migration={migration} />
            </li>
          ))}
        </ul>
      </Fold>
    </section>
  );
}

/** What breaks, code by code, each with a tick of its own. */
function Breaking(
  { findings, accepted, onAccept }: {
    findings: Finding[];
    accepted: ReadonlySet<string>;
    onAccept: (code: string, yes: boolean) => void;
  },
) {
  return (
    <ul className="breaking">
      {breakingCodes(findings).map((code) => {
        const same = findings.filter((finding) => finding.code === code);
        return (
          <li key={code} className="stack tight">
            <FindingList findings={same.slice(0, SHOWN_FINDINGS)} />
            {same.length > SHOWN_FINDINGS && (
              <Fold title={`${same.length - SHOWN_FINDINGS} more of these`}>
                <FindingList findings={same.slice(SHOWN_FINDINGS)} />
              </Fold>
            )}
            <label className="tick">
              <input
                type="checkbox"
                checked={accepted.has(code)}
                onChange={({ target }) => onAccept(code, target.checked)}
              />
              <span>
                I accept this: {lowerFirst(FINDINGS[code] ?? code)}
              </span>
            </label>
          </li>
        );
      })}
    </ul>
  );
}

const lowerFirst = (text: string) => text[0].toLowerCase() + text.slice(1);

const sqlOf = (statements: Statement[]): string =>
  statements.map(({ sql, purpose }) =>
    `-- ${purpose.replaceAll(/\s+/g, " ")}\n${sql}${sql.trimEnd().endsWith(";") ? "" : ";"}`
  ).join("\n\n");
