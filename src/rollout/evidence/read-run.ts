import { isObject } from "#base";
import {
  type Arms,
  type LatencyHistogram,
  readCountEvidence,
  readCountSummary,
  readLatencyEvidence,
  readSampleRatio,
  readSignedRank,
} from "#stats";
import type { MetricHistory, ScalarRule } from "../observation.ts";
import { MAX_COMPARED_COUNT } from "../sequential-settings.ts";
import { fieldsOf, listOf, readCount, readFinite, readFlag, type Reader, readText } from "./decode.ts";
import { knownRun, rememberRead } from "./known-runs.ts";
import { countPlan, type EvidenceRules, latencyPlan } from "./metric-plan.ts";
import { isHistogram } from "./sample-faults.ts";
import type {
  ChecksRecord,
  CountsTrial,
  LatencyTrial,
  MetricRun,
  MetricTrial,
  Run,
  ScalarTrial,
  StepState,
  UnknownTrial,
  Watch,
} from "./run.ts";

/** What the status says of an earlier look: a run to go on with, none, or why it cannot be gone on with. */
export type ReadRun =
  | { readonly kind: "run"; readonly run: Run }
  | { readonly kind: "none" }
  | { readonly kind: "other"; readonly reason: string };

/**
 * Reads back what {@link writeRun} wrote. A status may have been written by another version or by a hand: what cannot be read
 * is not guessed at.
 */
export function readRun(
  json: unknown,
  { rules, hash, revision }: { readonly rules: EvidenceRules; readonly hash: string; readonly revision: string },
): ReadRun {
  if (json === undefined || json === null) return { kind: "none" };
  if (isObject(json) && json["revision"] !== revision) return { kind: "none" };
  if (isObject(json) && typeof json["hash"] === "string" && json["hash"] !== hash)
    return { kind: "other", reason: "its settings were changed" };
  const known = isObject(json) ? knownRun(json) : undefined;
  if (known !== undefined) return { kind: "run", run: known };
  const run = runReader(rules)(json);
  const isWeighed = run !== undefined && Math.abs(run.metrics.reduce((sum, { weight }) => sum + weight, 0) - 1) < 1e-6;
  if (run !== undefined && isObject(json) && (isWeighed || run.metrics.length === 0)) {
    rememberRead(json, run);
    return { kind: "run", run };
  }
  return { kind: "other", reason: "status.evidence cannot be read" };
}

function runReader(rules: EvidenceRules): Reader<Run> {
  return fieldsOf<Run>(
    {
      hash: readText,
      revision: readText,
      startedMs: readFinite,
      waitedMs: readCount,
      lookedMs: readFinite,
      untilMs: readFinite,
      warmSinceMs: readFinite,
      scaledMs: readFinite,
      podCount: readCount,
      step: readStep,
      checks: readChecks,
      ratio: readSampleRatio,
      requestsPerSecond: readCount,
      metrics: listOf(metricReader(rules), MAX_COMPARED_COUNT),
    },
    ["untilMs", "warmSinceMs", "scaledMs", "requestsPerSecond"],
  );
}

const readStep = fieldsOf<StepState>({
  weight: readCount,
  iteration: readFinite,
  sinceMs: readFinite,
  weightSinceMs: readFinite,
  ticks: readCount,
});

const readChecks = fieldsOf<ChecksRecord>({ atMs: readFinite, isPassed: readFlag }, ["atMs"]);

const readCommon = fieldsOf<Pick<MetricRun, "name" | "weight" | "missing">>({
  name: readText,
  weight: readCount,
  missing: readCount,
});

function metricReader(rules: EvidenceRules): Reader<MetricRun> {
  return (json) => {
    const common = readCommon(json);
    const trial = readTrial(json, rules);
    return common === undefined || trial === undefined ? undefined : { ...common, ...trial };
  };
}

function readTrial(json: unknown, rules: EvidenceRules): MetricTrial | undefined {
  if (!isObject(json)) return undefined;
  switch (json["kind"]) {
    case "unknown":
      return readUnknown(json);
    case "counts":
      return readCounts(json, rules);
    case "latency":
      return readLatency(json, rules);
    case "scalar":
      return readScalar(json);
    default:
      return undefined;
  }
}

