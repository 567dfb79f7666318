/** The numbers of a ladder of weights that spends evidence: how much harm a step may do while it is not ruled out. */

const SECONDS_PER_MINUTE = 60;

/** Share of the service's requests that may be at stake in a step. Source: statistics reference 2.12. */
export const PLAUSIBLE_HARM = 0.01;
/** Requests a minute of a small service that may be at stake in a step. Source: statistics reference 2.12. */
const REQUESTS_AT_STAKE = 30;

/** The weight to begin with, a share: 1 % of a large service, up to 10 % where 1 % would get no requests. Source: statistics reference 2.11. */
export function startShare(requestsPerSecond: number): number {
  const small = requestsPerSecond > 0 ? REQUESTS_AT_STAKE / (SECONDS_PER_MINUTE * requestsPerSecond) : 1;
  return Math.max(0.01, Math.min(0.1, small));
}

/**
 * Whether the next share is allowed: the excess that is not ruled out, times the share, harms the service little enough.
 *
 * Source: statistics reference 2.12: U w ≤ max(ε, 30/(60 R)).
 */
export function allowsShare(excess: number, share: number, requestsPerSecond: number): boolean {
  return excess * share <= harmAtStake(requestsPerSecond);
}

/** The largest excess with which {@link allowsShare} allows a share above 0. */
export function allowedExcess(share: number, requestsPerSecond: number): number {
  return Math.min(1, harmAtStake(requestsPerSecond) / share);
}

function harmAtStake(requestsPerSecond: number): number {
  const small = requestsPerSecond > 0 ? REQUESTS_AT_STAKE / (SECONDS_PER_MINUTE * requestsPerSecond) : 1;
  return Math.max(PLAUSIBLE_HARM, small);
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
