import type { ReplicaSet } from "#api";
import { annotatedDesired, annotatedMax } from "./annotations.ts";
import { activeOnly, compareCreation, lastingAvailable, type Sizes, specReplicas, totalSpecReplicas } from "./sizes.ts";

/** What scaling without a new template looks at. */
export interface ScaleInput {
  readonly sizes: Sizes;
  readonly isRolling: boolean;
  readonly newest: ReplicaSet | undefined;
  /** All but the newest. */
  readonly old: readonly ReplicaSet[];
  /** `status.replicas` of the deployment. */
  readonly statusReplicas: number;
}

/** A ReplicaSet and the size that it gets. */
export interface Resize {
  readonly replicaSet: ReplicaSet;
  readonly replicas: number;
}

/** True when the deployment was resized since its ReplicaSets were last scaled. Source: Kubernetes `isScalingEvent`. */
export function isScaling(desired: number, replicaSets: readonly ReplicaSet[]): boolean {
  return activeOnly(replicaSets).some((replicaSet) => {
    const annotated = annotatedDesired(replicaSet);
    return annotated !== undefined && annotated !== desired;
  });
}

/**
 * Spreads a change of size: over the only active ReplicaSet, away from old ones once the newest serves alone, or in the
 * middle of a rolling update over all in proportion, so that a bad new version does not get all added pods.
 *
 * Source: Kubernetes `deployment/sync.go` scale, `deployment_util` GetReplicaSetProportion.
 */
export function planScale(input: ScaleInput): readonly Resize[] {
  const { sizes, newest, old } = input;
  const all = newest === undefined ? [...old] : [...old, newest];
  const active = activeOnly(all);
  const only =
    active.length === 1
      ? active[0]
      : active.length === 0
        ? (newest ?? [...old].sort(compareCreation).at(-1))
        : undefined;
  if (only !== undefined) return [{ replicaSet: only, replicas: sizes.desired }];
  if (newest !== undefined && servesAlone(newest, sizes)) {
    return activeOnly(old).map((replicaSet) => ({ replicaSet, replicas: 0 }));
  }
  return input.isRolling ? spread(input, active) : [];
}

/** Source: Kubernetes `IsSaturated`. */
function servesAlone(newest: ReplicaSet, { desired }: Sizes): boolean {
  return (
    specReplicas(newest) === desired && annotatedDesired(newest) === desired && lastingAvailable(newest) === desired
  );
}

function spread({ sizes, statusReplicas }: ScaleInput, active: readonly ReplicaSet[]): readonly Resize[] {
  const allowed = sizes.desired > 0 ? sizes.desired + sizes.maxSurge : 0;
  const toAdd = allowed - totalSpecReplicas(active);
  // The largest takes the rest of the rounding; among equals the newest grows first and the oldest shrinks first.
  const ordered = [...active].sort(
    (a, b) => specReplicas(b) - specReplicas(a) || (toAdd > 0 ? compareCreation(b, a) : compareCreation(a, b)),
  );
  let added = 0;
  const resizes = ordered.map((replicaSet) => {
    const part = toAdd === 0 ? 0 : proportion(replicaSet, { sizes, statusReplicas, left: toAdd - added, toAdd });
    added += part;
    return { replicaSet, replicas: specReplicas(replicaSet) + part };
  });
  return resizes.map((resize, index) =>
    index === 0 ? { ...resize, replicas: Math.max(0, resize.replicas + toAdd - added) } : resize,
  );
}

function proportion(
  replicaSet: ReplicaSet,
  of: { readonly sizes: Sizes; readonly statusReplicas: number; readonly left: number; readonly toAdd: number },
): number {
  const replicas = specReplicas(replicaSet);
  if (replicas === 0 || of.left === 0) return 0;
  const part = fraction(replicaSet, of.sizes, of.statusReplicas);
  return of.toAdd > 0 ? Math.min(part, of.left) : Math.max(part, of.left);
}

function fraction(replicaSet: ReplicaSet, sizes: Sizes, statusReplicas: number): number {
  const replicas = specReplicas(replicaSet);
  if (sizes.desired === 0) return -replicas;
  const before = annotatedMax(replicaSet) || statusReplicas;
  if (before === 0) return 0;
  return Math.round((replicas * (sizes.desired + sizes.maxSurge)) / before) - replicas;
}
