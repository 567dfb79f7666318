import { formatDuration } from "#base";
import {
  type Arms,
  type CountEvidence,
  type CountPlan,
  countsForBound,
  type DetectionQuestion,
  detectableExcess,
  errorPlan,
  type LinearEvidence,
  requestsToDetect,
  startCountEvidence,
  startStep,
  updateCountEvidence,
  upperExcess,
} from "#stats";
import { errorPrice, neededFor } from "./evidence/needs.ts";
import type { RoadAssumptions, RoadLoad } from "./road-load.ts";
import type { RoadWarning } from "./road-checks.ts";
import type { SequentialSettings } from "./sequential-settings.ts";
import type { RolloutSettings } from "./settings.ts";

/** What a sequential analysis can find out with the traffic that there is, and how long a good release takes it. */
export interface Forecast {
  /** When each weight is reached by a release that fails as rarely as the primary; undefined: not within the time that it has. */
  readonly arrivals: readonly { readonly weight: number; readonly atMs: number | undefined }[];
  readonly promotedAtMs: number | undefined;
  /** Whether it is promoted by its evidence and not by the end of its time. */
  readonly isProven: boolean;
  readonly maxDurationMs: number;
  readonly onTimeout: "promote" | "hold" | "rollback";
  /** Excess of errors, 0 to 1, that is ruled out then. */
  readonly ruledOut: number | undefined;
  /** The first weight, in percent, and how long bad releases would live there. */
  readonly firstWeight: number;
  readonly detections: readonly Detection[];
  /** Least excess, 0 to 1, that nine of ten releases are rolled back for on the way; undefined when not even one that answers nothing. */
  readonly smallestFound: number | undefined;
}

export interface Detection {
  /** Errors above the primary's, 0 to 1. */
  readonly excess: number;
  /** Of the canary, on average. */
  readonly requestCount: number;
  readonly afterMs: number | undefined;
}

/** A step takes so many looks at least. Source: statistics reference 2.12. */
const DWELL_TICK_COUNT = 3;
/** Whatever a spec asks for, no forecast takes longer than this to reckon. */
const MAX_TICK_COUNT = 20_000;
const EXCESSES = [0.005, 0.01, 0.05, 0.2] as const;
const POWER = 0.9;

/** Forecasts a release by weights whose copies are compared; of any other nobody knows the share before. */
export function forecastSequential(
  terms: SequentialSettings,
  of: { readonly settings: RolloutSettings; readonly load: RoadLoad; readonly weights: readonly number[] },
  { errorRate }: RoadAssumptions,
): Forecast {
  const { settings, load, weights } = of;
  const rate = load.requestsPerSecond;
  const share = shareOf(weights[0] ?? 0);
  const walk = rate === undefined ? unknownWalk(weights) : walkOf({ terms, settings, weights, rate, errorRate });
  const outlook = { share, primaryRate: errorRate };
  const { maxDurationMs, onTimeout } = terms;
  const question = questionOf(terms);
  const { canaryRequests, meanShare, ...arrived } = walk;
  return {
    ...arrived,
    maxDurationMs,
    onTimeout,
    firstWeight: weights[0] ?? 0,
    detections: EXCESSES.map((excess) => {
      const requestCount = requestsToDetect({ ...outlook, canaryRate: Math.min(1, errorRate + excess) }, question);
      const afterMs = rate === undefined || rate * share <= 0 ? undefined : (requestCount / (rate * share)) * 1000;
      return { excess, requestCount, afterMs };
    }),
    smallestFound:
      canaryRequests === undefined || canaryRequests <= 0
        ? undefined
        : detectableExcess({ ...outlook, share: meanShare }, question, { requests: canaryRequests, power: POWER }),
  };
}

/** A copy without requests, or without any left for the other, is no comparison. */
function shareOf(weight: number): number {
  return Math.min(0.99, Math.max(0.01, weight / 100));
}

interface Walk extends Pick<Forecast, "arrivals" | "promotedAtMs" | "isProven" | "ruledOut"> {
  readonly canaryRequests: number | undefined;
  /** Of the requests since the first weight, 0 to 1. */
  readonly meanShare: number;
}

function unknownWalk(weights: readonly number[]): Walk {
  const arrivals = weights.map((weight) => ({ weight, atMs: undefined }));
  return {
    arrivals,
    promotedAtMs: undefined,
    isProven: false,
    ruledOut: undefined,
    canaryRequests: undefined,
    meanShare: 0,
  };
}

