/** What a service and its users are like while a release goes on. */
export interface TrafficPlan {
  /** Requests per second of both copies together. */
  readonly requestsPerSecond: number;
  /** Of the healthy service, the share of its answers that are errors. */
  readonly errorRate: number;
  readonly noise: Noise;
  readonly load: Load;
  /** What the new version does beyond the old one. */
  readonly canaryFaults: readonly Fault[];
  /** What hits both copies alike: an incident, no fault of the release. */
  readonly sharedFaults: readonly Fault[];
}

/**
 * How far requests are from independent. `iid`: they are. `auto`: the rate of errors and the latency drift, together and by pod.
 * `burst`: as `auto`, and errors come in clusters. Source: statistics reference 5.1.
 */
export type Noise = "iid" | "auto" | "burst";

/** `diurnal`: a day's wave, 0.2 to 1.8 times the mean, in an hour. Source: statistics reference 5.1. */
export type Load = "flat" | "diurnal";

/** Times are since the release began; absent means from the start, and to the end. */
export type Fault = FaultKind & { readonly fromMs?: number; readonly untilMs?: number };

export type FaultKind =
  /** Added share of errors. */
  | { readonly kind: "errors"; readonly share: number }
  /** Every request takes so many times as long. */
  | { readonly kind: "latency"; readonly factor: number }
  /** A share of the requests takes a fixed time. */
  | { readonly kind: "tail"; readonly share: number; readonly ms: number }
  /** Added share of errors that grows by the minute. */
  | { readonly kind: "leak"; readonly sharePerMinute: number };

/** The latency of the healthy service. Source: statistics reference 5.1: p99 257 ms. */
export const HEALTHY_LATENCY = { medianMs: 40, sigma: 0.8 } as const;

/** Pods of the primary. The canary has its share of that, one at least. Source: statistics reference 5.1. */
export const PRIMARY_POD_COUNT = 10;

/** Pods that a canary with a weight has. */
export function canaryPodCount(weightPercent: number): number {
  return Math.max(1, Math.round((PRIMARY_POD_COUNT * weightPercent) / 100));
}

const WAVE_MS = 3_600_000;
const WAVE_DEPTH = 0.8;

/** The factor on the mean rate. */
export function loadFactor(load: Load, sinceMs: number): number {
  return load === "flat" ? 1 : 1 + WAVE_DEPTH * Math.sin((2 * Math.PI * sinceMs) / WAVE_MS);
}

/** Faults at one moment, added up. */
export interface Effect {
  readonly extraErrors: number;
  readonly latencyFactor: number;
  readonly tail: { readonly share: number; readonly ms: number } | undefined;
}

const NO_EFFECT: Effect = { extraErrors: 0, latencyFactor: 1, tail: undefined };

export function effectAt(faults: readonly Fault[], sinceMs: number): Effect {
  let effect = NO_EFFECT;
  for (const fault of faults) {
    if (sinceMs < (fault.fromMs ?? 0) || sinceMs >= (fault.untilMs ?? Number.POSITIVE_INFINITY)) continue;
    effect = addFault(effect, fault, sinceMs);
  }
  return effect;
}

function addFault(effect: Effect, fault: Fault, sinceMs: number): Effect {
  switch (fault.kind) {
    case "errors":
      return { ...effect, extraErrors: effect.extraErrors + fault.share };
    case "latency":
      return { ...effect, latencyFactor: effect.latencyFactor * fault.factor };
    case "tail":
      return { ...effect, tail: { share: fault.share, ms: fault.ms } };
    case "leak": {
      const minutes = (sinceMs - (fault.fromMs ?? 0)) / 60_000;
      return { ...effect, extraErrors: effect.extraErrors + fault.sharePerMinute * minutes };
    }
  }
}
