import type { Measurement } from "./bench.ts";
export const factsAndPlan: Measurement = {
  name: "facts_and_plan",
  title: "facts_and_plan",
  run: () => Promise.resolve({ rows: [] }),
};
