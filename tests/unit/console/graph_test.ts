import { assert, assertEquals } from "@std/assert";
import {
  firstLook,
  hasLines,
  neededHeight,
  type Placed,
  placeGraph,
  SMALLEST_ZOOM,
} from "../../../shared/console/page/plan/graph/layout.ts";
import {
  countEffects,
  graphOfTable,
  graphOfTables,
  type KindNode,
  MOST_OF_KIND,
  type SummaryNode,
} from "../../../shared/console/page/plan/graph/model.ts";
import type { Effect, PlannedTable } from "../../../shared/contract/responses.ts";

const objects = (...effects: Effect[]) =>
  effects.map((effect, index) => ({ name: `object ${index}`, effect, detail: null }));

const planned = (
  old_name: string,
  dependants: PlannedTable["dependants"] = {},
  compatibility_view = true,
): PlannedTable => ({
  schema: "public",
  old_name,
  new_name: `${old_name}_new`,
  compatibility_view,
  dependants,
});

const EXPERTS = planned("experts", {
  indexes: objects("follows"),
  grants: objects("handled", "handled"),
  functions: objects("works_through_view", "breaks", "changes", "follows"),
  publications: objects("breaks"),
  statements: objects(...Array<Effect>(MOST_OF_KIND + 5).fill("changes")),
});

/** A hundred tables; of every seventh something breaks, of every fourteenth more, of every tenth something changes. */
const HUNDRED = Array.from({ length: 100 }, (_, index) =>
  planned(`t${index + 1}`, {
    grants: objects("handled"),
    ...((index + 1) % 7 === 0 &&
      { functions: objects(...Array<Effect>((index + 1) % 14 === 0 ? 3 : 2).fill("breaks")) }),
    ...((index + 1) % 10 === 0 && { cron_jobs: objects("changes") }),
  }));

Deno.test("the graph of one table: what uses the old name leads to it, what goes with the table comes after it", () => {
  const { nodes, edges } = graphOfTable(EXPERTS);
  assertEquals(edges, [
    { id: "old_name", source: "old_name", target: "table" },
    { id: "before", source: "before", target: "old_name", effect: "breaks" },
    { id: "after", source: "table", target: "after" },
  ]);
  const kinds = nodes.filter((node): node is KindNode => node.type === "kind");
  assertEquals(
    kinds.map(({ side, kind, worst, items, more }) => [side, kind, worst, items.length, more]),
    [
      ["before", "functions", "breaks", 3, 0],
      ["before", "publications", "breaks", 1, 0],
      ["before", "statements", "changes", MOST_OF_KIND, 5],
      ["after", "grants", "handled", 2, 0],
      ["after", "indexes", "follows", 1, 0],
      ["after", "functions", "follows", 1, 0],
    ],
  );
  // The worst is read first.
  assertEquals(kinds[0].items.map(({ effect }) => effect), [
    "breaks",
    "changes",
    "works_through_view",
  ]);
});

Deno.test("the graph of one table shows whether the old name is a view or free, and no empty side", () => {
  const shown = (table: PlannedTable) =>
    graphOfTable(table).nodes.map((node) =>
      node.type === "old_name" ? `old name, view: ${node.view}` : node.type
    );
  assertEquals(shown(planned("a")), ["old name, view: true", "table"]);
  assertEquals(shown(planned("a", { indexes: objects("follows") }, false)), [
    "old name, view: false",
    "table",
    "frame",
    "kind",
  ]);
});

Deno.test("effects are counted over all tables, the worst first, without zeros", () => {
  assertEquals(countEffects(HUNDRED), [
    { effect: "breaks", count: 35 },
    { effect: "changes", count: 10 },
    { effect: "handled", count: 100 },
  ]);
  assertEquals(countEffects([]), []);
});

Deno.test("of a hundred tables, those where something breaks come first, then those where something changes", () => {
  const { nodes, edges } = graphOfTables(HUNDRED);
  assertEquals([nodes.length, edges.length], [100, 0]);
  const summaries = nodes as SummaryNode[];
  const names = summaries.map(({ table }) => table.old_name);
  assertEquals(names.slice(0, 2), ["t14", "t28"]);
  assertEquals(names.slice(7, 9), ["t7", "t21"]);
  assertEquals(names.slice(14, 17), ["t10", "t20", "t30"]);
  assertEquals(summaries[13].counts[0], { effect: "breaks", count: 2 });
  assertEquals(summaries.at(-1)?.counts, [{ effect: "handled", count: 1 }]);
});

