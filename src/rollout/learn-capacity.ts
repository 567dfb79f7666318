import type { LearnedCapacity } from "#api";

/** One look at a copy under load. */
export interface CapacitySample {
  readonly revision: string;
  /** Requests per second that the copy served. */
  readonly requestsPerSecond: number;
  /** Pods that its autoscaler's own metrics ask for at that load; a fraction. */
  readonly podsForLoad: number;
}

/** Fewer samples say nothing about the next one. */
const MIN_SAMPLE_COUNT = 5;
/** Older samples fade, so that what is learned follows the mix of requests. */
const MAX_SAMPLE_COUNT = 30;
/** Versions that are remembered: that of the primary and that of the canary. */
const MAX_REVISION_COUNT = 2;
/** Below it a pod's fixed costs, not its requests, are what its metrics show. */
const MIN_PODS_FOR_LOAD = 0.5;
const MIN_REQUESTS_PER_SECOND = 1;
/** Standard errors that the mean may be too high by. */
const SIGMAS = 2;
/** However wide the spread, a pod counts for so much of its mean. */
const MIN_SHARE_OF_MEAN = 0.5;

/**
 * Adds a sample to what is known of a version; a sample at too little load changes nothing.
 *
 * Mean and deviation are updated one sample at a time; from the thirtieth on each new one weighs a thirtieth.
 * Source: Welford (1962), "Note on a method for calculating corrected sums of squares and products".
 */
export function learn(known: readonly LearnedCapacity[], sample: CapacitySample): readonly LearnedCapacity[] {
  if (sample.podsForLoad < MIN_PODS_FOR_LOAD || sample.requestsPerSecond < MIN_REQUESTS_PER_SECOND) return known;
  const value = sample.requestsPerSecond / sample.podsForLoad;
  const old = known.find(({ revision }) => revision === sample.revision);
  const others = known.filter(({ revision }) => revision !== sample.revision);
  const sampleCount = Math.min(MAX_SAMPLE_COUNT, (old?.sampleCount ?? 0) + 1);
  const mean = old?.requestsPerPod ?? value;
  const nextMean = mean + (value - mean) / sampleCount;
  const variance = (old?.deviation ?? 0) ** 2;
  const nextVariance = variance + ((value - mean) * (value - nextMean) - variance) / sampleCount;
  const next: LearnedCapacity = {
    revision: sample.revision,
    requestsPerPod: rounded(nextMean),
    deviation: rounded(Math.sqrt(Math.max(0, nextVariance))),
    sampleCount,
  };
  return [...others, next].slice(-MAX_REVISION_COUNT);
}

/**
 * What one pod of a version can be counted on to serve, in requests per second: the mean less two standard errors.
 * Undefined while too little is known.
 */
export function learnedRequestsPerPod(
  known: readonly LearnedCapacity[],
  revision: string | undefined,
): number | undefined {
  const found = known.find((one) => one.revision === revision);
  if (found === undefined || found.sampleCount < MIN_SAMPLE_COUNT) return undefined;
  const low = found.requestsPerPod - (SIGMAS * found.deviation) / Math.sqrt(found.sampleCount);
  return Math.max(low, found.requestsPerPod * MIN_SHARE_OF_MEAN);
}

/** Digits enough for pods, few enough for a status. */
function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
