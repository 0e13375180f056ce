/** Calls a day by an old name, as small bars. */
import * as Plot from "@observablehq/plot";
import { useMemo } from "react";
import type { Usage } from "../../../contract/responses.ts";
import PlotFigure from "../parts/plot.tsx";
import { axisOf, callsByDay, callsText } from "./calls.ts";

const HEIGHT = 84;

export default function CallsPlot({ usage }: { usage: Usage }) {
  const days = useMemo(() => callsByDay(usage), [usage]);
  const options = useMemo((): Plot.PlotOptions => {
    const axis = days.length === 0 ? [] : axisOf(days);
    return {
      marginLeft: 40,
      marginBottom: 20,
      marginTop: 8,
      x: {
        type: "band",
        label: null,
        domain: axis,
        ticks: [axis[0], axis.at(-1)],
        tickFormat: (day: string) => day.slice(5),
      },
      y: { label: null, ticks: 2, zero: true, grid: true, nice: true, tickFormat: "~s" },
      marks: [
        Plot.barY(days, { x: "day", y: "calls", fill: "var(--accent)" }),
        Plot.ruleY([0], { stroke: "var(--strong-line)" }),
      ],
    };
  }, [days]);
  if (days.length === 0) return null;
  return <PlotFigure label={callsText(days)} height={HEIGHT} options={options} />;
}
