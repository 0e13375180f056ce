import type { Measurement } from "./bench.ts";
export const queryThroughView: Measurement = {
  name: "query_through_view",
  title: "query_through_view",
  run: () => Promise.resolve({ rows: [] }),
};
