import type { CopyCounts } from "../traffic/index.ts";
import type { Judge } from "./judge.ts";
import { DEFAULT_BOUNDS, isFast, isSuccessful } from "./point-check.ts";
import { climbed, type Ladder, LADDER_START, type LadderState, steppedJudge } from "./stepped-judge.ts";

/** The interval is the pause of a step, and that of the measurements beside it. */
export interface ArgoSettings extends Ladder {
  /** Failed measurements of one metric that are tolerated; one more ends the run. */
  readonly failureLimit: number;
}

/** Source: statistics reference 5.1: Flagger's ladder, a measurement a minute. */
export function argoSettings(failureLimit: number): ArgoSettings {
  return { weights: [10, 20, 30, 40, 50], intervalMs: 60_000, failureLimit };
}

interface ArgoState extends LadderState {
  readonly failedRates: number;
  readonly failedLatencies: number;
}

/**
 * Argo Rollouts with a background analysis: steps go on whatever is measured, until one metric has failed too often.
 *
 * A value that is not a number fails its condition. Source: statistics reference 1.2.
 */
export function argo(settings: ArgoSettings): Judge {
  const start: ArgoState = { ...LADDER_START, failedRates: 0, failedLatencies: 0 };
  return steppedJudge(settings, start, (state, counts) => measure(settings, state, counts));
}

function measure(settings: ArgoSettings, state: ArgoState, counts: CopyCounts): ArgoState {
  const failedRates = state.failedRates + (isSuccessful(counts, DEFAULT_BOUNDS) ? 0 : 1);
  const failedLatencies = state.failedLatencies + (isFast(counts, DEFAULT_BOUNDS) ? 0 : 1);
  const next = { ...state, failedRates, failedLatencies };
  const isOver = Math.max(failedRates, failedLatencies) > settings.failureLimit;
  return isOver ? { ...next, verdict: "rolled-back" } : climbed(settings, next);
}
