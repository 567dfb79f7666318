import { addCompensated, addToMean, type CompensatedSum, compensatedTotal, meanOf, newRunningMean } from "./kahan.ts";
import { quantileOf } from "./quantile.ts";

/** The samples of a series in a time range, as indexes `from` (included) to `to` (excluded) of its arrays. Never empty. */
export interface Window {
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  readonly from: number;
  readonly to: number;
  /** The range reaches from `startMs` (excluded) to `endMs` (included). */
  readonly startMs: number;
  readonly endMs: number;
  /** Time of the evaluation, which differs from `endMs` under `offset` and `@`. */
  readonly evaluationMs: number;
}

/** Reduces a window to a value, or to none. `params` are the scalar arguments at this step. */
export type RangeFunction = (window: Window, params: readonly number[]) => number | undefined;

/** Functions of a range vector, by name. Source for each: Prometheus documentation, "Query functions"; `promql/functions.go`. */
export const rangeFunctions: ReadonlyMap<string, RangeFunction> = new Map<string, RangeFunction>([
  ["rate", (window) => extrapolated(window, { isCounter: true, isPerSecond: true })],
  ["increase", (window) => extrapolated(window, { isCounter: true, isPerSecond: false })],
  ["delta", (window) => extrapolated(window, { isCounter: false, isPerSecond: false })],
  ["irate", (window) => instantChange(window, true)],
  ["idelta", (window) => instantChange(window, false)],
  ["deriv", deriv],
  ["predict_linear", (window, [seconds = 0]) => predictLinear(window, seconds)],
  ["double_exponential_smoothing", (window, [level = 0, trend = 0]) => smooth(window, level, trend)],
  ["changes", changes],
  ["resets", resets],
  ["avg_over_time", avg],
  ["sum_over_time", sum],
  ["min_over_time", (window) => extreme(window, (value, best) => value < best)],
  ["max_over_time", (window) => extreme(window, (value, best) => value > best)],
  ["count_over_time", ({ from, to }) => to - from],
  ["present_over_time", () => 1],
  ["first_over_time", ({ values, from }) => values[from]],
  ["last_over_time", ({ values, to }) => values[to - 1]],
  ["stddev_over_time", (window) => Math.sqrt(variance(window))],
  ["stdvar_over_time", variance],
  ["quantile_over_time", ({ values, from, to }, [phi = 0]) => quantileOf(phi, values.slice(from, to))],
  ["mad_over_time", medianAbsoluteDeviation],
  ["ts_of_first_over_time", ({ timestamps, from }) => (timestamps[from] ?? 0) / 1000],
  ["ts_of_last_over_time", ({ timestamps, to }) => (timestamps[to - 1] ?? 0) / 1000],
  ["ts_of_min_over_time", (window) => timeOfExtreme(window, (value, best) => value <= best)],
  ["ts_of_max_over_time", (window) => timeOfExtreme(window, (value, best) => value >= best)],
]);

interface Extrapolation {
  readonly isCounter: boolean;
  readonly isPerSecond: boolean;
}

/**
 * The change over the range, extrapolated to its ends: to the full range where the samples come close to them, else by
 * half the mean distance of samples; a counter is never extrapolated below zero.
 *
 * Source: Prometheus `promql.extrapolatedRate`.
 */
function extrapolated(window: Window, { isCounter, isPerSecond }: Extrapolation): number | undefined {
  const { timestamps, values, from, to, startMs, endMs } = window;
  if (to - from < 2) return undefined;
  const first = values[from] ?? 0;
  const firstMs = timestamps[from] ?? 0;
  const lastMs = timestamps[to - 1] ?? 0;
  let change = (values[to - 1] ?? 0) - first;
  if (isCounter) change += lostByResets(window);

  const sampledSeconds = (lastMs - firstMs) / 1000;
  const meanGap = sampledSeconds / (to - from - 1);
  const threshold = meanGap * 1.1;
  let toStart = (firstMs - startMs) / 1000;
  let toEnd = (endMs - lastMs) / 1000;
  if (toStart >= threshold) toStart = meanGap / 2;
  if (isCounter && change > 0 && first >= 0) toStart = Math.min(toStart, sampledSeconds * (first / change));
  if (toEnd >= threshold) toEnd = meanGap / 2;
  let factor = (sampledSeconds + toStart + toEnd) / sampledSeconds;
  if (isPerSecond) factor /= (endMs - startMs) / 1000;
  return change * factor;
}

/** A counter that falls was reset to zero and had counted up to the value before. */
function lostByResets({ values, from, to }: Window): number {
  let lost = 0;
  let previous = values[from] ?? 0;
  for (let i = from + 1; i < to; i++) {
    const value = values[i] ?? 0;
    if (value < previous) lost += previous;
    previous = value;
  }
  return lost;
}

function instantChange({ timestamps, values, from, to }: Window, isRate: boolean): number | undefined {
  if (to - from < 2) return undefined;
  const last = values[to - 1] ?? 0;
  const previous = values[to - 2] ?? 0;
  if (!isRate) return last - previous;
  const seconds = ((timestamps[to - 1] ?? 0) - (timestamps[to - 2] ?? 0)) / 1000;
  return (last < previous ? last : last - previous) / seconds;
}

