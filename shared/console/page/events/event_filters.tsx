/// <reference lib="dom" />
import { useId } from "react";
import { Button } from "../parts/controls/button.tsx";
import { Choice, FoldedChoices, SearchField } from "../parts/controls/filters.tsx";
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
      <SearchField
        label="Search events by a table's name"
        hint="Search by a table's name"
        text={filter.table}
        onText={(table) => onFilter({ ...filter, table })}
      />
      <FoldedChoices set={set}>
        <Choices {...props} />
      </FoldedChoices>
      <Ids {...props} />
    </search>
  );
}

function Choices({ filter, onFilter, actors }: Props) {
  const list = useId();
  return (
    <>
      <Choice
        label="What"
        value={filter.operation ?? ""}
        options={[
          ["", "all"],
          ...OPERATIONS.map((one): [typeof one, string] => [one, OPERATION_WORDS[one]]),
        ]}
        onChoose={(operation) => onFilter({ ...filter, operation: operation || null })}
      />
      <Choice
        label="Outcome"
        value={filter.outcome ?? ""}
        options={[["", "all"], ...OUTCOMES]}
        onChoose={(outcome) => onFilter({ ...filter, outcome: outcome || null })}
      />
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
