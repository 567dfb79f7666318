/**
 * Outlier detection: takes an endpoint that keeps failing out of the choice for a while.
 *
 *     admitting --threshold reached--> ejecting --time is over--> probing --success--> admitting
 *                                         ^                          |
 *                                         +--------- failure --------+
 *
 * Source: istio-spec 2.5. One addition to Envoy's rules is the probing state: an endpoint that returns serves one request
 * at a time until one succeeds, and a failure ejects it again at once instead of after another full count.
 */

export interface OutlierPolicy {
  readonly consecutive5xxMax: number;
  /** Of 502, 503 and 504. */
  readonly consecutiveGatewayMax: number;
  /** Present when failures to connect and resets are counted apart from responses. */
  readonly consecutiveLocalMax?: number;
  readonly baseEjectionMs: number;
  readonly intervalMs: number;
  readonly ejectionPercentMax: number;
  /** Below this share of healthy endpoints all of them are used. */
  readonly healthPercentMin: number;
}

export type HealthPhase = "admitting" | "ejecting" | "probing";

export interface EndpointHealth {
  readonly phase: HealthPhase;
  readonly consecutive5xxCount: number;
  readonly consecutiveGatewayCount: number;
  readonly consecutiveLocalCount: number;
  /** Ejections that were not yet forgiven; lengthens the next one. */
  readonly ejectionCount: number;
  readonly ejectedUntilMs: number;
  /** When the last sweep forgave or found nothing to forgive. */
  readonly forgivenAtMs: number;
}

export const HEALTHY: EndpointHealth = {
  phase: "admitting",
  consecutive5xxCount: 0,
  consecutiveGatewayCount: 0,
  consecutiveLocalCount: 0,
  ejectionCount: 0,
  ejectedUntilMs: 0,
  forgivenAtMs: 0,
};

/** What an endpoint did with a request: a status, or a failure on our side of it (connection refused, reset, timeout). */
export type EndpointOutcome =
  | { readonly kind: "status"; readonly status: number }
  | { readonly kind: "local"; readonly isTimeout: boolean };

/** The longest ejection, unless the base time is longer. Source: Envoy's default of max_ejection_time. */
const EJECTION_MS_MAX = 300_000;

export interface OutlierContext {
  readonly policy: OutlierPolicy;
  readonly nowMs: number;
  readonly hostCount: number;
  /** Endpoints of the cluster that are ejected now. */
  readonly ejectedCount: number;
}

/** The health of an endpoint after one more outcome. */
export function recordOutcome(
  health: EndpointHealth,
  outcome: EndpointOutcome,
  context: OutlierContext,
): EndpointHealth {
  const counted = count(health, outcome, context.policy);
  // Requests that were under way when it was ejected say nothing new.
  if (health.phase === "ejecting") return health;
  const hasFailed = counted.consecutive5xxCount > 0 || counted.consecutiveLocalCount > 0;
  if (health.phase === "probing" && !hasFailed) return { ...counted, phase: "admitting" }; // probing → admitting
  const isOver = health.phase === "probing" || isOverThreshold(counted, context.policy);
  if (!isOver || !mayEject(context)) return counted;
  return eject(counted, context); // (admitting | probing) → ejecting
}

function count(health: EndpointHealth, outcome: EndpointOutcome, policy: OutlierPolicy): EndpointHealth {
  if (outcome.kind === "local" && policy.consecutiveLocalMax !== undefined)
    return { ...health, consecutiveLocalCount: health.consecutiveLocalCount + 1 };
  const status = outcome.kind === "status" ? outcome.status : outcome.isTimeout ? 504 : 503;
  if (status < 500) {
    if (health.consecutive5xxCount === 0 && health.consecutiveLocalCount === 0) return health;
    return { ...health, consecutive5xxCount: 0, consecutiveGatewayCount: 0, consecutiveLocalCount: 0 };
  }
  const isGateway = status >= 502 && status <= 504;
  return {
    ...health,
    consecutive5xxCount: health.consecutive5xxCount + 1,
    consecutiveGatewayCount: isGateway ? health.consecutiveGatewayCount + 1 : 0,
    consecutiveLocalCount: 0,
  };
}

function isOverThreshold(health: EndpointHealth, policy: OutlierPolicy): boolean {
  return (
    health.consecutive5xxCount >= policy.consecutive5xxMax ||
    health.consecutiveGatewayCount >= policy.consecutiveGatewayMax ||
    health.consecutiveLocalCount >= (policy.consecutiveLocalMax ?? Number.POSITIVE_INFINITY)
  );
}

function mayEject({ policy, hostCount, ejectedCount }: OutlierContext): boolean {
  return hostCount > 0 && (100 * (ejectedCount + 1)) / hostCount <= policy.ejectionPercentMax;
}

function eject(health: EndpointHealth, { policy, nowMs }: OutlierContext): EndpointHealth {
  const ejectionCount = health.ejectionCount + 1;
  const longestMs = Math.max(EJECTION_MS_MAX, policy.baseEjectionMs);
  return {
    ...HEALTHY,
    phase: "ejecting",
    ejectionCount,
    ejectedUntilMs: nowMs + Math.min(policy.baseEjectionMs * ejectionCount, longestMs),
    forgivenAtMs: nowMs,
  };
}

/** The health of an endpoint after a look at the clock: ejections end, and each quiet interval forgives one. */
export function sweepHealth(health: EndpointHealth, policy: OutlierPolicy, nowMs: number): EndpointHealth {
  if (health.phase === "ejecting") {
    return nowMs < health.ejectedUntilMs ? health : { ...health, phase: "probing", forgivenAtMs: nowMs }; // ejecting → probing
  }
  if (health.phase === "probing" || health.ejectionCount === 0) return health;
  if (nowMs - health.forgivenAtMs < policy.intervalMs) return health;
  return { ...health, ejectionCount: health.ejectionCount - 1, forgivenAtMs: nowMs };
}

/** True when so few endpoints are left that all are used, the ejected ones too. Source: Envoy's panic threshold. */
export function isPanicking(policy: OutlierPolicy, hostCount: number, ejectedCount: number): boolean {
  return hostCount > 0 && (100 * (hostCount - ejectedCount)) / hostCount < policy.healthPercentMin;
}
