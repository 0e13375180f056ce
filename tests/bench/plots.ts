/** The drawings, by Observable Plot: legible on GitHub's light and dark pages, since they are white inside. */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import type { Sample } from "./load.ts";
import { digits, summarize } from "./statistics.ts";

export interface WindowPoint {
  distance: number;
  name: string;
  stalls: number[];
}

/** Colours that stay apart for colour-blind readers too (Okabe and Ito). */
const COLOURS = ["#0072b2", "#009e73", "#e69f00", "#d55e00"];

const STYLE = {
  fontFamily: "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif",
  fontSize: "13px",
  color: "#1f2328",
  background: "#ffffff",
};

const WINDOW_TICKS = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/** Blocking windows by distance, a line for each way to rename. */
export function plotWindows(points: WindowPoint[]): string {
  const drawn = points.map(({ distance, name, stalls }) => {
    const { q1, median, q3 } = summarize(stalls);
    return { distance, name, q1, median, q3 };
  });
  const farthest = Math.max(...drawn.map(({ distance }) => distance));
  return draw({
    width: 940,
    height: 420,
    marginLeft: 60,
    marginRight: 340,
    marginBottom: 50,
    marginTop: 40,
    x: { label: "milliseconds between the renamer and the database →", ticks: [0, 5, 10, 15, 20] },
    y: {
      type: "log",
      domain: [1, 500],
      axis: null,
    },
    color: { domain: [...new Set(drawn.map(({ name }) => name))], range: COLOURS },
    marks: [
      Plot.gridY(WINDOW_TICKS),
      Plot.axisY(WINDOW_TICKS, {
        text: (d) => String(d),
        label: "↑ longest wait of a client in milliseconds",
      }),
      Plot.ruleX(drawn, {
        x: "distance",
        y1: "q1",
        y2: "q3",
        stroke: "name",
        strokeWidth: 5,
        strokeOpacity: 0.35,
      }),
      Plot.line(drawn, { x: "distance", y: "median", stroke: "name", strokeWidth: 2.5 }),
      Plot.dot(drawn, { x: "distance", y: "median", fill: "name", r: 4 }),
      Plot.text(labelled(drawn.filter(({ distance }) => distance === farthest)), {
        x: "distance",
        y: "at",
        text: (d) => `${d.name}: ${digits(d.median)}`,
        fill: "name",
        textAnchor: "start",
        dx: 12,
      }),
    ],
  });
}

/** Moves labels of nearly equal values apart, on a logarithmic scale. */
function labelled<T extends { median: number }>(points: T[]): (T & { at: number })[] {
  let above = 0;
  return points.toSorted((a, b) => a.median - b.median).map((point) => {
    above = Math.max(point.median, above * 1.28);
    return { ...point, at: above };
  });
}

/** Where the drawing begins, in seconds since the reader did. */
const FIRST_SECOND = -0.3;

export interface Timeline {
  name: string;
  /** Sent at, in milliseconds since the reader began, and how long the answer took. */
  samples: Sample[];
  /** When the rename was asked for, and when it was done, on the same clock. */
  renameMs: [from: number, to: number];
}

/** What every query of the clients took, by the time at which it was sent; one panel for each way. */
export function plotTimelines(
  timelines: Timeline[],
  reader: { ms: number },
  lockTimeoutMs: number,
): string {
  const queries = timelines.flatMap(({ name, samples }) =>
    samples.map(([sentAt, took]) => ({
      name,
      from: sentAt / 1000,
      to: (sentAt + took) / 1000,
      took: Math.max(took, 0.1),
      stalled: took > 10,
    })).filter(({ from }) => from >= FIRST_SECOND)
  );
  const renames = timelines.map(({ name, renameMs: [from, to] }) => ({
    name,
    from: from / 1000,
    to: to / 1000,
  }));
  return draw({
    width: 860,
    height: 520,
    marginLeft: 60,
    marginRight: 30,
    marginTop: 44,
    marginBottom: 46,
    x: { label: "seconds →", domain: [FIRST_SECOND, reader.ms / 1000 + 1.2] },
    y: {
      label: "↑ milliseconds until the answer",
      type: "log",
      grid: true,
      domain: [0.1, 10_000],
      ticks: [0.1, 1, 10, 100, 1000, 10_000],
      tickFormat: String,
    },
    fy: { label: null, domain: timelines.map(({ name }) => name), padding: 0.16, axis: null },
    marks: [
      Plot.rect(timelines, {
        fy: "name",
        x1: 0,
        x2: reader.ms / 1000,
        y1: 0.1,
        y2: 10_000,
        fill: "#eaeef2",
      }),
      Plot.frame({ stroke: "#d0d7de" }),
      Plot.ruleY([lockTimeoutMs], { stroke: "#57606a", strokeDasharray: "4 3" }),
      Plot.ruleX(renames, { fy: "name", x: "from", stroke: "#57606a" }),
      Plot.ruleX(renames, { fy: "name", x: "to", stroke: "#57606a" }),
      Plot.link(queries.filter(({ stalled }) => stalled), {
        fy: "name",
        x1: "from",
        x2: "to",
        y: "took",
        stroke: COLOURS[3],
        strokeOpacity: 0.5,
      }),
      Plot.dot(queries, {
        fy: "name",
        x: "from",
        y: "took",
        r: 1.3,
        fill: (d) => d.stalled ? COLOURS[3] : COLOURS[0],
        fillOpacity: 0.55,
      }),
      Plot.text(timelines, {
        fy: "name",
        text: "name",
        frameAnchor: "top-left",
        dy: -16,
        fontWeight: "bold",
        fontSize: 14,
      }),
      Plot.text(renames, {
        fy: "name",
        x: "from",
        y: 1_500,
        text: () => "rename asked for",
        textAnchor: "start",
        dx: 5,
      }),
      Plot.text(renames, {
        fy: "name",
        x: "to",
        y: 1_500,
        text: () => "done",
        textAnchor: "start",
        dx: 5,
      }),
      Plot.text(timelines.slice(-1), {
        fy: "name",
        x: reader.ms / 2000,
        y: 3,
        text: () => "a long-running query reads the table",
        fill: "#57606a",
      }),
      Plot.text(timelines.slice(0, 1), {
        fy: "name",
        x: reader.ms / 1000 + 1.15,
        y: lockTimeoutMs,
        text: () => "lock_timeout",
        textAnchor: "end",
        dy: -8,
        fill: "#57606a",
      }),
    ],
  });
}

function draw(options: Plot.PlotOptions): string {
  // deno-lint-ignore no-explicit-any -- Deno has no types for a DOM, and needs none elsewhere
  const { document } = parseHTML("<html><body></body></html>") as any;
  const svg = Plot.plot({ ...options, document, style: STYLE });
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  // A background in CSS is not drawn by everything that shows SVG; a rectangle is.
  const paper = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of Object.entries({ width: "100%", height: "100%", fill: "#ffffff" })) {
    paper.setAttribute(name, value);
  }
  svg.insertBefore(paper, svg.firstChild);
  return `${svg.outerHTML}\n`;
}
