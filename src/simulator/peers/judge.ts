import type { CopyCounts, ServiceStep } from "../traffic/index.ts";

/** How a release ended, as far as it has. */
export type Verdict = "running" | "promoted" | "rolled-back";

/** Who judges a release: the share of traffic that it gives the canary now, and what it becomes after a step of traffic. */
export interface Judge {
  readonly weightPercent: number;
  readonly verdict: Verdict;
  /** The judge after it saw the step that ended at `endMs`. */
  after(step: ServiceStep, endMs: number): Judge;
}

/** Adds the counts of one copy. */
export function addCopies(a: CopyCounts | undefined, b: CopyCounts): CopyCounts {
  if (a === undefined) return b;
  return {
    total: a.total + b.total,
    bad: a.bad + b.bad,
    above: b.above.map((count, index) => count + (a.above[index] ?? 0)),
  };
}

/** Adds the counts of both copies. */
export function addSteps(a: ServiceStep | undefined, b: ServiceStep): ServiceStep {
  return { canary: addCopies(a?.canary, b.canary), primary: addCopies(a?.primary, b.primary) };
}
