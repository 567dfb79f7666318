import type { Arms } from "./arms.ts";

/** Bad rates that the evidence bets on; fixed before the interval is seen, and between 0 and 1. */
export interface RateBet {
  readonly canary: number;
  readonly primary: number;
}

/**
 * ln e of one interval against "both copies have the same bad rate".
 *
 * The likelihood of the bet over the likelihood of its pooled rate (n_c θ_c + n_p θ_p) / (n_c + n_p). Exact for Bernoulli trials,
 * and tighter than `logWorse` where bad rates are above 10 %; it has no margin.
 * Source: R. Turner, A. Ly and P. Grünwald, "Generic e-variables for exact sequential k-sample tests", JSPI (2024, arXiv 2106.02693).
 */
export function logTable({ canary, primary }: Arms, bet: RateBet): number {
  const total = canary.total + primary.total;
  if (canary.total <= 0 || primary.total <= 0) return 0;
  const pooled = (canary.total * bet.canary + primary.total * bet.primary) / total;
  return (
    canary.bad * Math.log(bet.canary / pooled) +
    (canary.total - canary.bad) * Math.log((1 - bet.canary) / (1 - pooled)) +
    primary.bad * Math.log(bet.primary / pooled) +
    (primary.total - primary.bad) * Math.log((1 - bet.primary) / (1 - pooled))
  );
}
