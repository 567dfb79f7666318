import type { CopyCounts } from "../traffic/index.ts";
import { addCopies, type Judge, type Verdict } from "./judge.ts";
import { DEFAULT_BOUNDS, isFast, isSuccessful } from "./point-check.ts";

export interface ArgoSettings {
  readonly weights: readonly number[];
  /** Pause of a step, and interval of the measurements beside it. */
  readonly intervalMs: number;
  /** Failed measurements of one metric that are tolerated; one more ends the run. */
  readonly failureLimit: number;
}

/** Source: statistics reference 5.1: Flagger's ladder, a measurement a minute. */
export function argoSettings(failureLimit: number): ArgoSettings {
  return { weights: [10, 20, 30, 40, 50], intervalMs: 60_000, failureLimit };
}

interface ArgoState {
  readonly weightIndex: number;
  readonly failedRates: number;
  readonly failedLatencies: number;
  readonly verdict: Verdict;
  readonly window: CopyCounts | undefined;
}

/**
 * Argo Rollouts with a background analysis: steps go on whatever is measured, until one metric has failed too often.
 *
 * A value that is not a number fails its condition. Source: statistics reference 1.2.
 */
export function argo(settings: ArgoSettings): Judge {
  return judgeOf(settings, {
    weightIndex: 0,
    failedRates: 0,
    failedLatencies: 0,
    verdict: "running",
    window: undefined,
  });
}

function judgeOf(settings: ArgoSettings, state: ArgoState): Judge {
  return {
    weightPercent: settings.weights[state.weightIndex] ?? 0,
    verdict: state.verdict,
    after({ canary }, endMs) {
      const window = addCopies(state.window, canary);
      if (endMs % settings.intervalMs !== 0) return judgeOf(settings, { ...state, window });
      return judgeOf(settings, { ...measure(settings, state, window), window: undefined });
    },
  };
}

function measure(settings: ArgoSettings, state: ArgoState, window: CopyCounts): ArgoState {
  const failedRates = state.failedRates + (isSuccessful(window, DEFAULT_BOUNDS) ? 0 : 1);
  const failedLatencies = state.failedLatencies + (isFast(window, DEFAULT_BOUNDS) ? 0 : 1);
  const next = { ...state, failedRates, failedLatencies };
  if (Math.max(failedRates, failedLatencies) > settings.failureLimit) return { ...next, verdict: "rolled-back" };
  if (state.weightIndex + 1 >= settings.weights.length) return { ...next, verdict: "promoted" };
  return { ...next, weightIndex: state.weightIndex + 1 };
}
