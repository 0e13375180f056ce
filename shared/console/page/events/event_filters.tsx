/// <reference lib="dom" />
import * as Ariakit from "@ariakit/react";
import { useId } from "react";
import { Button } from "../parts/button.tsx";
import { addressOf, type EventFilter, NO_FILTER } from "./filter.ts";
import { OPERATION_WORDS, OPERATIONS, OUTCOMES } from "./words.ts";

interface Props {
  filter: EventFilter;
  onFilter: (filter: EventFilter) => void;
  /** Those that are known. */
  actors: string[];
}

export function EventFilters(props: Props) {
  const { filter, onFilter } = props;
  const set = addressOf({ ...filter, table: "" }).size;
  return (
    <search className="row">
      <label className="grow">
        <span className="visually-hidden">Search events by a table's name</span>
        <input
          className="field"
          type="search"
          placeholder="Search by a table's name"
          value={filter.table}
          onChange={({ target }) => onFilter({ ...filter, table: target.value })}
        />
      </label>
      <div className="row wide-only">
        <Choices {...props} />
      </div>
      <div className="narrow-only">
        <Ariakit.PopoverProvider placement="bottom-end">
          <Ariakit.PopoverDisclosure className="button">
            Filter{set > 0 && <>: {set}</>}
          </Ariakit.PopoverDisclosure>
          <Ariakit.Popover className="popover stack" gutter={4} aria-label="Filter" unmountOnHide>
            <Choices {...props} />
          </Ariakit.Popover>
        </Ariakit.PopoverProvider>
      </div>
      <Ids {...props} />
    </search>
  );
}

function Choices({ filter, onFilter, actors }: Props) {
  const list = useId();
  return (
    <>
      <label className="row tight choice">
        <span className="quiet">What</span>
        <select
          className="field"
          value={filter.operation ?? ""}
          onChange={({ target }) =>
            onFilter({ ...filter, operation: (target.value || null) as EventFilter["operation"] })}
        >
          <option value="">all</option>
          {OPERATIONS.map((one) => <option key={one} value={one}>{OPERATION_WORDS[one]}</option>)}
        </select>
      </label>
      <label className="row tight choice">
        <span className="quiet">Outcome</span>
        <select
          className="field"
          value={filter.outcome ?? ""}
          onChange={({ target }) =>
            onFilter({ ...filter, outcome: (target.value || null) as EventFilter["outcome"] })}
        >
          <option value="">all</option>
          {OUTCOMES.map((one) => <option key={one} value={one}>{one}</option>)}
        </select>
      </label>
      <label className="row tight choice">
        <span className="quiet">By</span>
        <input
          // Only whole names are found, so that it counts when it is complete.
          key={filter.actor}
          className="field actor-field"
          list={list}
          placeholder="everybody"
          defaultValue={filter.actor}
          onBlur={({ target }) =>
            target.value !== filter.actor && onFilter({ ...filter, actor: target.value })}
          onKeyDown={({ key, currentTarget }) => key === "Enter" && currentTarget.blur()}
        />
        <datalist id={list}>
          {actors.map((actor) => <option key={actor} value={actor} />)}
        </datalist>
      </label>
      <label className="row tight choice">
        <span className="quiet">Since</span>
        <input
          className="field"
          type="date"
          value={filter.since}
          onChange={({ target }) => onFilter({ ...filter, since: target.value })}
        />
      </label>
    </>
  );
}

/** Filters that links set, which are not fields. */
function Ids({ filter, onFilter }: Props) {
  const { migration_id, batch_id, request_id } = filter;
  const what = request_id
    ? "one request"
    : batch_id
    ? "one batch"
    : migration_id
    ? "one rename"
    : null;
  if (what === null) return null;
  return (
    <p className="row tight only">
      Only events of {what}.
      <Button variant="link" onClick={() => onFilter(NO_FILTER)}>Show all events</Button>
    </p>
  );
}
