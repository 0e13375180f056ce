/** For how long the changes kept other clients waiting, as a plot. */
import * as Plot from "@observablehq/plot";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { visible } from "../../../report/document/text.ts";
import { lastChangesOptions } from "../api/queries.ts";
import { Fold } from "../parts/controls/fold.tsx";
import { Loading } from "../parts/controls/loading.tsx";
import { Name } from "../parts/name.tsx";
import PlotFigure from "../parts/plot.tsx";
import { shownDuration, Time } from "../parts/time.tsx";
import { useOperations } from "./operations.ts";
import {
  type BlockingWindow,
  MAX_WINDOWS,
  windowFigures,
  windowsOfEvents,
  windowsOfOperations,
} from "./windows.ts";

const HEIGHT = 150;

const COLORS = { domain: ["rename", "rollback", "finalize", "refresh"] };

/** Less than that is shown as that, since a logarithmic scale has no zero. */
const LEAST_MS = 0.1;

/** Whole powers of ten around all of them, so that the scale does not move with each change. */
const domainOf = (windows: BlockingWindow[]): [number, number] => {
  const all = windows.map(({ held_ms }) => Math.max(held_ms, LEAST_MS));
  const power = (ms: number, round: (value: number) => number) => 10 ** round(Math.log10(ms));
  return [power(Math.min(1, ...all), Math.floor), power(Math.max(10, ...all), Math.ceil)];
};

export default function BlockingWindows() {
  const operations = useOperations();
  const { data: events, isPending } = useQuery(lastChangesOptions);
  // A project whose events cannot be listed still shows what this tab has done.
  const windows = useMemo(
    () =>
      (events === undefined ? windowsOfOperations(operations) : windowsOfEvents(events, operations))
        .slice(-MAX_WINDOWS),
    [operations, events],
  );
  const options = useMemo((): Plot.PlotOptions => ({
    marginLeft: 48,
    marginBottom: 22,
    marginTop: 18,
    x: {
      axis: null,
      type: "band",
      domain: Array.from({ length: Math.max(windows.length, 12) }, (_, i) => i),
    },
    y: {
      type: "log",
      label: "ms",
      grid: true,
      domain: domainOf(windows),
      ticks: 4,
      tickFormat: ",~g",
    },
    color: {
      ...COLORS,
      range: ["var(--accent)", "var(--notice)", "var(--strong-line)", "var(--warning)"],
    },
    marks: [
      Plot.dot(windows, {
        x: (_, index) => index,
        y: ({ held_ms }: BlockingWindow) => Math.max(held_ms, LEAST_MS),
        fill: "operation",
        r: 4,
        title: ({ name, operation, held_ms }: BlockingWindow) =>
          `${operation} of ${visible(name)}: ${shownDuration(held_ms)}`,
      }),
    ],
  }), [windows]);
  const figures = windowFigures(windows);
  return (
    <section className="card windows stack tight" aria-labelledby="windows-title">
      <h2 id="windows-title">How long clients were held</h2>
      {isPending ? <Loading what="earlier changes" /> : figures === null
        ? (
          <p className="quiet">
            Each change holds other clients for a few milliseconds while it swaps names. The times
            are shown here after the first change.
          </p>
        )
        : (
          <>
            <p className="quiet">
              {figures.count === 1
                ? <>In the last change: {shownDuration(figures.longest.held_ms)}.</>
                : (
                  <>
                    The last {figures.count} changes: median{" "}
                    {shownDuration(figures.median)}, longest{" "}
                    {shownDuration(figures.longest.held_ms)} (<Name name={figures.longest.name} />).
                  </>
                )}{" "}
              Measured from the locks to the end of COMMIT. For changes from another tab or a
              command: to the start of COMMIT.
            </p>
            <PlotFigure
              label={`Milliseconds for which each of the last ${figures.count} changes held other clients; the list below has the figures.`}
              height={HEIGHT}
              options={options}
            />
            <ul className="legend" aria-hidden="true">
              {COLORS.domain.filter((kind) => windows.some(({ operation }) => operation === kind))
                .map((kind) => <li key={kind} data-kind={kind}>{kind}</li>)}
            </ul>
            <Fold title="Show as a list">
              <div
                className="scroll"
                role="region"
                aria-label="Times for which clients were held"
                tabIndex={0}
              >
                <table>
                  <thead>
                    <tr>
                      <th scope="col">When</th>
                      <th scope="col">Change</th>
                      <th scope="col">Table</th>
                      <th scope="col" className="number">Held for</th>
                      <th scope="col" className="number">Attempts</th>
                    </tr>
                  </thead>
                  <tbody>
                    {windows.toReversed().map((
                      { id, at, operation, name, tables, held_ms, attempts },
                    ) => (
                      <tr key={id}>
                        <td>
                          <Time at={new Date(at).toISOString()} />
                        </td>
                        <td>{operation}</td>
                        <td>
                          <Name name={name} />
                          {tables > 1 && <span className="quiet">and {tables - 1} more</span>}
                        </td>
                        <td className="number">{shownDuration(held_ms)}</td>
                        <td className="number">{attempts}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </Fold>
          </>
        )}
    </section>
  );
}
