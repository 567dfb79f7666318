import { assert } from "#base";
import { logGamma } from "./log-gamma.ts";

/**
 * ln E against "events arrive at the expected rate", for events without a number of trials: restarts, log lines, queue overflows.
 *
 * `expected` is the sum of the expected counts so far and may have grown at any speed; `prior` says how many expected events
 * the belief in that rate is worth. φ ln φ − (φ + N) ln(φ + L) + ln Γ(φ + N) − ln Γ(φ) + L.
 * Source: the gamma-Poisson mixture of statistics reference 2.4.
 */
export function logArrivalsDiffer(counts: { readonly seen: number; readonly expected: number }, prior: number): number {
  const { seen, expected } = counts;
  assert(prior > 0 && seen >= 0 && expected >= 0, "counts are not negative and the prior is above 0");
  const belief = prior * Math.log(prior) - logGamma(prior);
  return belief - (prior + seen) * Math.log(prior + expected) + logGamma(prior + seen) + expected;
}
