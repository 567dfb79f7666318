import type { Canary, CanaryAnalysis, CanaryMetric, CanaryWebhook, CanaryWebhookType } from "#api";
import { err, isObject, ok, type Problem, parseDuration, type Result } from "#base";
import { unsupportedFields } from "./unsupported.ts";
import type { WeightSteps } from "./weights.ts";

/** What a Canary asks for, with every default filled in and every value checked. */
export interface RolloutSettings {
  readonly intervalMs: number;
  /** Failed checks that end a run. */
  readonly threshold: number;
  readonly steps: WeightSteps;
  /** Weight from which a passed analysis leads to promotion. */
  readonly maxWeight: number;
  /** Step of the way back to the primary after promotion; 0 goes back at once. */
  readonly promotionStep: number;
  readonly primaryReadyPercent: number;
  readonly canaryReadyPercent: number;
  readonly progressDeadlineMs: number;
  readonly skipsAnalysis: boolean;
  readonly metrics: readonly CanaryMetric[];
  readonly webhooks: readonly CanaryWebhook[];
}

/** Limits that the operator's flags set. */
export interface SettingsLimits {
  /** Shorter analysis intervals are raised to it. Source: flagger-spec 1.3, 10 s. */
  readonly minIntervalMs: number;
}

const DEFAULT_INTERVAL_MS = 60_000;
const DEFAULT_PROGRESS_DEADLINE_SECONDS = 600;
/** More would not fit in the time between two ticks anyway, and every one costs a request. */
const MAX_LIST_COUNT = 100;

/**
 * Reads a Canary's spec into settings, or into every problem that it has.
 *
 * Source: flagger-spec 1.1 to 1.4. Flagger's schema lets fractions, wrong orders and unusable combinations through and
 * its controller then stalls; here each is a problem with its path and its fix.
 */
export function readSettings(canary: Canary, limits: SettingsLimits): Result<RolloutSettings, readonly Problem[]> {
  const missing = missingParts(canary);
  if (missing.length > 0) return err(missing);
  const { analysis } = canary.spec;
  const problems = [
    ...unsupportedFields(canary),
    ...serviceProblems(canary),
    ...numberProblems(canary),
    ...stepProblems(analysis),
    ...listProblems(analysis),
    ...durationProblems(analysis),
  ];
  if (problems.length > 0) return err(problems);
  const steps = stepsOf(analysis);
  return ok({
    intervalMs: Math.max(limits.minIntervalMs, durationOr(analysis.interval, DEFAULT_INTERVAL_MS)),
    threshold: Math.max(1, analysis.threshold ?? 1),
    steps,
    maxWeight: steps.kind === "list" ? Math.min(100, steps.weights.at(-1) ?? 100) : analysis.maxWeight || 100,
    promotionStep: analysis.stepWeightPromotion ?? 0,
    primaryReadyPercent: analysis.primaryReadyThreshold ?? 100,
    canaryReadyPercent: analysis.canaryReadyThreshold ?? 100,
    progressDeadlineMs: (canary.spec.progressDeadlineSeconds ?? DEFAULT_PROGRESS_DEADLINE_SECONDS) * 1000,
    skipsAnalysis: canary.spec.skipAnalysis === true,
    metrics: analysis.metrics ?? [],
    webhooks: analysis.webhooks ?? [],
  });
}

/** The webhooks of a type, in the order of the spec; no type means `rollout`. */
export function hooksOf(settings: RolloutSettings, type: Exclude<CanaryWebhookType, "">): readonly CanaryWebhook[] {
  return settings.webhooks.filter((hook) => (hook.type || "rollout") === type);
}

/** What must be there before anything else can be read. */
function missingParts(canary: Canary): Problem[] {
  const spec: unknown = canary.spec;
  if (!isObject(spec)) return [missing("spec", "name a target, a service and an analysis")];
  const problems: Problem[] = [];
  const target = spec.targetRef;
  if (!isObject(target) || typeof target.name !== "string" || target.name === "")
    problems.push(missing("spec.targetRef.name", "name the Deployment to release"));
  if (!isObject(spec.service)) problems.push(missing("spec.service", "state at least the port that the app serves on"));
  if (!isObject(spec.analysis)) problems.push(missing("spec.analysis", "state interval, threshold and stepWeight"));
  return problems;
}

