/** Who uses an old name: when, how often, with which statements, and what cannot be seen. */
import { lazy, Suspense } from "react";
import type { Usage } from "../../../contract/responses.ts";
import { visible } from "../../../report/document/text.ts";
import { Fold } from "../parts/controls/fold.tsx";
import { TextWithTimes } from "../parts/text_with_times.tsx";
import { Time } from "../parts/time.tsx";
import { callsByDay } from "./calls.ts";

const CallsPlot = lazy(() => import("./calls_plot.tsx"));

const NUMBER = new Intl.NumberFormat("en");

const callsOf = (calls: number) => `${NUMBER.format(calls)} ${calls === 1 ? "call" : "calls"}`;

export function NameUse({ usage, limits }: { usage: Usage; limits: string[] }) {
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
      {callsByDay(usage).length > 0
        ? (
          <div>
            <p className="quiet">Calls a day</p>
            <Suspense fallback={<div className="calls-plot" />}>
              <CallsPlot usage={usage} />
            </Suspense>
          </div>
        )
        : calls === 0 && <p className="quiet">No calls seen.</p>}
      {roles.length > 0 && (
        <ul className="roles" aria-label="Roles that used it">
          {roles.map(({ role, calls }) => (
            <li key={role}>
              <code>{visible(role)}</code> <span className="quiet">{callsOf(calls)}</span>
            </li>
          ))}
        </ul>
      )}
      {examples.length > 0 && (
        <Fold title={`Examples of statements (${examples.length})`}>
          <ul className="stack tight">
            {examples.map(({ statement, role, calls }, index) => (
              <li key={index}>
                <code className="statement">{visible(statement)}</code>
                <span className="quiet">{visible(role)}, {callsOf(calls)}</span>
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
