/// <reference lib="dom" />
/** What depends on each table as a list: the same as the graph, for those who read rather than look. */
import { memo, type ReactNode, useState } from "react";
import type { PlannedTable } from "../../../../contract/responses.ts";
import { keyOf } from "../../../../contract/new_names.ts";
import { Badge } from "../../parts/controls/badge.tsx";
import { Dependants, EFFECT_TONES } from "../../parts/dependants.tsx";
import { Renaming } from "../../parts/name.tsx";
import { effectText } from "../graph/effect_mark.tsx";
import { countEffects } from "../graph/model.ts";

export const DependantsList = memo(function DependantsList({ tables }: { tables: PlannedTable[] }) {
  return (
    <Fold summary="Show as a list">
      {() =>
        tables.length === 1
          ? <Dependants dependants={tables[0].dependants} />
          : (
            <ul className="plan-tables">
              {tables.map((table) => (
                <li key={keyOf(table.schema, table.old_name)}>
                  <Fold summary={<Summary table={table} />}>
                    {() => <Dependants dependants={table.dependants} />}
                  </Fold>
                </li>
              ))}
            </ul>
          )}
    </Fold>
  );
});

const Summary = ({ table }: { table: PlannedTable }) => (
  <span className="plan-table">
    <Renaming {...table} />
    {countEffects([table]).map(({ effect, count }) => (
      <Badge key={effect} tone={EFFECT_TONES[effect]}>{count} {effectText(effect, count)}</Badge>
    ))}
  </span>
);

/** What is folded is made when it is first opened. */
function Fold(
  { summary, children }: { summary: ReactNode; children: () => ReactNode },
) {
  const [opened, setOpened] = useState(false);
  return (
    <details
      className="fold"
      onToggle={({ currentTarget }) => currentTarget.open && setOpened(true)}
    >
      <summary>{summary}</summary>
      {opened && children()}
    </details>
  );
}
