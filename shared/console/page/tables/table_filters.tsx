/// <reference lib="dom" />
import { Choice, FoldedChoices, SearchField } from "../parts/controls/filters.tsx";
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
      <SearchField
        label="Search tables by name"
        hint="Search by name, old or new"
        text={filter.text}
        onText={(text) => onFilter({ ...filter, text })}
      />
      <FoldedChoices set={set}>
        <Choices {...props} />
      </FoldedChoices>
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
          options={[["", "all"], ...schemas]}
          onChoose={(schema) => onFilter({ ...filter, schema: schema || null })}
        />
      )}
      <Choice
        label="State"
        value={filter.state ?? ""}
        options={[["", "all"], ...STATES]}
        onChoose={(state) => onFilter({ ...filter, state: state || null })}
      />
      <Choice
        label="Findings"
        value={filter.worst ?? ""}
        options={[["", "all"], "breaking", ["warning", "warning or breaking"]]}
        onChoose={(worst) => onFilter({ ...filter, worst: worst || null })}
      />
      <span className="narrow-only">
        <Choice
          label="Order by"
          value={order}
          options={["name", "size", "rows"]}
          onChoose={onOrder}
        />
      </span>
    </>
  );
}
