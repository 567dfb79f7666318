import { canonicalQuantity, quantityOfMilli } from "#api";
import type { ExternalMetricSpec } from "../triggers/index.ts";

/** Metric that a formula makes of all others. Source: keda-hpa-spec 10. */
export const COMPOSITE_METRIC = "composite-metric";

/** Characters that triggers' names have and metrics' names cannot. Source: keda-hpa-spec 5. */
const UNFIT = /[/.:%()]/g;
/** Of them, those that a server's own name cannot have either: an autoscaler refuses them. Source: IsValidPathSegmentName. */
const UNFIT_FOR_PATHS = /[/%]/g;

/** The name of a trigger's metric in the autoscaler: its position makes equal ones differ. Source: keda-hpa-spec 5, 15.11. */
export function metricNameOf(
  triggerIndex: number,
  { name, isVerbatim = false }: Pick<ExternalMetricSpec, "name" | "isVerbatim">,
): string {
  return `s${triggerIndex}-${name.replace(isVerbatim ? UNFIT_FOR_PATHS : UNFIT, "-")}`;
}

/** The position that a metric's name begins with. */
export function triggerIndexOf(metricName: string): number | undefined {
  const match = /^s(\d{1,9})-/i.exec(metricName);
  return match === null ? undefined : Number(match[1]);
}

/** What still fits 64 bits when it is counted in thousandths. */
const MAX_VALUE = 9e15;

/**
 * Metrics' values and thresholds cannot be below nothing; what is no number counts as nothing. Source: keda-hpa-spec 5.
 */
export function publishable(value: number): number {
  return Number.isFinite(value) && value > 0 ? Math.min(value, MAX_VALUE) : 0;
}

/** Writes a threshold: as a whole number when it was given as one, else in thousandths. */
export function targetQuantity({ target, isWhole }: Pick<ExternalMetricSpec, "target" | "isWhole">): string {
  const value = publishable(target);
  return isWhole ? canonicalQuantity(String(Math.trunc(value))) : quantityOfMilli(Math.round(value * 1000));
}
