import type { CopyCounts } from "../traffic/index.ts";
import type { Judge } from "./judge.ts";
import { DEFAULT_BOUNDS, isFast, isSuccessful, type PointBounds } from "./point-check.ts";
import { climbed, type Ladder, LADDER_START, type LadderState, steppedJudge } from "./stepped-judge.ts";

export interface FlaggerSettings extends Ladder {
  /** Failed checks that end a run, one tick later. */
  readonly threshold: number;
  readonly bounds: PointBounds;
}

/** Source: statistics reference 5.1. */
export const FLAGGER_DEFAULT: FlaggerSettings = {
  weights: [10, 20, 30, 40, 50],
  intervalMs: 60_000,
  threshold: 5,
  bounds: DEFAULT_BOUNDS,
};
/** Source: statistics reference 5.1. */
export const FLAGGER_TUNED: FlaggerSettings = {
  ...FLAGGER_DEFAULT,
  weights: [1, 2, 5, 10, 25, 50],
  intervalMs: 30_000,
};
/** Source: statistics reference 5.1. */
export const FLAGGER_STRICT: FlaggerSettings = {
  ...FLAGGER_DEFAULT,
  bounds: { successPercentMin: 99.8, p99MsMax: 350 },
};

interface FlaggerState extends LadderState {
  readonly failedCount: number;
}

/**
 * Flagger: constants, failures counted and never forgiven, no values a failure.
 *
 * A run whose failures have reached the threshold is rolled back at the next tick. Source: statistics reference 1.1.
 */
export function flagger(settings: FlaggerSettings): Judge {
  const start: FlaggerState = { ...LADDER_START, failedCount: 0 };
  return steppedJudge(settings, start, (state, counts) => check(settings, state, counts));
}

function check(settings: FlaggerSettings, state: FlaggerState, counts: CopyCounts): FlaggerState {
  if (state.failedCount >= settings.threshold) return { ...state, verdict: "rolled-back" };
  const isPassed = isSuccessful(counts, settings.bounds) && isFast(counts, settings.bounds);
  return isPassed ? climbed(settings, state) : { ...state, failedCount: state.failedCount + 1 };
}
