import { displayQuantile } from "#stats";
import { type CopyCounts, ISTIO_BOUNDS_MS } from "../traffic/index.ts";

/** What point values of one copy are compared with: constants, as Flagger and Argo Rollouts are usually set up. */
export interface PointBounds {
  readonly successPercentMin: number;
  readonly p99MsMax: number;
}

/** Source: statistics reference 5.1. */
export const DEFAULT_BOUNDS: PointBounds = { successPercentMin: 99, p99MsMax: 500 };

/** Whether a copy's success rate is within its bound; false without requests, as NaN is not. Source: statistics reference 1.1, 1.2. */
export function isSuccessful({ total, bad }: CopyCounts, { successPercentMin }: PointBounds): boolean {
  return total > 0 && 100 * (1 - bad / total) >= successPercentMin;
}

/** Whether a copy's p99, interpolated and cut to whole milliseconds, is within its bound. Source: statistics reference 1.1. */
export function isFast({ total, above }: CopyCounts, { p99MsMax }: PointBounds): boolean {
  const p99 = p99Of({ total, above });
  return p99 !== undefined && Math.trunc(p99) <= p99MsMax;
}

/** p99 in milliseconds, as Prometheus interpolates it; undefined without requests. */
export function p99Of({ total, above }: Pick<CopyCounts, "total" | "above">): number | undefined {
  return displayQuantile({ boundsMs: ISTIO_BOUNDS_MS, above, total }, 0.99);
}
