import type { EvidenceRules } from "./metric-plan.ts";
import type { Move } from "./move.ts";
import { errorPrice, latencyPrice, neededFor, type Needs } from "./needs.ts";
import type { Run } from "./run.ts";
import { type Bounded, elapsedMs, rateOfRun, type Standing, widestOf } from "./standing.ts";

/** How far a metric lets a move happen. */
export interface Gate {
  readonly standing: Standing;
  /** The question that is furthest from it; undefined while nothing bounds the metric. */
  readonly bounded?: Bounded;
  /** Upper bound of the excess, and the one that it must not exceed; 0 to 1. */
  readonly excess: number;
  readonly goAt: number;
}

/** A run, and where it would go. */
export interface Road {
  readonly run: Run;
  readonly rules: EvidenceRules;
  readonly move: Move;
}

/** What the metric must rule out before the move; undefined when it does not hold it up. */
export function needsOf({ metric, questions }: Standing, { run, rules, move }: Road): Needs | undefined {
  if (move.kind === "first" || move.kind === "iterate" || metric.kind === "scalar") return undefined;
  // A histogram without a bound that promotion waits for has nothing to be waited for.
  if (metric.kind === "latency" && metric.isPlanned && questions.length === 0) return undefined;
  const isPromotion = move.kind === "final";
  const step = {
    from: run.step.weight,
    to: isPromotion ? 100 : move.weight,
    isPromotion,
    elapsedMs: elapsedMs(run),
    requestsPerSecond: rateOfRun(run),
  };
  return neededFor(step, metric.kind === "latency" ? latencyPrice : errorPrice(rules.sequential.finalExcess));
}

/** The bound that is furthest from letting the move happen, met or not; undefined when the metric does not hold it up. */
export function gateOf(standing: Standing, road: Road): Gate | undefined {
  const needs = needsOf(standing, road);
  if (needs === undefined) return undefined;
  const { widest, questions } = standing;
  if (widest === undefined) return { standing, excess: 1, goAt: needs.whole };
  const whole: Gate = { standing, bounded: widest, excess: widest.excess, goAt: needs.whole };
  if (needs.since === undefined || needs.since >= 1) return whole;
  const newest = widestOf(questions, ({ stepExcess }) => stepExcess, road.rules.sequential.beta);
  if (newest === undefined) return whole;
  const since: Gate = { standing, bounded: newest, excess: newest.excess, goAt: needs.since };
  return distanceOf(since) > distanceOf(whole) ? since : whole;
}

/** Above 1 while the move has to wait. */
export function distanceOf({ excess, goAt }: Gate): number {
  return excess / goAt;
}
