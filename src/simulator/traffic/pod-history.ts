import { addChiSquare, type ArmCounts, type ChiSquare, dispersionOf, NO_CHI_SQUARE, podChiSquare } from "#stats";
import type { CopyCounts } from "./copy-traffic.ts";

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

/** Ticks whose sums are compared between pods. Source: statistics reference 2.8. */
const BLOCK_TICKS = [1, 6, 30] as const;

interface Size {
  readonly podCount: number;
  readonly boundCount: number;
}

/** Measures a primary pod by pod, tick by tick. Sums in place: two hours are thousands of counts for each of many bounds. */
export class PodHistory {
  readonly #size: Size;
  readonly #blocks: readonly Block[];
  readonly #all: PodSums;

  constructor(size: Size) {
    this.#size = size;
    this.#blocks = BLOCK_TICKS.map((ticks) => new Block(ticks, size));
    this.#all = new PodSums({ podCount: 1, boundCount: size.boundCount });
  }

  /** What a pod, by its position, did in the open tick. */
  add(pod: number, counts: CopyCounts): void {
    for (const block of this.#blocks) block.sums.add(pod, counts);
    this.#all.add(0, counts);
  }

  endTick(): void {
    for (const block of this.#blocks) block.endTick();
  }

  summary(): PrimaryHistory {
    const bounds = Array.from({ length: this.#size.boundCount }, (_, bound) => bound);
    const phi = (read: (block: Block) => ChiSquare): number =>
      Math.max(1, ...this.#blocks.map((block) => dispersionOf(read(block))));
    return {
      total: this.#all.totals[0] ?? 0,
      bad: this.#all.bads[0] ?? 0,
      above: bounds.map((bound) => this.#all.above[bound] ?? 0),
      errorDispersion: phi((block) => block.errors),
      latencyDispersions: bounds.map((bound) => phi((block) => block.slow[bound] ?? NO_CHI_SQUARE)),
    };
  }
}

class PodSums {
  readonly totals: Float64Array;
  readonly bads: Float64Array;
  /** By pod, then by bound. */
  readonly above: Float64Array;
  readonly #boundCount: number;

  constructor({ podCount, boundCount }: Size) {
    this.totals = new Float64Array(podCount);
    this.bads = new Float64Array(podCount);
    this.above = new Float64Array(podCount * boundCount);
    this.#boundCount = boundCount;
  }

  add(pod: number, { total, bad, above }: CopyCounts): void {
    this.totals[pod] = (this.totals[pod] ?? 0) + total;
    this.bads[pod] = (this.bads[pod] ?? 0) + bad;
    const first = pod * this.#boundCount;
    for (let bound = 0; bound < this.#boundCount; bound += 1)
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
  readonly sums: PodSums;
  errors: ChiSquare = NO_CHI_SQUARE;
  readonly slow: ChiSquare[];
  readonly #ticks: number;
  readonly #size: Size;
  #open = 0;

  constructor(ticks: number, size: Size) {
    this.#ticks = ticks;
    this.#size = size;
    this.sums = new PodSums(size);
    this.slow = Array.from({ length: size.boundCount }, () => NO_CHI_SQUARE);
  }

  endTick(): void {
    this.#open += 1;
    if (this.#open < this.#ticks) return;
    this.#open = 0;
    const { sums } = this;
    const errors = this.#compare((pod) => sums.bads[pod] ?? 0);
    this.errors = addChiSquare(this.errors, errors);
    for (let bound = 0; bound < this.slow.length; bound += 1) {
      const slow = this.#compare((pod) => sums.above[pod * this.#size.boundCount + bound] ?? 0);
      this.slow[bound] = addChiSquare(this.slow[bound] ?? NO_CHI_SQUARE, slow);
    }
    sums.clear();
  }

  #compare(badOf: (pod: number) => number): ChiSquare {
    const pods: ArmCounts[] = [];
    let bad = 0;
    for (let pod = 0; pod < this.#size.podCount; pod += 1) {
      const counts = { total: this.sums.totals[pod] ?? 0, bad: badOf(pod) };
      bad += counts.bad;
      pods.push(counts);
    }
    return bad === 0 ? NO_CHI_SQUARE : podChiSquare(pods);
  }
}
