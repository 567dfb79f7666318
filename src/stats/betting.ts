import { assert } from "#base";

/**
 * Evidence from values between 0 and 1 (a utilisation, a hit rate): a bettor who only gains when their mean exceeds `mean`.
 */

/** Plain data of bounded size. */
export interface BettingState {
  readonly count: number;
  readonly sum: number;
  /** Σ (x_j − μ_j)², each value against the mean at its time. */
  readonly squares: number;
  /** ln of the capital. */
  readonly log: number;
}

export const NO_BETS: BettingState = { count: 0, sum: 0, squares: 0, log: 0 };

/** No bet risks more than half of the capital. */
const RISK_MAX = 0.5;

/**
 * Bets on a value and learns from it. The bet depends on earlier values alone, so under "the mean is at most `mean`" the capital
 * does not grow on average.
 *
 * K_t = Π (1 + λ_t (x_t − m)), λ = (μ − m)/(V + (μ − m)²) cut to [0, ½/m], μ and V from the values before.
 * Source: I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86 (2024), section 4.
 */
export function updateBetting(state: BettingState, value: number, mean: number): BettingState {
  assert(value >= 0 && value <= 1 && mean > 0 && mean < 1, "values and their mean lie between 0 and 1");
  const bet = state.count === 0 ? 0 : betOf(state, mean);
  const count = state.count + 1;
  const sum = state.sum + value;
  const estimate = (0.5 + sum) / (count + 1);
  return {
    count,
    sum,
    squares: state.squares + (value - estimate) ** 2,
    log: state.log + Math.log1p(bet * (value - mean)),
  };
}

function betOf({ count, sum, squares }: BettingState, mean: number): number {
  const lead = (0.5 + sum) / (count + 1) - mean;
  const variance = (0.25 + squares) / (count + 1);
  return Math.min(RISK_MAX / mean, Math.max(0, lead / (variance + lead * lead)));
}
