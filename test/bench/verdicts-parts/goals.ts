import { limitsOf, type Trial } from "#simulator";
import { aimed, type Figure } from "../figures.ts";
import type { CellResult } from "./run-cell.ts";

/** Results by judge and cell key. */
export interface Results {
  of(judge: string, key: string): CellResult | undefined;
  /** All of a judge. */
  all(judge: string): readonly CellResult[];
}

type Goals = Record<string, Figure>;

const MINUTE_MS = 60_000;
const NEVER = Number.POSITIVE_INFINITY;

/** The goals of statistics reference 6 that are about verdicts, G1 to G11, held against the results. */
export function goalFigures(
  healthy: Results,
  bad: Results,
  boundary: readonly BoundaryResult[],
): Record<string, Figure> {
  return {
    ...falseRollbacks(healthy),
    ...boundaryGoals(boundary),
    ...smallWeights(bad),
    ...timeGoals(bad),
    ...ratioGoals(bad),
    ...quietGoals(bad),
    ...promotionGoals(healthy),
    ...lowTrafficGoals(bad),
  };
}

function falseRollbacks(healthy: Results): Goals {
  const cells = healthy.all("ours");
  // Of a hundred runs one is already 1 %; a cell fails when chance cannot explain what it shows. Source: statistics reference 5.4.
  const lowers = cells.map(({ tally }) => limitsOf(tally.rolledBackCount, tally.runCount).low);
  const shares = cells.map(({ tally }) => tally.rolledBackCount / tally.runCount);
  const incidents = cells.filter(({ cell }) => cell.family.startsWith("incident"));
  return {
    "G1-worst-cell": aimed(100 * Math.max(...shares), "%", { atMost: 1 }),
    "G1-worst-cell-lower-limit": aimed(100 * Math.max(...lowers), "%", { atMost: 1 }),
    "G1-pooled": aimed(100 * pooledShare(cells), "%", { atMost: 0.1 }),
    "G9-incidents-rolled-back": aimed(
      incidents.reduce((sum, { tally }) => sum + tally.rolledBackCount, 0),
      "runs",
      { atMost: 0 },
    ),
  };
}

function pooledShare(cells: readonly CellResult[]): number {
  const runs = cells.reduce((sum, { tally }) => sum + tally.runCount, 0);
  return cells.reduce((sum, { tally }) => sum + tally.rolledBackCount, 0) / runs;
}

/** Releases at the boundary with one chance of a false rollback. */
export interface BoundaryResult {
  readonly alphaPercent: number;
  readonly cells: readonly CellResult[];
}

function boundaryGoals(boundary: readonly BoundaryResult[]): Goals {
  return Object.fromEntries(
    boundary.map(({ alphaPercent, cells }) => {
      const lowers = cells.map(({ tally }) => limitsOf(tally.rolledBackCount, tally.runCount).low);
      return [
        `G2-boundary-alpha-${alphaPercent}-lower-limit`,
        aimed(100 * Math.max(...lowers), "%", { atMost: alphaPercent }),
      ];
    }),
  );
}

function smallWeights(bad: Results): Goals {
  const share = (rate: number, maxWeight: number): number =>
    shareOf(bad.of("ours", `+1 pt ${rate}`), (trial) => isStopped(trial) && trial.maxWeightPercent <= maxWeight);
  return {
    "G3-stopped-by-25%": aimed(100 * Math.min(...[10, 100, 1000, 10_000].map((rate) => share(rate, 25))), "%", {
      atLeast: 99,
    }),
    "G3-stopped-by-10%": aimed(100 * Math.min(...[1000, 10_000].map((rate) => share(rate, 10))), "%", { atLeast: 99 }),
  };
}

function timeGoals(bad: Results): Goals {
  const p90 = (rate: number): number => bad.of("ours", `+1 pt ${rate}`)?.tally.rollback?.p90Ms ?? NEVER;
  return {
    "G4-p90-10-rps": aimed(p90(10) / MINUTE_MS, "min", { atMost: 17 }),
    "G4-p90-100-rps": aimed(p90(100) / MINUTE_MS, "min", { atMost: 4.5 }),
    "G4-p90-1000-rps": aimed(Math.max(p90(1000), p90(10_000)) / MINUTE_MS, "min", { atMost: 2.5 }),
  };
}

