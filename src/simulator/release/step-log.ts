import type { Arms, LatencyHistogram } from "#stats";
import { addCopies, addSteps } from "../peers/index.ts";
import { type CopyCounts, ISTIO_BOUNDS_MS, type ServiceStep } from "../traffic/index.ts";

/** The steps of traffic of one release, as something that counts requests remembers them. At most an hour of them. */
export class StepLog {
  readonly #stepMs: number;
  readonly #steps: ServiceStep[] = [];

  constructor(stepMs: number) {
    this.#stepMs = stepMs;
  }

  add(step: ServiceStep): void {
    this.#steps.push(step);
  }

  /** Counts of the canary after `afterMs` until `endMs`; undefined when there is no whole step. */
  canaryOver({ afterMs, endMs }: Span): CopyCounts | undefined {
    let sum: CopyCounts | undefined;
    for (let index = this.#indexOf(afterMs); index < this.#indexOf(endMs); index += 1) {
      const step = this.#steps[index];
      if (step !== undefined) sum = addCopies(sum, step.canary);
    }
    return sum;
  }

  /** Counts of both copies after `afterMs` until `endMs`; undefined when there is no whole step. */
  bothOver({ afterMs, endMs }: Span): ServiceStep | undefined {
    let sum: ServiceStep | undefined;
    for (let index = this.#indexOf(afterMs); index < this.#indexOf(endMs); index += 1) {
      const step = this.#steps[index];
      if (step !== undefined) sum = sum === undefined ? step : addSteps(sum, step);
    }
    return sum;
  }

  #indexOf(atMs: number): number {
    return Math.min(this.#steps.length, Math.max(0, Math.round(atMs / this.#stepMs)));
  }
}

/** Times are since the canary's first request. */
interface Span {
  readonly afterMs: number;
  readonly endMs: number;
}

export function armsOf({ canary, primary }: ServiceStep): Arms {
  return {
    canary: { total: canary.total, bad: canary.bad },
    primary: { total: primary.total, bad: primary.bad },
  };
}

export function histogramOf({ total, above }: Pick<CopyCounts, "total" | "above">): LatencyHistogram {
  return { boundsMs: ISTIO_BOUNDS_MS, above, total };
}
