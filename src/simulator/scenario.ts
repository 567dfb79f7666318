import type { Canary, HorizontalPodAutoscalerSpec } from "#api";

/** One release of one app on a modelled cluster. Times are milliseconds from the start. */
export interface Scenario {
  readonly name: string;
  /** What is released; `spec.autoscalerRef` is not read, {@link autoscaler} is. */
  readonly canary: Canary;
  readonly durationMs: number;
  /** When the new version comes. */
  readonly releaseAtMs: number;
  /** Requests per second that users send. */
  readonly rateAt: (atMs: number) => number;
  readonly app: AppModel;
  /** Of both copies; absent: replicas are fixed. */
  readonly autoscaler?: AutoscalerModel;
  readonly replicaCount: number;
}

export interface AppModel {
  /** Requests per second that a ready pod serves; what is beyond fails, or is late. */
  readonly requestsPerPod: number;
  /** From a pod's creation until it is ready. */
  readonly podStartMs: number;
  /** Of the new version, from a time on: the share of its answers that are errors. */
  readonly errorRateAt?: (sinceReleaseMs: number) => number;
}

/** A ScaledObject on the request rate of each copy, or an HPA on such a metric. */
export interface AutoscalerModel {
  readonly minCount: number;
  readonly maxCount: number;
  /** Requests per second that it gives each pod. */
  readonly targetPerPod: number;
  readonly behavior?: HorizontalPodAutoscalerSpec["behavior"];
  /** How old the rate is that it sees: scrape, window and evaluation. */
  readonly metricsDelayMs: number;
  /** When its metrics cannot be read. */
  readonly isDownAt?: (atMs: number) => boolean;
}

/** What came of it. */
export interface Outcome {
  readonly phase: string;
  /** From the new version until the release ended; undefined when it did not. */
  readonly releaseMs: number | undefined;
  readonly requestCount: number;
  /** Requests beyond what the ready pods of their copy could serve. */
  readonly overloadedCount: number;
  /** Requests that the version itself answered with an error. */
  readonly errorCount: number;
  /** Pods of both copies, ready or not, over the whole time. */
  readonly podMinutes: number;
  readonly maxCanaryWeight: number;
  readonly samples: readonly Sample[];
  readonly events: readonly { readonly atMs: number; readonly message: string }[];
}

/** The cluster at one moment, for pictures. */
export interface Sample {
  readonly atMs: number;
  readonly rate: number;
  readonly canaryWeight: number;
  readonly primaryReadyCount: number;
  readonly canaryReadyCount: number;
  readonly primaryPodCount: number;
  readonly canaryPodCount: number;
  /** Requests per second beyond what ready pods serve. */
  readonly overloadedRate: number;
}
