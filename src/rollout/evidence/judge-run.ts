import { combineEvidence, evidenceLevel, SAMPLE_RATIO_LEVEL, sampleRatioEvidence } from "#stats";
import type { MetricSamples, Samples } from "../observation.ts";
import type { EvidenceRules } from "./metric-plan.ts";
import type { Run } from "./run.ts";
import { distanceOf, type Gate, gateOf } from "./gate.ts";
import type { Move } from "./move.ts";
import { faultOf } from "./sample-faults.ts";
import { elapsedMs, type Standing, standingOf } from "./standing.ts";

/** What a tick's evidence says. */
export type Verdict =
  | { readonly kind: "worse"; readonly leading: Standing; readonly chanceCount: number }
  | { readonly kind: "objective"; readonly leading: Standing }
  | { readonly kind: "no-data"; readonly missing: readonly Missing[] }
  | { readonly kind: "objective-broken" | "shared-damage"; readonly leading: Standing }
  | { readonly kind: "sample-ratio"; readonly canary: number; readonly primary: number }
  | { readonly kind: "suspicious"; readonly leading: Standing }
  | { readonly kind: "timeout"; readonly action: "promote" | "hold" | "rollback" }
  | { readonly kind: "collect"; readonly wait: Wait }
  | { readonly kind: "go" };

/** Those that keep a release where it is. */
export type Hold = Extract<
  Verdict,
  { kind: "no-data" | "objective-broken" | "shared-damage" | "sample-ratio" | "suspicious" }
>;

/** A metric that is not measured, and why. */
export interface Missing {
  readonly name: string;
  readonly reason: "none" | "invalid" | "error" | "unreachable";
  readonly message: string;
}

/** What a release that goes on collecting waits for. */
export type Wait =
  | { readonly kind: "dwell"; readonly untilMs: number | undefined }
  | { readonly kind: "checks" }
  | { readonly kind: "warm-up"; readonly untilMs: number }
  | { readonly kind: "bound"; readonly gate: Gate };

/** All that is judged. */
export interface Case {
  readonly run: Run;
  readonly rules: EvidenceRules;
  readonly samples: Samples;
  readonly move: Move;
  readonly nowMs: number;
  readonly isSplit: boolean;
  /** Whether the checks of the interval passed, or are made in this tick. */
  readonly areChecksMade: boolean;
}

export interface Judgement {
  readonly verdict: Verdict;
  readonly standings: readonly Standing[];
  /** ln E of all metrics. */
  readonly combined: number;
  readonly leading: Standing | undefined;
}

/** A bad request or two are no regression, whatever their evidence. Source: statistics reference 2.12. */
const MIN_EVENT_COUNT = 3;
/** Evidence from which on no more traffic is risked. Source: statistics reference 2.7. */
const SUSPICION = Math.log(3);
/** Ticks without counts after which it is told. Source: statistics reference 2.14. */
const MISSING_COUNT = 3;
/** Counted ticks of a step at least. Source: statistics reference 2.12. */
const MIN_STEP_TICKS = 3;
/** Part of its share that a canary must complete; a difference below it may be of requests that pass no proxy. */
const COMPLETED_PART = 0.9;

/** Judges a run after a tick: the first of these that holds. Source: statistics reference 2.14; design note 0007. */
export function judgeRun(of: Case): Judgement {
  const { run, rules } = of;
  const standings = run.metrics.map((metric) => standingOf(metric, rules));
  // Rounded in the status, they sum to 1 only nearly.
  const stake = run.metrics.reduce((sum, { weight }) => sum + weight, 0);
  const weighed = standings.map(({ log, metric }) => ({ log, weight: metric.weight / stake }));
  const combination = weighed.length === 0 ? undefined : combineEvidence(weighed);
  const combined = combination?.log ?? 0;
  const leading = combination === undefined ? undefined : standings[combination.leadingIndex];
  const verdict =
    endOf(of, { standings, combined, leading }) ??
    holdOf(of, { standings, combined, leading }) ??
    timeoutOf(of) ??
    waitOf(of, standings);
  return { verdict, standings, combined, leading };
}

type Found = Omit<Judgement, "verdict">;

/** What ends the release. */
function endOf({ rules }: Case, { standings, combined, leading }: Found): Verdict | undefined {
  const level = evidenceLevel(rules.sequential.alpha);
  if (combined >= level && leading !== undefined && leading.badCount >= MIN_EVENT_COUNT)
    return { kind: "worse", leading, chanceCount: Math.exp(combined) };
  const broken = standings.find(
    ({ watch }) => watch !== undefined && watch.canaryBroken >= level && watch.primaryKept >= level,
  );
  return broken === undefined ? undefined : { kind: "objective", leading: broken };
}

