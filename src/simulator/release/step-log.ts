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

  /** Counts of the canary over the window that ends at `endMs`; undefined when nothing was counted. */
  canaryOver({ endMs, windowMs }: { readonly endMs: number; readonly windowMs: number }): CopyCounts | undefined {
    let sum: CopyCounts | undefined;
    for (const { canary } of this.#between(endMs - windowMs, endMs)) sum = addCopies(sum, canary);
    return sum;
  }

  /** Counts of both copies after `afterMs` until `endMs`; undefined when there is no whole step. */
  bothOver({ afterMs, endMs }: { readonly afterMs: number; readonly endMs: number }): ServiceStep | undefined {
    let sum: ServiceStep | undefined;
    for (const step of this.#between(afterMs, endMs)) sum = addSteps(sum, step);
    return sum;
  }

  #between(afterMs: number, endMs: number): ServiceStep[] {
    return this.#steps.slice(
      Math.max(0, Math.round(afterMs / this.#stepMs)),
      Math.max(0, Math.round(endMs / this.#stepMs)),
    );
  }
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
