// Numbers out of many measurements.

/** The value below which this share of them lies. `NaN` of nothing. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  if (sorted.length === 0) return Number.NaN;
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * The lower 90 % bound of the median: the highest order statistic that lies above the true median with a chance of
 * at most 10 %, whatever the distribution. The third least of nine. `undefined` of fewer than four.
 */
export function lowerBound(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  let chance = 0.5 ** sorted.length;
  let tail = chance;
  let rank = 0;
  while (tail <= 0.1) {
    rank += 1;
    chance *= (sorted.length - rank + 1) / rank;
    tail += chance;
  }
  return rank === 0 ? undefined : sorted[rank - 1];
}
