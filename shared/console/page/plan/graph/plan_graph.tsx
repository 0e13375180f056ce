/// <reference lib="dom" />
/**
 * The graph of a plan: of one table everything that depends on it, of many tables a look at each. It can be moved and
 * zoomed with the mouse, fingers, buttons and keys. What it shows is also there as a list, which is for screen readers.
 */
import { memo, type RefObject, useEffect, useMemo, useRef, useState } from "react";
import type { PlannedTable } from "../../../../contract/responses.ts";
import { keyOf } from "../../../../contract/new_names.ts";
import { useTables } from "../../api/queries.ts";
import { Button } from "../../parts/controls/button.tsx";
import { Renaming } from "../../parts/name.tsx";
import { Canvas } from "./canvas.tsx";
import { Legend } from "./effect_mark.tsx";
import { hasLines, NARROW } from "./layout.ts";
import { countEffects, graphOfTable, graphOfTables } from "./model.ts";

export default memo(function PlanGraph({ tables }: { tables: PlannedTable[] }) {
  const { data: all } = useTables();
  const [opened, open] = useState<string | null>(null);
  const place = useRef<HTMLDivElement>(null);
  const size = useSize(place);
  const one = tables.length === 1
    ? tables[0]
    : tables.find((table) => keyOf(table.schema, table.old_name) === opened);
  const lines = size !== null && hasLines(tables.length, size.width);
  const graph = useMemo(
    () => one === undefined ? graphOfTables(tables, lines ? all : []) : graphOfTable(one),
    [one, tables, all, lines],
  );
  const counts = useMemo(() => countEffects(one === undefined ? tables : [one]), [one, tables]);
  return (
    <div className="stack tight">
      <Legend counts={counts} />
      {tables.length > 1 && (
        <div className="row graph-head">
          {one === undefined
            ? (
              <span className="quiet">
                {graph.edges.length > 0 && "Lines are foreign keys. "}
                Open a table to see what depends on it.
              </span>
            )
            : (
              <>
                <Button onClick={() => open(null)}>All tables</Button>
                <Renaming {...one} />
              </>
            )}
        </div>
      )}
      <div className="graph-place" ref={place}>
        {size !== null && (
          <Canvas
            // Another graph, or place for it, begins with a first look.
            key={`${opened} ${tables.length} ${size.width < NARROW}`}
            graph={graph}
            width={size.width}
            maxHeight={size.maxHeight}
            label={one === undefined
              ? `Graph of ${tables.length} tables; the list below has the same`
              : `Graph of what depends on ${one.old_name}; the list below has the same`}
            onOpen={open}
          />
        )}
      </div>
    </div>
  );
});

/** Between these is the greatest height of a graph, in pixels, by the height of the window. */
const LOWEST = 352;
const HIGHEST = 640;

/** The width of an element, and how high it may be, in pixels; null before they are known. */
function useSize(element: RefObject<HTMLElement | null>) {
  const [size, setSize] = useState<{ width: number; maxHeight: number } | null>(null);
  useEffect(() => {
    const observer = new ResizeObserver(([{ contentRect: { width } }]) => {
      const maxHeight = Math.min(HIGHEST, Math.max(LOWEST, innerHeight * 0.6));
      // Its own height changes with the graph, which is no news.
      setSize((size) => size?.width === width ? size : { width, maxHeight });
    });
    observer.observe(element.current!);
    return () => observer.disconnect();
  }, [element]);
  return size;
}
