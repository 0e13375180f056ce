/// <reference lib="dom" />
/** The plan of what is chosen: made when it is asked for, and from then on anew when the choice was changed. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { MAX_RENAMES } from "../../../contract/names.ts";
import { useEffect, useMemo, useState } from "react";
import { Link } from "wouter";
import { visible } from "../../../report/document/text.ts";
import { planOptions, useTables } from "../api/queries.ts";
import { Button } from "../parts/controls/button.tsx";
import { EmptyState } from "../parts/controls/empty_state.tsx";
import { Loading } from "../parts/controls/loading.tsx";
import { ProblemBox } from "../parts/problem_box.tsx";
import { createStore } from "../parts/store.ts";
import { AddTable } from "./choose/add_table.tsx";
import { clearDraft, useDraft } from "./draft.ts";
import { checkRenames, issuesByRename } from "./choose/names.ts";
import { OptionFields } from "./choose/option_fields.tsx";
import { PatternForm } from "./choose/pattern_form.tsx";
import { PlanAnswer } from "./answer/plan_answer.tsx";
import { RenameRows } from "./choose/rename_rows.tsx";
import { planRequestOf } from "./requests.ts";
import { RenameError } from "../../../client/client.ts";

/** Whether a plan was asked for, since tables were chosen. */
const asked = createStore("plan asked", false);

/** How long the choice has to stand still before it is planned anew, in milliseconds. */
const STILL_MS = 800;

export function DraftPlan() {
  const draft = useDraft();
  const { data: tables } = useTables();
  const isAsked = asked.use();
  const checked = useMemo(() => checkRenames(draft.renames, tables), [draft.renames, tables]);
  const isEmpty = draft.renames.length === 0;
  const hindrance = hindranceOf(checked);
  const request = useMemo(() => planRequestOf(draft), [draft.renames, draft.options]);
  const [settled, settle] = useSettled(request);
  useEffect(() => {
    if (isEmpty) asked.set(() => false);
  }, [isEmpty]);
  const wanted = isAsked && !isEmpty && hindrance === null;
  const query = useQuery({
    ...planOptions(settled),
    enabled: wanted && settled === request,
    placeholderData: keepPreviousData,
  });
  const { data, error } = query;
  const isOld = hindrance !== null || settled !== request || query.isPlaceholderData ||
    query.isFetching;
  const issues = useMemo(
    () =>
      error instanceof RenameError && settled === request
        ? issuesByRename(error.problem?.issues)
        : undefined,
    [error, settled, request],
  );
  const make = () => {
    settle();
    if (isAsked) query.refetch();
    asked.set(() => true);
  };
  return (
    <>
      <section className="card stack" aria-labelledby="names-title">
        <div className="row plan-section-head">
          <h2 id="names-title">Tables and new names</h2>
          <AddTable />
          {!isEmpty && <Button onClick={clearDraft}>Start over</Button>}
        </div>
        <PatternForm />
        {isEmpty
          ? (
            <EmptyState title="No table is chosen yet.">
              <p>
                Add tables above, or <Link href="/tables">choose them in Tables</Link>.
              </p>
            </EmptyState>
          )
          : <RenameRows renames={checked} issues={issues} />}
        {!isEmpty && (
          <>
            <OptionFields />
            <div className="row">
              <Button
                variant={isAsked ? "plain" : "primary"}
                disabled={hindrance !== null}
                onClick={make}
              >
                {isAsked ? "Make the plan again" : "Make the plan"}
              </Button>
              <span className="quiet" role="status">
                {hindrance ?? (isAsked ? "" : "This changes nothing.")}
              </span>
            </div>
          </>
        )}
      </section>
      {isAsked && !isEmpty && (
        error !== null && settled === request && !query.isFetching
          ? (
            <ProblemBox error={error}>
              <Issues error={error} />
            </ProblemBox>
          )
          : data === undefined
          ? query.isFetching && <Loading what="the plan" />
          : (
            <PlanAnswer
              answer={data}
              request={settled}
              options={draft.options}
              address="/plan"
              state={!isOld ? "current" : hindrance !== null ? "outdated" : "loading"}
              madeAt={query.dataUpdatedAt}
            />
          )
      )}
    </>
  );
}

/** What stands in the way of a plan, as a sentence; null if nothing does. */
function hindranceOf(renames: ReturnType<typeof checkRenames>): string | null {
  const of = (wanted: string) => renames.filter(({ state }) => state === wanted).length;
  const [clashes, unnamed] = [of("clash"), of("unnamed")];
  if (renames.length > MAX_RENAMES) {
    return `One plan has at most ${MAX_RENAMES} tables. Remove ${renames.length - MAX_RENAMES}.`;
  }
  if (clashes > 0) {
    return clashes === 1 ? "One name cannot be used." : `${clashes} names cannot be used.`;
  }
  if (unnamed > 0) {
    return unnamed === 1
      ? "One table still needs a new name."
      : `${unnamed} tables still need a new name.`;
  }
  return null;
}

/** What the endpoint has against single renames, where there are several. */
function Issues({ error }: { error: unknown }) {
  const issues = error instanceof RenameError ? error.problem?.issues : undefined;
  if (!Array.isArray(issues) || issues.length < 2) return null;
  return (
    <ul className="plan-issues">
      {issues.slice(0, 20).map(({ message }, index) => (
        <li key={index}>{visible(String(message))}</li>
      ))}
    </ul>
  );
}

/** The value as it was when it last stood still, and how to take the present one at once. */
function useSettled<Value>(value: Value): [Value, () => void] {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(() => value), STILL_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return [settled, () => setSettled(() => value)];
}
