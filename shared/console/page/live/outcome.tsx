/** What came of an operation, and what to do next. */
import { useQuery } from "@tanstack/react-query";
import { Link, useLocation } from "wouter";
import { RenameError, type RenameErrorCode } from "../../../client/rename_error.ts";
import type {
  Blocker,
  Finding,
  OperationAnswer,
  Verification,
} from "../../../contract/responses.ts";
import { visible } from "../../../report/document/text.ts";
import { migrationsOptions, useSession } from "../api/queries.ts";
import { ChangeButton } from "../changes/change_button.tsx";
import { isChangeKind, targetsOf } from "../changes/change.ts";
import { Badge } from "../parts/controls/badge.tsx";
import { Button } from "../parts/controls/button.tsx";
import { FindingList } from "../parts/finding_list.tsx";
import { Fold } from "../parts/controls/fold.tsx";
import { ProblemBox } from "../parts/problem_box.tsx";
import { shownDuration } from "../parts/time.tsx";
import { VerifyResult } from "../names/verify_result.tsx";
import { setRenames } from "../plan/draft.ts";
import { BlockerTable } from "./blocker_table.tsx";
import { nextSteps, wasMade } from "./next_steps.ts";
import type { Operation, OperationError } from "./operation.ts";
import { askAgain, tryAgain } from "./operations.ts";

export function Outcome({ operation }: { operation: Operation }) {
  const { state, answer, error } = operation;
  if (state === "failed" && error !== undefined) {
    return (
      <ProblemBox error={errorOf(error)}>
        <ProblemDetails error={error} />
        <Steps operation={operation} />
      </ProblemBox>
    );
  }
  if (state === "cancelled") return <Cancelled operation={operation} />;
  if (answer === undefined) return null;
  if ("checks" in answer) return <VerifyResult answer={answer} />;
  return <Done operation={operation} answer={answer} />;
}

const errorOf = ({ code, detail, hint, problem }: OperationError): Error =>
  code === "page"
    ? new Error(detail)
    : new RenameError(code as RenameErrorCode, detail, { hint, problem });

/** What belongs to the problem besides its text. */
function ProblemDetails({ error: { problem } }: { error: OperationError }) {
  const blockers = listOf<Blocker>(problem?.blockers);
  const findings = [...listOf<Finding>(problem?.findings), ...listOf<Finding>(problem?.differences)]
    .filter(({ severity, message }) => severity !== undefined && message !== undefined);
  return (
    <>
      {blockers.length > 0 && (
        <BlockerTable
          title="Still blocking at the end"
          blockers={blockers}
        />
      )}
      {findings.length > 0 && <FindingList findings={findings} />}
    </>
  );
}

const listOf = <Item,>(value: unknown): Item[] => Array.isArray(value) ? value : [];

function Steps({ operation }: { operation: Operation }) {
  const readOnly = useSession().data?.readOnly === true;
  const [, go] = useLocation();
  const { id, name, tables } = operation;
  const targets = targetsOf(tables);
  return (
    <div className="row">
      {nextSteps(operation).map((step) => {
        switch (step) {
          case "ask_again":
            return (
              <Button key={step} disabled={readOnly} onClick={() => askAgain(id)}>
                Check the result
              </Button>
            );
          case "try_again":
            return (
              <Button key={step} disabled={readOnly} onClick={() => tryAgain(operation)}>
                Try again
              </Button>
            );
          case "plan":
            return isChangeKind(name) && targets.length > 0
              ? (
                <ChangeButton key={step} kind={name} migrations={targets}>
                  Open the plan again
                </ChangeButton>
              )
              : (
                <Button
                  key={step}
                  onClick={() => {
                    setRenames(
                      tables.map(({ schema, old_name, new_name }) => ({
                        schema,
                        old_name,
                        new_name,
                      })),
                    );
                    go("/plan");
                  }}
                >
                  Back to the plan
                </Button>
              );
          case "names":
            return <Link key={step} href="/names">Open Old names</Link>;
        }
      })}
    </div>
  );
}

