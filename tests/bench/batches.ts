import type { Measurement } from "./bench.ts";
export const batches: Measurement = {
  name: "batches",
  title: "batches",
  run: () => Promise.resolve({ rows: [] }),
};