/** Least squares over the window; the intercept is at `originMs`. Source: Prometheus `promql.linearRegression`. */
function linearRegression(
  { timestamps, values, from, to }: Window,
  originMs: number,
): { slope: number; intercept: number } {
  const sums = { x: zero(), y: zero(), xy: zero(), xx: zero() };
  const first = values[from] ?? 0;
  let isConstant = true;
  for (let i = from; i < to; i++) {
    const x = ((timestamps[i] ?? 0) - originMs) / 1000;
    const y = values[i] ?? 0;
    if (y !== first) isConstant = false;
    addCompensated(sums.x, x);
    addCompensated(sums.y, y);
    addCompensated(sums.xy, x * y);
    addCompensated(sums.xx, x * x);
  }
  if (isConstant)
    return Number.isFinite(first) ? { slope: 0, intercept: first } : { slope: Number.NaN, intercept: Number.NaN };
  const n = to - from;
  const x = sums.x.sum + sums.x.compensation;
  const y = sums.y.sum + sums.y.compensation;
  const covariance = sums.xy.sum + sums.xy.compensation - (x * y) / n;
  const spread = sums.xx.sum + sums.xx.compensation - (x * x) / n;
  const slope = covariance / spread;
  return { slope, intercept: y / n - (slope * x) / n };
}

function zero(): CompensatedSum {
  return { sum: 0, compensation: 0 };
}

function deriv(window: Window): number | undefined {
  if (window.to - window.from < 2) return undefined;
  return linearRegression(window, window.timestamps[window.from] ?? 0).slope;
}

function predictLinear(window: Window, seconds: number): number | undefined {
  if (window.to - window.from < 2) return undefined;
  const { slope, intercept } = linearRegression(window, window.evaluationMs);
  return slope * seconds + intercept;
}

/** Holt's linear method. Source: Prometheus `promql.funcDoubleExponentialSmoothing`. */
function smooth({ values, from, to }: Window, levelFactor: number, trendFactor: number): number | undefined {
  if (to - from < 2) return undefined;
  let before = 0;
  let level = values[from] ?? 0;
  let trend = (values[from + 1] ?? 0) - level;
  for (let i = from + 1; i < to; i++) {
    if (i > from + 1) trend = trendFactor * (level - before) + (1 - trendFactor) * trend;
    const next = levelFactor * (values[i] ?? 0) + (1 - levelFactor) * (level + trend);
    before = level;
    level = next;
  }
  return level;
}

function changes({ values, from, to }: Window): number {
  let count = 0;
  for (let i = from + 1; i < to; i++) {
    const previous = values[i - 1] ?? 0;
    const value = values[i] ?? 0;
    if (value !== previous && !(Number.isNaN(value) && Number.isNaN(previous))) count++;
  }
  return count;
}

function resets({ values, from, to }: Window): number {
  let count = 0;
  for (let i = from + 1; i < to; i++) if ((values[i] ?? 0) < (values[i - 1] ?? 0)) count++;
  return count;
}

function avg({ values, from, to }: Window): number {
  const mean = newRunningMean();
  for (let i = from; i < to; i++) addToMean(mean, values[i] ?? 0);
  return meanOf(mean);
}

function sum({ values, from, to }: Window): number {
  const total = zero();
  for (let i = from; i < to; i++) addCompensated(total, values[i] ?? 0);
  return compensatedTotal(total);
}

type Better = (value: number, best: number) => boolean;

/** The smallest or largest value; NaN gives way to every number. */
function extreme({ values, from, to }: Window, isBetter: Better): number {
  let best = values[from] ?? 0;
  for (let i = from + 1; i < to; i++) {
    const value = values[i] ?? 0;
    if (isBetter(value, best) || Number.isNaN(best)) best = value;
  }
  return best;
}

function timeOfExtreme({ timestamps, values, from, to }: Window, isBetter: Better): number {
  let bestIndex = from;
  for (let i = from + 1; i < to; i++) {
    const best = values[bestIndex] ?? 0;
    if (isBetter(values[i] ?? 0, best) || Number.isNaN(best)) bestIndex = i;
  }
  return (timestamps[bestIndex] ?? 0) / 1000;
}

/** Population variance. Source: B. P. Welford, Technometrics 4 (1962), with compensated sums as in Prometheus. */
function variance({ values, from, to }: Window): number {
  const mean = zero();
  const squares = zero();
  for (let i = from; i < to; i++) {
    const value = values[i] ?? 0;
    const delta = value - (mean.sum + mean.compensation);
    addCompensated(mean, delta / (i - from + 1));
    addCompensated(squares, delta * (value - (mean.sum + mean.compensation)));
  }
  return (squares.sum + squares.compensation) / (to - from);
}

function medianAbsoluteDeviation({ values, from, to }: Window): number {
  const window = values.slice(from, to);
  const median = quantileOf(0.5, window);
  return quantileOf(
    0.5,
    window.map((value) => Math.abs(value - median)),
  );
}
