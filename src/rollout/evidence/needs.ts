import {
  allowedExcess,
  FINAL_ERRORS,
  FINAL_LATENCY,
  finalMargin,
  STAKE_ERRORS,
  STAKE_LATENCY,
  type Stake,
} from "#stats";

/** A step of a release by weights, in percent of the traffic, and what it is taken with. */
export interface Step {
  readonly from: number;
  /** Promotion is 100, whatever the last weight. */
  readonly to: number;
  readonly isPromotion: boolean;
  /** Time in which evidence was collected. */
  readonly elapsedMs: number;
  readonly requestsPerSecond: number;
}

/** The excesses that must be ruled out before a step, 0 to 1. */
export interface Needs {
  /** By the evidence of the whole run. */
  readonly whole: number;
  /** By that of the last weight alone; undefined where it is not asked. */
  readonly since: number | undefined;
}

/** What a metric may cost while it is not ruled out. */
export interface Price {
  readonly stake: Stake;
  /** Excess before promotion, at first. */
  readonly finalExcess: number;
  readonly badPerMinute: number;
}

export function errorPrice(finalExcess: number): Price {
  return { stake: STAKE_ERRORS, finalExcess, badPerMinute: FINAL_ERRORS.badPerMinute };
}

export const latencyPrice: Price = {
  stake: STAKE_LATENCY,
  finalExcess: FINAL_LATENCY.excess,
  badPerMinute: FINAL_LATENCY.badPerMinute,
};

/** Up to here a step is decided by its harm alone; beyond, the final bound is passed first. In percent. Source: statistics reference 0.9. */
const GATED_ABOVE = 25;
/** A service with fewer requests per second collects at half of them, or it would never know. Source: statistics reference 2.11. */
const SMALL_PER_SECOND = 5;
const SMALL_GATED_ABOVE = 50;

/** How many times more excess the last weight alone may leave open than the whole run. */
const SINCE_FACTOR = 5;

/**
 * What must be ruled out before a step. Source: statistics reference 2.12.
 *
 * The bound of the whole run is one of a constant excess. A release that drifts may be worse at the end than in the mean, so a
 * promotion asks the evidence since the last change of weight too; a fifth as strictly, as that has a part of the requests only.
 */
export function neededFor(step: Step, { stake, finalExcess, badPerMinute }: Price): Needs {
  const { from, to, isPromotion, elapsedMs, requestsPerSecond } = step;
  const allowed = allowedExcess(to / 100, requestsPerSecond, stake);
  if (!isPromotion && !isGated(step)) return { whole: allowed, since: undefined };
  const final = finalMargin({ excess: finalExcess, badPerMinute, elapsedMs, requestsPerSecond });
  // With all traffic on the canary there is no copy left to compare with since.
  return { whole: final, since: isPromotion && from < 100 ? Math.min(1, SINCE_FACTOR * final) : undefined };
}

/** The step that leaves the weights at which little can be harmed. */
function isGated({ from, to, requestsPerSecond }: Step): boolean {
  const above = requestsPerSecond < SMALL_PER_SECOND ? SMALL_GATED_ABOVE : GATED_ABOVE;
  return to > above && from <= above;
}
