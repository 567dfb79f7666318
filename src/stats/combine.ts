import { assert } from "#base";
import { logSumExp } from "./log-sum.ts";

/** A metric's evidence and its part of the stake. */
export interface WeighedEvidence {
  /** ln E of the metric. */
  readonly log: number;
  /** Part of the stake; the parts of all metrics sum to 1. Fixed before the first tick. */
  readonly weight: number;
}

export interface CombinedEvidence {
  /** ln of the weighted average. */
  readonly log: number;
  /** Position of the metric with the largest weighted evidence: the reason to name. */
  readonly leadingIndex: number;
}

/**
 * The evidence of several metrics about one release: the weighted average.
 *
 * An average of e-values is an e-value however the metrics depend on each other, and no other combination is better for all;
 * a product is one only when they are independent. Source: V. Vovk and R. Wang, "E-values: calibration, combination and
 * applications", Ann. Statist. 49 (2021); statistics reference 2.7.
 */
export function combineEvidence(metrics: readonly WeighedEvidence[]): CombinedEvidence {
  assert(metrics.length > 0, "there is a metric to combine");
  const sum = metrics.reduce((total, { weight }) => total + weight, 0);
  assert(Math.abs(sum - 1) < 1e-9, "the weights of the metrics sum to 1");
  const logs = metrics.map(({ log, weight }) => log + Math.log(weight));
  return { log: logSumExp(logs), leadingIndex: logs.indexOf(Math.max(...logs)) };
}

/** ln E at which the null hypothesis is given up: reached with a chance of at most alpha, however often one looks. Source: J. Ville (1939). */
export function evidenceLevel(alpha: number): number {
  return -Math.log(alpha);
}

/** The anytime-valid p-value to show for evidence; decisions are taken on the evidence. */
export function evidencePValue(log: number): number {
  return Math.min(1, Math.exp(-log));
}

/** Parts of the stake. Source: statistics reference 2.7. */
const ERROR_PART = 0.5;
const LATENCY_PART = 0.4;
const CUSTOM_PART = 0.1;

/**
 * The weights of a release's metrics: errors, latency, and the user's own, which share one part. Metrics that are not there
 * leave their part to the others in proportion.
 */
export function metricWeights(metrics: {
  readonly hasErrors: boolean;
  readonly hasLatency: boolean;
  readonly customCount: number;
}): { readonly errors: number; readonly latency: number; readonly custom: number } {
  const errors = metrics.hasErrors ? ERROR_PART : 0;
  const latency = metrics.hasLatency ? LATENCY_PART : 0;
  const custom = metrics.customCount > 0 ? CUSTOM_PART : 0;
  const sum = errors + latency + custom;
  assert(sum > 0, "there is a metric to weigh");
  return {
    errors: errors / sum,
    latency: latency / sum,
    custom: metrics.customCount > 0 ? custom / sum / metrics.customCount : 0,
  };
}
