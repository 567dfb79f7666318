import type { WorkloadObservation } from "#rollout";
import type { Workload } from "./workloads/index.ts";

/** Since when each copy of a Canary lacks pods, as this process has seen it; a restart begins to count anew, which is safe. */
export interface AvailabilityMemory {
  /** Looks at both copies; undefined for one that has its pods or is to have none. */
  look(key: string, workload: Workload | undefined, nowMs: number): Availability;
  forget(key: string): void;
}

interface Availability {
  readonly target: number | undefined;
  readonly primary: number | undefined;
}

export function createAvailabilityMemory(): AvailabilityMemory {
  const known = new Map<string, Availability>();
  return {
    look(key, workload, nowMs) {
      const before = known.get(key);
      const since = (copy: WorkloadObservation | undefined, sinceMs: number | undefined): number | undefined =>
        copy !== undefined && copy.availableCount < copy.desiredCount ? (sinceMs ?? nowMs) : undefined;
      const now = {
        target: since(workload?.observeTarget(undefined), before?.target),
        primary: since(workload?.observePrimary(undefined), before?.primary),
      };
      known.set(key, now);
      return now;
    },
    forget: (key) => void known.delete(key),
  };
}
