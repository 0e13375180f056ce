/** Where the parts of a graph stand: sizes and positions in pixels. */
import { graphlib, layout } from "@dagrejs/dagre";
import type { Graph, GraphEdge, GraphNode } from "./model.ts";

export interface Placed {
  node: GraphNode;
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Between nodes; between columns there is place for lines. */
const GAP = 14;
const COLUMN_GAP = 70;

const WIDTH = { table: 230, old_name: 230, kind: 250, summary: 208 };

/** Of a kind: its title and margins, and one line. Also in plan.css. */
const KIND_HEAD = 34;
const LINE = 22;

export function sizeOf(node: GraphNode): { width: number; height: number } {
  const width = WIDTH[node.type];
  switch (node.type) {
    case "table":
      return { width, height: 72 };
    case "old_name":
      return { width, height: 56 };
    case "kind":
      return {
        width,
        height: KIND_HEAD + LINE * (node.items.length + (node.more > 0 ? 1 : 0)) + 8,
      };
    case "summary":
      return { width, height: 66 };
  }
}

/** Most tables of which foreign keys are drawn: more lines than that show nothing. */
export const MOST_WITH_LINES = 24;

/** @param width Of the place for it, in pixels. */
export function placeGraph(graph: Graph, width: number, height: number): Placed[] {
  return graph.nodes.some(({ type }) => type === "summary")
    ? placeTables(graph, width, height)
    : placeAround(graph, width);
}

/** What uses the old name at the left, the names in the middle, what goes with the table at the right. */
function placeAround({ nodes }: Graph, width: number): Placed[] {
  const sized = nodes.map((node) => ({ node, ...sizeOf(node) }));
  const of = (side: GraphNode["side"]) => sized.filter(({ node }) => node.side === side);
  const [before, centre, after] = [of("before"), of("centre"), of("after")];
  const narrow = width < 700;
  if (narrow) return stacked([...before, ...centre, ...after], 0, 0);
  const total = (some: { height: number }[]) =>
    some.reduce((sum, { height }) => sum + height + GAP, -GAP);
  const target = Math.max(
    260,
    Math.min(total(before), total(after)),
    ...[before, after].map((some) => total(some) / 2.2),
  );
  const left = columns(before, target);
  const right = columns(after, target);
  const tallest = Math.max(...[...left, centre, ...right].map(total));
  const placed: Placed[] = [];
  let x = 0;
  for (const column of [...left.toReversed(), centre, ...right]) {
    if (column.length === 0) continue;
    placed.push(...stacked(column, x, (tallest - total(column)) / 2));
    const gap = column === centre || column === left[0] ? COLUMN_GAP : GAP * 2;
    x += Math.max(...column.map(({ width }) => width)) + gap;
  }
  return placed;
}

interface Sized {
  node: GraphNode;
  width: number;
  height: number;
}

const stacked = (sized: Sized[], x: number, y: number): Placed[] => {
  let at = y;
  return sized.map((one) => {
    const placed = { ...one, x, y: at };
    at += one.height + GAP;
    return placed;
  });
};

/** In their order, as few columns as have the height. */
function columns(sized: Sized[], target: number): Sized[][] {
  const found: Sized[][] = [];
  let height = Infinity;
  for (const one of sized) {
    if (height + one.height > target + GAP) {
      found.push([]);
      height = 0;
    }
    found.at(-1)!.push(one);
    height += one.height + GAP;
  }
  return found;
}

/** Tables that refer to each other by dagre, the others as a grid below; many tables as a grid only. */
function placeTables({ nodes, edges }: Graph, width: number, height: number): Placed[] {
  const lines = drawnEdges({ nodes, edges });
  const joined = new Set(lines.flatMap(({ source, target }) => [source, target]));
  const placed = byDagre(nodes.filter(({ id }) => joined.has(id)), lines);
  const bottom = Math.max(-GAP * 2, ...placed.map(({ y, height }) => y + height));
  const alone = nodes.filter(({ id }) => !joined.has(id));
  return [...placed, ...grid(alone, bottom + GAP * 2, width, height)];
}

/** The lines that are drawn. */
export const drawnEdges = ({ nodes, edges }: Graph): GraphEdge[] =>
  nodes.some(({ type }) => type === "summary") && nodes.length > MOST_WITH_LINES ? [] : edges;

function byDagre(nodes: GraphNode[], edges: GraphEdge[]): Placed[] {
  if (nodes.length === 0) return [];
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: GAP, ranksep: COLUMN_GAP });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) graph.setNode(node.id, sizeOf(node));
  for (const { source, target } of edges) graph.setEdge(source, target);
  layout(graph);
  return nodes.map((node) => {
    const size = sizeOf(node);
    // dagre says where the middle is.
    const { x, y } = graph.node(node.id) as { x: number; y: number };
    return { node, ...size, x: x - size.width / 2, y: y - size.height / 2 };
  });
}

/** As many columns as give the grid the form of its place, but no smaller than can be read. */
function grid(nodes: GraphNode[], top: number, width: number, height: number): Placed[] {
  if (nodes.length === 0) return [];
  const cell = sizeOf(nodes[0]);
  const [right, down] = [cell.width + GAP, cell.height + GAP];
  const wanted = Math.round(Math.sqrt(nodes.length * (down / right) * (width / height)));
  const most = Math.max(1, Math.floor(width / SMALLEST_ZOOM / right));
  const count = Math.max(1, Math.min(wanted, most, nodes.length));
  return nodes.map((node, index) => ({
    node,
    ...cell,
    x: (index % count) * right,
    y: top + Math.floor(index / count) * down,
  }));
}

/** How far a graph is made smaller to fit; what is smaller cannot be read. */
export const SMALLEST_ZOOM = 0.62;

/** The first look: all of it if that can be read, else its beginning. */
export function firstLook(placed: Placed[], width: number, height: number) {
  const margin = 16;
  const left = Math.min(0, ...placed.map(({ x }) => x));
  const top = Math.min(0, ...placed.map(({ y }) => y));
  const wide = Math.max(1, ...placed.map(({ x, width }) => x + width)) - left;
  const high = Math.max(1, ...placed.map(({ y, height }) => y + height)) - top;
  const byWidth = (width - 2 * margin) / wide;
  const fitting = Math.min(1, byWidth, (height - 2 * margin) / high);
  const zoom = fitting >= SMALLEST_ZOOM ? fitting : Math.max(SMALLEST_ZOOM, Math.min(1, byWidth));
  const middle = (space: number, size: number, from: number) =>
    size * zoom <= space - 2 * margin
      ? (space - size * zoom) / 2 - from * zoom
      : margin - from * zoom;
  return { x: middle(width, wide, left), y: middle(height, high, top), zoom };
}
