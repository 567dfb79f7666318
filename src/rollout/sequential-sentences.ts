import { formatDuration } from "#base";
import { leftOf } from "./evidence/facts.ts";
import { distanceOf, type Gate, gateOf } from "./evidence/gate.ts";
import type { Hold, Missing, Wait } from "./evidence/judge-run.ts";
import type { Standing } from "./evidence/standing.ts";
import {
  comparisonText,
  countText,
  evidenceText,
  percentText,
  pointsText,
  rateOf,
  whatText,
} from "./evidence/words.ts";
import type { Situation } from "./situation.ts";
import type { JudgedTrial } from "./trial.ts";

/** Where the canary stands, in the words of its strategy. */
export function placeText({ weight, isMirroring, settings }: Situation): string {
  if (isMirroring) return "with copies of the requests";
  return settings.strategy.kind === "ab-testing" ? "with the requests that match" : `at ${weight}%`;
}

/** What a release that goes on collecting says of it. */
export function collectText(s: Situation, trial: JudgedTrial, wait: Wait): string {
  const place = placeText(s);
  switch (wait.kind) {
    case "checks":
      return `Collecting evidence ${place}: the checks of the interval are made again before anything moves.`;
    case "dwell":
      return wait.untilMs === undefined
        ? `Collecting evidence ${place}: a step takes three counts at least, and there are ${trial.run.step.ticks}.`
        : `Collecting evidence ${place}: it is enough so far, and the interval lasts another ${roughly(wait.untilMs - s.nowMs)}.`;
    case "warm-up":
      return `The canary is warming up ${place}: ${seenText(wait, trial)}what it does counts for a step in ${roughly(wait.untilMs - s.nowMs)}.`;
    case "bound":
      return boundWaitText(place, trial, wait.gate);
  }
}

function seenText(_: Wait, { judgement }: JudgedTrial): string {
  const counted = judgement.standings.find(({ worst }) => worst !== undefined)?.worst;
  const seen = counted?.summary.rates.canary.total ?? 0;
  return seen > 0 ? `${countText(seen)} requests seen, ` : "";
}

function boundWaitText(place: string, trial: JudgedTrial, { standing, bounded }: Gate): string {
  const { metric } = standing;
  if (bounded === undefined)
    return metric.kind === "latency"
      ? `Collecting evidence ${place}: how fast the primary is is not known yet.`
      : `Collecting evidence ${place}: ${metric.name} has no counts yet.`;
  const what = whatText(standing, bounded.boundMs);
  const left = leftOf(standing, trial, bounded);
  // Requests of the warm-up prove nothing.
  const seen = metric.kind === "counts" || metric.kind === "latency" ? metric.watch.settled.canary.total : 0;
  if (left === undefined)
    return `Collecting evidence ${place}: ${comparisonText(standing, bounded)}; at these rates no number of requests proves that the canary is no worse than tolerated.`;
  const eta = left.etaMs === undefined ? ", more than its time will bring" : `, about ${roughly(left.etaMs)}`;
  return `Collecting evidence ${place}: ${countText(seen)} of about ${countText(seen + left.requestCount)} requests of the canary that its ${what} need${eta}.`;
}

/** `40s`, `3m`: an estimate has no more digits than it is worth. */
function roughly(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  return seconds < 100 ? `${seconds}s` : `${Math.round(seconds / 60)}m`;
}

/** What is proven of a release that goes on. */
export function provenText(s: Situation): string {
  const { trial } = s;
  if (trial?.kind !== "judged") return `Every check passed at ${s.weight}%`;
  const place = placeText(s);
  if (trial.judgement.verdict.kind === "timeout")
    return `No evidence against the canary ${place} in ${formatDuration(trial.rules.sequential.maxDurationMs)}, and not enough for it`;
  if (trial.move.kind === "first") return "The canary is ready and its first traffic is the way to know more";
  const bounds = trial.judgement.standings.flatMap((standing) => boundText(standing) ?? []);
  if (bounds.length === 0) return `Too few requests ${place} to do much harm, and nothing against the canary`;
  const sure = percentText(1 - trial.rules.sequential.beta);
  return `Enough is known ${place}: the canary's ${bounds.join(", its ")} (${sure} sure)`;
}

