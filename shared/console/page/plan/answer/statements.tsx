/// <reference lib="dom" />
/** The statements of a plan, with what each is for. */
import { lazy, memo, Suspense, useState } from "react";
import type { Statement } from "../../../../contract/responses.ts";
import { visible } from "../../../../report/document/text.ts";
import { CopyButton } from "../../parts/controls/copy_button.tsx";
import { Loading } from "../../parts/controls/loading.tsx";

/** The highlighter is loaded when it is needed. */
const Sql = lazy(async () => ({ default: (await import("../../parts/sql.tsx")).Sql }));

/** Most statements that are shown at first: a thousand tables have some ten thousand. */
const MOST = 60;

export const Statements = memo(function Statements({ statements }: { statements: Statement[] }) {
  const [opened, setOpened] = useState(false);
  const [all, setAll] = useState(false);
  const text = () =>
    statements.map(({ sql, purpose }) => `-- ${purpose.replaceAll("\n", " ")}\n${sql};\n`).join(
      "\n",
    );
  const shown = all ? statements : statements.slice(0, MOST);
  return (
    <section className="card" aria-labelledby="statements-title">
      <details
        className="fold"
        onToggle={({ currentTarget }) => currentTarget.open && setOpened(true)}
      >
        <summary>
          <h2 id="statements-title">Statements</h2>
          <span className="quiet">{statements.length}</span>
        </summary>
        {opened && (
          <Suspense fallback={<Loading what="the statements" />}>
            <div className="stack plan-statements">
              <div className="row">
                <CopyButton label="Copy all" text={text} />
                <span className="quiet">In this order, in one transaction.</span>
              </div>
              <ol className="stack tight">
                {shown.map(({ sql, purpose }, index) => (
                  <li key={index}>
                    <p>
                      <span className="quiet">{index + 1}.</span> {visible(purpose)}
                    </p>
                    <Sql text={sql} />
                  </li>
                ))}
              </ol>
              {statements.length > shown.length && (
                <div>
                  <button type="button" className="button" onClick={() => setAll(true)}>
                    Show {statements.length - shown.length} more
                  </button>
                </div>
              )}
            </div>
          </Suspense>
        )}
      </details>
    </section>
  );
});
