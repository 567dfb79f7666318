import type { HorizontalPodAutoscalerSpec } from "#api";
import { parseQuantity } from "#base";

/** How far from 1 a ratio of usage to target may be, each way, without a change of size. */
export interface Tolerance {
  readonly up: number;
  readonly down: number;
}

/** Source: `--horizontal-pod-autoscaler-tolerance`. */
const DEFAULT_TOLERANCE = 0.1;

/** The tolerances of an autoscaler. Source: `behavior.scaleUp.tolerance` and `behavior.scaleDown.tolerance` (keda-hpa-spec 18.6). */
export function toleranceOf({ behavior }: Pick<HorizontalPodAutoscalerSpec, "behavior">): Tolerance {
  return { up: read(behavior?.scaleUp?.tolerance), down: read(behavior?.scaleDown?.tolerance) };
}

function read(tolerance: string | number | undefined): number {
  const quantity = tolerance === undefined ? undefined : parseQuantity(tolerance);
  return quantity?.ok === true && quantity.value >= 0 ? quantity.value : DEFAULT_TOLERANCE;
}

/** True when a ratio is so near to 1 that nothing should change; both bounds are included. A ratio of 0/0 is not. */
export function isWithinTolerance(ratio: number, tolerance: Tolerance): boolean {
  return ratio >= 1 - tolerance.down && ratio <= 1 + tolerance.up;
}
