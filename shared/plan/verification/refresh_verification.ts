/** What must hold after a refresh. */
import type { Verification } from "../../contract/responses.ts";
import type { RelationFacts } from "../../facts/facts.ts";
import { differences, fingerprint } from "../../facts/fingerprint.ts";
import { check, verification } from "./verification.ts";
import { viewDrift } from "../../drift/view_drift.ts";

/** Checks that the table is as it was planned to be, and that the view is true to it. */
export function checkRefreshed(
  planned: { fingerprint: ReturnType<typeof fingerprint>; old_name: string },
  table: RelationFacts | null,
  view: RelationFacts | null,
  without: string[],
): Verification {
  const object = planned.old_name;
  if (table === null || view?.kind !== "v") {
    const after = table === null ? "the table is gone" : "the view is not there";
    return verification([check("the view is there", [{ object, before: "a view", after }])]);
  }
  // What nothing can be done about is told as drift, and is no fault of the refresh.
  const untrue = viewDrift(table, view, without).filter(({ code }) =>
    !["view_owner_changed", "plain_view_changes_meaning", "row_cast_missing"].includes(code)
  );
  return verification([
    check("the view is there", []),
    check("the table is as it was", differences(planned.fingerprint, fingerprint(table))),
    check(
      "the view is true to its table",
      untrue.map(({ message }) => ({ object, before: null, after: message })),
    ),
  ]);
}
