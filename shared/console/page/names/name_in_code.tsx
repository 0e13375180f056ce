/** What is left in people's code, if somebody has reported it. */
import type { Migration } from "../../../contract/responses.ts";
import { visible } from "../../../report/document/text.ts";
import { Time } from "../parts/time.tsx";
import { usesText } from "./reported.ts";

export function NameInCode({ migration }: { migration: Migration }) {
  const { uses_in_code: uses } = migration;
  if (uses === undefined) return null;
  return (
    <>
      <h3>Uses in code</h3>
      {uses === null
        ? (
          <p className="quiet">
            Not reported yet. Run in the folder of your code:{" "}
            <code>npx table-rename find-uses --report</code>
          </p>
        )
        : (
          <>
            <p>{usesText(uses)}</p>
            <p className="quiet">
              Reported <Time at={uses.reported_at} /> by {visible(uses.reported_by)}
              {uses.repository && ` from ${visible(uses.repository)}`}.
            </p>
          </>
        )}
    </>
  );
}
