import {
  type ArmCounts,
  type Arms,
  type CountPlan,
  type CountSummary,
  type CountEvidence,
  type LinearEvidence,
  logObjectiveBroken,
  logObjectiveKept,
  meanEvidence,
  signedRankEvidence,
  upperExcess,
  worseEvidence,
} from "#stats";
import { countPlan, type EvidenceRules, latencyPlan, objectiveRate, watchedBoundMs } from "./metric-plan.ts";
import type { MetricRun, Run } from "./run.ts";

/** How a metric stands after a tick. */
export interface Standing {
  readonly metric: MetricRun;
  /** ln E against "no worse than tolerated". */
  readonly log: number;
  /** Bad requests of the canary where the evidence is largest; blocks, of a metric that is a number. */
  readonly badCount: number;
  /** Where the evidence for rollback comes from; undefined for metrics that are no counts. */
  readonly worst?: Counted;
  /** What promotion waits for. */
  readonly questions: readonly Counted[];
  /** Where the bound of the whole run is largest; undefined when there is no question. */
  readonly widest?: Bounded;
  readonly watch?: Watched;
}

/** Counts of one question: errors, or requests slower than a bound. */
export interface Counted {
  /** Undefined for errors. */
  readonly boundMs: number | undefined;
  readonly plan: CountPlan;
  readonly evidence: CountEvidence;
  readonly summary: CountSummary;
}

/** The question whose excess is least ruled out. */
export interface Bounded extends Counted {
  /** What bounds it: of the whole run, or since the last weight. */
  readonly bound: LinearEvidence;
  /** Upper bound of the excess, 0 to 1. */
  readonly excess: number;
}

/** What numbers are watched beside the comparison, each as ln E. */
export interface Watched {
  readonly boundMs: number | undefined;
  readonly rate: number | undefined;
  /** Against "the canary keeps its objective", and "the primary breaks it". */
  readonly canaryBroken: number;
  readonly primaryKept: number;
  /** Whether the canary's newest requests break it too. */
  readonly isCanaryBad: boolean;
  /** Against "the primary does not do worse than before the run". */
  readonly primaryWorse: number;
  readonly isPrimaryBad: boolean;
  readonly recent: Arms;
  readonly pastRate: number | undefined;
}

/** How much worse than before a primary may get without the release being suspected. Source: statistics reference 2.10; the added half point keeps a service with next to no errors from being held for a handful. */
const PAST_RATIO = 1.5;
const PAST_EXCESS = 0.005;

export function standingOf(metric: MetricRun, rules: EvidenceRules): Standing {
  const { beta } = rules.sequential;
  switch (metric.kind) {
    case "unknown":
      return { metric, log: 0, badCount: 0, questions: [] };
    case "scalar":
      return { metric, log: signedRankEvidence(metric.ranks), badCount: metric.worseCount, questions: [] };
    case "counts": {
      const plan = countPlan(rules, metric.dispersion);
      const { evidence, summary } = metric;
      const counted: Counted = { boundMs: undefined, plan, evidence, summary };
      return {
        metric,
        log: worseEvidence(plan, evidence),
        badCount: summary.rates.canary.bad,
        worst: counted,
        questions: [counted],
        widest: boundedOf(counted, evidence.excess, beta),
        watch: watchOf(metric, rules, { boundMs: undefined, dispersion: metric.dispersion, pastRate: metric.pastRate }),
      };
    }
    case "latency":
      return latencyStanding(metric, rules);
  }
}

function latencyStanding(metric: Extract<MetricRun, { kind: "latency" }>, rules: EvidenceRules): Standing {
  const plan = latencyPlan(rules, metric);
  const counted: Counted[] = [];
  const questions: Counted[] = [];
  for (const [index, { boundMs, count, isForPromotion }] of plan.entries()) {
    const evidence = metric.evidence[index];
    const summary = metric.summaries[index];
    if (evidence === undefined || summary === undefined) continue;
    const one: Counted = { boundMs, plan: count, evidence, summary };
    counted.push(one);
    if (isForPromotion) questions.push(one);
  }
  const logs = counted.map(({ plan: count, evidence }) => worseEvidence(count, evidence));
  const worst = counted[logs.indexOf(Math.max(...logs))];
  const widest = widestOf(questions, ({ excess }) => excess, rules.sequential.beta);
  const { past } = metric;
  const boundMs = metric.isPlanned ? watchedBoundMs(rules, metric.name, past) : undefined;
  const at = boundMs === undefined ? -1 : past.boundsMs.indexOf(boundMs);
  return {
    metric,
    log: meanEvidence(logs),
    badCount: worst?.summary.rates.canary.bad ?? 0,
    ...(worst === undefined ? {} : { worst }),
    questions,
    ...(widest === undefined ? {} : { widest }),
    ...(at < 0
      ? {}
      : {
          watch: watchOf(metric, rules, {
            boundMs,
            dispersion: metric.dispersions[at] ?? 1,
            pastRate: (past.above[at] ?? 0) / past.total,
          }),
        }),
  };
}

/** The question whose bound is largest; undefined when there is none. */
export function widestOf(
  questions: readonly Counted[],
  boundOf: (evidence: CountEvidence) => LinearEvidence,
  beta: number,
): Bounded | undefined {
  const bounded = questions.map((counted) => boundedOf(counted, boundOf(counted.evidence), beta));
  return largest(bounded, ({ excess }) => excess);
}

function boundedOf({ boundMs, plan, evidence, summary }: Counted, bound: LinearEvidence, beta: number): Bounded {
  return { boundMs, plan, evidence, summary, bound, excess: upperExcess(bound, beta) };
}

function largest<T>(items: readonly T[], valueOf: (item: T) => number): T | undefined {
  let found: { readonly item: T; readonly value: number } | undefined;
  for (const item of items) {
    const value = valueOf(item);
    if (found === undefined || value > found.value) found = { item, value };
  }
  return found?.item;
}

function watchOf(
  metric: Extract<MetricRun, { kind: "counts" | "latency" }>,
  rules: EvidenceRules,
  of: { readonly boundMs: number | undefined; readonly dispersion: number; readonly pastRate: number | undefined },
): Watched {
  const { settled, recent } = metric.watch;
  const { dispersion, pastRate } = of;
  const rate = objectiveRate(rules, metric.name);
  const worseRate = pastRate === undefined ? undefined : Math.min(0.99, PAST_RATIO * pastRate + PAST_EXCESS);
  const broken = (counts: ArmCounts, badRate: number | undefined): number =>
    badRate === undefined ? 0 : logObjectiveBroken(counts, { badRate, dispersion });
  return {
    boundMs: of.boundMs,
    rate,
    canaryBroken: broken(settled.canary, rate),
    primaryKept: rate === undefined ? 0 : logObjectiveKept(settled.primary, { badRate: rate, dispersion }),
    isCanaryBad: isAbove(recent.canary, rate),
    primaryWorse: broken(settled.primary, worseRate),
    isPrimaryBad: isAbove(recent.primary, worseRate),
    recent,
    pastRate,
  };
}

function isAbove({ total, bad }: ArmCounts, rate: number | undefined): boolean {
  return rate !== undefined && bad > rate * total;
}

/** Requests per second; as long as none were counted, as many as it takes to allow nothing for want of them. */
export function rateOfRun({ requestsPerSecond }: Run): number {
  return requestsPerSecond ?? Number.POSITIVE_INFINITY;
}

/** Time in which evidence was collected. */
export function elapsedMs({ startedMs, waitedMs, lookedMs }: Run): number {
  return Math.max(0, lookedMs - startedMs - waitedMs);
}
