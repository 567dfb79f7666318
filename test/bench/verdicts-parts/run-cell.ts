import {
  drawHistory,
  NO_HISTORY,
  type PrimaryHistory,
  runTrial,
  type Tally,
  tallyTrials,
  type TrafficPlan,
  type Trial,
  TRIAL_HORIZON_MS,
  TRIAL_STEP_MS,
} from "#simulator";
import type { Cell } from "./cells.ts";
import type { JudgeFactory } from "./judges.ts";

/** Pasts of a cell's service, which its runs take in turn. */
const HISTORY_COUNT = 16;

export interface CellResult {
  readonly cell: Cell;
  readonly trials: readonly Trial[];
  readonly tally: Tally;
}

/** Two hours of services, several times each; drawn once for all cells of one service. */
export class Histories {
  readonly #byService = new Map<string, PrimaryHistory[]>();

  of({ plan }: Cell): readonly PrimaryHistory[] {
    const { noise, requestsPerSecond, errorRate } = plan;
    const service = `${noise} ${requestsPerSecond} ${errorRate}`;
    const known = this.#byService.get(service);
    if (known !== undefined) return known;
    const healthy: TrafficPlan = { ...plan, load: "flat", canaryFaults: [], sharedFaults: [] };
    const drawn = Array.from({ length: HISTORY_COUNT }, (_, index) => drawHistory(healthy, seedOf(service, index)));
    this.#byService.set(service, drawn);
    return drawn;
  }
}

/** Judges `runCount` releases of a cell. All judges see the same traffic in the run of one number. */
export function runCell(
  cell: Cell,
  judge: JudgeFactory,
  options: { readonly runCount: number; readonly histories: readonly PrimaryHistory[] },
): CellResult {
  const trials = Array.from({ length: options.runCount }, (_, run) => {
    const seed = seedOf(cell.key, run);
    const history = options.histories[run % Math.max(1, options.histories.length)] ?? NO_HISTORY;
    const trial = judge({ seed, history });
    return runTrial(trial, { plan: cell.plan, seed, stepMs: TRIAL_STEP_MS, horizonMs: TRIAL_HORIZON_MS });
  });
  return { cell, trials, tally: tallyTrials(trials) };
}

/** A number of its own for each run of each cell. */
function seedOf(key: string, run: number): number {
  let hash = 7;
  for (let index = 0; index < key.length; index += 1) hash = (Math.imul(hash, 31) + key.charCodeAt(index)) >>> 0;
  return hash * 2 ** 20 + run;
}
