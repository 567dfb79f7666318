import {
  evidenceLevel,
  evidencePValue,
  explainCounts,
  type Outlook,
  requestsUntilBound,
  requestsUntilRollback,
} from "#stats";
import type { Evidence, EvidenceFact } from "../decision.ts";
import { neededExcess, openExcess } from "./judge-run.ts";
import type { Counted, Standing } from "./standing.ts";
import type { JudgedTrial } from "../trial.ts";
import { rateOf, whatText } from "./words.ts";

/** Where the evidence of a tick stands, as data: what each metric saw, what it proves, and how far it is from a verdict. */
export function evidenceOf(trial: JudgedTrial): Evidence {
  const { judgement, rules } = trial;
  return {
    combined: judgement.combined,
    stopAt: evidenceLevel(rules.sequential.alpha),
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
  const bound = openExcess(standing, trial);
  const goAt = neededExcess(standing, trial);
  const left = leftOf(standing, trial);
  const isProven = bound !== undefined && goAt !== undefined && bound <= goAt;
  return {
    ...common,
    what: whatText(standing, told.boundMs),
    canary,
    primary,
    estimate,
    ...(estimate === undefined ? {} : { interval: difference }),
    bound,
    goAt,
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

/** Requests of the canary that a verdict still needs at the rates seen, and how long they take; undefined when nothing is waited for. */
export function leftOf(standing: Standing, trial: JudgedTrial): EvidenceFact["left"] {
  const { judgement, run, rules } = trial;
  const isAgainst = judgement.verdict.kind === "suspicious";
  const counted = isAgainst ? standing.worst : standing.widest;
  if (counted === undefined) return undefined;
  const outlook = outlookOf(standing, counted);
  if (outlook === undefined) return undefined;
  const { plan, evidence } = counted;
  const goAt = neededExcess(standing, trial);
  const level = evidenceLevel(rules.sequential.alpha) - Math.log(standing.metric.weight);
  const requestCount = isAgainst
    ? requestsUntilRollback(plan, evidence, { outlook, level })
    : goAt === undefined
      ? undefined
      : requestsUntilBound(plan, evidence, { outlook, excess: goAt, beta: rules.sequential.beta });
  if (requestCount === undefined) return undefined;
  const perSecond = (run.requestsPerSecond ?? 0) * outlook.share;
  return { requestCount, etaMs: perSecond > 0 ? Math.round((1000 * requestCount) / perSecond) : undefined };
}

/** The rates seen so far, and the split of late. */
function outlookOf({ watch }: Standing, { summary }: Counted): Outlook | undefined {
  const { canary, primary } = summary.rates;
  const { recent } = watch ?? { recent: summary.rates };
  if (recent.canary.total <= 0 || recent.primary.total <= 0) return undefined;
  const share = recent.canary.total / (recent.canary.total + recent.primary.total);
  return { share, canaryRate: rateOf(canary), primaryRate: rateOf(primary) };
}
