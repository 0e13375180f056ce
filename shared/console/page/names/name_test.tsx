/** The compatibility test of one old name: what came of it, and to make it. */
import type { Migration } from "../../../contract/responses.ts";
import { visible } from "../../../report/document/text.ts";
import { useSession } from "../api/queries.ts";
import { checkTitle } from "../live/phases.ts";
import { Badge } from "../parts/controls/badge.tsx";
import { Button } from "../parts/controls/button.tsx";
import { Time } from "../parts/time.tsx";
import { checksText } from "./reported.ts";
import { startTests, useTests } from "./test_run.ts";
import { testStateOf } from "./test_run_state.ts";
import { VerifyResult } from "./verify_result.tsx";

export function NameTest({ migration }: { migration: Migration }) {
  const readOnly = useSession().data?.readOnly === true;
  const run = useTests();
  const { id, compatibility_view_created } = migration;
  const last = migration.last_verified;
  const state = testStateOf(run, id, last);
  const found = run.results[id];
  // Somebody else can have tested it since.
  const result = last && !(found?.at > Date.parse(last.at)) ? undefined : found;
  if (!compatibility_view_created) return null;
  return (
    <div className="stack tight">
      <div className="row">
        <Button
          disabled={readOnly || run.running}
          title={readOnly ? "This page is read-only." : undefined}
          onClick={() => void startTests([migration])}
        >
          {result === undefined && !last ? "Test it" : "Test it again"}
        </Button>
        {(state === "passed" || state === "failed") && (
          <Badge tone={state === "passed" ? "good" : "bad"}>{state}</Badge>
        )}
        <span role="status" className="quiet">
          {state === "testing"
            ? run.progress?.check
              ? `Testing ${checkTitle(run.progress.check)}, ${(run.progress.done ?? 0) + 1} of ${
                run.progress.total ?? 5
              }`
              : "Testing…"
            : state === "waiting"
            ? "Waits for earlier tests"
            : result === undefined && last
            ? (
              <>
                Tested <Time at={last.at} /> by {visible(last.by)}: {checksText(last)}
              </>
            )
            : result === undefined
            ? "Runs statements by both names and compares. Rows are not changed; sequences may advance."
            : (
              <>
                Tested <Time at={new Date(result.at).toISOString()} />
              </>
            )}
        </span>
      </div>
      {result?.error !== undefined && (
        <p>
          {visible(result.error.detail)} {visible(result.error.hint ?? "")}
        </p>
      )}
      {result?.answer !== undefined && <VerifyResult answer={result.answer} />}
    </div>
  );
}