/** Walks the ladder with the counts that a good release has on average. Source: statistics reference 2.12, 2.14. */
function walkOf(of: {
  readonly terms: SequentialSettings;
  readonly settings: RolloutSettings;
  readonly weights: readonly number[];
  readonly rate: number;
  readonly errorRate: number;
}): Walk {
  const { terms, settings, weights, rate, errorRate } = of;
  const tickMs = Math.max(settings.tickMs, terms.maxDurationMs / MAX_TICK_COUNT);
  const plan = planOf(terms, tickMs);
  const reached: number[] = [];
  let evidence = startCountEvidence(plan);
  let canaryRequests = 0;
  let trialTickCount = 0;
  let dwell = 0;
  for (let atMs = settings.intervalMs; atMs <= terms.maxDurationMs; atMs += tickMs) {
    const weight = weights[reached.length - 1];
    if (weight !== undefined) {
      const arms = armsOf({ requests: (rate * tickMs) / 1000, share: weight / 100, errorRate });
      evidence = updateCountEvidence(plan, evidence, tickOf(arms, atMs, terms));
      canaryRequests += arms.canary.total;
      trialTickCount += 1;
      dwell += 1;
    }
    const isDue = weight === undefined || dwell >= DWELL_TICK_COUNT;
    if (!isDue || !isAllowed({ ...of, evidence, atMs, next: weights[reached.length], weight })) continue;
    if (reached.length === weights.length)
      return walked(weights, reached, {
        terms,
        atMs,
        evidence,
        canaryRequests,
        requests: (trialTickCount * rate * tickMs) / 1000,
      });
    reached.push(atMs);
    evidence = startStep(evidence);
    dwell = 0;
  }
  return walked(weights, reached, {
    terms,
    atMs: undefined,
    evidence,
    canaryRequests,
    requests: (trialTickCount * rate * tickMs) / 1000,
  });
}

function walked(
  weights: readonly number[],
  reached: readonly number[],
  at: {
    readonly terms: SequentialSettings;
    readonly atMs: number | undefined;
    readonly evidence: CountEvidence;
    readonly canaryRequests: number;
    readonly requests: number;
  },
): Walk {
  const { terms, atMs, evidence, canaryRequests, requests } = at;
  const lateMs = terms.onTimeout === "promote" ? terms.maxDurationMs : undefined;
  return {
    arrivals: weights.map((weight, index) => ({ weight, atMs: reached[index] })),
    promotedAtMs: atMs ?? lateMs,
    isProven: atMs !== undefined,
    ruledOut: upperExcess(evidence.excess, terms.beta),
    canaryRequests,
    meanShare: requests > 0 ? canaryRequests / requests : 0,
  };
}

/** Whether the next weight, or the promotion after the last, is allowed. */
function isAllowed(at: {
  readonly terms: SequentialSettings;
  readonly rate: number;
  readonly evidence: CountEvidence;
  readonly atMs: number;
  readonly weight: number | undefined;
  readonly next: number | undefined;
}): boolean {
  const { terms, rate, evidence, atMs, weight, next } = at;
  // No data is no evidence. Source: statistics reference 2.14.
  if (rate <= 0) return false;
  if (weight === undefined) return true;
  // All that is left to compare with was compared before.
  if (weight >= 100) return true;
  const needs = neededFor(
    {
      from: weight,
      to: next ?? 100,
      isPromotion: next === undefined,
      elapsedMs: atMs,
      requestsPerSecond: rate,
    },
    errorPrice(terms.finalExcess),
  );
  const isWithin = (bound: LinearEvidence, excess: number): boolean => upperExcess(bound, terms.beta) <= excess;
  return (
    isWithin(evidence.excess, needs.whole) && (needs.since === undefined || isWithin(evidence.stepExcess, needs.since))
  );
}

/** Nothing is known of bursts before the run; they make it longer. */
const DISPERSION = 1;

function questionOf({ tolerated, alpha }: SequentialSettings): DetectionQuestion {
  return { tolerated, alpha, dispersion: DISPERSION };
}

function planOf({ tolerated, maxDurationMs }: SequentialSettings, tickMs: number): CountPlan {
  const plan = errorPlan({ dispersion: DISPERSION, horizonTicks: Math.ceil(maxDurationMs / tickMs) });
  return { ...plan, tolerated, unacceptableRatio: Math.max(plan.unacceptableRatio, tolerated.ratio) };
}

function armsOf(of: { readonly requests: number; readonly share: number; readonly errorRate: number }): Arms {
  const counts = (total: number): Arms["canary"] => ({ total, bad: total * of.errorRate });
  return { canary: counts(of.requests * of.share), primary: counts(of.requests * (1 - of.share)) };
}

function tickOf(arms: Arms, atMs: number, { warmUpMs }: SequentialSettings): Parameters<typeof updateCountEvidence>[2] {
  return { strata: [arms], countsForBound: countsForBound(atMs, warmUpMs) };
}

/** Traffic that is too little for a verdict. */
export function sequentialWarnings(forecast: Forecast, { requestsPerSecond }: RoadLoad): RoadWarning[] {
  if (requestsPerSecond === undefined) return [];
  const { isProven, maxDurationMs, onTimeout, smallestFound } = forecast;
  const within = formatDuration(maxDurationMs);
  const warnings: RoadWarning[] = [];
  if (smallestFound === undefined)
    warnings.push({
      kind: "never-decides",
      metric: "",
      text: `with ${requestsPerSecond} requests/s not even a canary that answers nothing is found within ${within}`,
    });
  if (!isProven)
    warnings.push({
      kind: "never-decides",
      metric: "",
      text: `a good release proves nothing within ${within} (maxDuration); then it is ${endings[onTimeout]} (onTimeout)`,
    });
  return warnings;
}

const endings = { promote: "promoted", hold: "held", rollback: "rolled back" } as const;
