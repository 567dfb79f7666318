import { ok, type Result } from "#base";
import {
  closeSampleRatio,
  countsForBound,
  metricWeights,
  NO_SAMPLES,
  startLatencyStep,
  startStep,
  updateSampleRatio,
  warmUpEnvelope,
  type Arms,
} from "#stats";
import { REQUEST_DURATION, SUCCESS_RATE } from "../judge-metric.ts";
import type { MetricSamples, Samples } from "../observation.ts";
import { MAX_COMPARED_COUNT } from "../sequential-settings.ts";
import type { EvidenceRules } from "./metric-plan.ts";
import type { MetricRun, Run, StepState } from "./run.ts";
import { faultOf } from "./sample-faults.ts";
import { startTrial } from "./start-metric.ts";
import { type SampleInterval, updateMetric } from "./update-metric.ts";

/** What a look knows beside the samples. */
export interface Look {
  readonly nowMs: number;
  readonly hash: string;
  readonly revision: string;
  readonly rules: EvidenceRules;
  /** The weight and iteration on trial, and since when. */
  readonly stage: Pick<StepState, "weight" | "iteration" | "sinceMs">;
  /** Whether the canary is to get requests, copies included. */
  readonly hasTraffic: boolean;
  /** Whether requests are split at random by the weight, so that its share can be judged. */
  readonly isSplit: boolean;
  readonly readyCount: number;
  /** When the youngest pod of the canary became ready; undefined when it is not known. */
  readonly youngestReadyMs: number | undefined;
  /** Load of a canary's pod at its highest weight over that of a primary's pod before. */
  readonly loadRatio: number;
}

/** Begins a run with the first samples: which metrics there are, how they are tested and what each is worth stay as they are now. */
export function startRunOf(samples: Samples, look: Look): Run {
  const { nowMs, rules, stage, readyCount, hasTraffic, youngestReadyMs } = look;
  const compared = samples.metrics.slice(0, MAX_COMPARED_COUNT);
  return {
    hash: look.hash,
    revision: look.revision,
    startedMs: nowMs,
    waitedMs: 0,
    lookedMs: nowMs,
    ...(samples.untilMs === undefined ? {} : { untilMs: Math.round(samples.untilMs) }),
    // A canary that has traffic already, when its analysis starts again, is as warm as its youngest pod.
    ...(hasTraffic ? { warmSinceMs: youngestReadyMs ?? nowMs } : {}),
    podCount: readyCount,
    step: { ...stage, ...startOfStep(look), ticks: 0 },
    checks: { isPassed: false },
    ratio: NO_SAMPLES,
    metrics: compared.map((sample) => {
      const history = samples.history?.find(({ name }) => name === sample.name);
      const common = { name: sample.name, weight: weightOf(sample.name, compared), missing: 0 };
      const safe: MetricSamples = faultOf(sample) === undefined ? sample : asUnknown(sample);
      return startTrial(common, safe, { rules, history, loadRatio: look.loadRatio });
    }),
  };
}

/** At a weight that the canary has already, an analysis that starts again stays for a whole interval. */
function startOfStep({ hasTraffic, nowMs, stage }: Look): Pick<StepState, "sinceMs" | "weightSinceMs"> {
  const sinceMs = hasTraffic ? nowMs : stage.sinceMs;
  return { sinceMs, weightSinceMs: sinceMs };
}

function asUnknown({ name }: MetricSamples): MetricSamples {
  return { name, kind: "missing", reason: "invalid", message: "" };
}

/** Source: statistics reference 2.7. */
function weightOf(name: string, metrics: readonly MetricSamples[]): number {
  const has = (builtin: string): boolean => metrics.some((metric) => metric.name === builtin);
  const customs = metrics.filter((metric) => metric.name !== SUCCESS_RATE && metric.name !== REQUEST_DURATION);
  const weights = metricWeights({
    hasErrors: has(SUCCESS_RATE),
    hasLatency: has(REQUEST_DURATION),
    customCount: customs.length,
  });
  if (name === SUCCESS_RATE) return weights.errors;
  return name === REQUEST_DURATION ? weights.latency : weights.custom;
}

/**
 * Adds the samples of an interval; an error is the reason why the analysis has to start again. An interval that is not newer
 * than the last adds nothing: what was counted once is not counted twice.
 */
export function updateRun(before: Run, samples: Samples, look: Look): Result<Run, string> {
  const run = inStage(before, look);
  const untilMs = samples.untilMs === undefined ? undefined : Math.round(samples.untilMs);
  const fromMs = run.untilMs;
  // The first end of an interval is only where the next one begins.
  if (fromMs === undefined) return ok(untilMs === undefined ? run : { ...run, untilMs });
  const isNewer = untilMs !== undefined && untilMs > fromMs;
  const interval = intervalOf(run, { fromMs, look });
  const updated: MetricRun[] = [];
  for (const metric of run.metrics) {
    const sample = samples.metrics.find(({ name }) => name === metric.name);
    const usable = sample !== undefined && faultOf(sample) !== undefined ? asUnknown(sample) : sample;
    const isLate = usable !== undefined && usable.kind !== "missing" && !isNewer;
    const next = isLate ? ok(metric) : updateMetric(metric, usable, { interval, rules: look.rules });
    if (!next.ok) return next;
    updated.push(next.value);
  }
  const next = { ...run, metrics: updated };
  return ok(
    isNewer ? settled(next, { fromMs, untilMs, arms: trafficOf(samples), isSampled: hasCounts(samples), look }) : next,
  );
}

