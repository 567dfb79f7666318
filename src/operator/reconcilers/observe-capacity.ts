import type { CapacityObservation, CopyCapacity } from "#rollout";
import type { Snapshot } from "./read.ts";

const unknown: CopyCapacity = {
  servingCount: undefined,
  scaler: undefined,
  protectedCount: 0,
  youngestReadyMs: undefined,
  podStartMs: undefined,
};

/** What is known of the capacity of both copies. */
export function observeCapacity(_snapshot: Snapshot): CapacityObservation {
  return { primary: unknown, canary: unknown, quotaPodCount: undefined };
}
