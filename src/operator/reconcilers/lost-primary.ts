import { deepEqual, type Problem } from "#base";
import { completeStatus } from "#rollout";
import type { Snapshot } from "./read.ts";

/**
 * Whether the target's present revision was never promoted, so that no primary may be made from it but by a promotion.
 *
 * While a Canary is initialised its target is what serves, and the primary is made from it as it is.
 */
export function isUnanalysed({ canary, workload }: Pick<Snapshot, "canary" | "workload">): boolean {
  const { phase, lastPromotedSpec, trackedConfigs } = completeStatus(canary.status);
  if (phase === "" || phase === "Initializing" || workload?.templateHash === undefined) return false;
  const now = workload.configs?.checksums;
  const haveConfigsChanged = now !== undefined && trackedConfigs !== undefined && !deepEqual(now, trackedConfigs);
  return workload.templateHash !== lastPromotedSpec || haveConfigsChanged;
}

/**
 * The problem of a primary that somebody deleted while the target has another revision: what was promoted is known to
 * nobody. It is not made from what nobody has analysed (Flagger does, with all the traffic); a canary that is healthy
 * gets the traffic meanwhile, and a release that passes its analysis makes the primary again.
 */
export function lostPrimary(snapshot: Snapshot): Problem | undefined {
  const { workload, names } = snapshot;
  if (workload?.target === undefined || workload.primary !== undefined || !isUnanalysed(snapshot)) return undefined;
  return {
    path: `${names.targetKind.toLowerCase()} ${names.primaryRef}`,
    code: "primary-lost",
    message: "was deleted, and it is not made again from the target, whose present revision was not promoted",
    fix: "set the target back to the promoted revision, or wait until the present one has passed its analysis",
  };
}
