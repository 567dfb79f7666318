/** Where the evidence about one metric stands between "roll back" and "go on". */
export interface VerdictSnapshot {
  readonly metric: string;
  /** How far the evidence against the canary is on the way to a rollback, 0 to 1. */
  readonly stopShare: number;
  /** Upper bound of the canary's excess, and what it must come down to; 0 to 1. Undefined before there is one. */
  readonly bound: number | undefined;
  readonly goal: number | undefined;
}

/** One series of the operator's metrics about verdicts. */
export interface VerdictSeries {
  /** `serin_verdict_evidence`, and so on. */
  readonly name: string;
  readonly metric: string;
  readonly value: number;
}

/** Puts the operator's figures together, metric by metric. */
export function verdictsOf(series: readonly VerdictSeries[]): VerdictSnapshot[] {
  const valueOf = (name: string, metric: string): number | undefined =>
    series.find((one) => one.name === `serin_verdict_${name}` && one.metric === metric)?.value;
  const stop = valueOf("stop", "");
  if (stop === undefined || !(stop > 0)) return [];
  const metrics = series.filter(({ name }) => name === "serin_verdict_evidence").map(({ metric }) => metric);
  return metrics.sort().map((metric) => ({
    metric,
    stopShare: Math.min(1, Math.max(0, (valueOf("evidence", metric) ?? 0) / stop)),
    bound: valueOf("bound", metric),
    goal: valueOf("goal", metric),
  }));
}

const HALF_WIDTH = 12;

/**
 * A line from "stop" to "go": the evidence against the canary grows to the left, the proof that it is no worse to the right. The bound
 * comes down from 100% to its goal, so its way is drawn by its logarithm.
 */
export function verdictBar({ stopShare, bound, goal }: VerdictSnapshot): string {
  const stopCells = Math.round(stopShare * HALF_WIDTH);
  const goCells = Math.round(goShare(bound, goal) * HALF_WIDTH);
  const left = "░".repeat(HALF_WIDTH - stopCells) + "█".repeat(stopCells);
  return `stop ${left}│${"█".repeat(goCells)}${"░".repeat(HALF_WIDTH - goCells)} go`;
}

function goShare(bound: number | undefined, goal: number | undefined): number {
  if (bound === undefined || goal === undefined || !(goal > 0) || bound >= 1) return 0;
  if (bound <= goal) return 1;
  return Math.min(1, Math.max(0, Math.log(bound) / Math.log(goal)));
}

/** `excess at most 1.20%, goes on at 0.50%`. */
export function verdictText({ bound, goal }: VerdictSnapshot): string {
  if (bound === undefined || goal === undefined) return "nothing compared yet";
  return `excess ≤ ${(bound * 100).toFixed(2)}%, needs ${(goal * 100).toFixed(2)}%`;
}
