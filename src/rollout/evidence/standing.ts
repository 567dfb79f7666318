import {
  type ArmCounts,
  type Arms,
  type CountPlan,
  type CountSummary,
  type CountEvidence,
  FINAL_ERRORS,
  FINAL_LATENCY,
  finalMargin,
  type LatencyBoundPlan,
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
  /** Where the evidence for rollback comes from, and where the bound is largest; undefined for metrics that are no counts. */
  readonly worst?: Counted;
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
  /** Bound of the excess over the whole run. */
  readonly excess: number;
  /** The larger one of it and of the bound since the last weight. */
  readonly strictExcess: number;
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
      return { metric, log: 0, badCount: 0 };
    case "scalar":
      return { metric, log: signedRankEvidence(metric.ranks), badCount: metric.worseCount };
    case "counts": {
      const plan = countPlan(rules, metric.dispersion);
      const { evidence, summary } = metric;
      const counted: Counted = { boundMs: undefined, plan, evidence, summary };
      return {
        metric,
        log: worseEvidence(plan, evidence),
        badCount: summary.rates.canary.bad,
        worst: counted,
        widest: boundedOf(counted, beta),
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
  for (const [index, { boundMs, count }] of plan.entries()) {
    const evidence = metric.evidence[index];
    const summary = metric.summaries[index];
    if (evidence !== undefined && summary !== undefined) counted.push({ boundMs, plan: count, evidence, summary });
  }
  const logs = counted.map(({ plan: count, evidence }) => worseEvidence(count, evidence));
  const worst = counted[logs.indexOf(Math.max(...logs))];
  const widest = widestOf(plan, counted, rules.sequential.beta);
  const { past } = metric;
  const boundMs = metric.isPlanned ? watchedBoundMs(rules, metric.name, past) : undefined;
  const at = boundMs === undefined ? -1 : past.boundsMs.indexOf(boundMs);
  return {
    metric,
    log: meanEvidence(logs),
    badCount: worst?.summary.rates.canary.bad ?? 0,
    ...(worst === undefined ? {} : { worst }),
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

function widestOf(plan: readonly LatencyBoundPlan[], counted: readonly Counted[], beta: number): Bounded | undefined {
  const bounded = counted.flatMap((one, index) => (plan[index]?.isForPromotion === true ? [boundedOf(one, beta)] : []));
  const widest = largest(bounded, ({ strictExcess }) => strictExcess);
  return widest === undefined ? undefined : { ...widest, excess: Math.max(...bounded.map(({ excess }) => excess)) };
}

function boundedOf(counted: Counted, beta: number): Bounded {
  const { boundMs, plan, evidence, summary } = counted;
  const excess = upperExcess(evidence.excess, beta);
  const strictExcess = Math.max(excess, upperExcess(evidence.stepExcess, beta));
  return { boundMs, plan, evidence, summary, excess, strictExcess };
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

/** The excess below which the metric lets the release be promoted. Source: statistics reference 2.5, 2.11. */
export function finalExcess({ metric }: Standing, run: Run, { sequential }: EvidenceRules): number {
  const margins =
    metric.kind === "latency"
      ? FINAL_LATENCY
      : { excess: sequential.finalExcess, badPerMinute: FINAL_ERRORS.badPerMinute };
  return finalMargin({ ...margins, elapsedMs: elapsedMs(run), requestsPerSecond: rateOfRun(run) });
}

/** Requests per second; as long as none were counted, as many as it takes to allow nothing for want of them. */
export function rateOfRun({ requestsPerSecond }: Run): number {
  return requestsPerSecond ?? Number.POSITIVE_INFINITY;
}

/** Time in which evidence was collected. */
export function elapsedMs({ startedMs, waitedMs, lookedMs }: Run): number {
  return Math.max(0, lookedMs - startedMs - waitedMs);
}
