/**
 * A sum that keeps what rounding takes away.
 *
 * Source: A. Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", ZAMM 54 (1974); Prometheus
 * `promql.kahanSumInc`.
 */
export interface CompensatedSum {
  sum: number;
  /** To be added to `sum` at the end; zero once the sum is infinite. */
  compensation: number;
}

export function addCompensated(total: CompensatedSum, value: number): void {
  const { sum } = total;
  const next = sum + value;
  if (next === Number.POSITIVE_INFINITY || next === Number.NEGATIVE_INFINITY) total.compensation = 0;
  else if (Math.abs(sum) >= Math.abs(value)) total.compensation += sum - next + value;
  else total.compensation += value - next + sum;
  total.sum = next;
}

export function compensatedTotal({ sum, compensation }: CompensatedSum): number {
  return Number.isFinite(sum) ? sum + compensation : sum;
}

/**
 * A mean that sums directly as long as the sum is finite and goes over to an incremental mean when it would overflow.
 *
 * Source: Prometheus `promql.funcAvgOverTime` and prometheus#16714 on why the direct mean comes first.
 */
export interface RunningMean {
  readonly total: CompensatedSum;
  count: number;
  isIncremental: boolean;
}

export function newRunningMean(): RunningMean {
  return { total: { sum: 0, compensation: 0 }, count: 0, isIncremental: false };
}

export function addToMean(mean: RunningMean, value: number): void {
  const { total } = mean;
  mean.count++;
  if (!mean.isIncremental) {
    const { sum, compensation } = total;
    addCompensated(total, value);
    if (mean.count === 1 || Math.abs(total.sum) !== Number.POSITIVE_INFINITY) return;
    mean.isIncremental = true;
    total.sum = sum / (mean.count - 1);
    total.compensation = compensation / (mean.count - 1);
  }
  const share = (mean.count - 1) / mean.count;
  total.sum *= share;
  total.compensation *= share;
  addCompensated(total, value / mean.count);
}

export function meanOf({ total, count, isIncremental }: RunningMean): number {
  return isIncremental ? total.sum + total.compensation : total.sum / count + total.compensation / count;
}
