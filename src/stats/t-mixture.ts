/**
 * Evidence from the mean of normal values: Gaussian mixture of the t statistic.
 *
 * Valid as a test at its own level; the e-value is not one against a whole half-line, so it must not be averaged with others.
 */

/** What is known of the values: the squared t statistic, its degrees of freedom, the number of values. */
export interface TStatistic {
  readonly squared: number;
  readonly freedom: number;
  readonly count: number;
}

/**
 * ln G against "the mean is 0". `prior` is how many values the belief in 0 is worth.
 *
 * r = g/(g + n); ½ ln r + (ν + 1)/2 [ln(1 + t²/ν) − ln(1 + r t²/ν)].
 * Source: M. Lindon, D. Ham, M. Tingley and I. Bojinov, "Anytime-valid linear models and regression adjusted causal inference in
 * randomized experiments" (arXiv 2210.08589); statistics reference 2.6.
 */
export function logTMixture({ squared, freedom, count }: TStatistic, prior: number): number {
  const r = prior / (prior + count);
  const gain = Math.log1p(squared / freedom) - Math.log1p((r * squared) / freedom);
  return Math.log(r) / 2 + ((freedom + 1) / 2) * gain;
}

/** The most evidence that so few values can give, in nats, however large the effect. Source: statistics reference 2.6, from t² → ∞. */
export function tMixtureMaxNats({ freedom, count }: Omit<TStatistic, "squared">, prior: number): number {
  return (freedom / 2) * Math.log((prior + count) / prior);
}

/**
 * |t| at which the mixture reaches 1/alpha; infinite when so few values cannot.
 *
 * Source: {@link logTMixture} solved for t.
 */
export function tRadius({ freedom, count }: Omit<TStatistic, "squared">, prior: number, alpha: number): number {
  const r = prior / (prior + count);
  const root = (r * alpha * alpha) ** (1 / (freedom + 1));
  return root <= r ? Number.POSITIVE_INFINITY : Math.sqrt((freedom * (1 - root)) / (root - r));
}

/** |z| at which the normal mixture reaches 1/alpha: {@link tRadius} for a known variance. */
export function zRadius(count: number, prior: number, alpha: number): number {
  const sum = prior + count;
  return Math.sqrt((sum / count) * Math.log(sum / (prior * alpha * alpha)));
}
