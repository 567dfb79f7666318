import type { Interval } from "./difference-interval.ts";
import { lambertWLower } from "./lambert-w.ts";
import { meanDiffersBound } from "./normal-mixture.ts";

/** Values below which the normal approximation is not to be trusted. Source: statistics reference 2.6. */
export const ASYMPTOTIC_COUNT_MIN = 30;

/** ρ² that makes the sequence tightest around `tunedFor` values. Source: as {@link asymptoticRadius}, through the Lambert function. */
export function asymptoticRhoSquared(tunedFor: number, alpha: number): number {
  return (-lambertWLower(-(alpha * alpha) / Math.E) - 1) / tunedFor;
}

/**
 * Half the width of the interval of a mean, in standard deviations of a value, after `count` values.
 *
 * For reports, once there are {@link ASYMPTOTIC_COUNT_MIN} values: its confidence is that of the limit.
 * Source: I. Waudby-Smith, D. Arbour, R. Sinha, E. Kennedy and A. Ramdas, "Time-uniform central limit theory and asymptotic
 * confidence sequences" (arXiv 2103.06476); statistics reference 2.6.
 */
export function asymptoticRadius(count: number, rhoSquared: number, alpha: number): number {
  return meanDiffersBound(count, 1 / rhoSquared, alpha) / count;
}

/**
 * The distance of a one-sided bound from the mean, as {@link asymptoticRadius}, in a closed form that is a little wider than the
 * mixture's: √(2(n ρ² + 1)/(n² ρ²) ln(1 + √(n ρ² + 1)/(2 alpha))). Source: as {@link asymptoticRadius}.
 */
export function asymptoticMargin(count: number, rhoSquared: number, alpha: number): number {
  const growth = count * rhoSquared + 1;
  return Math.sqrt(((2 * growth) / (count * count * rhoSquared)) * Math.log1p(Math.sqrt(growth) / (2 * alpha)));
}

/** The two-sided interval of a mean. */
export function asymptoticInterval(
  { mean, deviation, count }: { readonly mean: number; readonly deviation: number; readonly count: number },
  { rhoSquared, alpha }: { readonly rhoSquared: number; readonly alpha: number },
): Interval {
  const half = deviation * asymptoticRadius(count, rhoSquared, alpha);
  return { low: mean - half, high: mean + half };
}
