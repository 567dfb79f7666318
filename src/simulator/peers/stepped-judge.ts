import type { CopyCounts } from "../traffic/index.ts";
import { addCopies, type Judge, type Verdict } from "./judge.ts";

/** A release that goes up a ladder of weights, checked once in an interval on what the canary did since the last check. */
export interface Ladder {
  readonly weights: readonly number[];
  readonly intervalMs: number;
}

export interface LadderState {
  readonly weightIndex: number;
  readonly verdict: Verdict;
  /** Of the canary, since the last check. */
  readonly window: CopyCounts | undefined;
}

export const LADDER_START: LadderState = { weightIndex: 0, verdict: "running", window: undefined };

/** `check` gives the state after a check of the counts of an interval. */
export function steppedJudge<S extends LadderState>(
  ladder: Ladder,
  state: S,
  check: (state: S, counts: CopyCounts) => S,
): Judge {
  return {
    weightPercent: ladder.weights[state.weightIndex] ?? 0,
    verdict: state.verdict,
    after({ canary }, endMs) {
      const window = addCopies(state.window, canary);
      const next =
        endMs % ladder.intervalMs === 0 ? { ...check(state, window), window: undefined } : { ...state, window };
      return steppedJudge(ladder, next, check);
    },
  };
}

/** The state one weight further, or promoted from the last. */
export function climbed<S extends LadderState>({ weights }: Ladder, state: S): S {
  return state.weightIndex + 1 >= weights.length
    ? { ...state, verdict: "promoted" }
    : { ...state, weightIndex: state.weightIndex + 1 };
}
