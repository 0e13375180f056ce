import type { Measurement } from "./bench.ts";
export const moduleLoad: Measurement = {
  name: "module_load",
  title: "module_load",
  run: () => Promise.resolve({ rows: [] }),
};
