import type { RewrittenTextAnswer } from "../../../contract/responses.ts";
import { visibleLines } from "../../../report/document/text.ts";
import { Fold } from "../parts/controls/fold.tsx";
import { Name } from "../parts/name.tsx";

/** Functions and cron jobs that get new texts, each with its changed lines. */
export const RewrittenTexts = ({ texts }: { texts: RewrittenTextAnswer[] }) => (
  <section className="stack tight">
    <h3>Texts that change ({texts.length})</h3>
    {texts.map(({ kind, object, diff }, index) => (
      <Fold
        key={index}
        open={texts.length === 1}
        title={
          <>
            {kind === "routine" ? "Function" : "Cron job"} <Name name={object} />
          </>
        }
      >
        <pre className="sql diff" tabIndex={0}><code>{diff.split("\n").map((line, index) => (
          <span key={index} data-sign={line[0]}>{`${visibleLines(line)}\n`}</span>
        ))}</code></pre>
      </Fold>
    ))}
  </section>
);
