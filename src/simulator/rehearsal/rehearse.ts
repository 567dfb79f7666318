import { DecideJudge, type Environment } from "../release/index.ts";
import {
  drawHistory,
  NO_HISTORY,
  type Fault,
  type Load,
  type Noise,
  type PrimaryHistory,
  type TrafficPlan,
} from "../traffic/index.ts";
import { runTrial, type Tally, tallyTrials, type Trial } from "../trials/index.ts";
import type { SimulableCanary } from "./simulable-canary.ts";

/** A service, and what its releases may be like. */
export interface RehearsalPlan {
  readonly release: SimulableCanary;
  readonly requestsPerSecond: number;
  readonly errorRate: number;
  readonly noise: Noise;
  readonly load: Load;
  readonly environment: Environment;
  /** What may be wrong with a new version; the healthy one is always looked at, and comes first. */
  readonly faults: readonly NamedFault[];
  readonly runCount: number;
  readonly seed: number;
}

export interface NamedFault {
  readonly name: string;
  readonly fault: Fault;
}

/** What came of the releases of one kind. */
export interface RehearsedCase {
  /** `healthy`, or the fault's name. */
  readonly name: string;
  readonly isHealthy: boolean;
  readonly trials: readonly Trial[];
  readonly tally: Tally;
  /** Absent where nothing goes wrong around the releases. */
  readonly encounter?: Encounter;
}

/** How the releases of a kind met their environment: means over them, and how many did not get through. */
export interface Encounter {
  readonly crashMean: number;
  readonly refusedWriteMean: number;
  readonly blindLookMean: number;
  /** From the new version's coming until the canary's first request. */
  readonly firstRequestMsMean: number;
  /** Releases with a verdict that did not come to its end within an hour: promoted halfway, or not taken back. */
  readonly lostCount: number;
}

export interface Rehearsal {
  readonly cases: readonly RehearsedCase[];
  /** How long a release was looked at, and bad requests were counted. */
  readonly horizonMs: number;
}

/** How far a rehearsal is. */
export interface Progress {
  readonly doneCount: number;
  readonly totalCount: number;
  readonly caseName: string;
}

const STEP_MAX_MS = 10_000;
const HOUR_MS = 3_600_000;
/** Pasts of the service that the runs take in turn. One for each run would take most of the time. */
const HISTORY_COUNT = 16;
/** Runs between two reports of progress. */
const REPORT_RUNS = 10;

/** Releases the healthy version and each faulty one again and again. Yields now and then, so that progress can be shown. */
export function* rehearse(plan: RehearsalPlan): Generator<Progress, Rehearsal> {
  const kinds: readonly NamedFault[] = plan.faults;
  const horizonMs = horizonOf(plan.release);
  const histories = historiesOf(plan);
  const cases: RehearsedCase[] = [];
  const totalCount = plan.runCount * (kinds.length + 1);
  for (const kind of [undefined, ...kinds]) {
    const runs: Run[] = [];
    const name = kind?.name ?? "healthy";
    for (let run = 0; run < plan.runCount; run += 1) {
      if (run % REPORT_RUNS === 0) yield { doneCount: cases.length * plan.runCount + run, totalCount, caseName: name };
      runs.push(runOne(plan, { run, faults: kind === undefined ? [] : [kind.fault], horizonMs, histories }));
    }
    const trials = runs.map(({ trial }) => trial);
    const encounter = Object.keys(plan.environment).length === 0 ? {} : { encounter: encounterOf(runs) };
    cases.push({ name, isHealthy: kind === undefined, trials, tally: tallyTrials(trials), ...encounter });
  }
  return { cases, horizonMs };
}

/** Only a comparison of the copies asks for the past. */
function historiesOf(plan: RehearsalPlan): readonly PrimaryHistory[] {
  if (plan.release.canary.spec.analysis.method !== "sequential") return [NO_HISTORY];
  return Array.from({ length: Math.min(HISTORY_COUNT, plan.runCount) }, (_, index) =>
    drawHistory(trafficOf(plan, []), plan.seed * HISTORY_COUNT + index),
  );
}

interface Run {
  readonly trial: Trial;
  readonly release: DecideJudge["release"];
  readonly isLost: boolean;
}

function encounterOf(runs: readonly Run[]): Encounter {
  const mean = (read: (release: Run["release"]) => number): number =>
    runs.reduce((sum, { release }) => sum + read(release), 0) / runs.length;
  return {
    crashMean: mean(({ incidents }) => incidents.crashCount),
    refusedWriteMean: mean(({ incidents }) => incidents.refusedWriteCount),
    blindLookMean: mean(({ incidents }) => incidents.blindLookCount),
    firstRequestMsMean: mean(({ preparedMs }) => preparedMs),
    lostCount: runs.filter(({ isLost }) => isLost).length,
  };
}

function runOne(
  plan: RehearsalPlan,
  one: {
    readonly run: number;
    readonly faults: readonly Fault[];
    readonly horizonMs: number;
    readonly histories: readonly PrimaryHistory[];
  },
): Run {
  const { canary, settings } = plan.release;
  const history = one.histories[one.run % one.histories.length] ?? NO_HISTORY;
  const stepMs = stepOf(settings.intervalMs);
  // Runs of all cases have the same seeds, so that cases differ by the fault alone.
  const seed = plan.seed * 1_000_003 + one.run;
  const judge = new DecideJudge({
    canary,
    history,
    environment: plan.environment,
    seed,
    stepMs,
  });
  const trial = runTrial(judge, { plan: trafficOf(plan, one.faults), seed, stepMs, horizonMs: one.horizonMs });
  const isLost =
    Object.keys(plan.environment).length > 0 && trial.verdict !== "running" && !judge.release.settle(trial.endedMs);
  return { trial, release: judge.release, isLost };
}

function trafficOf(plan: RehearsalPlan, canaryFaults: readonly Fault[]): TrafficPlan {
  const { requestsPerSecond, errorRate, noise, load } = plan;
  return { requestsPerSecond, errorRate, noise, load, canaryFaults, sharedFaults: [] };
}

/** Steps of ten seconds at most, a whole number of which is the interval. */
function stepOf(intervalMs: number): number {
  return intervalMs / Math.ceil(intervalMs / STEP_MAX_MS);
}

/** An hour, or more where the ladder is longer: three times what a release takes at best. */
function horizonOf({ settings }: SimulableCanary): number {
  const { strategy, intervalMs, threshold } = settings;
  if (strategy.kind !== "weights") return HOUR_MS;
  const { steps, maxWeight } = strategy;
  const stepCount = steps.kind === "list" ? steps.weights.length : Math.ceil(maxWeight / steps.step);
  return Math.max(HOUR_MS, 3 * (stepCount + threshold) * intervalMs);
}
