/** What the plan of a road starts from. */

/** What is known of the service. */
export interface RoadLoad {
  /** Of both copies together; undefined when nobody measured it. */
  readonly requestsPerSecond: number | undefined;
  /** Pods that all of the traffic needs without headroom, a fraction; the primary's size when nothing is known. */
  readonly podsForAll: number | undefined;
  /** Whether that is the size that somebody gave the primary, for want of a measured load. */
  readonly isSize?: boolean;
  readonly primary: RoadCopy | undefined;
  readonly canary: RoadCopy | undefined;
  /** How long a pod takes until it is ready. */
  readonly podStartMs?: number;
}

export interface RoadCopy {
  /** Pods that it has, or starts with. */
  readonly count: number;
  /** Bounds of its autoscaler; absent without one. */
  readonly scaler?: { readonly name: string; readonly minCount: number; readonly maxCount: number };
}

/** What nobody measures before the release. */
export interface RoadAssumptions {
  /** Share of the primary's requests that fail, 0 to 1. */
  readonly errorRate: number;
  /** How often the metrics are read. */
  readonly scrapeIntervalMs: number;
}
