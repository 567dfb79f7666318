import type { HorizontalPodAutoscalerSpec, ScalingRules } from "#api";
import { changedWithin, type ScaleMemory, type TimedCount } from "./scale-memory.ts";

/** Source: `--horizontal-pod-autoscaler-downscale-stabilization`. */
const DOWNSCALE_WINDOW_MS = 300_000;

/** Why a size differs from what was asked for; the reasons and messages are those of the conditions. */
export interface LimitedScale {
  readonly replicas: number;
  readonly reason: string;
  readonly message: string;
}

export interface LimitInput {
  readonly spec: HorizontalPodAutoscalerSpec;
  readonly current: number;
  readonly desired: number;
  readonly memory: ScaleMemory;
  readonly nowMs: number;
}

const READY = { reason: "ReadyForNewScale", message: "recommended size matches current size" };
const WITHIN_RANGE = {
  reason: "DesiredWithinRange",
  message: "the desired count is within the acceptable range",
};
const TOO_MANY = {
  reason: "TooManyReplicas",
  message: "the desired replica count is more than the maximum replica count",
};
const TOO_FEW = {
  reason: "TooFewReplicas",
  message: "the desired replica count is less than the minimum replica count",
};
const UP_LIMIT = {
  reason: "ScaleUpLimit",
  message: "the desired replica count is increasing faster than the maximum scale rate",
};
const DOWN_LIMIT = {
  reason: "ScaleDownLimit",
  message: "the desired replica count is decreasing faster than the maximum scale rate",
};
const UP_STABILIZED = {
  reason: "ScaleUpStabilized",
  message: "recent recommendations were lower than current one, applying the lowest recent recommendation",
};
const DOWN_STABILIZED = {
  reason: "ScaleDownStabilized",
  message: "recent recommendations were higher than current one, applying the highest recent recommendation",
};

/** Holds a size back until recent recommendations agree with it (keda-hpa-spec 18.4). */
export function stabilize(input: LimitInput): LimitedScale {
  const { spec, current, desired, memory, nowMs } = input;
  const within = (windowMs: number): readonly number[] =>
    memory.recommendations.filter(({ atMs }) => atMs > nowMs - windowMs).map(({ count }) => count);
  if (spec.behavior === undefined) {
    const replicas = Math.max(desired, ...within(DOWNSCALE_WINDOW_MS));
    return { replicas, ...(replicas === desired ? READY : DOWN_STABILIZED) };
  }
  const up = Math.min(desired, ...within(windowMs(spec.behavior.scaleUp, 0)));
  const down = Math.max(desired, ...within(windowMs(spec.behavior.scaleDown, DOWNSCALE_WINDOW_MS)));
  const replicas = Math.min(Math.max(current, up), down);
  if (replicas === desired) return { replicas, ...READY };
  return { replicas, ...(desired >= current ? UP_STABILIZED : DOWN_STABILIZED) };
}

function windowMs(rules: ScalingRules | undefined, defaultMs: number): number {
  const seconds = rules?.stabilizationWindowSeconds;
  return seconds === undefined ? defaultMs : seconds * 1000;
}

/** Bounds a size by minimum, maximum and the rate of change (keda-hpa-spec 18.4). */
export function limit(input: LimitInput): LimitedScale {
  const { spec, current, desired } = input;
  const min = spec.minReplicas ?? 1;
  if (spec.behavior === undefined) {
    const upLimit = Math.max(2 * current, 4);
    if (desired < min) return { replicas: min, ...TOO_FEW };
    const max = Math.min(spec.maxReplicas, upLimit);
    if (desired > max) return { replicas: max, ...(spec.maxReplicas > upLimit ? UP_LIMIT : TOO_MANY) };
    return { replicas: desired, ...WITHIN_RANGE };
  }
  if (desired > current) {
    const upLimit = Math.max(current, scaleUpLimit(input, spec.behavior.scaleUp));
    const max = Math.min(spec.maxReplicas, upLimit);
    if (desired > max) return { replicas: max, ...(spec.maxReplicas > upLimit ? UP_LIMIT : TOO_MANY) };
  } else if (desired < current) {
    const downLimit = Math.min(current, scaleDownLimit(input, spec.behavior.scaleDown));
    const least = Math.max(min, downLimit);
    if (desired < least) return { replicas: least, ...(min < downLimit ? DOWN_LIMIT : TOO_FEW) };
  }
  return { replicas: desired, ...WITHIN_RANGE };
}

/** Source: autoscaling/v2 defaults (keda-hpa-spec 18.1). */
const DEFAULT_UP: NonNullable<ScalingRules["policies"]> = [
  { type: "Pods", value: 4, periodSeconds: 15 },
  { type: "Percent", value: 100, periodSeconds: 15 },
];
const DEFAULT_DOWN: NonNullable<ScalingRules["policies"]> = [{ type: "Percent", value: 100, periodSeconds: 15 }];

function scaleUpLimit(input: LimitInput, rules: ScalingRules | undefined): number {
  if (rules?.selectPolicy === "Disabled") return input.current;
  const limits = (rules?.policies ?? DEFAULT_UP).map((policy) => {
    const start = periodStart(input, policy.periodSeconds * 1000);
    return policy.type === "Pods" ? start + policy.value : Math.ceil(roundOff(start * (1 + policy.value / 100)));
  });
  return rules?.selectPolicy === "Min" ? Math.min(...limits) : Math.max(...limits);
}

function scaleDownLimit(input: LimitInput, rules: ScalingRules | undefined): number {
  if (rules?.selectPolicy === "Disabled") return input.current;
  const limits = (rules?.policies ?? DEFAULT_DOWN).map((policy) => {
    const start = periodStart(input, policy.periodSeconds * 1000);
    return policy.type === "Pods" ? start - policy.value : Math.floor(roundOff(start * (1 - policy.value / 100)));
  });
  return rules?.selectPolicy === "Min" ? Math.max(...limits) : Math.min(...limits);
}

/** The size at the start of a policy's period: what changed since is taken back. */
function periodStart({ current, memory, nowMs }: LimitInput, periodMs: number): number {
  const within = (changes: readonly TimedCount[]): number => changedWithin(changes, periodMs, nowMs);
  return current - within(memory.scaleUps) + within(memory.scaleDowns);
}

/** Takes off the error of binary fractions: 10 * 1.1 is 11, not a bit more. */
function roundOff(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
