import { ISTIO_BOUNDS_MS, type ServiceStep } from "../traffic/index.ts";
import { addSteps, type Judge, type Verdict } from "./judge.ts";

const WEIGHTS = [10, 20, 30, 40, 50];
const STEP_MS = 60_000;
/** The 99 % quantile of the standard normal. */
const CRITICAL = 2.326_347_874;
const SLOW_INDEX = ISTIO_BOUNDS_MS.indexOf(250);

/**
 * What a dashboard with a significance test does: a one-sided z-test at 1 % of all counts so far, of errors and of requests above
 * 250 ms, looked at after every step. Each look is a chance to be wrong. Source: statistics reference 5.1.
 */
export function zTest(): Judge {
  return judgeOf({ weightIndex: 0, verdict: "running", sums: undefined });
}

interface ZState {
  readonly weightIndex: number;
  readonly verdict: Verdict;
  readonly sums: ServiceStep | undefined;
}

function judgeOf(state: ZState): Judge {
  return {
    weightPercent: WEIGHTS[state.weightIndex] ?? 0,
    verdict: state.verdict,
    after(step, endMs) {
      const sums = addSteps(state.sums, step);
      if (isWorse(sums)) return judgeOf({ ...state, sums, verdict: "rolled-back" });
      if (endMs % STEP_MS !== 0) return judgeOf({ ...state, sums });
      if (state.weightIndex + 1 >= WEIGHTS.length) return judgeOf({ ...state, sums, verdict: "promoted" });
      return judgeOf({ ...state, sums, weightIndex: state.weightIndex + 1 });
    },
  };
}

function isWorse({ canary, primary }: ServiceStep): boolean {
  const errors = zScore({ hits: canary.bad, total: canary.total }, { hits: primary.bad, total: primary.total });
  const slow = zScore(
    { hits: canary.above[SLOW_INDEX] ?? 0, total: canary.total },
    { hits: primary.above[SLOW_INDEX] ?? 0, total: primary.total },
  );
  return errors > CRITICAL || slow > CRITICAL;
}

interface Share {
  readonly hits: number;
  readonly total: number;
}

/** The pooled two-sample z; 0 where nothing can be compared. */
function zScore(a: Share, b: Share): number {
  if (a.total === 0 || b.total === 0) return 0;
  const pooled = (a.hits + b.hits) / (a.total + b.total);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / a.total + 1 / b.total));
  return error === 0 ? 0 : (a.hits / a.total - b.hits / b.total) / error;
}
