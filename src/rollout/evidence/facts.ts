import {
  evidenceLevel,
  evidencePValue,
  explainCounts,
  type Outlook,
  requestsUntilBound,
  requestsUntilRollback,
} from "#stats";
import type { Evidence, EvidenceFact } from "../decision.ts";
import { distanceOf, gateOf, needsOf } from "./gate.ts";
import { type Counted, elapsedMs, type Standing } from "./standing.ts";
import type { JudgedTrial } from "../trial.ts";
import { rateOf, whatText } from "./words.ts";

/** Where the evidence of a tick stands, as data: what each metric saw, what it proves, and how far it is from a verdict. */
export function evidenceOf(trial: JudgedTrial): Evidence {
  const { judgement, rules } = trial;
  const { verdict } = judgement;
  return {
    combined: judgement.combined,
    stopAt: evidenceLevel(rules.sequential.alpha),
    ...("leading" in verdict ? { leading: verdict.leading.metric.name } : {}),
    metrics: judgement.standings.map((standing) => factOf(standing, trial)),
  };
}

function factOf(standing: Standing, trial: JudgedTrial): EvidenceFact {
  const { metric, log } = standing;
  const query = trial.queries.get(metric.name);
  const { startedMs, untilMs } = trial.run;
  const common = {
    metric: metric.name,
    worse: log,
    falseAlarm: evidencePValue(log),
    ...(query === undefined ? {} : { query }),
    ...(untilMs === undefined || untilMs <= startedMs ? {} : { windowMs: untilMs - startedMs }),
  };
  const told = toldOf(standing, trial);
  if (told === undefined) {
    const [total, bad] = metric.kind === "scalar" ? [metric.blockCount, metric.worseCount] : [0, 0];
    return {
      ...common,
      what: whatText(standing, undefined),
      canary: { total, bad },
      primary: { total, bad: 0 },
      estimate: undefined,
      bound: undefined,
      goAt: undefined,
      verdict: isWorse(standing, trial) ? "worse" : "unknown",
    };
  }
  const { canary, primary, estimate, difference } = explainCounts(told.summary, trial.rules.sequential.beta);
  const gate = gateOf(standing, trial);
  const left = leftOf(standing, trial, gate?.bounded);
  const isProven = gate !== undefined && distanceOf(gate) <= 1;
  return {
    ...common,
    what: whatText(standing, told.boundMs),
    canary,
    primary,
    estimate,
    ...(estimate === undefined ? {} : { interval: difference }),
    bound: gate?.excess ?? standing.widest?.excess,
    goAt: gate?.goAt,
    ...(left === undefined ? {} : { left }),
    verdict: isWorse(standing, trial) ? "worse" : isProven ? "better" : "unknown",
  };
}

/** What is told of a metric with several questions: what speaks against the canary, if something does, else what is least proven. */
export function toldOf(
  { worst, widest }: Standing,
  { judgement }: Pick<JudgedTrial, "judgement">,
): Counted | undefined {
  const isAgainst = judgement.verdict.kind === "worse" || judgement.verdict.kind === "suspicious";
  return isAgainst ? worst : (widest ?? worst);
}

function isWorse({ log, metric }: Standing, { rules }: JudgedTrial): boolean {
  return log + Math.log(metric.weight) >= evidenceLevel(rules.sequential.alpha);
}

/**
 * Requests of the canary that a verdict still needs at the rates seen, and how long they take; undefined when nothing is waited
 * for, or no number of requests is enough.
 */
export function leftOf(
  standing: Standing,
  trial: JudgedTrial,
  /** The question that is furthest from letting the release go on. */
  furthest: Counted | undefined,
): EvidenceFact["left"] {
  const isAgainst = trial.judgement.verdict.kind === "suspicious";
  const counted = isAgainst ? standing.worst : furthest;
  const outlook = counted === undefined ? undefined : outlookOf(standing, counted);
  if (counted === undefined || outlook === undefined) return undefined;
  const perMs = ((trial.run.requestsPerSecond ?? 0) * outlook.share) / 1000;
  if (!isAgainst) return boundLeft(standing, trial, { counted, outlook, perMs });
  const level = evidenceLevel(trial.rules.sequential.alpha) - Math.log(standing.metric.weight);
  const requestCount = requestsUntilRollback(counted.plan, counted.evidence, { outlook, level });
  if (requestCount === undefined) return undefined;
  return { requestCount, etaMs: perMs > 0 ? Math.round(requestCount / perMs) : undefined };
}

/** Halvings of the time that is left: an estimate needs no more. */
const ETA_STEPS = 6;

/** What the bounds still need. They get easier to reach with time, so the end is looked for where both meet. */
function boundLeft(
  standing: Standing,
  trial: JudgedTrial,
  { counted, outlook, perMs }: { readonly counted: Counted; readonly outlook: Outlook; readonly perMs: number },
): EvidenceFact["left"] {
  const { run, rules } = trial;
  const { plan, evidence } = counted;
  const { beta } = rules.sequential;
  const needAfter = (laterMs: number): number | undefined => {
    const later = { ...trial, run: { ...run, lookedMs: run.lookedMs + laterMs } };
    const needs = needsOf(standing, later);
    if (needs === undefined) return undefined;
    const whole = requestsUntilBound(plan, evidence.excess, { outlook, excess: needs.whole, beta });
    if (whole === undefined || needs.since === undefined) return whole;
    const since = requestsUntilBound(plan, evidence.stepExcess, { outlook, excess: needs.since, beta });
    return since === undefined ? undefined : Math.max(whole, since);
  };
  const isEnough = (laterMs: number): boolean => (needAfter(laterMs) ?? Number.POSITIVE_INFINITY) <= perMs * laterMs;
  const now = needAfter(0);
  if (now === 0) return { requestCount: 0, etaMs: 0 };
  let high = Math.max(rules.tickMs, rules.sequential.maxDurationMs - elapsedMs(run));
  if (!isEnough(high)) return now === undefined ? undefined : { requestCount: now, etaMs: undefined };
  let low = 0;
  for (let step = 0; step < ETA_STEPS; step++) {
    const middle = (low + high) / 2;
    if (isEnough(middle)) high = middle;
    else low = middle;
  }
  return { requestCount: Math.ceil(perMs * high), etaMs: Math.round(high) };
}

/** The rates seen so far, and the split of late. */
function outlookOf({ watch }: Standing, { summary }: Counted): Outlook | undefined {
  const { canary, primary } = summary.rates;
  const { recent } = watch ?? { recent: summary.rates };
  if (recent.canary.total <= 0 || recent.primary.total <= 0) return undefined;
  const share = recent.canary.total / (recent.canary.total + recent.primary.total);
  return { share, canaryRate: rateOf(canary), primaryRate: rateOf(primary) };
}