/** `errors are at most 1.25 times the primary's plus 0.17 points`; undefined while nothing is ruled out. */
function boundText(standing: Standing): string | undefined {
  const { widest } = standing;
  if (widest === undefined || widest.excess >= 1) return undefined;
  const ratio = Number(widest.plan.unacceptableRatio.toPrecision(3));
  const plus = widest.excess < LEAST_EXCESS ? "" : ` plus ${pointsText(widest.excess)}`;
  return `${whatText(standing, widest.boundMs)} are at most ${ratio} times the primary's${plus}`;
}

/** One request in a hundred thousand. */
const LEAST_EXCESS = 1e-5;

/** What would have kept a release from going on: the metric that came closest to it. */
export function stayText({ trial }: Situation): string | undefined {
  if (trial?.kind !== "judged") return undefined;
  let closest: Gate | undefined;
  for (const standing of trial.judgement.standings) {
    const gate = gateOf(standing, trial);
    if (gate?.bounded === undefined || gate.goAt >= 1) continue;
    if (closest === undefined || distanceOf(gate) > distanceOf(closest)) closest = gate;
  }
  if (closest?.bounded === undefined) return undefined;
  const { standing, bounded, goAt, excess } = closest;
  const what = whatText(standing, bounded.boundMs);
  return `With more than ${pointsText(goAt)} of ${what} not ruled out, instead of ${pointsText(excess)}, it would have stayed to collect more.`;
}

/** Why a release is held, in a sentence, and in an event that stays the same while it lasts. */
export function holdText(s: Situation, verdict: Hold): { readonly sentence: string; readonly event: string } {
  const place = placeText(s);
  switch (verdict.kind) {
    case "no-data": {
      const sentence = `Holding ${place}, not counted against the release: ${missingText(verdict.missing)}`;
      return { sentence, event: missingText(verdict.missing) };
    }
    case "objective-broken": {
      const what = whatText(verdict.leading, verdict.leading.watch?.boundMs);
      return {
        sentence: `Holding ${place}: the canary breaks its objective: ${watchText(verdict.leading)}; the primary is not proven to keep it, so the release may not be the cause.`,
        event: `${what} of the canary break the objective, and the primary is not proven to keep it`,
      };
    }
    case "shared-damage": {
      const { leading } = verdict;
      const what = whatText(leading, leading.watch?.boundMs);
      const past = percentText(leading.watch?.pastRate ?? 0);
      const now = percentText(rateOf(leading.watch?.recent.primary ?? { total: 0, bad: 0 }));
      return {
        sentence: `Holding ${place}: ${what} of the primary are ${now}, and were ${past} before the release: it may harm what both copies share.`,
        event: `${what} of the primary are more than before the release`,
      };
    }
    case "sample-ratio": {
      const { canary, primary } = verdict;
      const share = percentText(canary / Math.max(1, canary + primary));
      return {
        sentence: `Holding ${place}: the canary completes ${share} of the requests (${countText(canary)} of ${countText(canary + primary)}) and is sent ${s.weight}%: it may be losing requests.`,
        event: "the canary completes fewer requests than it is sent",
      };
    }
    case "suspicious":
      return {
        sentence: `Holding ${place}: ${evidenceText(verdict.leading)}; that is too much to go on and too little to roll back.`,
        event: `${whatText(verdict.leading, verdict.leading.worst?.boundMs)} of the canary look worse than those of the primary`,
      };
  }
}

function watchText(standing: Standing): string {
  const { watch } = standing;
  if (watch === undefined) return "";
  return `${percentText(rateOf(watch.recent.canary))} ${whatText(standing, watch.boundMs)} of late where ${percentText(watch.rate ?? 0)} are allowed`;
}

/** What the operator cannot say of it; of other reasons it names the field and what to write there. */
const fixes = {
  none: "; send requests, or check that both copies have such series",
  invalid: "",
  error: "",
  unreachable: "; it goes on as soon as the provider answers",
} as const;

/** What is missing, why, and what to do about it. */
export function missingText(missing: readonly Missing[]): string {
  const [first] = missing;
  if (first === undefined) return "";
  const { name, reason, message } = first;
  const others = missing.length > 1 ? ` (and ${missing.length - 1} more)` : "";
  const why = reason === "none" ? "has no data" : reason === "unreachable" ? "cannot be asked for" : "cannot be used";
  return `metric ${name} ${why}: ${message}${others}${fixes[reason]}`;
}
