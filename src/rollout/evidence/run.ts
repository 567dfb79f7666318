import type {
  Arms,
  BlockState,
  CountEvidence,
  CountSummary,
  LatencyEvidence,
  LatencyHistogram,
  SampleRatioState,
  SignedRankState,
} from "#stats";
import type { MetricHistory, ScalarRule } from "../observation.ts";

/**
 * The evidence of a run, as the status keeps it: what was fixed before the first tick, and what came since.
 *
 * Plain data of bounded size without infinities. Nothing but the samples, the clock and the settings changes it, so the same
 * observations lead to the same run whatever process reads it in between.
 */
export interface Run {
  /** Of the settings that the evidence is collected under; others make it worthless. */
  readonly hash: string;
  /** Template hash of the canary on trial. */
  readonly revision: string;
  readonly startedMs: number;
  /** Time of {@link startedMs} to now in which nothing but a person, a pod or a route was waited for. */
  readonly waitedMs: number;
  /** When it was last looked at. */
  readonly lookedMs: number;
  /** End of the last counted interval; undefined before the first. */
  readonly untilMs?: number;
  /** When the canary first had traffic. */
  readonly warmSinceMs?: number;
  /** When pods were last added, and how many ready ones there were at most. */
  readonly scaledMs?: number;
  readonly podCount: number;
  readonly step: StepState;
  readonly checks: ChecksRecord;
  readonly ratio: SampleRatioState;
  /** Requests per second of both copies, of late; undefined before the first interval. */
  readonly requestsPerSecond?: number;
  /** In the order of the spec. */
  readonly metrics: readonly MetricRun[];
}

/** The weight on trial. */
export interface StepState {
  /** Percent; copies of requests count as 0. */
  readonly weight: number;
  /** Iterations of a release without weights. */
  readonly iteration: number;
  readonly sinceMs: number;
  /** Since when the weight is what it is; iterations leave it. */
  readonly weightSinceMs: number;
  /** Counted intervals that lie wholly in it. */
  readonly ticks: number;
}

/** The checks that are made once in an interval: hooks, and metrics that cannot be compared. */
export interface ChecksRecord {
  readonly atMs?: number;
  readonly isPassed: boolean;
}

export type MetricRun = {
  readonly name: string;
  /** Part of the stake; all parts sum to 1. */
  readonly weight: number;
  /** Ticks since there last were counts. */
  readonly missing: number;
} & MetricTrial;

export type MetricTrial = UnknownTrial | CountsTrial | LatencyTrial | ScalarTrial;

/** A metric that has had no counts yet: the first look only learns where they begin. */
export interface UnknownTrial {
  readonly kind: "unknown";
  /** The primary's, of which the plan is made when the first counts show what it is. */
  readonly past?: MetricHistory;
  /** Load of a canary's pod at its highest weight over that of a primary's pod before. */
  readonly loadRatio: number;
}

export interface CountsTrial {
  readonly kind: "counts";
  /** Design effect, 1 or more. */
  readonly dispersion: number;
  /** The primary's bad rate before the run, 0 to 1; undefined without a past. */
  readonly pastRate?: number;
  readonly evidence: CountEvidence;
  readonly summary: CountSummary;
  readonly watch: Watch;
}

export interface LatencyTrial {
  readonly kind: "latency";
  /** Of the primary, before the run or at its beginning: where the tested bounds and their margins come from. */
  readonly past: LatencyHistogram;
  /** False while too few requests are in {@link past}. */
  readonly isPlanned: boolean;
  /** By bound of {@link past}. */
  readonly dispersions: readonly number[];
  /** By tested bound, like the summaries. */
  readonly evidence: LatencyEvidence;
  readonly summaries: readonly CountSummary[];
  /** At the bound of the objective. */
  readonly watch: Watch;
}

export interface ScalarTrial {
  readonly kind: "scalar";
  readonly rule: ScalarRule;
  readonly blockTicks: number;
  readonly block: BlockState;
  readonly ranks: SignedRankState;
  /** Blocks so far, and those in which the canary was worse than tolerated. */
  readonly blockCount: number;
  readonly worseCount: number;
}

/** Counts against numbers: an objective, and the primary's past. */
export interface Watch {
  /** Since the end of the warm-up. */
  readonly settled: Arms;
  /** Of the last minute or so, older counts weighing less. */
  readonly recent: Arms;
}

const NO_ARM = { total: 0, bad: 0 } as const;
const NO_ARMS: Arms = { canary: NO_ARM, primary: NO_ARM };
export const NO_WATCH: Watch = { settled: NO_ARMS, recent: NO_ARMS };
