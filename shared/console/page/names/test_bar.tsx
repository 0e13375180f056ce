/** The tests of all that is shown: how far they are, and what came of them. */
import type { Migration } from "../../../contract/responses.ts";
import { useSession } from "../api/queries.ts";
import { checkTitle } from "../live/phases.ts";
import { Button } from "../parts/button.tsx";
import { Name } from "../parts/name.tsx";
import { startTests, stopTests, useTests } from "./test_run.ts";

export function TestBar({ shown }: { shown: Migration[] }) {
  const readOnly = useSession().data?.readOnly === true;
  const { targets, done, running, stopped, progress, results } = useTests();
  const tested = targets.slice(0, done).map(({ id }) => results[id]);
  const passed = tested.filter((result) => result?.answer?.passed).length;
  const withView = shown.filter(({ compatibility_view_created }) => compatibility_view_created);
  return (
    <div className="row test-bar">
      {running
        ? (
          <>
            <progress max={targets.length} value={done} aria-label="Tested old names" />
            <span className="quiet">
              Testing {done + 1} of {targets.length}: <Name name={targets[done]?.old_name ?? ""} />
              {progress?.check && `, ${checkTitle(progress.check)}`}
            </span>
            <Button onClick={stopTests}>Stop</Button>
          </>
        )
        : (
          <>
            <span className="quiet" role="status">
              {targets.length > 1 && (
                `${stopped ? "Stopped" : "Tested"}: ${passed} of ${done} passed`
              )}
            </span>
            <Button
              disabled={readOnly || withView.length === 0}
              title={readOnly ? "This page was started to read only." : undefined}
              onClick={() => void startTests(withView)}
            >
              Test all that are shown ({withView.length})
            </Button>
          </>
        )}
    </div>
  );
}
