import type { Measurement } from "./bench.ts";
export const readerConvoy: Measurement = {
  name: "reader_convoy",
  title: "reader_convoy",
  run: () => Promise.resolve({ rows: [] }),
};