/** Whether the change was made nevertheless: only the project knows. */
function Cancelled({ operation }: { operation: Operation }) {
  const { error, name, tables } = operation;
  const [first] = tables;
  const asks = error === undefined && name !== "verify" && first !== undefined;
  const migrations = useQuery({
    ...migrationsOptions(first && { schema: first.schema, table: first.old_name }),
    enabled: asks,
    // The database can still be about to commit.
    refetchInterval: ({ state }) => state.dataUpdateCount < 5 ? 2_000 : false,
  });
  const made = migrations.data && wasMade(operation, migrations.data);
  return (
    <div className="stack tight">
      <p role="status">
        {error !== undefined
          ? error.detail
          : name === "verify"
          ? "The test was stopped. It changes nothing."
          : made === undefined
          ? "Checking whether the change was made…"
          : made === null
          ? "It may have been made before you cancelled. It is safe to repeat."
          : made
          ? "The change was made: the database was about to commit when you cancelled."
          : "Nothing was changed."}
      </p>
      {made !== true && <Steps operation={operation} />}
    </div>
  );
}

const DONE: Record<string, string> = {
  rename: "Both names work now: the old one shows the renamed table.",
  rollback: "The table has its old name back.",
  finalize: "The old name is removed.",
  refresh: "The old name shows the table as it is now.",
};

const DONE_MANY: Record<string, string> = {
  ...DONE,
  rename: "Both names of each table work now: the old one shows the renamed table.",
  rollback: "The tables have their old names back.",
  finalize: "The old names are removed.",
};

function Done({ operation, answer }: { operation: Operation; answer: OperationAnswer }) {
  const { name, tables } = operation;
  const { mode, lock, verification, findings, history, rewritten_texts: texts = [] } = answer;
  const withoutView = "compatibility_view" in operation.request &&
    operation.request.compatibility_view === false;
  return (
    <div className="stack tight">
      <p>
        {mode === "propose"
          ? "It is proposed. No table was changed. Another person can apply it."
          : withoutView
          ? "Only the new name works now."
          : (tables.length > 1 ? DONE_MANY : DONE)[name]}
      </p>
      {lock !== null && lock.attempts > 0 && (
        <dl className="figures">
          <Figure name="Clients were held for" value={shownDuration(lock.held_ms)} />
          <Figure name="Waited for locks" value={shownDuration(lock.waited_ms)} />
          <Figure name="Attempts" value={String(lock.attempts)} />
        </dl>
      )}
      {verification !== null && <VerificationResult verification={verification} />}
      {findings.length > 0 && (
        <Fold title={`Findings (${findings.length})`}>
          <FindingList findings={findings} />
        </Fold>
      )}
      {texts.length > 0 && (
        <p>
          {texts.length}{" "}
          {texts.length === 1 ? "text of the database was" : "texts of the database were"}{" "}
          rewritten.
        </p>
      )}
      {history && (
        <p className="quiet">
          Recorded in the migration history as <code>{history.version}_{history.name}</code>.
        </p>
      )}
      <p className="row">
        {name === "rename" && mode === "apply" && (
          <Link href="/names">See who uses the old names</Link>
        )}
        {name === "rename" && mode === "propose" && <Link href="/plan">Open the plan</Link>}
        {name !== "rename" && <Link href="/names">Old names</Link>}
        {(name === "finalize" || name === "rollback") && <Link href="/tables">Tables</Link>}
      </p>
    </div>
  );
}

const Figure = ({ name, value }: { name: string; value: string }) => (
  <div>
    <dt>{name}</dt>
    <dd>{value}</dd>
  </div>
);

function VerificationResult({ verification: { passed, checks } }: { verification: Verification }) {
  const list = (
    <ul className="checks">
      {checks.map(({ name, passed, detail, differences = [] }, index) => (
        <li key={index}>
          <Badge tone={passed ? "good" : "bad"}>{passed ? "passed" : "failed"}</Badge>{" "}
          {visible(name)}
          {detail && <span className="quiet">: {visible(detail)}</span>}
          {differences.map(({ object, before, after }, index) => (
            <p key={index} className="quiet">
              {visible(object)}: before {visible(before ?? "nothing")}, now{" "}
              {visible(after ?? "nothing")}
            </p>
          ))}
        </li>
      ))}
    </ul>
  );
  return (
    <Fold
      open={!passed}
      title={
        <>
          Verification{" "}
          <Badge tone={passed ? "good" : "bad"}>{passed ? "passed" : "did not pass"}</Badge>
        </>
      }
    >
      {list}
    </Fold>
  );
}
