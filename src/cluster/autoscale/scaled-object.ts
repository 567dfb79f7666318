import type { HorizontalPodAutoscalerSpec, KubeObject } from "#api";

/** `keda.sh/v1alpha1` ScaledObject: the fields that are executed here. Source: keda-hpa-spec 2 and 11. */
export interface ScaledObject extends KubeObject {
  readonly spec: ScaledObjectSpec;
  readonly status?: ScaledObjectStatus;
}

export interface ScaledObjectSpec {
  readonly scaleTargetRef: {
    readonly name: string;
    readonly apiVersion?: string;
    readonly kind?: string;
    readonly envSourceContainerName?: string;
  };
  /** Seconds, as all periods here. */
  readonly pollingInterval?: number;
  readonly initialCooldownPeriod?: number;
  readonly cooldownPeriod?: number;
  readonly idleReplicaCount?: number;
  readonly minReplicaCount?: number;
  readonly maxReplicaCount?: number;
  readonly fallback?: ScaledObjectFallback;
  readonly advanced?: {
    readonly restoreToOriginalReplicaCount?: boolean;
    readonly horizontalPodAutoscalerConfig?: {
      readonly name?: string;
      readonly behavior?: HorizontalPodAutoscalerSpec["behavior"];
    };
    readonly scalingModifiers?: ScalingModifiers;
  };
  readonly triggers: readonly ScaledObjectTrigger[];
}

export interface ScaledObjectTrigger {
  readonly type: string;
  readonly name?: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly metricType?: string;
  readonly useCachedMetrics?: boolean;
  readonly authenticationRef?: { readonly name: string; readonly kind?: string };
}

export interface ScaledObjectFallback {
  readonly failureThreshold: number;
  readonly replicas: number;
  readonly behavior?: string;
}

export interface ScalingModifiers {
  readonly formula?: string;
  readonly target?: string;
  readonly activationTarget?: string;
  readonly metricType?: string;
}

export interface ScaledObjectStatus {
  /** `apps/v1.Deployment` */
  readonly scaleTargetKind?: string;
  readonly scaleTargetGVKR?: {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
    readonly resource: string;
  };
  readonly originalReplicaCount?: number;
  readonly lastActiveTime?: string;
  readonly externalMetricNames?: readonly string[];
  readonly resourceMetricNames?: readonly string[];
  readonly compositeScalerName?: string;
  readonly conditions?: readonly ScaledObjectCondition[];
  readonly health?: Readonly<Record<string, ScaledObjectHealth>>;
  readonly triggersActivity?: Readonly<Record<string, { readonly isActive: boolean }>>;
  readonly pausedReplicaCount?: number;
  readonly hpaName?: string;
  readonly triggersTypes?: string;
  readonly authenticationsTypes?: string;
}

/** KEDA's conditions have no times. */
export interface ScaledObjectCondition {
  readonly type: "Ready" | "Active" | "Fallback" | "Paused" | "HPAActive";
  readonly status: "True" | "False" | "Unknown";
  readonly reason?: string;
  readonly message?: string;
}

/** How the reading of one external metric went lately. */
export interface ScaledObjectHealth {
  /** Failures in a row. */
  readonly numberOfFailures?: number;
  readonly status?: "Happy" | "Failing";
}
