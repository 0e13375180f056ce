/// <reference lib="dom" />
/** The place in which a graph is drawn, moved and zoomed. */
import {
  type Edge,
  MarkerType,
  type Node,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
} from "@xyflow/react";
import { type KeyboardEvent, useMemo } from "react";
import { EFFECT_TONES } from "../../parts/dependants.tsx";
import { firstLook, neededHeight, placeGraph } from "./layout.ts";
import type { Graph } from "./model.ts";
import { NODE_TYPES } from "./nodes.tsx";

/** How far one key or click moves it, in pixels. */
const STEP = 80;

const ZOOM = 1.25;

/** Up to here all nodes are drawn, so that to move the graph is smooth. */
const MOST_DRAWN = 150;

const LIMITS = { min: 0.2, max: 2 };

interface Props {
  graph: Graph;
  /** Of the place, in pixels; what needs less height takes less. */
  width: number;
  maxHeight: number;
  label: string;
  onOpen: (id: string) => void;
}

export const Canvas = (props: Props) => (
  <ReactFlowProvider>
    <Flow {...props} />
  </ReactFlowProvider>
);

function Flow({ graph, width, maxHeight, label, onOpen }: Props) {
  const { getViewport, setViewport } = useReactFlow();
  const placed = useMemo(() => placeGraph(graph, width, maxHeight), [graph, width, maxHeight]);
  const height = neededHeight(placed, width, maxHeight);
  const first = useMemo(() => firstLook(placed, width, height), [placed, width, height]);
  const nodes = useMemo(() =>
    placed.map(({ node, x, y, width, height }): Node => ({
      id: node.id,
      type: node.type,
      position: { x, y },
      width,
      height,
      data: { node, onOpen },
    })), [placed, onOpen]);
  const edges = useMemo(() => {
    const places = new Map(placed.map((one) => [one.node.id, one]));
    return graph.edges.map(({ id, source, target, effect }): Edge => {
      const [from, to] = [places.get(source)!, places.get(target)!];
      const across = to.x >= from.x + from.width;
      const tone = effect === undefined ? "line" : EFFECT_TONES[effect];
      return {
        id,
        source,
        target,
        sourceHandle: across ? "right" : "bottom",
        targetHandle: across ? "left" : "top",
        className: `graph-edge graph-edge-${tone}`,
        markerEnd: { type: MarkerType.ArrowClosed, color: null },
      };
    });
  }, [graph, placed]);
  const move = (x: number, y: number) => {
    const now = getViewport();
    setViewport({ ...now, x: now.x + x, y: now.y + y }, { duration: 120 });
  };
  /** What is in the middle stays there. */
  const zoomBy = (factor: number) => {
    const { x, y, zoom } = getViewport();
    const wanted = Math.min(LIMITS.max, Math.max(LIMITS.min, zoom * factor));
    const around = (at: number, size: number) => size / 2 - (size / 2 - at) * (wanted / zoom);
    setViewport({ x: around(x, width), y: around(y, height), zoom: wanted }, { duration: 120 });
  };
  const actions: Record<string, () => void> = {
    ArrowLeft: () => move(STEP, 0),
    ArrowRight: () => move(-STEP, 0),
    ArrowUp: () => move(0, STEP),
    ArrowDown: () => move(0, -STEP),
    "+": () => zoomBy(ZOOM),
    "-": () => zoomBy(1 / ZOOM),
    "0": () => setViewport(first, { duration: 200 }),
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const action = actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  };
  return (
    <div
      className="graph"
      role="group"
      aria-label={label}
      onKeyDown={onKeyDown}
      style={{ height }}
    >
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        defaultViewport={first}
        minZoom={LIMITS.min}
        maxZoom={LIMITS.max}
        // Of a thousand tables only those that can be seen are drawn.
        onlyRenderVisibleElements={nodes.length > MOST_DRAWN}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        disableKeyboardA11y
        deleteKeyCode={null}
        selectionKeyCode={null}
        multiSelectionKeyCode={null}
        // The wheel moves the page; with Ctrl or two fingers it zooms.
        zoomOnScroll={false}
        preventScrolling={false}
        zoomOnDoubleClick={false}
      />
      <div className="graph-buttons" role="toolbar" aria-label="Move and zoom">
        {BUTTONS.map(({ key, sign, name }) => (
          <button key={key} type="button" aria-label={name} title={name} onClick={actions[key]}>
            <span aria-hidden="true">{sign}</span>
          </button>
        ))}
      </div>
    </div>
  );
}

const BUTTONS = [
  { key: "+", sign: "+", name: "Zoom in" },
  { key: "-", sign: "−", name: "Zoom out" },
  { key: "0", sign: "⤢", name: "Reset the view" },
  { key: "ArrowLeft", sign: "←", name: "Move left" },
  { key: "ArrowUp", sign: "↑", name: "Move up" },
  { key: "ArrowDown", sign: "↓", name: "Move down" },
  { key: "ArrowRight", sign: "→", name: "Move right" },
];