Deno.test("lines between tables are their foreign keys, each pair once, and none to tables that stay", () => {
  const to = (table: string) => ({ schema: "public", table });
  const { edges } = graphOfTables([planned("a"), planned("b")], [
    { ...to("a"), references: [to("b"), to("b"), to("a"), to("elsewhere")] },
    { ...to("elsewhere"), references: [to("a")] },
    to("b"),
  ]);
  assertEquals(edges.map(({ source, target }) => [source, target]), [
    ['["public","a"]', '["public","b"]'],
  ]);
});

/** Pairs of nodes that cover each other; what is in a frame is meant to. */
function overlaps(placed: Placed[]): string[] {
  const boxes = placed.filter(({ node }) => node.type !== "frame");
  return boxes.flatMap((a, index) =>
    boxes.slice(index + 1).filter((b) =>
      a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
    ).map((b) => `${a.node.id} and ${b.node.id}`)
  );
}

Deno.test("no part of a graph covers another, in wide and narrow places", () => {
  const references = HUNDRED.slice(0, 20).map(({ schema, old_name }, index) => ({
    schema,
    table: old_name,
    references: [{ schema, table: `t${Math.ceil(index / 2)}` }],
  }));
  const graphs = [
    graphOfTable(EXPERTS),
    graphOfTable(planned("a")),
    graphOfTables(HUNDRED),
    graphOfTables(HUNDRED.slice(0, 22), references),
  ];
  for (const graph of graphs) {
    for (const width of [300, 900, 2_400]) {
      const placed = placeGraph(graph, width, 500);
      assertEquals(placed.length, graph.nodes.length);
      assertEquals(overlaps(placed), [], `at ${width} pixels`);
    }
  }
});

Deno.test("a frame is around all of its side, and drawn before it", () => {
  const placed = placeGraph(graphOfTable(EXPERTS), 1_200, 500);
  for (const side of ["before", "after"]) {
    const own = placed.filter(({ node }) => node.side === side);
    const [frame, ...inside] = own;
    assertEquals(frame.node.type, "frame");
    for (const { x, y, width, height } of inside) {
      assert(x > frame.x && y > frame.y);
      assert(x + width < frame.x + frame.width && y + height < frame.y + frame.height);
    }
  }
});

Deno.test("the first look shows all of a small graph, and of a large one the beginning as small as can be read", () => {
  const [width, height] = [1_000, 540];
  const small = placeGraph(graphOfTable(EXPERTS), width, height);
  const look = firstLook(small, width, height);
  assert(look.zoom >= SMALLEST_ZOOM && look.zoom <= 1);
  for (const one of small) {
    const right = (one.x + one.width) * look.zoom + look.x;
    assert(one.x * look.zoom + look.x >= 0 && right <= width, one.node.id);
  }
  const large = placeGraph(graphOfTables(HUNDRED), width, height);
  const first = firstLook(large, width, height);
  assert(first.zoom >= SMALLEST_ZOOM);
  const top = large[0];
  assert(top.y * first.zoom + first.y >= 0 && top.x * first.zoom + first.x >= 0);
  assert(large.every(({ x, width: own }) => (x + own) * first.zoom + first.x <= width));
});

Deno.test("foreign keys are drawn between few tables, where there is room", () => {
  assertEquals([hasLines(20, 1_000), hasLines(20, 300), hasLines(100, 2_000)], [
    true,
    false,
    false,
  ]);
});

Deno.test("a small graph takes no more height than it needs, a large one at most its place", () => {
  const heightOf = (tables: PlannedTable[]) => {
    const graph = tables.length === 1 ? graphOfTable(tables[0]) : graphOfTables(tables);
    return neededHeight(placeGraph(graph, 1_000, 540), 1_000, 540);
  };
  assert(heightOf([planned("alone")]) < 270);
  assertEquals(heightOf(HUNDRED), 540);
});
