import { readCount, readFields, readList, readNumbers } from "./decode.ts";
import { logMeanExp } from "./log-sum.ts";

/**
 * Evidence from the ranks of paired differences: the default for scalars (CPU, queue depth, business figures).
 *
 * Under the null hypothesis each difference is as likely to be +v as −v, given all sizes. One wild value counts no more than its
 * rank. Source: statistics reference 2.6; the signs given the sizes are fair coins, so each factor has mean 1.
 */

/** Differences that the next one is ranked among. A window keeps the state small, and evidence valid: only sizes are looked at. */
const WINDOW = 256;
/** Stakes of the mixture. Source: statistics reference 2.6. */
const STAKES = [0.2, 0.5, 0.8] as const;

/** Plain data of bounded size. */
export interface SignedRankState {
  /** Sizes of the last differences, oldest first. */
  readonly sizes: readonly number[];
  /** By stake, ln of the evidence. */
  readonly logs: readonly number[];
}

export const NO_RANKS: SignedRankState = { sizes: [], logs: STAKES.map(() => 0) };

/** Adds a difference, positive when the canary is worse than the margin: each stake λ gets a factor 1 + λ sign(y) rank/t. */
export function updateSignedRank({ sizes, logs }: SignedRankState, difference: number): SignedRankState {
  const size = Math.abs(difference);
  const kept = sizes.length < WINDOW ? sizes : sizes.slice(1);
  // Ties share the lower rank: a rank is to be no larger than what the sizes prove.
  const rank = 1 + kept.reduce((count, other) => (other < size ? count + 1 : count), 0);
  const pull = (Math.sign(difference) * rank) / (kept.length + 1);
  return {
    sizes: [...kept, size],
    logs: STAKES.map((stake, index) => (logs[index] ?? 0) + Math.log1p(stake * pull)),
  };
}

/** ln E against "the differences are symmetric around 0 or lower". */
export function signedRankEvidence({ logs }: SignedRankState): number {
  return logMeanExp(logs);
}

/** Ranks that were written down, read again; undefined when it is no such state. */
export function readSignedRank(json: unknown): SignedRankState | undefined {
  const readSizes = (value: unknown) =>
    Array.isArray(value) && value.length <= WINDOW ? readList(value, readCount) : undefined;
  return readFields<SignedRankState>(json, {
    sizes: readSizes,
    logs: (value) => readNumbers(value, STAKES.length),
  });
}
