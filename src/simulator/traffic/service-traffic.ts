import type { Random } from "#base";
import { type CopyCounts, drawCopy, type PodGroup } from "./copy-traffic.ts";
import { ISTIO_BOUNDS_MS, shareAbove } from "./latency-shares.ts";
import { PodNoise } from "./noise.ts";
import { randomStream } from "./random-stream.ts";
import {
  canaryPodCount,
  type Effect,
  effectAt,
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

  constructor(plan: TrafficPlan, seed: number, stepMs: number) {
    this.#plan = plan;
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
    const own = effectAt([...this.#plan.sharedFaults, ...this.#plan.canaryFaults], middleMs);
    const canaryMean = (mean * weightPercent) / FULL_WEIGHT;
    const pods = canaryPodCount(weightPercent);
    return {
      primary: this.#draw({ requestMean: mean - canaryMean, effect: shared, firstPod: 0, podCount: PRIMARY_POD_COUNT }),
      canary: this.#draw({ requestMean: canaryMean, effect: own, firstPod: PRIMARY_POD_COUNT, podCount: pods }),
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

  #draw(group: {
    readonly requestMean: number;
    readonly effect: Effect;
    readonly firstPod: number;
    readonly podCount: number;
  }): CopyCounts {
    const { noise, errorRate } = this.#plan;
    const pods: PodGroup = {
      ...group,
      errorRate,
      isBursty: noise === "burst",
      errorLogs: this.#noise.errorLogs,
      latencyLogs: this.#noise.latencyLogs,
      // Pods without noise are one.
      podCount: noise === "iid" ? 1 : group.podCount,
    };
    return drawCopy(this.#random, pods, ISTIO_BOUNDS_MS);
  }
}
