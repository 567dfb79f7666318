import type { CanaryMetric, CanaryPhase, CanaryWebhook } from "#api";
import type { Problem } from "#base";
import type { ArmCounts, Arms, LatencyHistogram } from "#stats";

/** All that a decision may depend on beside the Canary itself and the time. */
export interface Observation {
  /** The user's workload, which is the canary copy; undefined when it does not exist. */
  readonly target: WorkloadObservation | undefined;
  readonly primary: PrimaryObservation | undefined;
  /** What the router has now; undefined when there is no route yet. */
  readonly routes: RouteState | undefined;
  /** Why the routes cannot be relied on now, such as a Gateway that has not accepted them; undefined when they can. */
  readonly routesProblem: string | undefined;
  /** Checksums of the ConfigMaps and Secrets of the target, `configmap/NAME` or `secret/NAME`; undefined when not tracked. */
  readonly trackedConfigs: Readonly<Record<string, string>> | undefined;
  /** Lower bound of replicas that the target's autoscaler keeps; undefined without an autoscaler. */
  readonly scalerMinCount: number | undefined;
  readonly capacity: CapacityObservation;
  /** What the user must mend before the release can go on: a missing ConfigMap, HPA or selector label. */
  readonly problems: readonly Problem[];
  /** When this process last took an analysis step or tried to; undefined after a restart. */
  readonly lastTickMs: number | undefined;
  /** Answers to the questions of this tick so far, by question id. */
  readonly answers: ReadonlyMap<string, Answer>;
}

/** What is known of the capacity of both copies beside the numbers of their workloads. */
export interface CapacityObservation {
  readonly primary: CopyCapacity;
  readonly canary: CopyCapacity;
  /** Pods that the namespace's quotas still allow beyond those there are; undefined without such a quota. */
  readonly quotaPodCount: number | undefined;
}

export interface CopyCapacity {
  /** Ready endpoints of the copy's Service: the pods that proxies know of. Undefined while there is no such list. */
  readonly servingCount: number | undefined;
  /** What scales the copy; undefined when nothing does and its replicas are fixed. */
  readonly scaler: ScalerObservation | undefined;
  /** Pods that a PodDisruptionBudget keeps available; 0 without one. */
  readonly protectedCount: number;
  /** When the youngest of its ready pods became ready. */
  readonly youngestReadyMs: number | undefined;
  /** How long its pods took lately from their creation until they were ready. */
  readonly podStartMs: number | undefined;
}

/** An HPA or a ScaledObject of one copy. */
export interface ScalerObservation {
  /** For sentences: `hpa web-primary`. */
  readonly name: string;
  /** Its own lower bound, without a floor of ours. */
  readonly minCount: number;
  readonly maxCount: number;
  /** The floor that we hold it at; undefined when we hold none. */
  readonly floorCount: number | undefined;
  /**
   * Pods that its own metrics ask for at the load that the copy has now: replicas times the largest ratio of a current value
   * to its target, neither rounded nor bounded. Undefined when no metric is known.
   */
  readonly podsForLoad: number | undefined;
}

/** Kinds of workloads that can be released; Flagger's `targetRef.kind`. */
export type WorkloadKind = "Deployment" | "DaemonSet" | "Service";

/**
 * A workload's numbers. A DaemonSet's are mapped onto a Deployment's: pods scheduled are replicas, and one that is held off
 * its nodes has a desired count of 0. A core Service has no pods to count and is always ready with one.
 */
export interface WorkloadObservation {
  readonly kind: WorkloadKind;
  readonly name: string;
  readonly templateHash: string;
  /** `spec.replicas`. */
  readonly desiredCount: number;
  readonly generation: number;
  readonly observedGeneration: number;
  readonly replicaCount: number;
  readonly updatedCount: number;
  readonly readyCount: number;
  readonly availableCount: number;
  readonly progressing?: WorkloadCondition;
  readonly available?: WorkloadCondition;
}

export interface WorkloadCondition {
  readonly status: string;
  readonly reason?: string;
  readonly lastUpdateMs?: number;
}

export interface PrimaryObservation extends WorkloadObservation {
  /** Whether its template is what the target's template would become as a primary. */
  readonly matchesTarget: boolean;
  /** Whether it was made from exactly the target's present template and configs. */
  readonly isPromoted: boolean;
}

export interface RouteWeights {
  readonly primaryWeight: number;
  readonly canaryWeight: number;
}

/** The weights of a route, and whether a copy of each request goes to the canary beside. */
export interface RouteState extends RouteWeights {
  readonly isMirrored: boolean;
}

/** What pods really served of late, by the proxies' own counts. */
export interface ServedShare {
  /** Share of the canary in the requests of both copies, in percent; not rounded. */
  readonly canaryPercent: number;
  /** Requests of both copies in the window. */
  readonly requestCount: number;
  /** How far back requests were counted. */
  readonly windowMs: number;
}

