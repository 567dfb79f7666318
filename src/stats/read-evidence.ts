import type { CountEvidence, CountPlan } from "./count-evidence.ts";
import type { CountSummary } from "./count-summary.ts";
import { readCount, readFields, readFinite, readList, readNumbers } from "./decode.ts";
import type { LatencyEvidence } from "./latency-evidence.ts";
import type { LatencyBoundPlan } from "./latency-plan.ts";
import type { LinearEvidence } from "./linear-evidence.ts";
import type { RateSums } from "./rate-estimate.ts";
import type { SampleRatioState } from "./sample-ratio.ts";
import type { MixtureState } from "./start-mixture.ts";

/**
 * Evidence that was written down, read again. Who wrote it may have been another version, or a hand: what does not fit the plan is
 * undefined, and the metric starts anew. That loses evidence, and never makes any up.
 */
export function readCountEvidence(plan: CountPlan, json: unknown): CountEvidence | undefined {
  const readBound = (value: unknown) => readLinear(value, plan.fractions.length);
  return readFields<CountEvidence>(json, {
    worse: (value) => readMixture(value, plan.multiples.length),
    excess: readBound,
    stepExcess: readBound,
  });
}

/** See {@link readCountEvidence}. */
export function readLatencyEvidence(plan: readonly LatencyBoundPlan[], json: unknown): LatencyEvidence | undefined {
  if (!Array.isArray(json) || json.length !== plan.length) return undefined;
  let index = 0;
  return readList(json, (item) => {
    const bound = plan[index++];
    return bound === undefined ? undefined : readCountEvidence(bound.count, item);
  });
}

/** See {@link readCountEvidence}. */
export function readCountSummary(plan: CountPlan, json: unknown): CountSummary | undefined {
  return readFields<CountSummary>(json, {
    rates: readRates,
    difference: (value) =>
      readFields<CountSummary["difference"]>(value, {
        above: (side) => readLinear(side, plan.multiples.length),
        below: (side) => readLinear(side, plan.fractions.length),
      }),
  });
}

/** See {@link readCountEvidence}. */
export function readSampleRatio(json: unknown): SampleRatioState | undefined {
  return readFields<SampleRatioState>(json, { closed: readFinite, canary: readCount, primary: readCount });
}

function readMixture(json: unknown, width: number): MixtureState | undefined {
  return readFields<MixtureState>(json, { ticks: readCount, logs: (value) => readNumbers(value, width) });
}

function readLinear(json: unknown, width: number): LinearEvidence | undefined {
  const readSide = (value: unknown) => readNumbers(value, width);
  return readFields<LinearEvidence>(json, { bases: readSide, slopes: readSide });
}

function readRates(json: unknown): RateSums | undefined {
  const readArm = (value: unknown) => readFields<RateSums["canary"]>(value, { total: readCount, bad: readCount });
  return readFields<RateSums>(json, {
    canary: readArm,
    primary: readArm,
    canaryCross: readCount,
    primaryCross: readCount,
    weight: readCount,
  });
}
