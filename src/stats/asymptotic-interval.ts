import type { Interval } from "./difference-interval.ts";
import { lambertWLower } from "./lambert-w.ts";

/** Values below which the normal approximation is not to be trusted. Source: statistics reference 2.6. */
export const ASYMPTOTIC_COUNT_MIN = 30;

/** ρ² that makes the sequence tightest around `tunedFor` values. Source: Waudby-Smith et al. (2021), appendix B. */
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
  return radius(count, rhoSquared, Math.log(Math.sqrt(count * rhoSquared + 1) / alpha));
}

/** The distance of a one-sided bound from the mean, as {@link asymptoticRadius}. */
export function asymptoticMargin(count: number, rhoSquared: number, alpha: number): number {
  return radius(count, rhoSquared, Math.log1p(Math.sqrt(count * rhoSquared + 1) / (2 * alpha)));
}

/** The two-sided interval of a mean. */
export function asymptoticInterval(
  { mean, deviation, count }: { readonly mean: number; readonly deviation: number; readonly count: number },
  { rhoSquared, alpha }: { readonly rhoSquared: number; readonly alpha: number },
): Interval {
  const half = deviation * asymptoticRadius(count, rhoSquared, alpha);
  return { low: mean - half, high: mean + half };
}

function radius(count: number, rhoSquared: number, nats: number): number {
  return Math.sqrt(((2 * (count * rhoSquared + 1)) / (count * count * rhoSquared)) * nats);
}
