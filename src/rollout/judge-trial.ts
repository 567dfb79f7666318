import { faultMissing, judgeRun, type Judgement } from "./evidence/judge-run.ts";
import type { Move } from "./evidence/move.ts";
import type { EvidenceRules } from "./evidence/metric-plan.ts";
import { readRun } from "./evidence/read-run.ts";
import type { Run } from "./evidence/run.ts";
import { settingsHash } from "./evidence/settings-hash.ts";
import { type Look, startRunOf, updateRun } from "./evidence/update-run.ts";
import type { Samples } from "./observation.ts";
import { hooksOf, type RolloutSettings } from "./settings.ts";
import type { SequentialSettings } from "./sequential-settings.ts";
import { asks, isAnalysing, type Situation } from "./situation.ts";
import { parseTime } from "./status.ts";
import type { Trial } from "./trial.ts";
import { nextWeight } from "./weights.ts";

/** Adds to a situation what its evidence says. */
export function withTrial(s: Situation): Situation {
  const { sequential } = s.settings;
  const isOn = sequential !== undefined && isAnalysing(s) && s.isDue && !asks(s, "skip", "promote");
  return isOn ? { ...s, trial: trialOf(s, sequential) } : s;
}

function trialOf(s: Situation, sequential: SequentialSettings): Trial {
  const { settings, nowMs, observation, status } = s;
  const { rules, hash } = rulesOf(settings, sequential);
  const revision = status.lastAppliedSpec ?? "";
  const read = readRun(status.evidence, { rules, hash, revision });
  if (read.kind === "other") return { kind: "restart", reason: read.reason };
  const before = read.kind === "run" ? read.run : undefined;
  const answer = observation.answers.get("samples");
  if (answer?.kind !== "samples") {
    const question = {
      kind: "samples",
      id: "samples",
      afterMs: before?.untilMs,
      needsHistory: before === undefined,
    } as const;
    return { kind: "ask", question };
  }
  const { samples } = answer;
  const look = lookOf(s, { rules, hash, revision });
  if (before === undefined) {
    const missing = samples.metrics.flatMap((sample) => faultMissing(sample) ?? []);
    const sinceMs = parseTime(status.lastTransitionTime) ?? nowMs;
    if (missing.length > 0) return { kind: "unplanned", missing, isOver: nowMs > sinceMs + sequential.maxDurationMs };
  }
  const updated = before === undefined ? undefined : updateRun(before, samples, look);
  if (updated?.ok === false) return { kind: "restart", reason: updated.error };
  const run = updated?.value ?? startRunOf(samples, look);
  const move = moveOf(s);
  const areChecksDue = areDue(s, run, move);
  const areChecksMade =
    areChecksDue || (run.checks.isPassed && (run.checks.atMs ?? 0) >= run.step.sinceMs && !hasGate(s, move));
  const judge = (judged: Run): Judgement =>
    judgeRun({ run: judged, rules, samples, move, nowMs, isSplit: look.isSplit, areChecksMade });
  const judgement = judge(run);
  const spared =
    before === undefined
      ? undefined
      : sparedCount(judgement, {
          samples,
          retry: (less) => {
            const other = updateRun(before, less, look);
            return other.ok ? judge(other.value) : undefined;
          },
        });
  return {
    kind: "judged",
    run,
    isContinued: before !== undefined,
    rules,
    move,
    judgement,
    areChecksDue,
    sinceLookMs: Math.max(0, nowMs - (before?.lookedMs ?? nowMs)),
    queries: new Map(
      samples.metrics.flatMap(({ name, query }) => (query === undefined ? [] : [[name, query] as const])),
    ),
    ...(spared === undefined ? {} : { spared }),
  };
}

/** Rules by the settings that they were made of. */
const known = new WeakMap<RolloutSettings, Pick<Look, "rules" | "hash">>();

