import type { Random } from "#base";
import { type CopyCounts, drawCopy, type PodGroup } from "./copy-traffic.ts";
import { ISTIO_BOUNDS_MS, shareAbove } from "./latency-shares.ts";
import { PodNoise } from "./noise.ts";
import { randomStream } from "./random-stream.ts";
import {
  canaryPodCount,
  type Effect,
  effectAt,
  type Fault,
  HEALTHY_LATENCY,
  loadFactor,
  PRIMARY_POD_COUNT,
  type TrafficPlan,
} from "./traffic-plan.ts";

/** What both copies did in one step. */
export interface ServiceStep {
  readonly canary: CopyCounts;
  readonly primary: CopyCounts;
}

const FULL_WEIGHT = 100;
/** A slow request is one that most healthy requests beat by far. Source: statistics reference 5.1. */
const SLOW_MS = 250;

/** A service with two copies under traffic, step by step. The same seed gives the same weather to whatever judges the release. */
export class ServiceTraffic {
  readonly #plan: TrafficPlan;
  readonly #stepMs: number;
  readonly #noise: PodNoise;
  readonly #random: Random;
  readonly #allFaults: readonly Fault[];
  readonly #isUniform: boolean;

  constructor(plan: TrafficPlan, seed: number, stepMs: number) {
    this.#plan = plan;
    this.#allFaults = [...plan.sharedFaults, ...plan.canaryFaults];
    this.#isUniform = plan.noise === "iid";
    this.#stepMs = stepMs;
    this.#random = randomStream(seed, "requests");
    this.#noise = new PodNoise(plan.noise, randomStream(seed, "noise"), { podCount: 2 * PRIMARY_POD_COUNT, stepMs });
  }

  /** The requests of the step that ends at `endMs` since the release began. */
  step(endMs: number, weightPercent: number): ServiceStep {
    const middleMs = endMs - this.#stepMs / 2;
    this.#noise.step();
    const mean = this.meanRequests(endMs);
    const shared = effectAt(this.#plan.sharedFaults, middleMs);
    const own = effectAt(this.#allFaults, middleMs);
    const canaryMean = (mean * weightPercent) / FULL_WEIGHT;
    // Pods without noise are one.
    const primaryPods = this.#isUniform ? 1 : PRIMARY_POD_COUNT;
    const canaryPods = this.#isUniform ? 1 : canaryPodCount(weightPercent);
    const primary = this.#group(mean - canaryMean, shared, { first: 0, count: primaryPods });
    const canary = this.#group(canaryMean, own, { first: PRIMARY_POD_COUNT, count: canaryPods });
    return {
      primary: drawCopy(this.#random, primary, ISTIO_BOUNDS_MS),
      canary: drawCopy(this.#random, canary, ISTIO_BOUNDS_MS),
    };
  }

  /** Expected requests of both copies in the step that ends at `endMs`. */
  meanRequests(endMs: number): number {
    const { requestsPerSecond, load } = this.#plan;
    return requestsPerSecond * loadFactor(load, endMs - this.#stepMs / 2) * (this.#stepMs / 1000);
  }

  /**
   * The share of the new version's requests in that step that are bad and would not be in the old one: errors, and requests slower
   * than 250 ms. Source: statistics reference 5.1.
   */
  harmShare(endMs: number): number {
    const { extraErrors, latencyFactor, tail } = effectAt(this.#plan.canaryFaults, endMs - this.#stepMs / 2);
    const { medianMs, sigma } = HEALTHY_LATENCY;
    const shape = { medianMs: medianMs * latencyFactor, sigma, ...(tail === undefined ? {} : { tail }) };
    return Math.min(1, extraErrors) + shareAbove(shape, SLOW_MS) - shareAbove(HEALTHY_LATENCY, SLOW_MS);
  }

  #group(requestMean: number, effect: Effect, pods: { readonly first: number; readonly count: number }): PodGroup {
    return {
      requestMean,
      effect,
      errorRate: this.#plan.errorRate,
      isBursty: this.#plan.noise === "burst",
      errorLogs: this.#noise.errorLogs,
      latencyLogs: this.#noise.latencyLogs,
      firstPod: pods.first,
      podCount: pods.count,
    };
  }
}