/** The run at the weight that is on trial now: what was counted at another one is closed. */
function inStage(run: Run, { stage, hasTraffic, nowMs, readyCount }: Look): Run {
  const { step } = run;
  const isSame = step.weight === stage.weight && step.iteration === stage.iteration;
  const moved = isSame ? run : enter(run, stage);
  const isScaled = readyCount > moved.podCount;
  return {
    ...moved,
    lookedMs: nowMs,
    podCount: Math.max(readyCount, moved.podCount),
    ...(isScaled && moved.podCount > 0 ? { scaledMs: nowMs } : {}),
    ...(hasTraffic && moved.warmSinceMs === undefined ? { warmSinceMs: Math.min(nowMs, stage.sinceMs) } : {}),
  };
}

function enter(run: Run, stage: Look["stage"]): Run {
  const share = run.step.weight / 100;
  const isSplit = share > 0 && share < 1;
  // Iterations at one and the same weight are one stage for the evidence.
  if (stage.weight === run.step.weight)
    return { ...run, step: { ...stage, weightSinceMs: run.step.weightSinceMs, ticks: 0 } };
  return {
    ...run,
    step: { ...stage, weightSinceMs: stage.sinceMs, ticks: 0 },
    ratio: isSplit ? closeSampleRatio(run.ratio, share) : run.ratio,
    metrics: run.metrics.map(withNewStep),
  };
}

function withNewStep(metric: MetricRun): MetricRun {
  if (metric.kind === "counts") return { ...metric, evidence: startStep(metric.evidence) };
  if (metric.kind === "latency") return { ...metric, evidence: startLatencyStep(metric.evidence) };
  return metric;
}

/** How long new pods of a canary that has traffic are cold. Source: statistics reference 2.10. */
const SCALE_UP_MS = 20_000;

/** The envelope at the beginning of an interval, where it is widest. */
function intervalOf(run: Run, { fromMs, look }: { readonly fromMs: number; readonly look: Look }): SampleInterval {
  const { hasTraffic, rules } = look;
  const sinceWarm = run.warmSinceMs === undefined ? 0 : fromMs - run.warmSinceMs;
  const sinceScaled = run.scaledMs === undefined ? Number.POSITIVE_INFINITY : fromMs - run.scaledMs;
  const { warmUpMs } = rules.sequential;
  // An app that is warm sooner is warm sooner in its new pods, too.
  const scaleUpMs = Math.min(SCALE_UP_MS, warmUpMs);
  return {
    hasTraffic,
    envelope: Math.max(warmUpEnvelope(sinceWarm, warmUpMs), warmUpEnvelope(sinceScaled, scaleUpMs)),
    countsForBound: countsForBound(sinceWarm, warmUpMs) && countsForBound(sinceScaled, scaleUpMs),
  };
}

/** Time in which proxies take over a new weight; requests meanwhile say nothing about it. */
const ROUTE_SETTLE_MS = 10_000;
/** What the newest interval is worth in the rate of requests. */
const RATE_SHARE = 0.5;

interface Settled {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly arms: Arms | undefined;
  /** Whether any metric was counted. */
  readonly isSampled: boolean;
  readonly look: Look;
}

/** What an interval changes beside the metrics: where the next begins, how much traffic there is, and how it was split. */
function settled(run: Run, { fromMs, untilMs, arms, isSampled, look }: Settled): Run {
  const { sinceMs, weightSinceMs, ticks } = run.step;
  // An interval that began at another weight is no part of this one's bound.
  const metrics = fromMs >= weightSinceMs ? run.metrics : run.metrics.map(withNewStep);
  const isCounted = isSampled && fromMs >= sinceMs;
  const step = { ...run.step, ticks: ticks + (isCounted ? 1 : 0) };
  const next = { ...run, untilMs, metrics, step };
  if (arms === undefined) return next;
  const perSecond = (1000 * (arms.canary.total + arms.primary.total)) / (untilMs - fromMs);
  const before = run.requestsPerSecond ?? perSecond;
  const isJudged = look.isSplit && fromMs >= weightSinceMs + ROUTE_SETTLE_MS;
  return {
    ...next,
    requestsPerSecond: before + RATE_SHARE * (perSecond - before),
    ratio: isJudged
      ? updateSampleRatio(run.ratio, { canary: arms.canary.total, primary: arms.primary.total })
      : run.ratio,
  };
}

function hasCounts({ metrics }: Samples): boolean {
  return metrics.some(({ kind }) => kind !== "missing");
}

/** Requests of both copies, by the metric that counts all of them. */
function trafficOf({ metrics }: Samples): Arms | undefined {
  const usable = metrics.filter((metric) => faultOf(metric) === undefined);
  const errors =
    usable.find(({ name }) => name === SUCCESS_RATE) ?? usable.find(({ name }) => name === REQUEST_DURATION);
  const counted = errors ?? usable.find(({ kind }) => kind === "counts");
  if (counted?.kind === "counts") return counted.arms;
  if (counted?.kind !== "latency") return undefined;
  const { canary, primary } = counted;
  return { canary: { total: canary.total, bad: 0 }, primary: { total: primary.total, bad: 0 } };
}
