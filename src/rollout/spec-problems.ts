import type { Canary, CanaryAnalysis } from "#api";
import { isObject, type Problem, parseDuration } from "#base";
import { affinityProblems } from "./affinity-problems.ts";
import { capacityProblems } from "./capacity-settings.ts";
import { entryProblems, isHttpUrl } from "./entry-problems.ts";
import { referenceProblems, type SpecContext } from "./reference-problems.ts";
import { sequentialProblems } from "./sequential-settings.ts";
import { serviceProblems } from "./service-problems.ts";

/** More would not fit in the time between two ticks anyway, and every one costs a request. */
const MAX_LIST_COUNT = 100;

/** Everything that is wrong with a spec whose parts are all there; each problem once, with its path. */
export function specProblems(canary: Canary, context: SpecContext): Problem[] {
  const { analysis } = canary.spec;
  return [
    ...referenceProblems(canary, context),
    ...serviceProblems(canary),
    ...numberProblems(canary),
    ...scalerProblems(canary),
    ...capacityProblems(canary),
    ...stepProblems(analysis, context.provider),
    ...listProblems(analysis),
    ...durationProblems(analysis),
    ...entryProblems(analysis),
    ...metricsServerProblems(canary),
    ...affinityProblems(analysis),
    ...sequentialProblems(analysis),
  ];
}

/** What must be there before anything else can be read. */
export function missingParts(canary: Canary): Problem[] {
  const spec: unknown = canary.spec;
  if (!isObject(spec)) return [missing("spec", "name a target, a service and an analysis")];
  const problems: Problem[] = [];
  const target = spec.targetRef;
  if (!isObject(target) || typeof target.name !== "string" || target.name === "")
    problems.push(missing("spec.targetRef.name", "name the workload to release"));
  if (!isObject(spec.service)) problems.push(missing("spec.service", "state at least the port that the app serves on"));
  if (!isObject(spec.analysis))
    problems.push(missing("spec.analysis", "state interval, threshold and stepWeight or iterations"));
  return problems;
}

function numberProblems({ spec }: Canary): Problem[] {
  const { analysis } = spec;
  const whole: readonly [string, unknown, number, number][] = [
    ["spec.progressDeadlineSeconds", spec.progressDeadlineSeconds, 1, 2 ** 31],
    ["spec.analysis.threshold", analysis.threshold, -(2 ** 31), 2 ** 31],
    ["spec.analysis.iterations", analysis.iterations, 0, 2 ** 31],
    ["spec.analysis.mirrorWeight", analysis.mirrorWeight, 0, 100],
    ["spec.analysis.maxWeight", analysis.maxWeight, 0, 100],
    ["spec.analysis.stepWeight", analysis.stepWeight, 0, 100],
    ["spec.analysis.stepWeightPromotion", analysis.stepWeightPromotion, 0, 100],
    ["spec.analysis.primaryReadyThreshold", analysis.primaryReadyThreshold, 0, 100],
    ["spec.analysis.canaryReadyThreshold", analysis.canaryReadyThreshold, 0, 100],
  ];
  return whole.flatMap(([path, value, min, max]) => {
    if (value === undefined || (Number.isInteger(value) && Number(value) >= min && Number(value) <= max)) return [];
    const range =
      max === 2 ** 31
        ? min < 0
          ? "a whole number"
          : `a whole number of at least ${min}`
        : `a whole number from ${min} to ${max}`;
    return [problem(path, `must be ${range}, received ${JSON.stringify(value)}`)];
  });
}

function scalerProblems({ spec }: Canary): Problem[] {
  const { minReplicas, maxReplicas } = spec.autoscalerRef?.primaryScalerReplicas ?? {};
  if (minReplicas === undefined || maxReplicas === undefined || minReplicas <= maxReplicas) return [];
  const message = `minReplicas ${minReplicas} is above maxReplicas ${maxReplicas}`;
  return [problem("spec.autoscalerRef.primaryScalerReplicas", message, "set minReplicas to at most maxReplicas")];
}

function stepProblems(analysis: CanaryAnalysis, provider: string): Problem[] {
  const { iterations, stepWeight, stepWeights } = analysis;
  if (provider === "kubernetes" || (iterations ?? 0) !== 0) return [];
  // One that is no number of a step is told as such.
  if (stepWeight !== undefined && stepWeight !== 0) return [];
  if (!Array.isArray(stepWeights) || stepWeights.length === 0) {
    const fix = "set stepWeight to the share that each step adds, such as 10";
    return [missing("spec.analysis.stepWeight", fix, "no step is given, so the weight would never move")];
  }
  return stepWeights.flatMap((weight: unknown, index: number) => {
    const path = `spec.analysis.stepWeights[${index}]`;
    if (typeof weight !== "number" || !Number.isInteger(weight) || weight < 1)
      return [problem(path, `must be a whole number of at least 1, received ${JSON.stringify(weight)}`)];
    const before: unknown = index === 0 ? 0 : stepWeights[index - 1];
    if (typeof before === "number" && weight <= before)
      return [problem(path, `must be above the step before it (${before}), received ${weight}`, "order the steps")];
    return [];
  });
}

function listProblems(analysis: CanaryAnalysis): Problem[] {
  const problems: Problem[] = [];
  for (const field of ["metrics", "webhooks", "alerts", "match", "stepWeights"] as const) {
    const list: unknown = analysis[field];
    if (list === undefined || (Array.isArray(list) && list.length <= MAX_LIST_COUNT)) continue;
    problems.push(
      problem(`spec.analysis.${field}`, `must be a list of at most ${MAX_LIST_COUNT}`, "remove what is not needed"),
    );
  }
  return problems;
}

function durationProblems(analysis: CanaryAnalysis): Problem[] {
  const fields: [string, string | undefined][] = [["spec.analysis.interval", analysis.interval]];
  const metrics = Array.isArray(analysis.metrics) ? analysis.metrics : [];
  const webhooks = Array.isArray(analysis.webhooks) ? analysis.webhooks : [];
  metrics.forEach((metric, i) => fields.push([`spec.analysis.metrics[${i}].interval`, metric.interval]));
  webhooks.forEach((hook, i) => fields.push([`spec.analysis.webhooks[${i}].timeout`, hook.timeout]));
  return fields.flatMap(([path, text]) => {
    if (text === undefined || text === "") return [];
    const parsed = typeof text === "string" ? parseDuration(text) : undefined;
    if (parsed?.ok === true && parsed.value > 0) return [];
    return [
      problem(path, `must be a duration above zero, received ${JSON.stringify(text)}`, "write one such as 30s or 1m"),
    ];
  });
}

/** Built-in metrics and queries are asked there. The address is not quoted: it may hold a password. */
function metricsServerProblems({ spec }: Canary): Problem[] {
  const { metricsServer } = spec;
  if (metricsServer === undefined || metricsServer === "" || isHttpUrl(metricsServer)) return [];
  return [
    problem(
      "spec.metricsServer",
      "must be an address of http or https",
      "write http://HOST:PORT, or remove it to use the operator's",
    ),
  ];
}

function missing(path: string, fix: string, message = "is missing"): Problem {
  return { path, code: "required", message, fix };
}

function problem(path: string, message: string, fix?: string): Problem {
  const code = "invalid-value";
  return fix === undefined ? { path, code, message } : { path, code, message, fix };
}
