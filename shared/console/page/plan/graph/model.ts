/** What is drawn of a plan: one table with what depends on it, or many tables with counts. Positions are another matter. */
import type { Effect, PlannedTable } from "../../../../contract/responses.ts";
import { EFFECTS } from "../../../../report/effects.ts";
import { keyOf } from "../../../../contract/new_names.ts";

/** Those that use the old name, and are drawn beside it. */
const BY_OLD_NAME: Effect[] = ["breaks", "changes", "works_through_view"];

/** Most dependants that are drawn of one kind; the list has them all. */
export const MOST_OF_KIND = 8;

export type Side = "before" | "centre" | "after";

export interface Item {
  name: string;
  effect: Effect;
}

interface Base {
  id: string;
  side: Side;
}

export interface TableNode extends Base {
  type: "table";
  table: PlannedTable;
}

/** The old name: a view, or free. */
export interface OldNameNode extends Base {
  type: "old_name";
  name: string;
  view: boolean;
}

/** The dependants of one kind on one side. */
export interface KindNode extends Base {
  type: "kind";
  /** As in the plan, such as `foreign_keys`. */
  kind: string;
  items: Item[];
  /** How many more there are. */
  more: number;
  worst: Effect;
}

/** Around all kinds of one side. */
export interface FrameNode extends Base {
  type: "frame";
  title: string;
}

/** One of many tables. */
export interface SummaryNode extends Base {
  type: "summary";
  table: PlannedTable;
  counts: EffectCount[];
  worst: Effect;
}

export type GraphNode = TableNode | OldNameNode | KindNode | FrameNode | SummaryNode;

export interface GraphEdge {
  id: string;
  source: string;
  target: string;
  /** Of what depends on the table; undefined for other lines. */
  effect?: Effect;
}

export interface Graph {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

export interface EffectCount {
  effect: Effect;
  count: number;
}

/** How many dependants of the tables have each effect, the worst first, without zeros. */
export function countEffects(tables: PlannedTable[]): EffectCount[] {
  const effects = tables.flatMap(({ dependants }) =>
    Object.values(dependants).flat().map(({ effect }) => effect)
  );
  return EFFECTS.flatMap((effect) => {
    const count = effects.filter((other) => other === effect).length;
    return count === 0 ? [] : [{ effect, count }];
  });
}

/** `t9` before `t10`. */
const inNames = new Intl.Collator("en", { numeric: true });

const worstOf = (effects: Effect[]): Effect =>
  EFFECTS.find((effect) => effects.includes(effect)) ?? "follows";

const byEffect = (a: { effect: Effect }, b: { effect: Effect }) =>
  EFFECTS.indexOf(a.effect) - EFFECTS.indexOf(b.effect);

/** What uses the old name stands before it, what goes with the table behind the table. */
export function graphOfTable(table: PlannedTable): Graph {
  const nodes: GraphNode[] = [
    { id: "old_name", type: "old_name", side: "centre", ...oldName(table) },
    { id: "table", type: "table", side: "centre", table },
  ];
  const edges: GraphEdge[] = [{ id: "old_name", source: "old_name", target: "table" }];
  for (const side of ["before", "after"] as const) {
    const kinds = Object.entries(table.dependants).flatMap(([kind, objects]): KindNode[] => {
      const own = objects.filter(({ effect }) =>
        BY_OLD_NAME.includes(effect) === (side === "before")
      ).toSorted(byEffect);
      if (own.length === 0) return [];
      return [{
        id: `${side} ${kind}`,
        type: "kind",
        side,
        kind,
        items: own.slice(0, MOST_OF_KIND).map(({ name, effect }) => ({ name, effect })),
        more: Math.max(0, own.length - MOST_OF_KIND),
        worst: own[0].effect,
      }];
    }).sort((a, b) => byEffect({ effect: a.worst }, { effect: b.worst }));
    if (kinds.length === 0) continue;
    const [{ worst }] = kinds;
    nodes.push({ id: side, type: "frame", side, title: TITLES[side] }, ...kinds);
    edges.push(
      side === "before"
        ? { id: side, source: side, target: "old_name", effect: worst }
        : { id: side, source: "table", target: side },
    );
  }
  return { nodes, edges };
}

const TITLES = { before: "Uses the old name", after: "Goes with the table" };

const oldName = ({ old_name, compatibility_view }: PlannedTable) => ({
  name: old_name,
  view: compatibility_view,
});

interface Reference {
  schema: string;
  table: string;
  references?: { schema: string; table: string }[];
}

/**
 * Each table is a node; where something breaks comes first.
 *
 * @param references Which tables refer to which by foreign keys; only those between the tables are drawn.
 */
export function graphOfTables(tables: PlannedTable[], references: Reference[] = []): Graph {
  const nodes = tables.map((table): SummaryNode => {
    const counts = countEffects([table]);
    return {
      id: keyOf(table.schema, table.old_name),
      type: "summary",
      side: "centre",
      table,
      counts,
      worst: worstOf(counts.map(({ effect }) => effect)),
    };
  });
  const known = new Set(nodes.map(({ id }) => id));
  const edges = references.flatMap(({ schema, table, references = [] }): GraphEdge[] => {
    const source = keyOf(schema, table);
    const targets = new Set(references.map((to) => keyOf(to.schema, to.table)));
    return [...targets].filter((target) =>
      known.has(source) && known.has(target) && target !== source
    ).map((target) => ({ id: `${source} ${target}`, source, target }));
  });
  const number = (node: SummaryNode, effect: Effect) =>
    node.counts.find((one) => one.effect === effect)?.count ?? 0;
  nodes.sort((a, b) =>
    byEffect({ effect: a.worst }, { effect: b.worst }) ||
    number(b, a.worst) - number(a, a.worst) || inNames.compare(a.id, b.id)
  );
  return { nodes, edges };
}
