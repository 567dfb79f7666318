/**
 * The φ-quantile of unsorted values by linear interpolation between closest ranks; NaN sorts first.
 *
 * Source: Prometheus `promql.quantile`. Sorts `values` in place.
 */
export function quantileOf(phi: number, values: Float64Array | number[]): number {
  if (values.length === 0 || Number.isNaN(phi)) return Number.NaN;
  if (phi < 0) return Number.NEGATIVE_INFINITY;
  if (phi > 1) return Number.POSITIVE_INFINITY;
  values.sort(nanFirst);
  const rank = phi * (values.length - 1);
  const lowerIndex = Math.max(0, Math.floor(rank));
  const upperIndex = Math.min(values.length - 1, lowerIndex + 1);
  const weight = rank - Math.floor(rank);
  return (values[lowerIndex] ?? 0) * (1 - weight) + (values[upperIndex] ?? 0) * weight;
}

function nanFirst(a: number, b: number): number {
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : -1;
  if (Number.isNaN(b)) return 1;
  return a - b;
}