/** What evidence is collected under, and its hash; the same objects for the same settings. */
function rulesOf(settings: RolloutSettings, sequential: SequentialSettings): Pick<Look, "rules" | "hash"> {
  const found = known.get(settings);
  if (found !== undefined) return found;
  const { tickMs, intervalMs, metrics } = settings;
  const rules: EvidenceRules = { sequential, tickMs, intervalMs, metrics };
  const made = { rules, hash: settingsHash(rules) };
  known.set(settings, made);
  return made;
}

/**
 * How many bad requests of the canary fewer in this interval would have kept it from being rolled back; undefined when none or
 * no number would have.
 */
function sparedCount(
  { verdict }: Judgement,
  { samples, retry }: { readonly samples: Samples; readonly retry: (less: Samples) => Judgement | undefined },
): number | undefined {
  if (verdict.kind !== "worse") return undefined;
  const { name } = verdict.leading.metric;
  const sample = samples.metrics.find((metric) => metric.name === name);
  if (sample?.kind !== "counts") return undefined;
  const { canary, primary } = sample.arms;
  const isSpared = (count: number): boolean => {
    const arms = { canary: { ...canary, bad: Math.max(0, canary.bad - count) }, primary };
    const metrics = samples.metrics.map((metric) => (metric === sample ? { ...sample, arms } : metric));
    return retry({ ...samples, metrics })?.verdict.kind !== "worse";
  };
  let high = Math.ceil(canary.bad);
  if (high < 1 || !isSpared(high)) return undefined;
  let low = 0;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isSpared(middle)) high = middle;
    else low = middle;
  }
  return high;
}

function lookOf(s: Situation, of: Pick<Look, "rules" | "hash" | "revision">): Look {
  const { settings, status, weight, nowMs, target, primary, observation } = s;
  const { strategy } = settings;
  return {
    rules: of.rules,
    hash: of.hash,
    revision: of.revision,
    nowMs,
    stage: { weight, iteration: status.iterations, sinceMs: parseTime(status.lastTransitionTime) ?? nowMs },
    hasTraffic: weight > 0 || s.isMirroring,
    // Clients that stay with their copy, and requests that are chosen, are not split by the weight.
    isSplit: strategy.kind === "weights" && settings.affinity === undefined && weight > 0 && weight < 100,
    readyCount: target.readyCount,
    youngestReadyMs: observation.capacity.canary.youngestReadyMs,
    loadRatio:
      strategy.kind === "weights"
        ? ((strategy.maxWeight / 100) * Math.max(1, primary?.desiredCount ?? 1)) / Math.max(1, target.desiredCount)
        : 1,
  };
}

/** What the release would do next. */
function moveOf({ settings: { strategy }, status, weight, hasStarted }: Situation): Move {
  if (!hasStarted && status.phase === "Progressing") return { kind: "first" };
  if (strategy.kind !== "weights")
    return status.iterations < strategy.iterationCount ? { kind: "iterate" } : { kind: "final" };
  if (weight >= strategy.maxWeight) return { kind: "final" };
  // The first weight is the user's, also after the stage of copies.
  return weight === 0 ? { kind: "iterate" } : { kind: "step", weight: nextWeight(strategy.steps, weight) };
}

function areDue(s: Situation, { step, checks }: Run, move: Move): boolean {
  if (asks(s, "resume")) return true;
  if (move.kind === "first" && checks.atMs === undefined) return true;
  return s.nowMs >= Math.max(move.kind === "first" ? 0 : step.sinceMs, checks.atMs ?? 0) + s.settings.intervalMs;
}

/** Whether somebody outside is asked before the move: once in an interval, like the checks. */
function hasGate({ settings }: Situation, move: Move): boolean {
  const type = move.kind === "final" ? "confirm-promotion" : "confirm-traffic-increase";
  return settings.strategy.kind === "weights" || move.kind === "final" ? hooksOf(settings, type).length > 0 : false;
}
