import type { Judge, Verdict } from "../peers/index.ts";
import { ServiceTraffic, type TrafficPlan } from "../traffic/index.ts";

/** What came of one release that one judge looked at. */
export interface Trial {
  readonly verdict: Verdict;
  /** From the first request to the canary until the verdict, or until the horizon. */
  readonly endedMs: number;
  /** Requests that were bad because of the new version, until the verdict. Source: statistics reference 5.1. */
  readonly badRequests: number;
  /** The same in the whole hour: after a promotion every request goes to the new version. */
  readonly hourBadRequests: number;
  readonly canaryRequests: number;
  /** The canary's largest share of the traffic before the verdict. */
  readonly maxWeightPercent: number;
}

export interface TrialOptions {
  readonly plan: TrafficPlan;
  readonly seed: number;
  readonly stepMs: number;
  readonly horizonMs: number;
}

/** Source: statistics reference 5.1. */
export const TRIAL_STEP_MS = 10_000;
/** Source: statistics reference 5.1. */
export const TRIAL_HORIZON_MS = 3_600_000;

/** Sends traffic to a release until its judge has a verdict. The same options give the same trial, on any machine. */
export function runTrial(judge: Judge, { plan, seed, stepMs, horizonMs }: TrialOptions): Trial {
  const traffic = new ServiceTraffic(plan, seed, stepMs);
  let now = judge;
  let endMs = 0;
  let badRequests = 0;
  let canaryRequests = 0;
  let maxWeightPercent = 0;
  while (now.verdict === "running" && endMs < horizonMs) {
    endMs += stepMs;
    const step = traffic.step(endMs, now.weightPercent);
    maxWeightPercent = Math.max(maxWeightPercent, now.weightPercent);
    canaryRequests += step.canary.total;
    badRequests += step.canary.total * traffic.harmShare(endMs);
    now = now.after(step, endMs);
  }
  const endedMs = endMs;
  let hourBadRequests = badRequests;
  if (now.verdict === "promoted")
    for (endMs += stepMs; endMs <= horizonMs; endMs += stepMs)
      hourBadRequests += traffic.meanRequests(endMs) * traffic.harmShare(endMs);
  return { verdict: now.verdict, endedMs, badRequests, hourBadRequests, canaryRequests, maxWeightPercent };
}