function serviceProblems(canary: Canary): Problem[] {
  const service = canary.spec.service;
  const problems: Problem[] = [];
  const port: unknown = service?.port;
  if (!Number.isInteger(port) || Number(port) < 1 || Number(port) > 65_535)
    problems.push(problem("spec.service.port", `must be a port, received ${JSON.stringify(port)}`));
  const hasHosts = (service?.hosts?.length ?? 0) > 0 || (service?.gateways?.length ?? 0) > 0;
  if (service?.delegation === true && hasHosts)
    problems.push(
      problem(
        "spec.service.delegation",
        "a delegate VirtualService cannot have hosts and gateways when delegation is enabled",
        "remove hosts and gateways, or delegation",
      ),
    );
  return problems;
}

function numberProblems({ spec }: Canary): Problem[] {
  const { analysis } = spec;
  const whole: readonly [string, unknown, number, number][] = [
    ["spec.progressDeadlineSeconds", spec.progressDeadlineSeconds, 1, 2 ** 31],
    ["spec.analysis.threshold", analysis.threshold, -(2 ** 31), 2 ** 31],
    ["spec.analysis.maxWeight", analysis.maxWeight, 0, 100],
    ["spec.analysis.stepWeight", analysis.stepWeight, 0, 100],
    ["spec.analysis.stepWeightPromotion", analysis.stepWeightPromotion, 0, 100],
    ["spec.analysis.primaryReadyThreshold", analysis.primaryReadyThreshold, 0, 100],
    ["spec.analysis.canaryReadyThreshold", analysis.canaryReadyThreshold, 0, 100],
  ];
  return whole.flatMap(([path, value, min, max]) => {
    if (value === undefined || (Number.isInteger(value) && Number(value) >= min && Number(value) <= max)) return [];
    const range = max === 2 ** 31 ? "a whole number" : `a whole number from ${min} to ${max}`;
    return [problem(path, `must be ${range}, received ${JSON.stringify(value)}`)];
  });
}

function stepProblems(analysis: CanaryAnalysis): Problem[] {
  const { stepWeight, stepWeights } = analysis;
  if (stepWeight !== undefined && stepWeight > 0) return [];
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
      return [problem(path, `must be above the step before it (${before}), received ${weight}`)];
    return [];
  });
}

function listProblems(analysis: CanaryAnalysis): Problem[] {
  const problems: Problem[] = [];
  for (const field of ["metrics", "webhooks", "stepWeights"] as const) {
    const list: unknown = analysis[field];
    if (list === undefined || (Array.isArray(list) && list.length <= MAX_LIST_COUNT)) continue;
    problems.push(problem(`spec.analysis.${field}`, `must be a list of at most ${MAX_LIST_COUNT}`));
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
    return [problem(path, `must be a duration such as 30s or 1m, received ${JSON.stringify(text)}`)];
  });
}

function stepsOf(analysis: CanaryAnalysis): WeightSteps {
  if ((analysis.stepWeight ?? 0) > 0) return { kind: "linear", step: analysis.stepWeight ?? 0 };
  return { kind: "list", weights: (analysis.stepWeights ?? []).map((weight) => Math.min(100, weight)) };
}

function durationOr(text: string | undefined, defaultMs: number): number {
  const parsed = parseDuration(text ?? "");
  return parsed.ok ? parsed.value : defaultMs;
}

function missing(path: string, fix: string, message = "is missing"): Problem {
  return { path, code: "required", message, fix };
}

function problem(path: string, message: string, fix?: string): Problem {
  const code = "invalid-value";
  return fix === undefined ? { path, code, message } : { path, code, message, fix };
}
