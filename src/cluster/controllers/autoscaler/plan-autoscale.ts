import type { Condition, HorizontalPodAutoscaler } from "#api";
import { limit, rememberRecommendation, type ScaleMemory, stabilize } from "#scaling";
import { type EventText, formatTime } from "../shared/index.ts";
import type { MetricOutcome } from "./combine-proposals.ts";

type Status = NonNullable<HorizontalPodAutoscaler["status"]>;

/** The size to set, with the texts that explain it. */
export interface AutoscalePlan {
  readonly desired: number;
  /** `status.desiredReplicas`: as it was when the metrics could not tell. */
  readonly reported: number;
  /** Why it changes: the text of the event. */
  readonly rescaleReason: string;
  readonly conditions: readonly Condition[];
  readonly events: readonly EventText[];
  readonly memory: ScaleMemory;
  readonly currentMetrics: readonly unknown[];
}

export interface AutoscaleInput {
  readonly hpa: HorizontalPodAutoscaler;
  /** `spec.replicas` of the target. */
  readonly current: number;
  /** Absent when the metrics need not be read, see {@link needsMetrics}. */
  readonly metrics: MetricOutcome | undefined;
  readonly conditions: readonly Condition[];
  readonly memory: ScaleMemory;
  readonly nowMs: number;
}

/** Metrics are read only for a size within the bounds: a bound is applied whatever they say. */
export function needsMetrics(hpa: HorizontalPodAutoscaler, current: number): boolean {
  const min = hpa.spec.minReplicas ?? 1;
  return !(current === 0 && min !== 0) && current <= hpa.spec.maxReplicas && current >= min;
}

/** Decides the size of one look. Source: Kubernetes `horizontal.go` reconcileAutoscaler (keda-hpa-spec 18.2). */
export function planAutoscale(input: AutoscaleInput): AutoscalePlan {
  const { hpa, current, conditions, nowMs } = input;
  const min = hpa.spec.minReplicas ?? 1;
  const unchanged = {
    desired: current,
    reported: current,
    rescaleReason: "",
    events: [],
    memory: input.memory,
    currentMetrics: [],
    conditions,
  };
  if (current === 0 && min !== 0) {
    const disabled = {
      type: "ScalingActive",
      status: "False",
      reason: "ScalingDisabled",
      message: "scaling is disabled since the replica count of the target is zero",
    } as const;
    return { ...unchanged, conditions: setHpaCondition(conditions, disabled, nowMs) };
  }
  if (current > hpa.spec.maxReplicas) {
    return {
      ...unchanged,
      desired: hpa.spec.maxReplicas,
      reported: hpa.spec.maxReplicas,
      rescaleReason: "Current number of replicas above Spec.MaxReplicas",
    };
  }
  if (current < min) {
    const rescaleReason = "Current number of replicas below Spec.MinReplicas";
    return { ...unchanged, desired: min, reported: min, rescaleReason };
  }
  if (input.metrics === undefined) return unchanged;
  return input.metrics.ok ? fromMetrics(input, input.metrics) : fromFailure(input, input.metrics);
}

function fromFailure(input: AutoscaleInput, failure: Extract<MetricOutcome, { ok: false }>): AutoscalePlan {
  const { reason, message, error } = failure;
  const condition = { type: "ScalingActive", status: "False", reason, message } as const;
  return {
    desired: input.current,
    reported: input.hpa.status?.desiredReplicas ?? 0,
    rescaleReason: "",
    conditions: setHpaCondition(input.conditions, condition, input.nowMs),
    events: [...failure.events, { type: "Warning", reason: "FailedComputeMetricsReplicas", message: error }],
    memory: input.memory,
    currentMetrics: failure.current,
  };
}

function fromMetrics(input: AutoscaleInput, metrics: Extract<MetricOutcome, { ok: true }>): AutoscalePlan {
  const { hpa, current, memory, nowMs } = input;
  const base = { spec: hpa.spec, current, memory, nowMs };
  const stabilized = stabilize({ ...base, desired: metrics.replicas });
  const limited = limit({ ...base, desired: stabilized.replicas });
  const wanted: readonly Omit<Condition, "lastTransitionTime">[] = [
    {
      type: "ScalingActive",
      status: "True",
      reason: "ValidMetricFound",
      message: `the HPA was able to successfully calculate a replica count from ${metrics.name}`,
    },
    { type: "AbleToScale", status: "True", reason: stabilized.reason, message: stabilized.message },
    {
      type: "ScalingLimited",
      status: limited.replicas === stabilized.replicas ? "False" : "True",
      reason: limited.reason,
      message: limited.message,
    },
  ];
  return {
    desired: limited.replicas,
    reported: limited.replicas,
    rescaleReason: metrics.replicas > current ? `${metrics.name} above target` : "All metrics below target",
    conditions: wanted.reduce<readonly Condition[]>((all, one) => setHpaCondition(all, one, nowMs), input.conditions),
    events: metrics.events,
    memory: rememberRecommendation(memory, metrics.replicas, nowMs),
    currentMetrics: metrics.current,
  };
}

/** Sets a condition in place; the transition time changes only with the status. Source: Kubernetes setConditionInList. */
export function setHpaCondition(
  conditions: readonly Condition[],
  next: Omit<Condition, "lastTransitionTime">,
  nowMs: number,
): readonly Condition[] {
  const before = conditions.find((condition) => condition.type === next.type);
  const isSame = before?.status === next.status && before.lastTransitionTime !== undefined;
  const timed = { ...next, lastTransitionTime: isSame ? before.lastTransitionTime : formatTime(nowMs) };
  return before === undefined
    ? [...conditions, timed]
    : conditions.map((condition) => (condition === before ? timed : condition));
}

/** The status after a look. */
export function planHpaStatus(
  hpa: HorizontalPodAutoscaler,
  plan: Pick<AutoscalePlan, "conditions" | "currentMetrics" | "reported">,
  of: { readonly current: number; readonly scaledAtMs: number | undefined },
): Status {
  const lastScaleTime = of.scaledAtMs === undefined ? hpa.status?.lastScaleTime : formatTime(of.scaledAtMs);
  return {
    currentReplicas: of.current,
    desiredReplicas: plan.reported,
    ...(lastScaleTime === undefined ? {} : { lastScaleTime }),
    ...(plan.currentMetrics.length === 0 ? {} : { currentMetrics: plan.currentMetrics }),
    conditions: plan.conditions,
  };
}
