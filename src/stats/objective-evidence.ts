import type { ArmCounts } from "./arms.ts";
import { type BetaPrior, logShareExceeds, logShareFallsBelow, type Trials } from "./beta-binomial.ts";

/**
 * One copy against a number: a service level objective, or 1.5 times what the primary did in the last hour.
 *
 * It says nothing about the release: an incident breaks objectives too. On its own it holds a release, it does not roll it back.
 * The state is the sum of the counts; the order of the intervals does not matter.
 */

export interface ObjectiveQuestion {
  /** Bad rate that the objective allows, between 0 and 1. */
  readonly badRate: number;
  /** Design effect φ ≥ 1: counts are divided by it. */
  readonly dispersion: number;
}

/** Source: statistics reference 2.4 (Jeffreys' prior). */
const PRIOR: BetaPrior = { a: 0.5, b: 0.5 };

/** ln E against "the bad rate is within the objective". */
export function logObjectiveBroken(counts: ArmCounts, { badRate, dispersion }: ObjectiveQuestion): number {
  return logShareExceeds(trialsOf(counts, dispersion), badRate, PRIOR);
}

/** ln E against "the bad rate is at the objective or beyond": the proof that a copy keeps it. */
export function logObjectiveKept(counts: ArmCounts, { badRate, dispersion }: ObjectiveQuestion): number {
  return logShareFallsBelow(trialsOf(counts, dispersion), badRate, PRIOR);
}

function trialsOf({ total, bad }: ArmCounts, dispersion: number): Trials {
  return { hits: bad / dispersion, misses: (total - bad) / dispersion };
}
