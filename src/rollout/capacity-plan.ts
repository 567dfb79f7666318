import type { CanaryCapacityStatus } from "#api";
import type { CapacityMargins, CopyLoad, Need, WayBackStage } from "./plan-capacity.ts";

/** What a Canary's traffic needs in pods, now and next, and what the need was told by. */
export interface CapacityPlan {
  readonly method: NonNullable<CanaryCapacityStatus["method"]>;
  /** Of both copies, in requests per second; undefined while nothing measured it. */
  readonly requestsPerSecond: number | undefined;
  /** Pods for all of the traffic on the primary's version, without headroom; a fraction. */
  readonly podsForAll: number;
  readonly margins: CapacityMargins;
  readonly primary: CopyLoad;
  readonly canary: CopyLoad;
  /** What the primary needs for its share now, for what it keeps in reserve, and for all of the traffic. */
  readonly primaryNow: Need;
  readonly reserve: Need;
  readonly all: Need;
  /** What the canary needs for its share now and after the next step. */
  readonly canaryNow: Need;
  readonly canaryNext: Need;
  readonly wayBack: readonly WayBackStage[];
}
