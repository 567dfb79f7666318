import type { Canary } from "#api";
import { parseDuration, unreachable } from "#base";
import {
  type Answer,
  type MetricResult,
  type Question,
  type Samples,
  type SamplesQuestion,
  SUCCESS_RATE,
} from "#rollout";
import { displayQuantile } from "#stats";
import type { Verdict } from "../peers/index.ts";
import { type Moment, ReleaseModel, type StandingWeight } from "../release/index.ts";
import type { RecordedTick } from "./decode-recording.ts";
import { mergeMetric } from "./merge-ticks.ts";

/** What would have been decided about a release that was recorded. */
export interface Replay {
  readonly verdict: Verdict;
  /** From the first interval's beginning until the verdict, or until the end of the recording. */
  readonly endedMs: number;
  /** The looks at which the label or the weight changed, and the last one. */
  readonly decisions: readonly ReplayedDecision[];
}

export interface ReplayedDecision {
  /** Since the first interval began. */
  readonly sinceMs: number;
  readonly label: string;
  /** That the decision asks for; the recording has the weights that there were. */
  readonly weightPercent: number;
  readonly sentence: string;
}

const DEFAULT_WINDOW_MS = 60_000;

/**
 * Runs the real `decide` over recorded samples. The weights that it asks for change nothing of what was recorded, so a replay
 * answers "what would it have said then", not "what would have happened".
 *
 * `weights`: that the canary had in each tick, in percent. With them each look finds the release at the weight that there was,
 * whatever was asked for before; without, at the weight that was asked for.
 */
export function replayRelease(canary: Canary, ticks: readonly RecordedTick[], weights?: readonly number[]): Replay {
  const [first, second] = ticks;
  const firstMs = first?.untilMs ?? 0;
  const beganMs = firstMs - ((second?.untilMs ?? firstMs) - firstMs);
  const release = new ReleaseModel({
    canary,
    environment: {},
    seed: 0,
    stepMs: 1,
    answer: (question, moment) => answerFrom({ ticks, beganMs, moment }, question),
    ...(weights === undefined ? {} : { weightAt: weightsBy(ticks, weights, beganMs) }),
  });
  const decisions: ReplayedDecision[] = [];
  let sinceMs = 0;
  note(decisions, release, sinceMs);
  for (const { untilMs } of ticks) {
    if (release.verdict !== "running") break;
    sinceMs = untilMs - beganMs;
    release.lookUntilQuiet(sinceMs);
    note(decisions, release, sinceMs);
  }
  return { verdict: release.verdict, endedMs: sinceMs, decisions };
}

/** The weight of the tick that ends at a time, and since when it was there. */
function weightsBy(
  ticks: readonly RecordedTick[],
  weights: readonly number[],
  beganMs: number,
): (sinceMs: number) => StandingWeight | undefined {
  const standing = new Map<number, StandingWeight>();
  let changedMs = 0;
  for (const [index, { untilMs }] of ticks.entries()) {
    const percent = weights[index] ?? 0;
    if (index > 0 && percent !== weights[index - 1]) changedMs = (ticks[index - 1]?.untilMs ?? beganMs) - beganMs;
    standing.set(untilMs - beganMs, { percent, changedMs });
  }
  return (sinceMs) => standing.get(sinceMs);
}

function note(decisions: ReplayedDecision[], { lastDecision, weightPercent }: ReleaseModel, sinceMs: number): void {
  if (lastDecision === undefined) return;
  const { label, explanation } = lastDecision;
  const before = decisions.at(-1);
  if (before?.label === label && before.weightPercent === weightPercent) return;
  decisions.push({ sinceMs, label, weightPercent, sentence: explanation.sentence });
}

interface Recorded {
  readonly ticks: readonly RecordedTick[];
  readonly beganMs: number;
  readonly moment: Moment;
}

function answerFrom(recorded: Recorded, question: Question): Answer {
  const { countedMs } = recorded.moment;
  switch (question.kind) {
    case "providers":
      return { kind: "providers" };
    case "hook":
      return { kind: "hook", isPassed: question.hook.type !== "rollback", detail: "" };
    case "served": {
      const counted = trafficOf(between(recorded, countedMs - DEFAULT_WINDOW_MS));
      const requestCount = counted.canary + counted.primary;
      if (requestCount === 0) return { kind: "served" };
      const canaryPercent = (100 * counted.canary) / requestCount;
      return { kind: "served", share: { canaryPercent, requestCount, windowMs: DEFAULT_WINDOW_MS } };
    }
    case "metric":
      return { kind: "metric", result: metricResult(recorded, question) };
    case "samples":
      return { kind: "samples", samples: samplesOf(recorded, question) };
    default:
      return unreachable(question);
  }
}

/** The ticks that ended after `afterMs`, until now. */
function between({ ticks, beganMs, moment }: Recorded, afterMs: number): RecordedTick[] {
  return ticks.filter(({ untilMs }) => untilMs - beganMs > afterMs && untilMs - beganMs <= moment.countedMs);
}

function trafficOf(ticks: readonly RecordedTick[]): { readonly canary: number; readonly primary: number } {
  const names = new Set(ticks.flatMap(({ metrics }) => metrics.map(({ name }) => name)));
  for (const name of names) {
    const sample = mergeMetric(name, ticks);
    if (sample.kind === "counts") return { canary: sample.arms.canary.total, primary: sample.arms.primary.total };
    if (sample.kind === "latency") return { canary: sample.canary.total, primary: sample.primary.total };
  }
  return { canary: 0, primary: 0 };
}

function metricResult(recorded: Recorded, { metric }: Extract<Question, { kind: "metric" }>): MetricResult {
  const window = parseDuration(metric.interval ?? "");
  const windowMs = window.ok ? window.value : DEFAULT_WINDOW_MS;
  const sample = mergeMetric(metric.name, between(recorded, recorded.moment.countedMs - windowMs));
  switch (sample.kind) {
    case "missing":
      return { kind: "unreachable", message: sample.message };
    case "counts": {
      const { total, bad } = sample.arms.canary;
      if (total === 0) return { kind: "empty" };
      return resultOf(metric.name === SUCCESS_RATE ? 100 * (1 - bad / total) : (100 * bad) / total);
    }
    case "latency": {
      const p99 = displayQuantile(sample.canary, 0.99);
      return p99 === undefined ? { kind: "empty" } : resultOf(Math.trunc(p99));
    }
    case "scalar":
      return resultOf(sample.canary);
  }
}

function resultOf(value: number): MetricResult {
  return value === 0 ? { kind: "zero" } : { kind: "value", value };
}

function samplesOf(recorded: Recorded, question: SamplesQuestion): Samples {
  const { ticks, moment, beganMs } = recorded;
  const names = [...new Set(ticks.flatMap(({ metrics }) => metrics.map(({ name }) => name)))];
  const past = ticks.find(({ history }) => history !== undefined)?.history;
  const history = question.needsHistory && past !== undefined ? { history: past } : {};
  if (question.afterMs === undefined) {
    const waiting = { kind: "missing", reason: "waiting", message: "counting begins now" } as const;
    const metrics = names.map((name) => ({ name, ...waiting }));
    return { untilMs: moment.epochMs + moment.countedMs, metrics, ...history };
  }
  const span = between(recorded, question.afterMs - moment.epochMs);
  const last = span.at(-1);
  const metrics = names.map((name) => mergeMetric(name, span));
  return {
    untilMs: last === undefined ? undefined : moment.epochMs + last.untilMs - beganMs,
    metrics,
    ...history,
  };
}
