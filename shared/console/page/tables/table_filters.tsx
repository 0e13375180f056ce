/// <reference lib="dom" />
import * as Ariakit from "@ariakit/react";
import type { Filter, Order, TableState } from "./rows.ts";

const STATES: TableState[] = ["not renamed", "proposed", "active", "finalized"];

interface Props {
  filter: Filter;
  onFilter: (filter: Filter) => void;
  order: Order;
  onOrder: (order: Order) => void;
  schemas: string[];
}

/** Search and filters. On a narrow screen the filters are folded. */
export function TableFilters(props: Props) {
  const { filter, onFilter } = props;
  const { schema, state, worst } = filter;
  const set = [schema, state, worst].filter((value) => value !== null).length;
  return (
    <search className="row">
      <label className="grow">
        <span className="visually-hidden">Search tables by name</span>
        <input
          className="field"
          type="search"
          placeholder="Search by name, old or new"
          value={filter.text}
          onChange={({ target }) => onFilter({ ...filter, text: target.value })}
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
    </search>
  );
}

function Choices({ filter, onFilter, order, onOrder, schemas }: Props) {
  return (
    <>
      {schemas.length > 1 && (
        <Choice
          label="Schema"
          value={filter.schema ?? ""}
          options={[["", "all"], ...schemas.map((schema): [string, string] => [schema, schema])]}
          onChoose={(schema) => onFilter({ ...filter, schema: schema || null })}
        />
      )}
      <Choice
        label="State"
        value={filter.state ?? ""}
        options={[["", "all"], ...STATES.map((state): [string, string] => [state, state])]}
        onChoose={(state) => onFilter({ ...filter, state: (state || null) as Filter["state"] })}
      />
      <Choice
        label="Findings"
        value={filter.worst ?? ""}
        options={[["", "all"], ["breaking", "breaking"], ["warning", "warning or breaking"]]}
        onChoose={(worst) => onFilter({ ...filter, worst: (worst || null) as Filter["worst"] })}
      />
      <span className="narrow-only">
        <Choice
          label="Order by"
          value={order}
          options={[["name", "name"], ["size", "size"], ["rows", "rows"]]}
          onChoose={(order) => onOrder(order as Order)}
        />
      </span>
    </>
  );
}

function Choice(
  { label, value, options, onChoose }: {
    label: string;
    value: string;
    options: [value: string, text: string][];
    onChoose: (value: string) => void;
  },
) {
  return (
    <label className="row tight choice">
      <span className="quiet">{label}</span>
      <select className="field" value={value} onChange={({ target }) => onChoose(target.value)}>
        {options.map(([value, text]) => <option key={value} value={value}>{text}</option>)}
      </select>
    </label>
  );
}
