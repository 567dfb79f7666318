import type { Random } from "#base";
import { drawNormal } from "./draws.ts";
import type { Noise } from "./traffic-plan.ts";

/** Standard deviations and memories of one quantity's logarithm. */
interface Drift {
  /** Of what all pods share. */
  readonly sharedSd: number;
  readonly podSd: number;
  /** Of what a pod has for as long as it lives: its node, its neighbours. */
  readonly lastingSd: number;
}

/** Source: statistics reference 5.1. */
const ERROR_DRIFT: Drift = { sharedSd: 0.5, podSd: 0.3, lastingSd: 0.1 };
const LATENCY_DRIFT: Drift = { sharedSd: 0.15, podSd: 0.05, lastingSd: 0.03 };
/** What is left of a deviation after ten seconds. Source: statistics reference 5.1. */
const SHARED_MEMORY = 0.95;
const POD_MEMORY = 0.7;
const MEMORY_MS = 10_000;
/** Size of the clusters in which `burst` has errors. Source: statistics reference 5.1. */
export const BURST_SIZE = 4;

/** Logarithms of factors on the rate of errors and on latency, by pod, as they drift from step to step. */
export class PodNoise {
  readonly errorLogs: Float64Array;
  readonly latencyLogs: Float64Array;
  readonly #errors: DriftState | undefined;
  readonly #latency: DriftState | undefined;

  constructor(noise: Noise, random: Random, size: { readonly podCount: number; readonly stepMs: number }) {
    this.errorLogs = new Float64Array(size.podCount);
    this.latencyLogs = new Float64Array(size.podCount);
    if (noise === "iid") return;
    this.#errors = new DriftState(ERROR_DRIFT, random, size);
    this.#latency = new DriftState(LATENCY_DRIFT, random, size);
  }

  /** Goes on by a step. The same number of draws is made whatever the weights are, so all judges see the same weather. */
  step(): void {
    this.#errors?.step(this.errorLogs);
    this.#latency?.step(this.latencyLogs);
  }
}

/** First-order autoregression of each part, begun in its stationary state. */
class DriftState {
  readonly #drift: Drift;
  readonly #random: Random;
  readonly #lasting: Float64Array;
  readonly #pods: Float64Array;
  #shared: number;
  readonly #sharedMemory: number;
  readonly #podMemory: number;

  constructor(drift: Drift, random: Random, size: { readonly podCount: number; readonly stepMs: number }) {
    this.#drift = drift;
    this.#random = random;
    this.#lasting = new Float64Array(size.podCount);
    this.#pods = new Float64Array(size.podCount);
    for (let pod = 0; pod < size.podCount; pod += 1) {
      this.#lasting[pod] = drift.lastingSd * drawNormal(random);
      this.#pods[pod] = drift.podSd * drawNormal(random);
    }
    this.#shared = drift.sharedSd * drawNormal(random);
    this.#sharedMemory = SHARED_MEMORY ** (size.stepMs / MEMORY_MS);
    this.#podMemory = POD_MEMORY ** (size.stepMs / MEMORY_MS);
  }

  step(logs: Float64Array): void {
    const { sharedSd, podSd, lastingSd } = this.#drift;
    // So that the factors have the mean 1: a rate of 0.5 % stays one, however it drifts.
    const correction = (sharedSd ** 2 + podSd ** 2 + lastingSd ** 2) / 2;
    const sharedNews = sharedSd * Math.sqrt(1 - this.#sharedMemory ** 2);
    const podNews = podSd * Math.sqrt(1 - this.#podMemory ** 2);
    this.#shared = this.#sharedMemory * this.#shared + sharedNews * drawNormal(this.#random);
    for (let pod = 0; pod < logs.length; pod += 1) {
      const own = this.#podMemory * (this.#pods[pod] ?? 0) + podNews * drawNormal(this.#random);
      this.#pods[pod] = own;
      logs[pod] = this.#shared + own + (this.#lasting[pod] ?? 0) - correction;
    }
  }
}
