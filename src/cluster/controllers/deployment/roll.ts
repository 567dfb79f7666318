import type { ReplicaSet } from "#api";
import type { Resize } from "./scale-proportionally.ts";
import { activeOnly, byCreation, lastingAvailable, type Sizes, specReplicas, totalSpecReplicas } from "./sizes.ts";

/** One step of a rolling update: a size for the newest, or sizes for the old ones; nothing when it has to wait. */
export function planRollingStep(sizes: Sizes, newest: ReplicaSet, old: readonly ReplicaSet[]): readonly Resize[] {
  const size = newestSize(sizes, newest, old);
  if (size !== specReplicas(newest)) return [{ replicaSet: newest, replicas: size }];
  return shrinkOld(sizes, newest, old);
}

/**
 * The size that the newest may have now: up to the surge above the desired count. Source: Kubernetes `NewRSNewReplicas`,
 * which counts what old ReplicaSets ask for; here pods that they still have count too, so that the bound holds for pods.
 */
export function newestSize(sizes: Sizes, newest: ReplicaSet, old: readonly ReplicaSet[]): number {
  const current = specReplicas(newest);
  if (current >= sizes.desired) return sizes.desired;
  const occupied = old.reduce((sum, one) => sum + Math.max(specReplicas(one), one.status?.replicas ?? 0), 0);
  const room = sizes.desired + sizes.maxSurge - occupied - current;
  return room <= 0 ? current : current + Math.min(room, sizes.desired - current);
}

/**
 * Shrinks old ReplicaSets as far as availability allows: first pods that do not serve anyway, then serving ones while the
 * available count stays at the minimum. Source: Kubernetes `deployment/rolling.go` reconcileOldReplicaSets.
 */
function shrinkOld(sizes: Sizes, newest: ReplicaSet, old: readonly ReplicaSet[]): readonly Resize[] {
  const minAvailable = sizes.desired - sizes.maxUnavailable;
  const newestUnavailable = specReplicas(newest) - lastingAvailable(newest);
  let budget = totalSpecReplicas([...old, newest]) - minAvailable - newestUnavailable;
  const replicas = new Map<ReplicaSet, number>();
  const ordered = byCreation(activeOnly(old));
  for (const replicaSet of ordered) {
    const unhealthy = specReplicas(replicaSet) - lastingAvailable(replicaSet);
    const cut = Math.max(0, Math.min(budget, unhealthy));
    replicas.set(replicaSet, specReplicas(replicaSet) - cut);
    budget -= cut;
  }
  const available = [...ordered, newest].reduce((sum, replicaSet) => sum + lastingAvailable(replicaSet), 0);
  let spare = available - minAvailable;
  for (const replicaSet of ordered) {
    const left = replicas.get(replicaSet) ?? 0;
    const cut = Math.max(0, Math.min(spare, left));
    replicas.set(replicaSet, left - cut);
    spare -= cut;
  }
  return ordered
    .map((replicaSet) => ({ replicaSet, replicas: replicas.get(replicaSet) ?? 0 }))
    .filter((resize) => resize.replicas !== specReplicas(resize.replicaSet));
}
