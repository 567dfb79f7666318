import { addChiSquare, type ArmCounts, type ChiSquare, dispersionOf, podChiSquare } from "#stats";
import { type CopyCounts, drawCopy } from "./copy-traffic.ts";
import { ISTIO_BOUNDS_MS } from "./latency-shares.ts";
import { PodNoise } from "./noise.ts";
import { randomStream } from "./random-stream.ts";
import { effectAt, PRIMARY_POD_COUNT, type TrafficPlan } from "./traffic-plan.ts";

/** What a primary's last hours say about its service, before a release of it is judged. */
export interface PrimaryHistory {
  readonly total: number;
  readonly bad: number;
  /** By bound, requests that took longer. */
  readonly above: readonly number[];
  /** Design effect of errors. */
  readonly errorDispersion: number;
  /** Design effects of slow requests, by bound. */
  readonly latencyDispersions: readonly number[];
}

/** Of a service that nobody has looked at before. */
export const NO_HISTORY: PrimaryHistory = { total: 0, bad: 0, above: [], errorDispersion: 1, latencyDispersions: [] };

const HISTORY_MS = 7_200_000;
const STEP_MS = 10_000;
/** Steps whose sums are compared between pods. Source: statistics reference 2.8. */
const BLOCK_STEPS = [1, 6, 30] as const;
const NO_CHI_SQUARE: ChiSquare = { sum: 0, freedom: 0 };

/** Draws two hours of the healthy primary, pod by pod, and measures what the operator would ask for. Source: statistics reference 2.8. */
export function drawHistory(plan: TrafficPlan, seed: number): PrimaryHistory {
  const random = randomStream(seed, "history");
  const noise = new PodNoise(plan.noise, randomStream(seed, "history noise"), {
    podCount: PRIMARY_POD_COUNT,
    stepMs: STEP_MS,
  });
  const blocks = BLOCK_STEPS.map((steps) => new Block(steps));
  const all = new PodSums();
  const requestMean = (plan.requestsPerSecond * STEP_MS) / 1000 / PRIMARY_POD_COUNT;
  const calm = { effect: effectAt([], 0), errorRate: plan.errorRate, isBursty: plan.noise === "burst", requestMean };
  for (let step = 0; step < HISTORY_MS / STEP_MS; step += 1) {
    noise.step();
    for (let pod = 0; pod < PRIMARY_POD_COUNT; pod += 1) {
      const group = { ...calm, errorLogs: noise.errorLogs, latencyLogs: noise.latencyLogs, firstPod: pod, podCount: 1 };
      const counts = drawCopy(random, group, ISTIO_BOUNDS_MS);
      for (const block of blocks) block.sums.add(pod, counts);
      all.add(0, counts);
    }
    for (const block of blocks) block.endStep();
  }
  const phi = (read: (block: Block) => ChiSquare): number =>
    Math.max(1, ...blocks.map((block) => dispersionOf(read(block))));
  return {
    total: all.totals[0] ?? 0,
    bad: all.bads[0] ?? 0,
    above: ISTIO_BOUNDS_MS.map((_, bound) => all.above[bound] ?? 0),
    errorDispersion: phi((block) => block.errors),
    latencyDispersions: ISTIO_BOUNDS_MS.map((_, bound) => phi((block) => block.slow[bound] ?? NO_CHI_SQUARE)),
  };
}

/** Counts of each pod, summed in place: two hours are 7,200 draws. */
class PodSums {
  readonly totals = new Float64Array(PRIMARY_POD_COUNT);
  readonly bads = new Float64Array(PRIMARY_POD_COUNT);
  /** By pod, then by bound. */
  readonly above = new Float64Array(PRIMARY_POD_COUNT * ISTIO_BOUNDS_MS.length);

  add(pod: number, { total, bad, above }: CopyCounts): void {
    this.totals[pod] = (this.totals[pod] ?? 0) + total;
    this.bads[pod] = (this.bads[pod] ?? 0) + bad;
    const first = pod * ISTIO_BOUNDS_MS.length;
    for (let bound = 0; bound < above.length; bound += 1)
      this.above[first + bound] = (this.above[first + bound] ?? 0) + (above[bound] ?? 0);
  }

  clear(): void {
    this.totals.fill(0);
    this.bads.fill(0);
    this.above.fill(0);
  }
}

/** Pods compared over blocks of one length. */
class Block {
  readonly sums = new PodSums();
  errors: ChiSquare = NO_CHI_SQUARE;
  readonly slow: ChiSquare[] = ISTIO_BOUNDS_MS.map(() => NO_CHI_SQUARE);
  readonly #steps: number;
  #open = 0;

  constructor(steps: number) {
    this.#steps = steps;
  }

  endStep(): void {
    this.#open += 1;
    if (this.#open < this.#steps) return;
    this.#open = 0;
    this.errors = addChiSquare(
      this.errors,
      this.#compare((pod) => this.sums.bads[pod] ?? 0),
    );
    for (let bound = 0; bound < this.slow.length; bound += 1) {
      const pods = this.#compare((pod) => this.sums.above[pod * ISTIO_BOUNDS_MS.length + bound] ?? 0);
      this.slow[bound] = addChiSquare(this.slow[bound] ?? NO_CHI_SQUARE, pods);
    }
    this.sums.clear();
  }

  #compare(badOf: (pod: number) => number): ChiSquare {
    const pods: ArmCounts[] = [];
    let bad = 0;
    for (let pod = 0; pod < PRIMARY_POD_COUNT; pod += 1) {
      const counts = { total: this.sums.totals[pod] ?? 0, bad: badOf(pod) };
      bad += counts.bad;
      pods.push(counts);
    }
    return bad === 0 ? NO_CHI_SQUARE : podChiSquare(pods);
  }
}
