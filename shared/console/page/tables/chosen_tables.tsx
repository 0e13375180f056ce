/// <reference lib="dom" />
/** What is chosen so far, and the way on. */
import { useLocation } from "wouter";
import { Button } from "../parts/controls/button.tsx";
import { clearDraft, setRenames, useDraft } from "../plan/draft.ts";
import { MAX_RENAMES } from "../../../contract/names.ts";
import { withTables } from "./choice.ts";
import { shownNumber, type TableRow, tablesOf, whyNotChosen } from "./rows.ts";

export function ChosenTables({ shown }: { shown: TableRow[] }) {
  const { renames } = useDraft();
  const [, go] = useLocation();
  const possible = shown.filter((row) => whyNotChosen(row) === null);
  const all = withTables(renames, possible, true);
  const tooMany = all.length > MAX_RENAMES;
  return (
    <div className="chosen" data-empty={renames.length === 0}>
      <span role="status" className={renames.length === 0 ? "quiet" : "chosen-count"}>
        {renames.length === 0
          ? (
            <>
              Tick tables to choose them<span className="wide-only">
                . Hold Shift to choose a range
              </span>.
            </>
          )
          : `${tablesOf(renames.length)} chosen`}
      </span>
      {renames.length > 0 && (
        <>
          <Button variant="primary" onClick={() => go("/plan")}>Plan the rename</Button>
          <Button onClick={clearDraft}>Clear selection</Button>
        </>
      )}
      {all.length > renames.length && (
        <Button
          disabled={tooMany}
          title={tooMany ? `One plan has at most ${tablesOf(MAX_RENAMES)}.` : undefined}
          onClick={() => setRenames(all)}
        >
          Choose all shown ({shownNumber(possible.length)})
        </Button>
      )}
    </div>
  );
}
