import { judgeAsKayenta } from "#stats";
import type { ServiceStep } from "../traffic/index.ts";
import { addSteps, type Judge, type Verdict } from "./judge.ts";
import { p99Of } from "./point-check.ts";

export interface KayentaSettings {
  readonly weights: readonly number[];
  /** How long each weight lasts; promotion follows the last. */
  readonly stepMs: number;
  /** Length of the interval that makes one point. */
  readonly pointMs: number;
  readonly judgeMs: number;
}

/** As its documentation wants it: 50 points of a minute, judged every ten minutes. Source: statistics reference 5.1. */
export const KAYENTA_50: KayentaSettings = { weights: [10], stepMs: 3_000_000, pointMs: 60_000, judgeMs: 600_000 };
/** On Flagger's ladder, with points of ten seconds. Source: statistics reference 5.1. */
export const KAYENTA_FAST: KayentaSettings = {
  weights: [10, 20, 30, 40, 50],
  stepMs: 60_000,
  pointMs: 10_000,
  judgeMs: 60_000,
};

/** Points of one metric, NaN where there was nothing to measure. */
interface Points {
  readonly canary: readonly number[];
  readonly primary: readonly number[];
}

interface KayentaState {
  readonly verdict: Verdict;
  readonly weightIndex: number;
  readonly window: ServiceStep | undefined;
  readonly errorPercents: Points;
  readonly p99s: Points;
}

/**
 * Kayenta's NetflixACAJudge on two groups of one metric each: percent of errors and p99, where an increase fails.
 *
 * One failed group of two makes a score of 50, below the marginal score of 75, and no data in one of two makes a score of 0.
 * Source: statistics reference 1.3.
 */
export function kayenta(settings: KayentaSettings): Judge {
  const none: Points = { canary: [], primary: [] };
  return judgeOf(settings, { verdict: "running", weightIndex: 0, window: undefined, errorPercents: none, p99s: none });
}

function judgeOf(settings: KayentaSettings, state: KayentaState): Judge {
  return {
    weightPercent: settings.weights[state.weightIndex] ?? 0,
    verdict: state.verdict,
    after: (step, endMs) => judgeOf(settings, next(settings, state, { step, endMs })),
  };
}

function next(
  settings: KayentaSettings,
  state: KayentaState,
  { step, endMs }: { readonly step: ServiceStep; readonly endMs: number },
): KayentaState {
  const window = addSteps(state.window, step);
  if (endMs % settings.pointMs !== 0) return { ...state, window };
  const pointed = addPoint(state, window);
  if (endMs % settings.judgeMs === 0 && !isGood(pointed)) return { ...pointed, verdict: "rolled-back" };
  if (endMs % settings.stepMs !== 0) return pointed;
  if (state.weightIndex + 1 >= settings.weights.length) return { ...pointed, verdict: "promoted" };
  return { ...pointed, weightIndex: state.weightIndex + 1 };
}

function addPoint(state: KayentaState, { canary, primary }: ServiceStep): KayentaState {
  // Percent: the judge's root finder has an absolute tolerance of 1e-4.
  const percent = ({ bad, total }: ServiceStep["canary"]): number => (total === 0 ? Number.NaN : (100 * bad) / total);
  const p99 = (copy: ServiceStep["canary"]): number => p99Of(copy) ?? Number.NaN;
  return {
    ...state,
    window: undefined,
    errorPercents: {
      canary: [...state.errorPercents.canary, percent(canary)],
      primary: [...state.errorPercents.primary, percent(primary)],
    },
    p99s: { canary: [...state.p99s.canary, p99(canary)], primary: [...state.p99s.primary, p99(primary)] },
  };
}

function isGood({ errorPercents, p99s }: KayentaState): boolean {
  const verdicts = [errorPercents, p99s].map(({ canary, primary }) => judgeAsKayenta(canary, primary));
  return verdicts.every((verdict) => verdict !== "high" && verdict !== "nodata");
}
