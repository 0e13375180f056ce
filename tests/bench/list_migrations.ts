import type { Measurement } from "./bench.ts";
export const listPages: Measurement = {
  name: "list_migrations",
  title: "list_migrations",
  run: () => Promise.resolve({ rows: [] }),
};
