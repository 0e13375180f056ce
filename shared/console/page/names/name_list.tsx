/// <reference lib="dom" />
/** The list of old names. Only what is on the screen is drawn; each opens in its place. */
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useLayoutEffect, useRef, useState } from "react";
import type { Migration } from "../../../contract/responses.ts";
import { ChangeButton } from "../changes/change_button.tsx";
import { Badge, type Tone } from "../parts/controls/badge.tsx";
import { Renaming } from "../parts/name.tsx";
import { Time } from "../parts/time.tsx";
import { NameDetails } from "./name_details.tsx";
import { useTests } from "./test_run.ts";
import { type TestState, testStateOf } from "./test_run_state.ts";
import { needsRefresh, verdictOf } from "./verdict.ts";
import { VerdictBadge } from "./verdict_parts.tsx";

/** Height of a row in pixels before it is drawn. */
const ROW_HEIGHT = 52;

const TESTS: Record<TestState, { tone: Tone; text: string }> = {
  "not tested": { tone: "neutral", text: "not tested" },
  waiting: { tone: "neutral", text: "waits" },
  testing: { tone: "notice", text: "testing…" },
  passed: { tone: "good", text: "passed" },
  failed: { tone: "bad", text: "failed" },
  "not possible": { tone: "warning", text: "not possible" },
};

export function NameList({ migrations }: { migrations: Migration[] }) {
  const list = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  useLayoutEffect(() => {
    const { top } = list.current!.getBoundingClientRect();
    setTop(top + scrollY);
  }, [migrations]);
  const virtual = useWindowVirtualizer({
    count: migrations.length,
    estimateSize: () => ROW_HEIGHT,
    getItemKey: (index) => migrations[index].id,
    overscan: 8,
    scrollMargin: top,
  });
  const toggle = (id: string) =>
    setOpened((before) => {
      const after = new Set(before);
      if (!after.delete(id)) after.add(id);
      return after;
    });
  return (
    <div className="card flush">
      <div className="names-head" aria-hidden="true">
        <span>Old name → new name</span>
        <span>Renamed</span>
        <span>Verdict</span>
        <span>Last used</span>
        <span>Test</span>
        <span />
      </div>
      <div
        ref={list}
        role="list"
        aria-label="Old names"
        className="names-list"
        style={{ height: virtual.getTotalSize() }}
      >
        {virtual.getVirtualItems().map(({ index, start, key }) => (
          <div
            key={key}
            ref={virtual.measureElement}
            data-index={index}
            role="listitem"
            aria-setsize={migrations.length}
            aria-posinset={index + 1}
            className="names-item"
            style={{ transform: `translateY(${start - top}px)` }}
          >
            <Row
              migration={migrations[index]}
              open={opened.has(migrations[index].id)}
              onToggle={() => toggle(migrations[index].id)}
            />
          </div>
        ))}
      </div>
    </div>
  );
}

function Row(
  { migration, open, onToggle }: { migration: Migration; open: boolean; onToggle: () => void },
) {
  const { id, schema_name, old_name, new_name, migrated_at, usage } = migration;
  const test = TESTS[testStateOf(useTests(), id, migration.last_verified)];
  const details = `name-${id}`;
  return (
    <>
      <div className="names-row">
        <h2>
          <button
            type="button"
            className="names-toggle"
            aria-expanded={open}
            aria-controls={open ? details : undefined}
            onClick={onToggle}
          >
            <Renaming schema={schema_name} old_name={old_name} new_name={new_name} />
          </button>
        </h2>
        <span data-label="Renamed">
          <Time at={migrated_at} day />
        </span>
        <span data-label="Verdict">
          <VerdictBadge migration={migration} />
        </span>
        <span data-label="Last used">
          {usage === undefined ? <span className="quiet">no view</span> : (
            <Time
              at={usage.last_used_at}
              day
              none={usage.calls === null ? "not known" : "not seen"}
            />
          )}
        </span>
        <span data-label="Test">
          <Badge tone={test.tone}>{test.text}</Badge>
        </span>
        <span className="names-next">
          {needsRefresh(migration)
            ? (
              <ChangeButton kind="refresh" migrations={[migration]} variant="primary">
                Refresh
              </ChangeButton>
            )
            : verdictOf(migration).kind === "ready" &&
              <ChangeButton kind="finalize" migrations={[migration]}>Finalize</ChangeButton>}
        </span>
      </div>
      {open && (
        <div id={details} className="names-details">
          <NameDetails migration={migration} />
        </div>
      )}
    </>
  );
}
