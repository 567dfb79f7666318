import type { Evidence } from "#rollout";
import { DecideJudge, runTrial, TRIAL_HORIZON_MS, TRIAL_STEP_MS } from "#simulator";
import { aimed, type Figure } from "../figures.ts";
import { type Cell, healthyCells } from "./cells.ts";
import { type JudgeFactory, ours, threshold } from "./judges.ts";
import { Histories } from "./run-cell.ts";

const SECONDS_MIN = 3;
const WARM_UP_SECONDS = 1.5;
const TICK_RUNS = 40;
const TICK_MAX_MS = 2;
const STATE_MAX_KB = 20;

/** What decisions cost: CPU of this process alone, so that other work on the machine counts little. */
export function costFigures(): Record<string, Figure> {
  const healthy = cellOf(healthyCells({ isFull: false }), "auto 100");
  return {
    "threshold-rollouts": aimed(rolloutsPerSecond(threshold, healthy), "rollouts/s", { atLeast: 1000 }),
    "sequential-rollouts": aimed(rolloutsPerSecond(ours(100), healthy), "rollouts/s", { atLeast: 1000 }),
    ...tickFigures(healthy),
  };
}

function cellOf(cells: readonly Cell[], key: string): Cell {
  const cell = cells.find((candidate) => candidate.key === key);
  if (cell === undefined) throw new Error(`there is no cell ${key}`);
  return cell;
}

/** Whole rollouts, traffic and decisions, on one core. */
function rolloutsPerSecond(judge: JudgeFactory, cell: Cell): number {
  const [history] = new Histories().of(cell);
  if (history === undefined) throw new Error("there is a history");
  let runs = 0;
  const run = (): void => {
    const options = { plan: cell.plan, seed: runs, stepMs: TRIAL_STEP_MS, horizonMs: TRIAL_HORIZON_MS };
    runTrial(judge({ seed: runs, history }), options);
    runs += 1;
  };
  runFor(WARM_UP_SECONDS, run);
  const startRuns = runs;
  const seconds = runFor(SECONDS_MIN, run);
  return (runs - startRuns) / seconds;
}

/** Repeats until so many seconds of CPU are spent, and returns how many were. */
function runFor(atLeastSeconds: number, run: () => void): number {
  const before = process.cpuUsage();
  let seconds = 0;
  while (seconds < atLeastSeconds) {
    run();
    const { user, system } = process.cpuUsage(before);
    seconds = (user + system) / 1e6;
  }
  return seconds;
}

/** The decisions of a sequential analysis alone: time of a look with all that it tells, and size of the status. Source: statistics reference 6, G12. */
function tickFigures(cell: Cell): Record<string, Figure> {
  const [history] = new Histories().of(cell);
  if (history === undefined) throw new Error("there is a history");
  const times: number[] = [];
  let stateBytes = 0;
  let told: Evidence | undefined;
  for (let seed = 0; seed < TICK_RUNS; seed += 1) {
    const judge = ours(cell.requestsPerSecond)({ seed, history });
    if (!(judge instanceof DecideJudge)) throw new Error("ours is the real decide");
    const timed = {
      get weightPercent(): number {
        return judge.weightPercent;
      },
      get verdict() {
        return judge.verdict;
      },
      after(...step: Parameters<DecideJudge["after"]>) {
        const start = process.hrtime.bigint();
        judge.after(...step);
        // What a look says is made when it is read, and the operator reads it each time.
        told = judge.release.lastDecision?.explanation.evidence ?? told;
        times.push(Number(process.hrtime.bigint() - start) / 1e6);
        stateBytes = Math.max(stateBytes, JSON.stringify(judge.release.status).length);
        return timed;
      },
    };
    runTrial(timed, { plan: cell.plan, seed, stepMs: TRIAL_STEP_MS, horizonMs: TRIAL_HORIZON_MS });
  }
  if (told === undefined) throw new Error("a sequential analysis tells its evidence");
  const sorted = times.slice(times.length / 4).toSorted((a, b) => a - b);
  return {
    "G12-tick-median": aimed(sorted[Math.floor(sorted.length / 2)] ?? 0, "ms", { atMost: TICK_MAX_MS }),
    "G12-state": aimed(stateBytes / 1000, "kB", { atMost: STATE_MAX_KB }),
  };
}
