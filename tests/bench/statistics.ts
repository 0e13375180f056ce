/** Summaries of repeated measurements: the machine is shared, so medians and spreads, never means. */

export interface Summary {
  n: number;
  min: number;
  q1: number;
  median: number;
  q3: number;
  max: number;
}

/** Five numbers about the samples; quantiles by linear interpolation. */
export function summarize(samples: number[]): Summary {
  const sorted = samples.toSorted((a, b) => a - b);
  const quantile = (share: number) => {
    const at = (sorted.length - 1) * share;
    const below = Math.floor(at);
    return sorted[below] + (sorted[Math.ceil(at)] - sorted[below]) * (at - below);
  };
  return {
    n: sorted.length,
    min: sorted[0],
    q1: quantile(0.25),
    median: quantile(0.5),
    q3: quantile(0.75),
    max: sorted[sorted.length - 1],
  };
}

export const median = (samples: number[]) => summarize(samples).median;

/** Three significant digits, without an exponent. */
export function digits(value: number): string {
  if (value === 0) return "0";
  return value.toFixed(Math.min(3, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))));
}

/** `median (min; lower quartile–upper quartile)`, in a unit. */
export function spread(samples: number[], unit = "ms"): string {
  const { min, q1, median, q3 } = summarize(samples);
  return `${digits(median)} ${unit} (${digits(min)}; ${digits(q1)}–${digits(q3)})`;
}

/** A copy in random order, so that no competitor always comes after the same other one. */
export function shuffled<T>(items: readonly T[]): T[] {
  return items.map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
