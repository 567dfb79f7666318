import { shiftEstimate } from "./mann-whitney.ts";

/**
 * What Kayenta's NetflixACAJudge says about a metric: the peer that benchmarks compare with. No decision of ours uses it.
 *
 * Source: statistics reference 1.3, of kayenta-judge.
 */
export type KayentaVerdict = "pass" | "high" | "low" | "nodata";

const TOLERANCE = 0.25;
const CONFIDENCE = 0.98;

/** Judges the points of a canary against those of a baseline; NaN points are left out, in either direction. */
export function judgeAsKayenta(
  canary: readonly number[],
  baseline: readonly number[],
  confidence = CONFIDENCE,
): KayentaVerdict {
  const x = canary.filter((value) => !Number.isNaN(value));
  const y = baseline.filter((value) => !Number.isNaN(value));
  if (x.length === 0 || y.length === 0) return "nodata";
  // One point against one has no significance, whatever they are: Kayenta gives up with an error.
  if (new Set([...x, ...y]).size === 1 || x.length + y.length === 2) return "pass";
  // To two constants Kayenta adds noise of a hundred thousandth, which leaves the shift and its interval at their difference.
  const { estimate, interval } = shiftEstimate(x, y, confidence);
  const band = TOLERANCE * Math.abs(estimate);
  if (interval.low > band && meanRatio(x, y) >= 1) return "high";
  if (interval.high < -band && meanRatio(x, y) <= 1) return "low";
  return "pass";
}

/** Infinite or NaN over a baseline of zeros; a comparison with NaN is to let the verdict stand. */
function meanRatio(x: readonly number[], y: readonly number[]): number {
  const ratio = mean(x) / mean(y);
  return Number.isNaN(ratio) ? 1 : ratio;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
