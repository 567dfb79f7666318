/** The numbers of a ladder of weights that spends evidence: how much harm a step may do while it is not ruled out. */

const SECONDS_PER_MINUTE = 60;

/** Bad requests that may be at stake in a step, while they are not ruled out. Whichever is more. */
export interface Stake {
  /** Share of the service's requests, 0 to 1. */
  readonly share: number;
  /** Requests of a small service. */
  readonly perMinute: number;
}

/** Source: statistics reference 2.12. */
export const STAKE_ERRORS: Stake = { share: 0.01, perMinute: 30 };
/** A slow request is a fifth as bad as a failed one, as in the final margins. */
export const STAKE_LATENCY: Stake = { share: 0.05, perMinute: 150 };

/** The weight to begin with, a share: 1 % of a large service, up to 10 % where 1 % would get no requests. Source: statistics reference 2.11. */
export function startShare(requestsPerSecond: number): number {
  const small = requestsPerSecond > 0 ? STAKE_ERRORS.perMinute / (SECONDS_PER_MINUTE * requestsPerSecond) : 1;
  return Math.max(0.01, Math.min(0.1, small));
}

/**
 * The largest excess with which the next share, above 0, is allowed: what is not ruled out, times the share, harms the service
 * little enough.
 *
 * Source: statistics reference 2.12: U w ≤ max(ε, 30/(60 R)).
 */
export function allowedExcess(share: number, requestsPerSecond: number, stake: Stake): number {
  const small = requestsPerSecond > 0 ? stake.perMinute / (SECONDS_PER_MINUTE * requestsPerSecond) : 1;
  return Math.min(1, Math.max(stake.share, small) / share);
}

export interface FinalMargin {
  /** Excess that a full weight takes, at first. */
  readonly excess: number;
  /** Time since the analysis began. */
  readonly elapsedMs: number;
  readonly requestsPerSecond: number;
  /** Bad requests a minute that are tolerated whatever their share: a rate below it is not worth waiting for. */
  readonly badPerMinute: number;
}

/** Final margins at the start, by metric. Source: statistics reference 5.1 (errors, balanced profile), 2.5 (latency), 2.11 (floors). */
export const FINAL_ERRORS = { excess: 0.001, badPerMinute: 1 } as const;
export const FINAL_LATENCY = { excess: 0.005, badPerMinute: 4 } as const;

/** Time at full strictness, and time in which the margin doubles after it. Source: statistics reference 2.11. */
const STRICT_MS = 300_000;

/**
 * The excess below which a release is promoted: doubles every five minutes after the first five, and is never below the
 * tolerated number of bad requests a minute. Source: statistics reference 2.11.
 */
export function finalMargin({ excess, elapsedMs, requestsPerSecond, badPerMinute }: FinalMargin): number {
  const relaxed = excess * 2 ** Math.max(0, (elapsedMs - STRICT_MS) / STRICT_MS);
  const floor = requestsPerSecond > 0 ? badPerMinute / (SECONDS_PER_MINUTE * requestsPerSecond) : 1;
  return Math.min(1, Math.max(relaxed, floor));
}