/** How many times fewer bad requests than Flagger until the rollback, at the worst of the rates. */
function ratioGoals(bad: Results): Goals {
  const ratio = (judge: string, family: string): number =>
    Math.min(
      ...[100, 1000, 10_000].map((rate) => {
        const theirs = bad.of("flagger", `${family} ${rate}`)?.tally.rollback?.medianBad ?? 0;
        const own = bad.of(judge, `${family} ${rate}`)?.tally.rollback?.medianBad ?? NEVER;
        return theirs / own;
      }),
    );
  const goal = (judge: string, family: string, atLeast: number): Figure =>
    aimed(ratio(judge, family), "x fewer", { atLeast });
  return {
    "G5-+1-pt": goal("ours", "+1 pt", 5),
    "G5-+5-pt": goal("ours", "+5 pt", 10),
    "G5-+20-pt": goal("ours", "+20 pt", 50),
    "G5-+50-pt": goal("ours", "+50 pt", 100),
    "G6-same-ladder-+1-pt": goal("oursOnFlaggersLadder", "+1 pt", 2),
    "G6-same-ladder-+5-pt": goal("oursOnFlaggersLadder", "+5 pt", 2),
    "G6-same-ladder-+20-pt": goal("oursOnFlaggersLadder", "+20 pt", 10),
    "G6-same-ladder-+50-pt": goal("oursOnFlaggersLadder", "+50 pt", 10),
  };
}

/** Regressions that constants do not see. */
function quietGoals(bad: Results): Goals {
  const keys = ["+0.5 pt 100", "+0.5 pt 1000", "latency x1.5 100", "latency x1.5 1000"];
  const stopped = (key: string): number => shareOf(bad.of("ours", key), isStopped);
  const hourRatio = (key: string): number =>
    (bad.of("flagger", key)?.tally.hourBadMean ?? 0) / (bad.of("ours", key)?.tally.hourBadMean ?? NEVER);
  const inTime = (trial: Trial): boolean => isStopped(trial) && trial.endedMs <= 5 * MINUTE_MS;
  return {
    "G7-stopped": aimed(100 * Math.min(...keys.map(stopped)), "%", { atLeast: 99 }),
    "G7-bad-in-the-hour": aimed(Math.min(...keys.map(hourRatio)), "x fewer", { atLeast: 50 }),
    "G8-tail-1%-in-5-min": aimed(
      100 * Math.min(...[100, 1000].map((rate) => shareOf(bad.of("ours", `tail 1% ${rate}`), inTime))),
      "%",
      { atLeast: 99 },
    ),
    "G8-latency-x2": aimed(100 * Math.min(...[10, 100, 1000].map((rate) => stopped(`latency x2 ${rate}`))), "%", {
      atLeast: 99,
    }),
  };
}

function promotionGoals(healthy: Results): Goals {
  const median = (rate: number): number => healthy.of("ours", `auto ${rate}`)?.tally.promotion?.medianMs ?? NEVER;
  const goal = (rates: readonly number[], atMost: number): Figure =>
    aimed(Math.max(...rates.map(median)) / MINUTE_MS, "min", { atMost });
  const longest = Math.max(...healthy.all("ours").flatMap(({ trials }) => trials.map(({ endedMs }) => endedMs)));
  return {
    "G10-promotion-1-rps": goal([1], 9),
    "G10-promotion-10-rps": goal([10], 18),
    "G10-promotion-100-rps": goal([100], 10),
    "G10-promotion-1000-rps": goal([1000, 10_000, 100_000], 6.5),
    // One look more, as the time is over only after it.
    "G10-longest": aimed(longest / MINUTE_MS, "min", { atMost: 30.2 }),
  };
}

function lowTrafficGoals(bad: Results): Goals {
  const stopped = (key: string): number => 100 * shareOf(bad.of("ours", key), isStopped);
  const inTime = (trial: Trial): boolean => isStopped(trial) && trial.endedMs <= 5 * MINUTE_MS;
  return {
    "G11-+5-pt-1-rps": aimed(stopped("+5 pt 1"), "%", { atLeast: 95 }),
    "G11-+20-pt-1-rps-in-5-min": aimed(100 * shareOf(bad.of("ours", "+20 pt 1"), inTime), "%", { atLeast: 99 }),
    "G11-+20-pt-0.5-rps": aimed(stopped("+20 pt 0.5"), "%", { atLeast: 90 }),
  };
}

function isStopped({ verdict }: Trial): boolean {
  return verdict === "rolled-back";
}

function shareOf(result: CellResult | undefined, has: (trial: Trial) => boolean): number {
  if (result === undefined || result.trials.length === 0) return 0;
  return result.trials.filter(has).length / result.trials.length;
}
