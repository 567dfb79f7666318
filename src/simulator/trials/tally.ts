import { clopperPearson, type Interval } from "#stats";
import type { Trial } from "./run-trial.ts";

/** Trials of one judge and one kind of release, summed up. */
export interface Tally {
  readonly runCount: number;
  readonly rolledBackCount: number;
  readonly promotedCount: number;
  /** Of those that were rolled back: time, and bad requests until then. Undefined when none was. */
  readonly rollback: Spread | undefined;
  readonly promotion: Spread | undefined;
  /** Bad requests in the hour, of all trials. */
  readonly hourBadMean: number;
  readonly maxWeights: readonly number[];
}

export interface Spread {
  readonly medianMs: number;
  readonly p90Ms: number;
  readonly medianBad: number;
  readonly p90Bad: number;
  readonly medianCanaryRequests: number;
}

export function tallyTrials(trials: readonly Trial[]): Tally {
  const of = (verdict: Trial["verdict"]): Trial[] => trials.filter((trial) => trial.verdict === verdict);
  const rolledBack = of("rolled-back");
  const promoted = of("promoted");
  return {
    runCount: trials.length,
    rolledBackCount: rolledBack.length,
    promotedCount: promoted.length,
    rollback: spreadOf(rolledBack),
    promotion: spreadOf(promoted),
    hourBadMean: trials.reduce((sum, { hourBadRequests }) => sum + hourBadRequests, 0) / Math.max(1, trials.length),
    maxWeights: rolledBack.map(({ maxWeightPercent }) => maxWeightPercent),
  };
}

/** Exact 95 % limits of the chance of something that happened `hits` times. */
export function limitsOf(hits: number, runCount: number): Interval {
  return clopperPearson(hits, runCount, 0.05);
}

function spreadOf(trials: readonly Trial[]): Spread | undefined {
  if (trials.length === 0) return undefined;
  const times = trials.map(({ endedMs }) => endedMs);
  const bads = trials.map(({ badRequests }) => badRequests);
  return {
    medianMs: quantile(times, 0.5),
    p90Ms: quantile(times, 0.9),
    medianBad: quantile(bads, 0.5),
    p90Bad: quantile(bads, 0.9),
    medianCanaryRequests: quantile(
      trials.map(({ canaryRequests }) => canaryRequests),
      0.5,
    ),
  };
}

/** The smallest value that a share of the values does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
