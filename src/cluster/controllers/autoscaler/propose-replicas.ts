import type { Pod } from "#api";
import { Failure } from "#base";
import { isWithinTolerance, type Tolerance } from "#scaling";
import type { PodGroups, PodSample } from "./group-pods.ts";

export interface ReplicaInput {
  readonly groups: PodGroups;
  readonly samples: ReadonlyMap<string, PodSample>;
  readonly replicas: number;
  readonly tolerance: Tolerance;
  /** The ratio of usage to target over pods with these usages. */
  readonly ratioOf: (usages: ReadonlyMap<string, number>) => number;
  /** The usage that a pod without a sample is taken to have when the rest would shrink the target. */
  readonly assumedUsage: (pod: Pod) => number;
}

/**
 * Proposes a size from the pods' usage. Pods without a meaningful sample are taken to be in the way of the change: fully used
 * when it would shrink, idle when it would grow; and a change that they turn around does not happen.
 *
 * Source: Kubernetes `replica_calculator.go` GetResourceReplicas and calcPlainMetricReplicas (keda-hpa-spec 18.3).
 */
export function proposeReplicas(input: ReplicaInput): number {
  const { groups, replicas, ratioOf, tolerance } = input;
  const usages = readyUsages(groups, input.samples);
  const ratio = ratioOf(usages);
  const growsWithUnready = groups.unready.length > 0 && ratio > 1;
  if (!growsWithUnready && groups.missing.length === 0) {
    return isWithinTolerance(ratio, tolerance) ? replicas : Math.ceil(ratio * groups.ready.length);
  }
  const assumed = new Map(usages);
  for (const pod of groups.missing) {
    if (ratio < 1) assumed.set(nameOf(pod), input.assumedUsage(pod));
    else if (ratio > 1) assumed.set(nameOf(pod), 0);
  }
  if (growsWithUnready) for (const pod of groups.unready) assumed.set(nameOf(pod), 0);
  const next = ratioOf(assumed);
  const isTurned = (ratio < 1 && next > 1) || (ratio > 1 && next < 1);
  if (isWithinTolerance(next, tolerance) || isTurned) return replicas;
  const proposal = Math.ceil(next * assumed.size);
  const contradicts = (next < 1 && proposal > replicas) || (next > 1 && proposal < replicas);
  return contradicts ? replicas : proposal;
}

/**
 * The same for a target that the mean is compared with. A pod without a sample on the way down has exactly the target.
 *
 * @throws Failure `NoMetrics` when no pod has a sample that counts.
 */
export function proposeByAverage({
  target,
  ...input
}: Omit<ReplicaInput, "ratioOf" | "assumedUsage"> & { readonly target: number }): {
  readonly replicas: number;
  readonly average: number;
} {
  const replicas = proposeReplicas({
    ...input,
    ratioOf: (usages) => meanOf(usages) / target,
    assumedUsage: () => target,
  });
  return { replicas, average: meanOf(readyUsages(input.groups, input.samples)) };
}

function meanOf(usages: ReadonlyMap<string, number>): number {
  return sumOf(usages) / usages.size;
}

export function sumOf(usages: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const usage of usages.values()) sum += usage;
  return sum;
}

/** Usage of the pods whose samples count. @throws Failure `NoMetrics` when there is none. */
export function readyUsages(groups: PodGroups, samples: ReadonlyMap<string, PodSample>): ReadonlyMap<string, number> {
  const usages = new Map<string, number>();
  for (const pod of groups.ready) usages.set(nameOf(pod), samples.get(nameOf(pod))?.usage ?? 0);
  if (usages.size === 0) {
    throw new Failure("did not receive metrics for targeted pods (pods might be unready)", { code: "NoMetrics" });
  }
  return usages;
}

function nameOf(pod: Pod): string {
  return pod.metadata.name ?? "";
}
