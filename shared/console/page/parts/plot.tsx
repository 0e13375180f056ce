/// <reference lib="dom" />
/**
 * A plot of Observable Plot. To be imported by modules that are loaded when they are needed.
 *
 * Plot puts a style element into each plot. The page's policy allows that one text alone, so its class is the same in
 * all plots.
 */
import * as Plot from "@observablehq/plot";
import { useEffect, useRef, useState } from "react";

/** Part of the text whose hash is in `server/headers.ts`. */
export const CLASS_OF_PLOTS = "plot";

/**
 * @param label What it shows, for those who do not see it: with its figures, since nothing else of it is read.
 * @param height In pixels; the space is there before the plot is.
 * @param options Without size and class. Has to be the same object as long as the data are.
 */
export default function PlotFigure(
  { label, height, options }: { label: string; height: number; options: Plot.PlotOptions },
) {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const observer = new ResizeObserver(([{ contentRect }]) =>
      setWidth(Math.floor(contentRect.width))
    );
    observer.observe(frame.current!);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (width === 0) return;
    const plot = Plot.plot({ ...options, width, height, className: CLASS_OF_PLOTS });
    plot.setAttribute("aria-hidden", "true");
    frame.current!.replaceChildren(plot);
  }, [options, width, height]);
  return (
    <div
      className="plot-frame"
      role="img"
      aria-label={label}
      ref={frame}
      style={{ height }}
    />
  );
}
