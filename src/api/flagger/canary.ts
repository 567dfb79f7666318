import type { CrossVersionObjectReference } from "../autoscaling.ts";
import type { BackendObjectReference, ParentReference } from "../gateway/http-route.ts";
import type { CorsPolicy, HTTPMatchRequest, Headers, StringMatch } from "../istio/virtual-service.ts";
import type { Condition, KubeObject } from "../meta.ts";

/** Canary of `flagger.app/v1beta1`. Source: Flagger 1.44, `charts/flagger/crds/crd.yaml`. */

/** Phases in the order a release goes through them; the empty one is an object that no operator has seen. */
export type CanaryPhase =
  | ""
  | "Initializing"
  | "Initialized"
  | "Waiting"
  | "Progressing"
  | "WaitingPromotion"
  | "Promoting"
  | "Finalising"
  | "Succeeded"
  | "Failed"
  | "Terminating"
  | "Terminated";

export interface CanaryAutoscalerRef extends CrossVersionObjectReference {
  readonly primaryScalerQueries?: Readonly<Record<string, string>>;
  readonly primaryScalerReplicas?: { readonly minReplicas?: number; readonly maxReplicas?: number };
}

export interface CustomMetadata {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface CanaryService {
  readonly name?: string;
  readonly port: number;
  readonly portName?: string;
  readonly targetPort?: number | string;
  readonly appProtocol?: string;
  readonly trafficDistribution?: string;
  readonly portDiscovery?: boolean;
  readonly headless?: boolean;
  readonly timeout?: string;
  /** Of the Gateway API: how long one try of a backend may take. */
  readonly backendTimeout?: string;
  readonly hosts?: readonly string[];
  readonly gateways?: readonly string[];
  /** Of the Gateway API: what the route is attached to. */
  readonly gatewayRefs?: readonly ParentReference[];
  readonly delegation?: boolean;
  /** Of the Gateway API: who gets a copy of each request, always. */
  readonly mirror?: readonly { readonly backendRef?: BackendObjectReference }[];
  readonly match?: readonly HTTPMatchRequest[];
  readonly rewrite?: { readonly uri?: string; readonly authority?: string; readonly type?: string };
  readonly retries?: { readonly attempts?: number; readonly perTryTimeout?: string; readonly retryOn?: string };
  readonly headers?: Headers;
  readonly corsPolicy?: CorsPolicy;
  readonly trafficPolicy?: Readonly<Record<string, unknown>>;
  readonly apex?: CustomMetadata;
  readonly primary?: CustomMetadata;
  readonly canary?: CustomMetadata;
  readonly unmanagedMetadata?: { readonly annotations?: readonly string[]; readonly labels?: readonly string[] };
  readonly [field: string]: unknown;
}

/** Which requests are part of an A/B test: all of the conditions must hold. */
export interface CanaryMatch {
  readonly headers?: Readonly<Record<string, StringMatch & { readonly suffix?: string }>>;
  readonly queryParams?: Readonly<Record<string, StringMatch>>;
  readonly sourceLabels?: Readonly<Record<string, string>>;
}

/** Bounds of a metric's value, both inclusive. */
export interface CanaryThresholdRange {
  readonly min?: number;
  readonly max?: number;
}

export interface CanaryMetric {
  readonly name: string;
  readonly interval?: string;
  readonly threshold?: number;
  readonly thresholdRange?: CanaryThresholdRange;
  /** PromQL on the metrics server; a MetricTemplate is the newer way. */
  readonly query?: string;
  readonly templateRef?: { readonly name: string; readonly namespace?: string };
  readonly templateVariables?: Readonly<Record<string, string>>;
}

export type CanaryWebhookType =
  | ""
  | "rollout"
  | "confirm-rollout"
  | "pre-rollout"
  | "confirm-traffic-increase"
  | "confirm-promotion"
  | "post-rollout"
  | "rollback"
  | "event";

export interface CanaryWebhook {
  readonly name: string;
  readonly url: string;
  /** Absent and empty mean `rollout`. */
  readonly type?: CanaryWebhookType;
  readonly timeout?: string;
  readonly retries?: number;
  readonly muteAlert?: boolean;
  readonly disableTLS?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface CanaryAlert {
  readonly name: string;
  readonly severity?: "" | "info" | "warn" | "error";
  readonly providerRef: { readonly name: string; readonly namespace?: string };
}

/** Keeps a client with the copy that it met first, by a cookie. */
export interface CanarySessionAffinity {
  /** Cookie of clients of the canary. */
  readonly cookieName: string;
  /** Cookie of clients of the primary; without it those may move to the canary at any request. */
  readonly primaryCookieName?: string;
  readonly domain?: string;
  readonly httpOnly?: boolean;
  /** In seconds. */
  readonly maxAge?: number;
  readonly partitioned?: boolean;
  readonly path?: string;
  readonly sameSite?: "Strict" | "Lax" | "None";
  readonly secure?: boolean;
}

/** How sure a sequential analysis has to be, and of what; Serin's own field, all of it optional. */
export interface SequentialAnalysis {
  /** How much worse than the primary a canary may be. */
  readonly tolerance?: {
    /** Factor on the primary's rate of errors. Default 1.2. */
    readonly relative?: number;
    /** Added rate of errors, in percent of the requests. Default 0.02. */
    readonly absolutePercent?: number;
    /** Factor on the primary's latency. Default 1.15. */
    readonly latency?: number;
  };
  readonly confidence?: {
    /** Chance, in percent, that a release within the tolerance is ever rolled back. Default 1. */
    readonly falseRollbackPercent?: number;
    /** Chance, in percent, that a metric of a release beyond its bound passes. Default 5. */
    readonly falsePromotionPercent?: number;
  };
  /** The excess of errors that is ruled out before promotion: 0.5, 0.1 or 0.05 points. Default `balanced`. */
  readonly profile?: "fast" | "balanced" | "strict";
  /** How long evidence is collected. Default `30m`. */
  readonly maxDuration?: string;
  /** What then, when nothing is proven and nothing is suspicious. Default `promote`. */
  readonly onTimeout?: "promote" | "hold" | "rollback";
  /** How long a canary that has become ready may be slow and fail. Default `60s`. */
  readonly warmup?: string;
}

export interface CanaryAnalysis {
  /** `threshold` counts failed checks as Flagger does, and is the default; `sequential` compares the copies. */
  readonly method?: "threshold" | "sequential";
  readonly sequential?: SequentialAnalysis;
  readonly interval?: string;
  readonly threshold?: number;
  readonly iterations?: number;
  readonly maxWeight?: number;
  readonly stepWeight?: number;
  readonly stepWeights?: readonly number[];
  readonly stepWeightPromotion?: number;
  readonly primaryReadyThreshold?: number;
  readonly canaryReadyThreshold?: number;
  readonly mirror?: boolean;
  readonly mirrorWeight?: number;
  readonly match?: readonly CanaryMatch[];
  readonly metrics?: readonly CanaryMetric[];
  readonly alerts?: readonly CanaryAlert[];
  readonly webhooks?: readonly CanaryWebhook[];
  readonly sessionAffinity?: CanarySessionAffinity;
}

/** How traffic and capacity move together; Serin's own field, all of it optional. */
export interface CanaryCapacity {
  /**
   * `enforce`: no step gives a copy more traffic than its ready pods can serve, and autoscalers are held above what is
   * needed. `observe`: the same is computed and shown, and nothing is held. `off`: neither. Default `enforce`.
   */
  readonly coupling?: "enforce" | "observe" | "off";
  /** Pods beyond the need, in percent of it. Default 10. */
  readonly headroomPercent?: number;
  /** How much of all traffic the primary stays able to take back until the verdict, in percent. Default 80. */
  readonly reservePercent?: number;
  /** How long after the end of a release the primary keeps its pods. Default `2m`. */
  readonly reserveWindow?: string;
  /** Requests per second that one ready pod serves; learned from the autoscaler's metrics when absent. */
  readonly requestsPerPod?: number;
  /** How long a pod that is ready counts as cold: it serves, and nothing is learned from it. Default `0s`. */
  readonly warmUp?: string;
  /** How long a step waits for pods before the release is rolled back. Default: `progressDeadlineSeconds`. */
  readonly deadline?: string;
}

export interface CanarySpec {
  readonly provider?: string;
  readonly metricsServer?: string;
  readonly targetRef: CrossVersionObjectReference;
  readonly autoscalerRef?: CanaryAutoscalerRef;
  /** Of Gloo. */
  readonly upstreamRef?: CrossVersionObjectReference & { readonly namespace?: string };
  /** The Ingress that leads to the app, for providers that shift traffic with a second one. */
  readonly ingressRef?: CrossVersionObjectReference;
  /** The schema does not ask for it, the operator does. */
  readonly service?: CanaryService;
  readonly analysis: CanaryAnalysis;
  readonly capacity?: CanaryCapacity;
  readonly progressDeadlineSeconds?: number;
  readonly skipAnalysis?: boolean;
  readonly revertOnDeletion?: boolean;
  readonly suspend?: boolean;
}

/** What a version was seen to serve, at the load that its autoscaler aims at. */
export interface LearnedCapacity {
  /** Hash of the version's template. */
  readonly revision: string;
  /** Requests per second of one pod: mean of the samples. */
  readonly requestsPerPod: number;
  /** Standard deviation of the samples. */
  readonly deviation: number;
  readonly sampleCount: number;
}

export interface CanaryCapacityStatus {
  /** What the need was told by. */
  readonly method?: "declared" | "learned" | "autoscaler" | "size";
  /** Of both copies together, as last measured. */
  readonly requestsPerSecond?: number;
  /** Pods that all of the traffic needs, without headroom; a fraction. */
  readonly podsForAll?: number;
  readonly primary?: CopyCapacityStatus;
  readonly canary?: CopyCapacityStatus;
  /** How fast all traffic could be back on the primary: `60% in 1s, 100% in 20s`. */
  readonly wayBack?: string;
  /** Pods that the primary keeps for a while after a release. */
  readonly reserveCount?: number;
  readonly learned?: readonly LearnedCapacity[];
}

export interface CopyCapacityStatus {
  /** Ready pods. */
  readonly ready: number;
  /** Pods that its share of the traffic needs. */
  readonly need: number;
  /** Pods that the next step needs. */
  readonly next?: number;
}

export interface CanaryStatus {
  readonly phase: CanaryPhase;
  readonly failedChecks: number;
  readonly canaryWeight: number;
  readonly iterations: number;
  /** `configmap/NAME` or `secret/NAME` to checksum. */
  readonly trackedConfigs?: Readonly<Record<string, string>>;
  /** Hash of the target's template that the last run was, or is, about. */
  readonly lastAppliedSpec?: string;
  /** Hash of the template that the primary got. */
  readonly lastPromotedSpec?: string;
  readonly lastTransitionTime?: string;
  readonly conditions?: readonly Condition[];
  readonly sessionAffinityCookie?: string;
  readonly previousSessionAffinityCookie?: string;
  readonly primarySessionAffinityCookie?: string;
  /** Share of the traffic that the canary really served at the last check, in whole percent; Serin's own field. */
  readonly servedWeight?: number;
  /** What traffic needs and pods can serve; Serin's own field. */
  readonly capacity?: CanaryCapacityStatus;
  /** Evidence of a sequential analysis, as `rollout` keeps it; Serin's own field. */
  readonly evidence?: Readonly<Record<string, unknown>>;
}

export interface Canary extends KubeObject {
  readonly spec: CanarySpec;
  readonly status?: Partial<CanaryStatus>;
}
