import type { Random } from "#base";
import { drawBinomial, drawClusters, drawPoisson } from "./draws.ts";
import { normalTail } from "./latency-shares.ts";
import { BURST_SIZE } from "./noise.ts";
import { type Effect, HEALTHY_LATENCY } from "./traffic-plan.ts";

/** What some pods did in one step. */
export interface CopyCounts {
  readonly total: number;
  readonly bad: number;
  /** By bound, requests that took longer. */
  readonly above: readonly number[];
}

/** Pods that share their requests equally, and the state they are in. */
export interface PodGroup {
  /** Expected requests of the whole group in the step. */
  readonly requestMean: number;
  readonly errorRate: number;
  readonly effect: Effect;
  readonly isBursty: boolean;
  /** Logarithms of factors by pod; the group is `podCount` of them from `firstPod` on. */
  readonly errorLogs: Float64Array;
  readonly latencyLogs: Float64Array;
  readonly firstPod: number;
  readonly podCount: number;
}

/**
 * Draws the requests of a group of pods in one step, whole.
 *
 * Arrivals are Poisson, so requests of the group in a bucket are Poisson too, with the mean of the pods' shares; and the errors among
 * them are binomial with the mean of the pods' rates. Drawing the sum is therefore exact, and costs no more for ten pods than for one.
 * (That errors and latency of one pod are bad together beyond chance is left out: their noise is independent.)
 */
export function drawCopy(random: Random, group: PodGroup, boundsMs: readonly number[]): CopyCounts {
  const above = boundsMs.map(() => 0);
  // From the slowest bucket up: each bound's count is the one above it and one bucket more.
  let slower = 0;
  let shareSlower = 0;
  for (let index = boundsMs.length - 1; index >= 0; index -= 1) {
    const share = meanShareAbove(group, boundsMs[index] ?? 0);
    slower += drawPoisson(random, group.requestMean * (share - shareSlower));
    above[index] = slower;
    shareSlower = share;
  }
  const total = slower + drawPoisson(random, group.requestMean * (1 - shareSlower));
  return { total, bad: drawBad(random, group, total), above };
}

function drawBad(random: Random, group: PodGroup, total: number): number {
  const rate = meanErrorRate(group);
  if (!group.isBursty) return drawBinomial(random, total, rate);
  const clusters = drawPoisson(random, (total * rate) / BURST_SIZE);
  return Math.min(total, drawClusters(random, clusters, BURST_SIZE));
}

function meanErrorRate({ errorRate, effect, errorLogs, firstPod, podCount }: PodGroup): number {
  let sum = 0;
  for (let pod = firstPod; pod < firstPod + podCount; pod += 1)
    sum += Math.min(1, errorRate * Math.exp(errorLogs[pod] ?? 0) + effect.extraErrors);
  return sum / podCount;
}

/** Beyond so many standard deviations a share is 0 or 1; a hundred million requests would not tell. */
const REACH = 8;

function meanShareAbove({ effect, latencyLogs, firstPod, podCount }: PodGroup, boundMs: number): number {
  const { medianMs, sigma } = HEALTHY_LATENCY;
  const logBound = Math.log(boundMs / (medianMs * effect.latencyFactor));
  let body = logBound > 0 ? 0 : 1;
  if (Math.abs(logBound) < REACH * sigma) {
    let sum = 0;
    for (let pod = firstPod; pod < firstPod + podCount; pod += 1)
      sum += normalTail((logBound - (latencyLogs[pod] ?? 0)) / sigma);
    body = sum / podCount;
  }
  if (effect.tail === undefined) return body;
  return (1 - effect.tail.share) * body + (boundMs < effect.tail.ms ? effect.tail.share : 0);
}
