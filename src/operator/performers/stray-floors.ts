import type { CanaryStatus } from "#api";
import { floorInForce, scalerOf } from "../reconcilers/index.ts";
import { readLease } from "../scalers/index.ts";
import { type FloorContext, type FloorOptions, setFloor } from "./set-floor.ts";

const ENDED: ReadonlySet<string> = new Set(["Initialized", "Succeeded", "Failed"]);

/** Whether no release is on its way and no traffic is left to take back. */
export function hasEnded({ phase, canaryWeight }: Pick<CanaryStatus, "phase" | "canaryWeight">): boolean {
  return ENDED.has(phase) && canaryWeight === 0;
}

/**
 * Gives back what is left of a floor when a release is over: one that never came into force, or that somebody wrote over. A
 * decision sees floors in force only, and would leave these for whoever comes next. The pods that a primary keeps for a
 * while after a release are none of them.
 */
export async function returnStrayFloors(
  status: CanaryStatus,
  options: FloorOptions,
  context: FloorContext,
): Promise<void> {
  const { snapshot } = options;
  if (!hasEnded(status)) return;
  for (const copy of ["primary", "canary"] as const) {
    const scaler = scalerOf(copy, snapshot);
    const isKept = copy === "primary" && (status.capacity?.reserveCount ?? 0) > 0;
    if (scaler === undefined || isKept || floorInForce(copy, snapshot) !== undefined) continue;
    const reading = readLease(scaler);
    if (reading.kind === "held" && reading.lease.canary === snapshot.canary.metadata.uid)
      await setFloor({ kind: "set-floor", copy, replicaCount: undefined }, options, context);
  }
}
