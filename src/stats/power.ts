import { normalCdf } from "./normal.ts";
import { bestWorsePrice, type EvidencePrice, type Outlook } from "./price-list.ts";
import type { Margin } from "./margin.ts";

/**
 * What a release can find out with the traffic that it has: answers for before the release, when nothing is measured yet.
 */

/**
 * Evidence that goes to not knowing: the metric, the size of the effect and when it began, in nats.
 * Source: statistics reference 2.11: 7.4 nats at alpha 1 %.
 */
const SPREAD_NATS = 2.8;

/** Nats that a bad release must gather before it is rolled back. Source: statistics reference 2.11, 2.12. */
export function detectionNats(alpha: number): number {
  return -Math.log(alpha) + SPREAD_NATS;
}

/** What is asked for. */
export interface DetectionQuestion {
  readonly tolerated: Margin;
  readonly alpha: number;
  /** Design effect φ ≥ 1. */
  readonly dispersion: number;
}

/**
 * Requests of the canary after which a release like this is rolled back on average; infinite when it is within the margin.
 *
 * Source: statistics reference 2.12: nats φ / I.
 */
export function requestsToDetect(outlook: Outlook, { tolerated, alpha, dispersion }: DetectionQuestion): number {
  const { mean } = bestWorsePrice(outlook, tolerated);
  return mean <= 0 ? Number.POSITIVE_INFINITY : (detectionNats(alpha) * dispersion) / mean;
}

/**
 * The chance that a release like this is rolled back within so many requests of the canary.
 *
 * The evidence is taken as Brownian motion with the price as its drift: Φ((μn − L)/σ√n) + exp(2μL/σ²) Φ((−μn − L)/σ√n).
 * Source: D. Siegmund, "Sequential Analysis" (1985), equation 3.15.
 */
export function detectionPower(outlook: Outlook, question: DetectionQuestion, requests: number): number {
  const price = bestWorsePrice(outlook, question.tolerated);
  if (requests <= 0 || price.mean <= 0) return 0;
  return crossingChance(price, detectionNats(question.alpha), requests / question.dispersion);
}

function crossingChance({ mean, variance }: EvidencePrice, level: number, requests: number): number {
  const spread = Math.sqrt(variance * requests);
  const direct = normalCdf((mean * requests - level) / spread);
  const reflected = normalCdf((-mean * requests - level) / spread);
  // The factor overflows where its tail has long underflowed.
  return reflected === 0 ? direct : Math.min(1, direct + Math.exp((2 * mean * level) / variance) * reflected);
}

/** Excess rates that are told apart. */
const RESOLUTION_STEPS = 60;

/**
 * The smallest excess over the primary's rate that is found with the given chance within so many requests of the canary;
 * undefined when not even a canary that answers nothing is. This is what a verdict "no harm found" is worth.
 */
export function detectableExcess(
  outlook: Omit<Outlook, "canaryRate">,
  question: DetectionQuestion,
  { requests, power }: { readonly requests: number; readonly power: number },
): number | undefined {
  const { primaryRate } = outlook;
  const isFound = (excess: number): boolean =>
    detectionPower({ ...outlook, canaryRate: primaryRate + excess }, question, requests) >= power;
  let low = 0;
  let high = 1 - primaryRate;
  if (!isFound(high)) return undefined;
  for (let step = 0; step < RESOLUTION_STEPS; step++) {
    const middle = (low + high) / 2;
    if (isFound(middle)) high = middle;
    else low = middle;
  }
  return high;
}
