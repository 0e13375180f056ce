/** The tests of all that is shown: how far they are, and what came of them. */
import type { Migration } from "../../../contract/responses.ts";
import { useSession } from "../api/queries.ts";
import { Button } from "../parts/controls/button.tsx";
import { Name } from "../parts/name.tsx";
import { startTests, stopTests, useTests } from "./test_run.ts";

export function TestState() {
  const { targets, done, running, stopped, results } = useTests();
  if (running) {
    return (
      <span className="test-state">
        <progress max={targets.length} value={done} aria-label="Tested old names" />
        <span className="quiet">
          Testing {done + 1} of {targets.length}: <Name name={targets[done]?.old_name ?? ""} />
        </span>
      </span>
    );
  }
  const tested = targets.slice(0, done).map(({ id }) => results[id]);
  const passed = tested.filter((result) => result?.answer?.passed).length;
  return (
    <span className="test-state quiet" role="status">
      {targets.length > 1 && (
        stopped
          ? `Stopped after ${done} of ${targets.length} tests: ${passed} passed`
          : `Tested: ${passed} of ${done} passed`
      )}
    </span>
  );
}

export function TestButton({ shown }: { shown: Migration[] }) {
  const readOnly = useSession().data?.readOnly === true;
  const { running } = useTests();
  const withView = shown.filter(({ compatibility_view_created }) => compatibility_view_created);
  if (running) return <Button onClick={stopTests}>Stop the tests</Button>;
  return (
    <Button
      disabled={readOnly || withView.length === 0}
      title={readOnly ? "This page is read-only." : undefined}
      onClick={() => void startTests(withView)}
    >
      Test all shown ({withView.length})
    </Button>
  );
}
