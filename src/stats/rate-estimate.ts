import { type Arms, servedShare } from "./arms.ts";

/**
 * How the bad rates compare, in one number, for explanations.
 *
 * Plain totals mislead when the canary's share grows while the service's own rate changes: most of the canary's requests then
 * come from another hour than the primary's. Each interval is compared in itself, and weighted by what it can tell.
 */

/** Sums over the intervals; plain data. */
export interface RateSums {
  readonly canary: { readonly total: number; readonly bad: number };
  readonly primary: { readonly total: number; readonly bad: number };
  /** Σ x_c n_p / (n_c + n_p). */
  readonly canaryCross: number;
  /** Σ x_p n_c / (n_c + n_p). */
  readonly primaryCross: number;
  /** Σ n_c n_p / (n_c + n_p). */
  readonly weight: number;
}

const NO_COUNTS = { total: 0, bad: 0 } as const;
export const NO_RATES: RateSums = {
  canary: NO_COUNTS,
  primary: NO_COUNTS,
  canaryCross: 0,
  primaryCross: 0,
  weight: 0,
};

export function addRates(sums: RateSums, arms: Arms): RateSums {
  const share = servedShare(arms);
  if (share === undefined) return sums;
  const { canary, primary } = arms;
  return {
    canary: { total: sums.canary.total + canary.total, bad: sums.canary.bad + canary.bad },
    primary: { total: sums.primary.total + primary.total, bad: sums.primary.bad + primary.bad },
    canaryCross: sums.canaryCross + canary.bad * (1 - share),
    primaryCross: sums.primaryCross + primary.bad * share,
    weight: sums.weight + canary.total * (1 - share),
  };
}

/** Canary's bad rate minus the primary's; undefined without requests. Source: S. Greenland and J. Robins, "Estimation of a common effect parameter from sparse follow-up data", Biometrics 41 (1985). */
export function rateDifference({ canaryCross, primaryCross, weight }: RateSums): number | undefined {
  return weight > 0 ? (canaryCross - primaryCross) / weight : undefined;
}

/** Canary's bad rate over the primary's; undefined when the primary had no bad request. Source: as {@link rateDifference}. */
export function rateRatio({ canaryCross, primaryCross }: RateSums): number | undefined {
  return primaryCross > 0 ? canaryCross / primaryCross : undefined;
}