const readDispersion: Reader<number> = (value) => {
  const dispersion = readFinite(value);
  return dispersion !== undefined && dispersion >= 1 ? dispersion : undefined;
};

const readArm = fieldsOf<Arms["canary"]>({ total: readCount, bad: readCount });
const readArms: Reader<Arms> = (value) => {
  const arms = fieldsOf<Arms>({ canary: readArm, primary: readArm })(value);
  const isSound = arms !== undefined && [arms.canary, arms.primary].every(({ total, bad }) => bad <= total);
  return isSound ? arms : undefined;
};
const readWatch = fieldsOf<Watch>({ settled: readArms, recent: readArms });

function readCounts(json: Record<string, unknown>, rules: EvidenceRules): CountsTrial | undefined {
  const dispersion = readDispersion(json["dispersion"]);
  if (dispersion === undefined) return undefined;
  const plan = countPlan(rules, dispersion);
  return fieldsOf<CountsTrial>(
    {
      kind: (): "counts" => "counts",
      dispersion: readDispersion,
      pastRate: readCount,
      evidence: (value) => readCountEvidence(plan, value),
      summary: (value) => readCountSummary(plan, value),
      watch: readWatch,
    },
    ["pastRate"],
  )(json);
}

const MAX_NUMBER_COUNT = 64;
const readHistogram: Reader<LatencyHistogram> = (value) => {
  const numbers = listOf(readCount, MAX_NUMBER_COUNT);
  const found = fieldsOf<LatencyHistogram>({ boundsMs: numbers, above: numbers, total: readCount })(value);
  return found !== undefined && isHistogram(found) ? found : undefined;
};

const readUnknown = fieldsOf<UnknownTrial>(
  {
    kind: (): "unknown" => "unknown",
    past: fieldsOf<MetricHistory>(
      {
        name: readText,
        dispersions: listOf(readDispersion, MAX_NUMBER_COUNT),
        histogram: readHistogram,
        counts: readArm,
        blockTicks: readCount,
      },
      ["dispersions", "histogram", "counts", "blockTicks"],
    ),
    loadRatio: readCount,
  },
  ["past"],
);

const readPlanned = fieldsOf<Pick<LatencyTrial, "past" | "isPlanned" | "dispersions">>({
  past: readHistogram,
  isPlanned: readFlag,
  dispersions: listOf(readDispersion, MAX_NUMBER_COUNT),
});

function readLatency(json: Record<string, unknown>, rules: EvidenceRules): LatencyTrial | undefined {
  const planned = readPlanned(json);
  if (planned === undefined || (planned.isPlanned && planned.past.total <= 0)) return undefined;
  const plan = latencyPlan(rules, planned);
  const rest = fieldsOf<Pick<LatencyTrial, "evidence" | "summaries" | "watch">>({
    evidence: (value) => readLatencyEvidence(plan, value),
    summaries: (value) => {
      let index = 0;
      return listOf((item) => {
        const bound = plan[index++];
        return bound === undefined ? undefined : readCountSummary(bound.count, item);
      }, plan.length)(value);
    },
    watch: readWatch,
  })(json);
  return rest === undefined || rest.summaries.length !== plan.length
    ? undefined
    : { kind: "latency", ...planned, ...rest };
}

const readRule: Reader<ScalarRule> = (value) => {
  if (!isObject(value)) return undefined;
  const { worse, scale } = value;
  const margin = readFinite(value["margin"]);
  if (worse !== "higher" && worse !== "lower") return undefined;
  return margin === undefined || (scale !== "ratio" && scale !== "difference") ? undefined : { worse, scale, margin };
};

const readScalar = fieldsOf<ScalarTrial>({
  kind: (): "scalar" => "scalar",
  rule: readRule,
  blockTicks: readCount,
  block: fieldsOf<ScalarTrial["block"]>({ ticks: readCount, sum: readFinite }),
  ranks: readSignedRank,
  blockCount: readCount,
  worseCount: readCount,
});
