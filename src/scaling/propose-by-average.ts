import { isWithinTolerance, type Tolerance } from "./tolerance.ts";

export interface AverageInput {
  readonly usage: number;
  readonly average: number;
  readonly statusReplicas: number;
  readonly tolerance: Tolerance;
}

/**
 * Proposes a size from one value for the whole target, so that each pod gets its part.
 *
 * "No change" is the number of pods that exist, not the one that is asked for: during a rollout that has surged, the surge
 * becomes the size. It is upstream's known bug (k8s#138505), kept because what it does to a rollout has to be seen here too.
 *
 * Source: `replica_calculator.go` GetExternalPerPodMetricReplicas (keda-hpa-spec 18.3).
 */
export function proposeByAverage({ usage, average, statusReplicas, tolerance }: AverageInput): number {
  const ratio = usage / (average * statusReplicas);
  // Without pods and without usage there is nothing to compare; that is zero, and the minimum decides.
  if (Number.isNaN(ratio) || isWithinTolerance(ratio, tolerance)) return statusReplicas;
  return Math.ceil(usage / average);
}