/** What keeps the release where it is, though it says nothing against it. */
function holdOf(of: Case, { standings, combined, leading }: Found): Verdict | undefined {
  const { run, rules, move } = of;
  const missing = missingOf(of);
  if (missing.length > 0) {
    const isIdle = missing.every(({ reason }) => reason === "none");
    const { onTimeout, maxDurationMs } = rules.sequential;
    // Nobody asked anything all the time: there is nothing that the release could break, or prove.
    if (elapsedMs(run) > maxDurationMs && (isIdle || onTimeout === "rollback"))
      return { kind: "timeout", action: onTimeout };
    return { kind: "no-data", missing };
  }
  if (move.kind === "first") return undefined;
  const level = evidenceLevel(rules.sequential.alpha);
  const held =
    watchHold(standings, level) ??
    ratioHold(of) ??
    (combined >= SUSPICION && leading !== undefined ? ({ kind: "suspicious", leading } as const) : undefined);
  const isOver = elapsedMs(run) > rules.sequential.maxDurationMs && rules.sequential.onTimeout === "rollback";
  return held !== undefined && isOver ? { kind: "timeout", action: "rollback" } : held;
}

function watchHold(standings: readonly Standing[], level: number): Verdict | undefined {
  const broken = standings.find(({ watch }) => watch?.isCanaryBad === true && watch.canaryBroken >= level);
  if (broken !== undefined) return { kind: "objective-broken", leading: broken };
  const shared = standings.find(({ watch }) => watch?.isPrimaryBad === true && watch.primaryWorse >= level);
  return shared === undefined ? undefined : { kind: "shared-damage", leading: shared };
}

/** A canary that hangs, or dies with its requests, completes too few of them. Source: statistics reference 2.9. */
function ratioHold({ run, isSplit }: Case): Verdict | undefined {
  const share = run.step.weight / 100;
  const { canary, primary } = run.ratio;
  if (!isSplit || share <= 0 || share >= 1 || canary + primary <= 0) return undefined;
  const isShort = canary < COMPLETED_PART * share * (canary + primary);
  return isShort && sampleRatioEvidence(run.ratio, share) >= SAMPLE_RATIO_LEVEL
    ? { kind: "sample-ratio", canary, primary }
    : undefined;
}

/** Metrics that nothing is known of, each with its own patience. */
function missingOf({ run, samples }: Pick<Case, "run" | "samples">): Missing[] {
  return run.metrics.flatMap(({ name, missing }): Missing[] => {
    const sample = samples.metrics.find((one) => one.name === name);
    const fault = faultMissing(sample);
    if (fault !== undefined) return [fault];
    if (missing < MISSING_COUNT) return [];
    const message = sample?.kind === "missing" ? sample.message : "neither copy was requested";
    return [{ name, reason: "none", message: sample === undefined ? "it is not measured any more" : message }];
  });
}

/** What is wrong with the samples of one metric, beside there being none. */
export function faultMissing(sample: MetricSamples | undefined): Missing | undefined {
  if (sample === undefined) return undefined;
  const { name } = sample;
  if (sample.kind !== "missing") {
    const message = faultOf(sample);
    return message === undefined ? undefined : { name, reason: "invalid", message };
  }
  const { reason, message } = sample;
  return reason === "none" || reason === "waiting" ? undefined : { name, reason, message };
}

/** A promotion without proof still takes the checks that it would take with it. */
function timeoutOf({ run, rules, move, areChecksMade }: Case): Verdict | undefined {
  const { onTimeout, maxDurationMs } = rules.sequential;
  if (move.kind === "first" || elapsedMs(run) <= maxDurationMs) return undefined;
  return onTimeout === "promote" && !areChecksMade
    ? { kind: "collect", wait: { kind: "checks" } }
    : { kind: "timeout", action: onTimeout };
}

/** Whether the next move is allowed, or what it waits for. Source: statistics reference 2.12. */
function waitOf(of: Case, standings: readonly Standing[]): Verdict {
  const { run, rules, move, nowMs } = of;
  if (move.kind === "first") return of.areChecksMade ? { kind: "go" } : { kind: "collect", wait: { kind: "checks" } };
  const bound = move.kind === "iterate" ? undefined : openBound(of, standings);
  const warmMs = (run.warmSinceMs ?? nowMs) + rules.sequential.warmUpMs;
  if (bound !== undefined && nowMs < warmMs) return { kind: "collect", wait: { kind: "warm-up", untilMs: warmMs } };
  if (bound !== undefined) return { kind: "collect", wait: bound };
  const dwelledMs = run.step.sinceMs + rules.intervalMs;
  const isSeen = run.step.ticks >= MIN_STEP_TICKS || run.step.weight >= 100;
  if (nowMs < dwelledMs || !isSeen)
    return { kind: "collect", wait: { kind: "dwell", untilMs: nowMs < dwelledMs ? dwelledMs : undefined } };
  return of.areChecksMade ? { kind: "go" } : { kind: "collect", wait: { kind: "checks" } };
}

/** The metric whose excess is not ruled out far enough for the move, if there is one: the one that is furthest from it. */
function openBound(
  { run, rules, move }: Case,
  standings: readonly Standing[],
): Extract<Wait, { kind: "bound" }> | undefined {
  let furthest: Gate | undefined;
  for (const standing of standings) {
    const gate = gateOf(standing, { run, rules, move });
    if (gate !== undefined && (furthest === undefined || distanceOf(gate) > distanceOf(furthest))) furthest = gate;
  }
  return furthest === undefined || distanceOf(furthest) <= 1 ? undefined : { kind: "bound", gate: furthest };
}
