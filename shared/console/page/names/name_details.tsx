/** One old name: why its verdict is so, who uses it, what names it, drift, and the test. */
import type { Migration } from "../../../contract/responses.ts";
import { visible } from "../../../report/document/text.ts";
import { ChangeButton } from "../changes/change_button.tsx";
import { FindingList } from "../parts/finding_list.tsx";
import { Time } from "../parts/time.tsx";
import { NameInCode } from "./name_in_code.tsx";
import { NameTest } from "./name_test.tsx";
import { NameUse } from "./name_use.tsx";
import { limitReasons, needsRefresh, textReasons, verdictOf } from "./verdict.ts";
import { VerdictReasons } from "./verdict_parts.tsx";

export function NameDetails({ migration }: { migration: Migration }) {
  const { usage, drift = [], migrated_at, migrated_by, notes } = migration;
  const texts = textReasons(migration);
  const refresh = needsRefresh(migration);
  return (
    <div className="stack">
      <div className="name-columns">
        <div className="stack">
          <section className="stack tight">
            <h3>Ready to finalize?</h3>
            <VerdictReasons migration={migration} texts={false} />
            <p className="quiet">
              Renamed <Time at={migrated_at} /> by {visible(migrated_by ?? "an unknown person")}.
              {notes && ` ${visible(notes)}`}
            </p>
            {texts.length > 0 && (
              <>
                <h3>Functions and cron jobs that use it</h3>
                <ul className="reasons">
                  {texts.map(({ message }) => <li key={message}>{visible(message)}</li>)}
                </ul>
                <p className="quiet">
                  Refresh and Finalize can put the new name there. Their plans show how.
                </p>
              </>
            )}
            <NameInCode migration={migration} />
          </section>
          <section className="stack tight">
            <h3>Who uses it</h3>
            {usage === undefined
              ? <p>There is no view of the old name, so nothing can use it.</p>
              : (
                <NameUse
                  usage={usage}
                  limits={limitReasons(migration).map(({ message }) => message)}
                />
              )}
          </section>
        </div>
        <section className="stack tight">
          <h3>Compatibility test</h3>
          {drift.length > 0
            ? <FindingList findings={drift} />
            : <p>The database matches the record.</p>}
          <NameTest migration={migration} />
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
