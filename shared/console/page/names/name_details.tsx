/** One old name: why its verdict is so, who uses it, what names it, drift, and the test. */
import { lazy, Suspense } from "react";
import type { Migration, Usage } from "../../../contract/responses.ts";
import { useSession } from "../api/queries.ts";
import { ChangeButton } from "../changes/change_button.tsx";
import { checkTitle } from "../live/phases.ts";
import { Badge } from "../parts/badge.tsx";
import { Button } from "../parts/button.tsx";
import { FindingList } from "../parts/finding_list.tsx";
import { Fold } from "../parts/fold.tsx";
import { TextWithTimes } from "../parts/text_with_times.tsx";
import { Time } from "../parts/time.tsx";
import { startTests, useTests } from "./test_run.ts";
import { testStateOf } from "./test_run_state.ts";
import { limitReasons, needsRefresh, textReasons, verdictOf } from "./verdict.ts";
import { VerdictReasons } from "./verdict_parts.tsx";
import { VerifyResult } from "./verify_result.tsx";

const CallsPlot = lazy(() => import("./calls_plot.tsx"));

const NUMBER = new Intl.NumberFormat("en");

const callsOf = (calls: number) => `${NUMBER.format(calls)} ${calls === 1 ? "call" : "calls"}`;

export function NameDetails({ migration }: { migration: Migration }) {
  const { usage, drift = [], migrated_at, migrated_by, notes } = migration;
  const texts = textReasons(migration);
  const refresh = needsRefresh(migration);
  return (
    <div className="stack">
      <div className="name-columns">
        <div className="stack">
          <section className="stack tight">
            <h3>Can it be given up?</h3>
            <VerdictReasons migration={migration} texts={false} />
            <p className="quiet">
              Renamed <Time at={migrated_at} /> by {migrated_by ?? "somebody unknown"}.
              {notes && ` ${notes}`}
            </p>
            {texts.length > 0 && (
              <>
                <h3>What names it in the database</h3>
                <ul className="reasons">
                  {texts.map(({ message }) => <li key={message}>{message}</li>)}
                </ul>
                <p className="quiet">
                  Refresh and Finalize can put the new name there: look at their plans.
                </p>
              </>
            )}
          </section>
          <section className="stack tight">
            <h3>Who uses it</h3>
            {usage === undefined
              ? <p>There is no view of the old name, so nothing can use it.</p>
              : (
                <Use
                  usage={usage}
                  limits={limitReasons(migration).map(({ message }) => message)}
                />
              )}
          </section>
        </div>
        <section className="stack tight">
          <h3>Does it still do what its table does?</h3>
          {drift.length > 0
            ? <FindingList findings={drift} />
            : <p>The database is as it was recorded.</p>}
          <Test migration={migration} />
        </section>
      </div>
      <div className="row">
        <ChangeButton
          kind="refresh"
          migrations={[migration]}
          variant={refresh ? "primary" : "plain"}
        />
        <ChangeButton kind="rollback" migrations={[migration]} />
        <ChangeButton
          kind="finalize"
          migrations={[migration]}
          variant={verdictOf(migration).kind === "ready" && !refresh ? "primary" : "plain"}
        />
      </div>
    </div>
  );
}

function Use({ usage, limits }: { usage: Usage; limits: string[] }) {
  const { calls, reads, roles, last_used_at, last_sampled_at, examples } = usage;
  return (
    <>
      <dl className="figures">
        <div>
          <dt>Last used</dt>
          <dd>
            <Time at={last_used_at} none={calls === null ? "not known" : "not seen"} />
          </dd>
        </div>
        <div>
          <dt>Calls since the rename</dt>
          <dd>{calls === null ? "not counted" : NUMBER.format(calls)}</dd>
        </div>
        {reads !== null && (
          <div>
            <dt>Counted by the view</dt>
            <dd>{NUMBER.format(reads)}</dd>
          </div>
        )}
      </dl>
      <Suspense fallback={<div className="calls-plot" />}>
        <CallsPlot usage={usage} />
      </Suspense>
      {roles.length > 0 && (
        <ul className="roles" aria-label="Roles that used it">
          {roles.map(({ role, calls }) => (
            <li key={role}>
              <code>{role}</code> <span className="quiet">{callsOf(calls)}</span>
            </li>
          ))}
        </ul>
      )}
      {examples.length > 0 && (
        <Fold title={`Examples of statements (${examples.length})`}>
          <ul className="stack tight">
            {examples.map(({ statement, role, calls }, index) => (
              <li key={index}>
                <code className="statement">{statement}</code>
                <span className="quiet">{role}, {callsOf(calls)}</span>
              </li>
            ))}
          </ul>
        </Fold>
      )}
      {limits.length > 0 && (
        <Fold title="What cannot be seen">
          <ul className="reasons">
            {limits.map((message) => (
              <li key={message}>
                <TextWithTimes text={message} />
              </li>
            ))}
          </ul>
        </Fold>
      )}
      {last_sampled_at && (
        <p className="quiet">
          The statistics were read <Time at={last_sampled_at} />.
        </p>
      )}
    </>
  );
}

function Test({ migration }: { migration: Migration }) {
  const readOnly = useSession().data?.readOnly === true;
  const run = useTests();
  const { id, compatibility_view_created } = migration;
  const state = testStateOf(run, id);
  const result = run.results[id];
  if (!compatibility_view_created) return null;
  return (
    <div className="stack tight">
      <div className="row">
        <Button
          disabled={readOnly || run.running}
          title={readOnly ? "This page was started to read only." : undefined}
          onClick={() => void startTests([migration])}
        >
          {result === undefined ? "Test it" : "Test it again"}
        </Button>
        <span role="status" className="quiet">
          {state === "testing"
            ? run.progress?.check
              ? `Testing ${checkTitle(run.progress.check)}, ${(run.progress.done ?? 0) + 1} of ${
                run.progress.total ?? 5
              }`
              : "Testing…"
            : state === "waiting"
            ? "Waits for the tests before it"
            : result === undefined
            ? "Runs statements by both names and compares. Nothing is changed."
            : (
              <>
                Tested <Time at={new Date(result.at).toISOString()} />
              </>
            )}
        </span>
        {result?.answer !== undefined && state !== "testing" && (
          <Badge tone={result.answer.passed ? "good" : "bad"}>
            {result.answer.passed ? "passed" : "did not pass"}
          </Badge>
        )}
      </div>
      {result?.error !== undefined && (
        <p>
          {result.error.detail} {result.error.hint}
        </p>
      )}
      {result?.answer !== undefined && <VerifyResult answer={result.answer} />}
    </div>
  );
}
