import type { CopyCounts } from "../traffic/index.ts";
import { addCopies, type Judge, type Verdict } from "./judge.ts";
import { DEFAULT_BOUNDS, isFast, isSuccessful, type PointBounds } from "./point-check.ts";

export interface FlaggerSettings {
  readonly weights: readonly number[];
  readonly intervalMs: number;
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

interface FlaggerState {
  readonly weightIndex: number;
  readonly failedCount: number;
  readonly verdict: Verdict;
  /** Of the canary, since the last check. */
  readonly window: CopyCounts | undefined;
}

/**
 * Flagger: constants, failures counted and never forgiven, no values a failure.
 *
 * A run whose failures have reached the threshold is rolled back at the next tick. Source: statistics reference 1.1.
 */
export function flagger(settings: FlaggerSettings): Judge {
  return judgeOf(settings, { weightIndex: 0, failedCount: 0, verdict: "running", window: undefined });
}

function judgeOf(settings: FlaggerSettings, state: FlaggerState): Judge {
  return {
    weightPercent: settings.weights[state.weightIndex] ?? 0,
    verdict: state.verdict,
    after({ canary }, endMs) {
      const window = addCopies(state.window, canary);
      if (endMs % settings.intervalMs !== 0) return judgeOf(settings, { ...state, window });
      return judgeOf(settings, { ...check(settings, state, window), window: undefined });
    },
  };
}

function check(settings: FlaggerSettings, state: FlaggerState, window: CopyCounts): FlaggerState {
  if (state.failedCount >= settings.threshold) return { ...state, verdict: "rolled-back" };
  if (!isSuccessful(window, settings.bounds) || !isFast(window, settings.bounds))
    return { ...state, failedCount: state.failedCount + 1 };
  if (state.weightIndex + 1 >= settings.weights.length) return { ...state, verdict: "promoted" };
  return { ...state, weightIndex: state.weightIndex + 1 };
}
