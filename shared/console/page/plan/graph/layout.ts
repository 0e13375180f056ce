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

const WIDTH = { table: 210, old_name: 210, kind: 250, frame: 0, summary: 208 };

/** Of a frame: its title, and its margins. Also in graph.css. */
const FRAME_HEAD = 28;
const FRAME_MARGIN = 12;

/** Of a kind: its title and margins, and one line. Also in plan.css. */
const KIND_HEAD = 34;
const LINE = 22;

function sizeOf(node: GraphNode): { width: number; height: number } {
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
    case "frame":
      // As large as what is in it.
      return { width, height: 0 };
    case "summary":
      return { width, height: 66 };
  }
}

/** @param width Of the place for it, in pixels. */
export function placeGraph(graph: Graph, width: number, height: number): Placed[] {
  return graph.nodes.some(({ type }) => type === "summary")
    ? placeTables(graph, width, height)
    : placeAround(graph, width, height);
}

/** What uses the old name before the names, what goes with the table after them: from left to right, or downwards. */
function placeAround({ nodes }: Graph, width: number, height: number): Placed[] {
  const sized = nodes.filter(({ type }) => type !== "frame")
    .map((node) => ({ node, ...sizeOf(node) }));
  const of = (side: GraphNode["side"]) => sized.filter(({ node }) => node.side === side);
  const narrow = width < NARROW;
  const partsOf = (target: number): Placed[][] =>
    (["before", "centre", "after"] as const).flatMap((side) => {
      const inside = columns(of(side), target).flatMap((column, index) =>
        stacked(column, index * (WIDTH.kind + GAP), 0, side === "centre" ? LINE_GAP : GAP)
      );
      const frame = nodes.find((node) => node.type === "frame" && node.side === side);
      if (inside.length === 0) return [];
      return [frame === undefined ? inside : framed(frame, inside)];
    });
  const zoomOf = (parts: Placed[][]) => {
    const wide = parts.reduce((sum, part) => sum + rightOf(part) + COLUMN_GAP, -COLUMN_GAP);
    return Math.min(1, width / wide, height / Math.max(...parts.map(bottomOf)));
  };
  // As many columns as let it be seen largest.
  let parts = partsOf(narrow ? Infinity : LEAST_COLUMN);
  for (let target = LEAST_COLUMN; !narrow && target < heightOf(sized); target += LINE) {
    const others = partsOf(target);
    if (zoomOf(others) > zoomOf(parts)) parts = others;
  }
  const along = (part: Placed[]) => narrow ? bottomOf(part) : rightOf(part);
  const across = (part: Placed[]) => narrow ? rightOf(part) : bottomOf(part);
  const widest = Math.max(...parts.map(across));
  let at = 0;
  return parts.flatMap((part) => {
    const [x, y] = narrow ? [(widest - across(part)) / 2, at] : [at, (widest - across(part)) / 2];
    at += along(part) + (narrow ? LINE_GAP : COLUMN_GAP);
    return part.map((one) => ({ ...one, x: one.x + x, y: one.y + y }));
  });
}

/** The least height of columns that is tried, in pixels. */
const LEAST_COLUMN = 160;

/** Narrower places, in pixels, are filled downwards. */
export const NARROW = 700;

/** Between two parts with a line between them that goes down. */
const LINE_GAP = 34;

const heightOf = (sized: { height: number }[]) =>
  sized.reduce((sum, { height }) => sum + height + GAP, -GAP);
const rightOf = (placed: Placed[]) => Math.max(...placed.map(({ x, width }) => x + width));
const bottomOf = (placed: Placed[]) => Math.max(...placed.map(({ y, height }) => y + height));

/** The frame first, so that it is drawn behind. */
function framed(node: GraphNode, inside: Placed[]): Placed[] {
  const moved = inside.map((one) => ({
    ...one,
    x: one.x + FRAME_MARGIN,
    y: one.y + FRAME_HEAD,
  }));
  const width = rightOf(moved) + FRAME_MARGIN;
  return [{ node, x: 0, y: 0, width, height: bottomOf(moved) + FRAME_MARGIN }, ...moved];
}

interface Sized {
  node: GraphNode;
  width: number;
  height: number;
}

const stacked = (sized: Sized[], x: number, y: number, gap: number): Placed[] => {
  let at = y;
  return sized.map((one) => {
    const placed = { ...one, x, y: at };
    at += one.height + gap;
    return placed;
  });
};

/** In their order, as few columns as have the height. */
function columns(sized: Sized[], target: number): Sized[][] {
  const found: Sized[][] = [];
  let height = 0;
  for (const one of sized) {
    if (found.length === 0 || height + one.height > target + GAP) {
      found.push([]);
      height = 0;
    }
    found.at(-1)!.push(one);
    height += one.height + GAP;
  }
  return found;
}

/** Tables that refer to each other by dagre, the others as a grid below. */
function placeTables({ nodes, edges }: Graph, width: number, height: number): Placed[] {
  const joined = new Set(edges.flatMap(({ source, target }) => [source, target]));
  const placed = byDagre(nodes.filter(({ id }) => joined.has(id)), edges);
  const bottom = Math.max(-GAP * 2, ...placed.map(({ y, height }) => y + height));
  const alone = nodes.filter(({ id }) => !joined.has(id));
  return [...placed, ...grid(alone, bottom + GAP * 2, width, height)];
}

/** Whether foreign keys are drawn as lines: many lines show nothing, and a narrow place has no room for them. */
export const hasLines = (tables: number, width: number): boolean =>
  tables <= MOST_WITH_LINES && width >= NARROW;

const MOST_WITH_LINES = 24;

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
  const oneRow = nodes.length * right <= width;
  const wanted = oneRow
    ? nodes.length
    : Math.round(Math.sqrt(nodes.length * (down / right) * (width / height)));
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
export const SMALLEST_ZOOM = 0.68;

/** Around the graph, in pixels. */
const MARGIN = 16;

/** Above and below it, so that the buttons cover none of it. */
const ROOM_FOR_BUTTONS = 46;

/** The height in pixels that the first look needs, at most that of the place. */
export function neededHeight(placed: Placed[], width: number, maxHeight: number): number {
  const { zoom } = firstLook(placed, width, maxHeight);
  const top = Math.min(0, ...placed.map(({ y }) => y));
  const high = Math.max(1, ...placed.map(({ y, height }) => y + height)) - top;
  return Math.min(maxHeight, Math.ceil(high * zoom) + 2 * ROOM_FOR_BUTTONS);
}

/** The first look: all of it if that can be read, else its beginning. */
export function firstLook(placed: Placed[], width: number, height: number) {
  const left = Math.min(0, ...placed.map(({ x }) => x));
  const top = Math.min(0, ...placed.map(({ y }) => y));
  const wide = Math.max(1, ...placed.map(({ x, width }) => x + width)) - left;
  const high = Math.max(1, ...placed.map(({ y, height }) => y + height)) - top;
  const byWidth = (width - 2 * MARGIN) / wide;
  const fitting = Math.min(1, byWidth, (height - 2 * MARGIN) / high);
  const zoom = fitting >= SMALLEST_ZOOM ? fitting : Math.max(SMALLEST_ZOOM, Math.min(1, byWidth));
  const middle = (space: number, size: number, from: number) =>
    size * zoom <= space - 2 * MARGIN
      ? (space - size * zoom) / 2 - from * zoom
      : MARGIN - from * zoom;
  return { x: middle(width, wide, left), y: middle(height, high, top), zoom };
}
