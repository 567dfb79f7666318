import { type Encounter, limitsOf, type RehearsedCase, type Spread } from "#simulator";

/** What is known of one kind of release after its runs. Shares are 0 to 1, times milliseconds. */
export interface CaseFigures {
  readonly name: string;
  readonly isHealthy: boolean;
  readonly runCount: number;
  readonly rolledBack: Estimate;
  readonly promoted: Estimate;
  /** Neither at the horizon. */
  readonly undecidedCount: number;
  readonly timeToRollback: Quantiles | undefined;
  readonly timeToPromote: Quantiles | undefined;
  /** Bad requests because of the new version, until the rollback. */
  readonly badUntilRollback: Quantiles | undefined;
  /** The mean over all runs until the horizon; after a promotion every request is the new version's. */
  readonly badMean: number;
  /** How its releases met what goes wrong around them; undefined where nothing does. */
  readonly encounter: Encounter | undefined;
}

/** A share with its exact 95 % limits. */
export interface Estimate {
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

export interface Quantiles {
  readonly median: number;
  readonly p90: number;
}

/** Sums up the runs of a case. */
export function figuresOf({ name, isHealthy, tally, encounter }: RehearsedCase): CaseFigures {
  const { runCount, rolledBackCount, promotedCount, rollback, promotion } = tally;
  return {
    name,
    isHealthy,
    runCount,
    rolledBack: estimate(rolledBackCount, runCount),
    promoted: estimate(promotedCount, runCount),
    undecidedCount: runCount - rolledBackCount - promotedCount,
    timeToRollback: timesOf(rollback),
    timeToPromote: timesOf(promotion),
    badUntilRollback: rollback === undefined ? undefined : { median: rollback.medianBad, p90: rollback.p90Bad },
    badMean: tally.hourBadMean,
    encounter,
  };
}

function estimate(hits: number, runCount: number): Estimate {
  return { share: hits / runCount, ...limitsOf(hits, runCount) };
}

function timesOf(spread: Spread | undefined): Quantiles | undefined {
  return spread === undefined ? undefined : { median: spread.medianMs, p90: spread.p90Ms };
}