/** Something that must be asked outside before the decision can be made. */
export type Question =
  | { readonly kind: "hook"; readonly id: string; readonly hook: CanaryWebhook; readonly phase: CanaryPhase }
  | { readonly kind: "metric"; readonly id: string; readonly metric: CanaryMetric; readonly part: MetricPart }
  | { readonly kind: "providers"; readonly id: string }
  | { readonly kind: "served"; readonly id: string }
  | SamplesQuestion;

/** What both copies counted since the last tick of a sequential analysis. */
export interface SamplesQuestion {
  readonly kind: "samples";
  readonly id: "samples";
  /** Where the counts begin: the end of those that the evidence has. Undefined at the first tick, which only learns it. */
  readonly afterMs: number | undefined;
  /** Whether the primary's past is needed too: at the first tick of a run. */
  readonly needsHistory: boolean;
}

/** A metric entry may be a built-in one, carry a query of its own, and name a template, all at once. */
export type MetricPart = "builtin" | "inline" | "template";

export type Answer =
  | { readonly kind: "hook"; readonly isPassed: boolean; readonly detail: string }
  | { readonly kind: "metric"; readonly result: MetricResult; readonly query?: string }
  /** `problem` is absent when every metrics provider answers, and empty when the mistakes of some are told otherwise. */
  | { readonly kind: "providers"; readonly problem?: string }
  /** `share` is absent when nothing measures it or nothing was served. */
  | { readonly kind: "served"; readonly share?: ServedShare }
  | { readonly kind: "samples"; readonly samples: Samples };

/** Counts of both copies over one and the same interval; never rates. Source: statistics 2.9. */
export interface Samples {
  /** End of the interval, and so the start of the next; also where counting begins, at first or anew. Undefined when nothing was counted. */
  readonly untilMs: number | undefined;
  /**
   * By the metrics of the analysis that can be compared, in their order; each name once. A template with neither `counts` nor
   * `scalar` is left out: its check stays the one it is.
   */
  readonly metrics: readonly MetricSamples[];
  /** The primary's last hours, when they were asked for. */
  readonly history?: readonly MetricHistory[];
}

export type MetricSamples = {
  /** Of the Canary's metric. */
  readonly name: string;
  readonly query?: string;
} & (
  | { readonly kind: "counts"; readonly arms: Arms }
  /** Over the same bounds. */
  | { readonly kind: "latency"; readonly canary: LatencyHistogram; readonly primary: LatencyHistogram }
  | {
      readonly kind: "scalar";
      readonly canary: number;
      readonly primary: number;
      /** As its template says. */
      readonly rule: ScalarRule;
    }
  | { readonly kind: "missing"; readonly reason: MissingReason; readonly message: string }
);

/** How the numbers of both copies are compared. */
export interface ScalarRule {
  readonly worse: "higher" | "lower";
  /** `ratio` compares logarithms. */
  readonly scale: "ratio" | "difference";
  /** How much worse is tolerated: a factor of 1 or more, or a difference of 0 or more. */
  readonly margin: number;
}

/** Why there are no counts; none of these is a verdict on the release. */
export type MissingReason =
  /** Neither copy has such a series, or nothing was requested. */
  | "none"
  /** One copy is not complete yet; its counts come later, for both. */
  | "waiting"
  /** What came is no count: text, two series where one belongs, NaN, a negative counter, other bounds than before. */
  | "invalid"
  | "error"
  | "unreachable";

/** What the plan of a metric is made from, before the first tick. */
export interface MetricHistory {
  readonly name: string;
  /** Design effects, 1 or more: one for counts, one for each bound for latency. Undefined without enough history. */
  readonly dispersions?: readonly number[];
  /** Of the primary, for latency. */
  readonly histogram?: LatencyHistogram;
  /** Of the primary, for counts: what it did in the last hour. */
  readonly counts?: ArmCounts;
  /** For scalars: over how many ticks of 10 s values are averaged until neighbours hardly depend on each other. */
  readonly blockTicks?: number;
}

/** What a metrics provider said. Only some of these are a verdict on the release. */
export type MetricResult =
  | { readonly kind: "value"; readonly value: number }
  /** Measured, and it is 0. */
  | { readonly kind: "zero" }
  /** The query ran and found no sample, or only NaN: no traffic, or a wrong selector. */
  | { readonly kind: "empty" }
  /** The newest sample is older than the window asks for. */
  | { readonly kind: "stale"; readonly ageMs: number }
  /** The provider refused the query; asking again will not help. */
  | { readonly kind: "error"; readonly message: string }
  /** The provider could not be asked; nothing is known about the release. */
  | { readonly kind: "unreachable"; readonly message: string };
