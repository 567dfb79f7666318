import type { Arms } from "./arms.ts";
import { logBetter } from "./better-evidence.ts";
import type { DifferencePlan, Interval } from "./difference-interval.ts";
import { logMeanExp } from "./log-sum.ts";
import { logWorse } from "./worse-evidence.ts";

/** Ratios that are told apart: beyond, the end of the interval is given as 0 or as this. */
const RATIO_MAX = 1e6;
const BISECTIONS = 60;

/**
 * The interval of canary's bad rate over the primary's: a confidence sequence with confidence 1 − alpha.
 *
 * The evidence is not linear in the ratio, so the intervals themselves are needed, one for each served share; those of one
 * weight may be added up once it is over. Source: statistics reference 2.4: the lower end is the largest tolerated ratio
 * against which the "worse" mixture with excess 0 reaches ln(2/alpha), the upper end the smallest unacceptable one against
 * which the non-inferiority mixture does.
 */
export function ratioInterval(plan: DifferencePlan, intervals: readonly Arms[], alpha: number): Interval {
  const level = Math.log(2 / alpha);
  const { dispersion } = plan;
  const above = (ratio: number): number => {
    const tolerated = { ratio, excess: 0 };
    const sums = plan.ratios.map((factor) =>
      sum(intervals, (arms) => logWorse(arms, { tolerated, ratio: ratio * factor, dispersion })),
    );
    return logMeanExp(sums);
  };
  const below = (ratio: number): number => {
    const unacceptable = { ratio, excess: 0 };
    const sums = plan.fractions.map((factor) =>
      sum(intervals, (arms) => logBetter(arms, { unacceptable, ratio: ratio * factor, dispersion })),
    );
    return logMeanExp(sums);
  };
  const low = bisectRatio((ratio) => above(ratio) < level).low;
  const high = bisectRatio((ratio) => below(ratio) >= level).high;
  return { low: low <= 1 / RATIO_MAX ? 0 : low, high };
}

function sum(intervals: readonly Arms[], logOf: (arms: Arms) => number): number {
  return intervals.reduce((total, arms) => total + logOf(arms), 0);
}

/** Where a condition that is false for small ratios turns true, halving on a logarithmic scale. */
function bisectRatio(isReached: (ratio: number) => boolean): Interval {
  let low = -Math.log(RATIO_MAX);
  let high = Math.log(RATIO_MAX);
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = (low + high) / 2;
    if (isReached(Math.exp(middle))) high = middle;
    else low = middle;
  }
  return { low: Math.exp(low), high: Math.exp(high) };
}
