/// <reference lib="dom" />
/** What depends on the tables that are looked at, for the list of tables. */
import { useEffect, useRef, useSyncExternalStore } from "react";
import { client } from "../api/client.ts";
import { onSettled } from "../live/operations.ts";
import { AnalysisQueue, type AnalysisState } from "./analysis_queue.ts";
import { keyOf, type TableName } from "./rows.ts";

/** How long the screen has to stand still, in milliseconds. */
const STILL_MS = 120;

const queue = new AnalysisQueue(async (schema, tables) =>
  (await client.analyze({ schema: [schema], table: tables })).tables
);
onSettled(() => queue.expire());

export const checkTables = (tables: TableName[]): void => queue.check(tables);
export const stopCheck = (): void => queue.stop();

export const useAnalyses = (): AnalysisState => useSyncExternalStore(queue.subscribe, queue.state);

/** Asks for the tables on the screen, once it stands still. */
export function useVisible(visible: TableName[]): void {
  const names = visible.map(({ schema, table }) => keyOf(schema, table)).join();
  const latest = useRef(visible);
  useEffect(() => {
    latest.current = visible;
  });
  useEffect(() => {
    const timer = setTimeout(() => queue.show(latest.current), STILL_MS);
    return () => clearTimeout(timer);
  }, [names]);
  // Nothing is on the screen when the view is left.
  useEffect(() => () => queue.show([]), []);
}
