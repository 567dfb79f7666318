import { logMeanExp } from "./log-sum.ts";

/**
 * Evidence about every excess rate d at once.
 *
 * The evidence of each alternative is linear in d, so two numbers for each keep all of it: ln e(d) = base + d slope. This is
 * what bounds are read from: the d at which the evidence reaches a level.
 */
export interface LinearEvidence {
  /** By alternative, ln e at d = 0. */
  readonly bases: readonly number[];
  /** By alternative, the change of ln e with d; all of one sign. */
  readonly slopes: readonly number[];
}

/** Halvings of the interval [0, 1]; what remains is below the resolution of a double. */
const BISECTIONS = 60;

export function startLinear(width: number): LinearEvidence {
  const zeros = Array.from({ length: width }, () => 0);
  return { bases: zeros, slopes: zeros };
}

/** ln of the mixture's e-value at the excess rate d. */
export function linearEvidenceAt({ bases, slopes }: LinearEvidence, d: number): number {
  return logMeanExp(bases.map((base, index) => base + d * (slopes[index] ?? 0)));
}

/** The smallest d in [0, 1] at which rising evidence reaches `level` nats; 1 when none does. */
export function smallestReaching(evidence: LinearEvidence, level: number): number {
  return bisect((d) => linearEvidenceAt(evidence, d) >= level).high;
}

/** The largest d in [0, 1] at which falling evidence still reaches `level` nats; 0 when none does. */
export function largestReaching(evidence: LinearEvidence, level: number): number {
  return bisect((d) => linearEvidenceAt(evidence, d) < level).low;
}

/** Where a condition that is false at 0 and true from some point on turns true. */
function bisect(isReached: (d: number) => boolean): { readonly low: number; readonly high: number } {
  if (isReached(0)) return { low: 0, high: 0 };
  let low = 0;
  let high = 1;
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = (low + high) / 2;
    if (isReached(middle)) high = middle;
    else low = middle;
  }
  return { low, high };
}
