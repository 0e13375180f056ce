/// <reference lib="dom" />
/** The old names that still exist, who uses them, and whether they can be given up. */
import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useMemo, useState } from "react";
import { Link } from "wouter";
import { oldNamesOptions } from "../api/queries.ts";
import { ChangeButton } from "../changes/change_button.tsx";
import { Button } from "../parts/controls/button.tsx";
import { EmptyState } from "../parts/controls/empty_state.tsx";
import { Choice, SearchField } from "../parts/controls/filters.tsx";
import { Loading } from "../parts/controls/loading.tsx";
import { ProblemBox } from "../parts/problem_box.tsx";
import { NameList } from "./name_list.tsx";
import { TestButton, TestState } from "./test_bar.tsx";
import {
  chosenNames,
  countsByVerdict,
  type NameFilter,
  type Order,
  VERDICT_TEXTS,
  type VerdictKind,
  verdictOf,
  VERDICTS,
} from "./verdict.ts";

const ORDERS: Order[] = ["verdict", "name", "since", "last use"];

const CLOCK = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

export default function NamesView() {
  const migrations = useQuery(oldNamesOptions);
  const [filter, setFilter] = useState<NameFilter>({ text: "", verdict: null, order: "verdict" });
  const wanted = useDeferredValue(filter);
  const all = migrations.data;
  const chosen = useMemo(() => all === undefined ? [] : chosenNames(all, wanted), [all, wanted]);
  const ready = chosen.filter((one) => verdictOf(one).kind === "ready");
  return (
    <>
      <div className="view-head">
        <h1>Old names</h1>
        <p>Who still uses the old names, and which can be finalized.</p>
        <div className="row look">
          <span className="quiet" role="status">
            {migrations.isFetching
              ? "Checking…"
              : migrations.dataUpdatedAt > 0
              ? `Checked at ${CLOCK.format(migrations.dataUpdatedAt)}`
              : "\u00a0"}
          </span>
          <Button disabled={migrations.isFetching} onClick={() => void migrations.refetch()}>
            Check again
          </Button>
        </div>
      </div>
      <div className="stack names">
        {migrations.error && <ProblemBox error={migrations.error} />}
        {all === undefined
          ? !migrations.error && <Loading what="the old names" />
          : all.length === 0
          ? (
            <EmptyState title="There are no old names">
              After a rename, the old name stays as a view until nothing uses it. Then it is
              finalized here. <Link href="/tables">Choose tables to rename</Link>
            </EmptyState>
          )
          : (
            <>
              <Filters filter={filter} onFilter={setFilter} counts={countsByVerdict(all)} />
              <div className="row names-all">
                <div className="row grow">
                  <p className="quiet" role="status">
                    {chosen.length === all.length
                      ? `${all.length} ${all.length === 1 ? "old name" : "old names"}`
                      : `${chosen.length} of ${all.length} old names`}
                  </p>
                  <TestState />
                </div>
                <TestButton shown={chosen} />
                <ChangeButton kind="finalize" migrations={ready} disabled={ready.length === 0}>
                  {`Finalize what is ready (${ready.length})`}
                </ChangeButton>
              </div>
              {chosen.length === 0
                ? (
                  <EmptyState title="No old name matches">
                    <Button onClick={() => setFilter({ ...filter, text: "", verdict: null })}>
                      Show all old names
                    </Button>
                  </EmptyState>
                )
                : <NameList migrations={chosen} />}
            </>
          )}
      </div>
    </>
  );
}

function Filters(
  { filter, onFilter, counts }: {
    filter: NameFilter;
    onFilter: (filter: NameFilter) => void;
    counts: Map<VerdictKind, number>;
  },
) {
  return (
    <search className="row">
      <SearchField
        label="Search old names"
        hint="Search by name, old or new"
        text={filter.text}
        onText={(text) => onFilter({ ...filter, text })}
      />
      <Choice
        label="Show"
        value={filter.verdict ?? ""}
        options={[
          ["", "all"],
          ...VERDICTS.map((kind): [VerdictKind, string] => [
            kind,
            `${VERDICT_TEXTS[kind]} (${counts.get(kind) ?? 0})`,
          ]),
        ]}
        onChoose={(verdict) => onFilter({ ...filter, verdict: verdict || null })}
      />
      <Choice
        label="Order by"
        value={filter.order}
        options={ORDERS}
        onChoose={(order) => onFilter({ ...filter, order })}
      />
    </search>
  );
}
