import { assert } from "#base";
import { deviance } from "./deviance.ts";
import { logGammaRest } from "./log-gamma.ts";

/** One outcome of several: how often it was seen, how likely it is said to be, and its weight in the Dirichlet prior. */
export interface Outcome {
  readonly count: number;
  readonly share: number;
  readonly prior: number;
}

/**
 * ln O against "the outcomes have exactly these shares", which sum to 1.
 *
 * ln Γ(|a|) − ln Γ(|a| + n) + Σ [ln Γ(a_i + S_i) − ln Γ(a_i) − S_i ln θ_i]. Source: M. Lindon and A. Malek, NeurIPS 2022
 * (arXiv 2011.03567); statistics reference 1.6.
 */
export function logSharesDiffer(outcomes: readonly Outcome[]): number {
  let priorSum = 0;
  let total = 0;
  let shareSum = 0;
  for (const { count, share, prior } of outcomes) {
    assert(count >= 0 && share > 0 && prior > 0, "counts are not negative, shares and priors are above 0");
    priorSum += prior;
    total += count;
    shareSum += share;
  }
  assert(Math.abs(shareSum - 1) < 1e-9, "the shares of all outcomes sum to 1");
  const n = priorSum + total;
  let log = logGammaRest(priorSum) - logGammaRest(n);
  for (const { count, share, prior } of outcomes) {
    log += logGammaRest(prior + count) - logGammaRest(prior);
    log += deviance(prior + count, n * share) - deviance(prior, priorSum * share);
  }
  return log;
}
