import type { CrossVersionObjectReference, HorizontalPodAutoscalerSpec } from "../autoscaling.ts";
import type { ConditionStatus, KubeObject } from "../meta.ts";

/** ScaledObject of `keda.sh/v1alpha1`. Source: KEDA 2.20 CRDs; keda-hpa-spec 2, 11. */

/** Name or kind of what is scaled; the rest is KEDA's defaults. */
export interface ScaleTargetRef extends Partial<CrossVersionObjectReference> {
  /** Of an object in the same namespace. */
  readonly name: string;
  /** `apps/v1` when absent. */
  readonly apiVersion?: string;
  /** `Deployment` when absent; any kind with a scale subresource. */
  readonly kind?: string;
  /** Container whose environment parameters are read from; the first when absent. */
  readonly envSourceContainerName?: string;
}

export interface ScaledObjectTrigger {
  /** Which server is asked: `prometheus`, `cron`, `redis`, … */
  readonly type: string;
  /** How a formula names it. */
  readonly name?: string;
  /** Settings, all of them texts. */
  readonly metadata: Readonly<Record<string, string>>;
  /** `AverageValue`, `Value`, or for cpu and memory `Utilization`. The schema takes any text. */
  readonly metricType?: string;
  /** The autoscaler gets the value of the last poll instead of a new one. */
  readonly useCachedMetrics?: boolean;
  readonly authenticationRef?: AuthenticationRef;
  readonly [field: string]: unknown;
}

export interface AuthenticationRef {
  readonly name: string;
  /** `TriggerAuthentication` when absent. */
  readonly kind?: "TriggerAuthentication" | "ClusterTriggerAuthentication";
}

export type FallbackBehavior =
  | "static"
  | "currentReplicas"
  | "currentReplicasIfHigher"
  | "currentReplicasIfLower"
  | "scalingModifiers";

/** What is served while triggers cannot be read. */
export interface ScaledObjectFallback {
  /** Failures beyond this number lead to it. */
  readonly failureThreshold: number;
  readonly replicas: number;
  /** `static` when absent; the schema fills it in. */
  readonly behavior?: FallbackBehavior;
}

/** One metric that a formula makes of all triggers. */
export interface ScalingModifiers {
  /** An expression over names of triggers. */
  readonly formula?: string;
  /** A number as text: the autoscaler's target for the result. */
  readonly target?: string;
  /** A number as text: there is work when the result is above it; `0` when absent. */
  readonly activationTarget?: string;
  /** `AverageValue` when absent. */
  readonly metricType?: "AverageValue" | "Value";
}

export interface HorizontalPodAutoscalerConfig {
  /** `keda-hpa-` and the ScaledObject's name when absent. */
  readonly name?: string;
  readonly behavior?: NonNullable<HorizontalPodAutoscalerSpec["behavior"]>;
}

export interface ScaledObjectAdvanced {
  readonly horizontalPodAutoscalerConfig?: HorizontalPodAutoscalerConfig;
  /** When the ScaledObject goes, its target gets back the number of replicas that it had before. */
  readonly restoreToOriginalReplicaCount?: boolean;
  readonly scalingModifiers?: ScalingModifiers;
  readonly [field: string]: unknown;
}

export interface ScaledObjectSpec {
  readonly scaleTargetRef: ScaleTargetRef;
  /** Seconds between two polls; 30 when absent. */
  readonly pollingInterval?: number;
  /** Seconds after creation before it may first go to zero; 0 when absent. */
  readonly initialCooldownPeriod?: number;
  /** Seconds without work before it goes to zero; 300 when absent. */
  readonly cooldownPeriod?: number;
  /** Replicas while there is no work, less than the minimum; absent turns that mode off. */
  readonly idleReplicaCount?: number;
  /** 0 when absent. */
  readonly minReplicaCount?: number;
  /** 100 when absent. */
  readonly maxReplicaCount?: number;
  readonly advanced?: ScaledObjectAdvanced;
  readonly triggers: readonly ScaledObjectTrigger[];
  readonly fallback?: ScaledObjectFallback;
  /** Fields of later versions, which those who copy a ScaledObject keep. */
  readonly [field: string]: unknown;
}

/** A condition as KEDA writes it: it has no times. */
export interface ScaledObjectCondition {
  readonly type: "Ready" | "Active" | "Fallback" | "Paused" | "HPAActive";
  readonly status: ConditionStatus;
  readonly reason?: string;
  readonly message?: string;
}

export interface ScaledObjectHealth {
  readonly numberOfFailures?: number;
  readonly status?: "Happy" | "Failing";
}

export interface ScaledObjectStatus {
  /** `apps/v1.Deployment`. */
  readonly scaleTargetKind?: string;
  readonly scaleTargetGVKR?: {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
    readonly resource: string;
  };
  readonly originalReplicaCount?: number;
  /** RFC 3339 time. */
  readonly lastActiveTime?: string;
  readonly externalMetricNames?: readonly string[];
  readonly resourceMetricNames?: readonly string[];
  readonly compositeScalerName?: string;
  readonly conditions?: readonly ScaledObjectCondition[];
  /** By metric. */
  readonly health?: Readonly<Record<string, ScaledObjectHealth>>;
  /** By metric. */
  readonly triggersActivity?: Readonly<Record<string, { readonly isActive?: boolean }>>;
  readonly pausedReplicaCount?: number;
  readonly hpaName?: string;
  /** Types, joined by commas. */
  readonly triggersTypes?: string;
  /** Names of authentications, joined by commas. */
  readonly authenticationsTypes?: string;
}

export interface ScaledObject extends KubeObject {
  readonly spec: ScaledObjectSpec;
  readonly status?: ScaledObjectStatus;
}
