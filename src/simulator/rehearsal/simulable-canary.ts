import type { Canary, CanaryMetric } from "#api";
import { err, ok, type Problem, type Result } from "#base";
import { REQUEST_DURATION, type RolloutSettings, readSettings, SUCCESS_RATE } from "#rollout";

/** A Canary of which everything that is left can be simulated, and what was left out. */
export interface SimulableCanary {
  readonly canary: Canary;
  readonly settings: RolloutSettings;
  /** One sentence for each thing of the Canary that the simulation does without. */
  readonly notes: readonly string[];
}

const LIMITS = { minIntervalMs: 1000 } as const;

/**
 * Takes from a Canary what a simulation of its verdicts can show: weights, built-in metrics, thresholds, the sequential analysis.
 *
 * Hooks count as passed, metrics of one's own are left out, and pods are there when they are needed; each of these is noted.
 * `isKept` says which metrics have values. Problems are those that the operator would find, and a release without weights, whose traffic nobody here could make up.
 */
export function simulableCanary(
  canary: Canary,
  isKept: (metric: CanaryMetric) => boolean = isBuiltIn,
): Result<SimulableCanary, readonly Problem[]> {
  const full = readSettings(canary, LIMITS);
  if (!full.ok) return full;
  if (full.value.strategy.kind !== "weights")
    return err([
      {
        path: "spec.analysis",
        code: "not-simulable",
        message: `the release is ${full.value.strategy.kind}, and its traffic does not come from users by weight`,
        fix: "simulate a release with stepWeight, or with stepWeights",
      },
    ]);
  const metrics = full.value.metrics
    .filter(isKept)
    .map((metric) => (isBuiltIn(metric) ? withoutQuery(metric) : metric));
  if (metrics.length === 0)
    return err([
      {
        path: "spec.analysis.metrics",
        code: "not-simulable",
        message: "has no metric whose values are known here, so nothing would be judged",
        fix: `add ${SUCCESS_RATE} or ${REQUEST_DURATION}`,
      },
    ]);
  const stripped = strip(canary, metrics);
  const settings = readSettings(stripped, LIMITS);
  if (!settings.ok) return settings;
  return ok({ canary: stripped, settings: settings.value, notes: notesOf(canary, full.value, isKept) });
}

function strip(canary: Canary, metrics: readonly CanaryMetric[]): Canary {
  const {
    webhooks: _hooks,
    alerts: _alerts,
    mirror: _mirror,
    sessionAffinity: _affinity,
    ...analysis
  } = canary.spec.analysis;
  const { autoscalerRef: _scaler, suspend: _suspend, ...spec } = canary.spec;
  const { name = "canary", namespace = "default" } = canary.metadata;
  return {
    apiVersion: canary.apiVersion,
    kind: canary.kind,
    metadata: { name, namespace, uid: "simulated" },
    spec: { ...spec, analysis: { ...analysis, metrics } },
  };
}

function isBuiltIn({ name }: CanaryMetric): boolean {
  return name === SUCCESS_RATE || name === REQUEST_DURATION;
}

function withoutQuery({ query: _query, templateRef: _template, ...metric }: CanaryMetric): CanaryMetric {
  return metric;
}

function notesOf(
  { spec }: Canary,
  { metrics, webhooks }: RolloutSettings,
  isKept: (metric: CanaryMetric) => boolean,
): string[] {
  const notes: string[] = [];
  const own = metrics.filter((metric) => !isKept(metric)).map(({ name }) => name);
  if (own.length > 0) notes.push(`left out, as nothing is known of their values: ${own.join(", ")}`);
  if (webhooks.length > 0) notes.push(`${webhooks.length} webhooks count as passed`);
  if (spec.analysis.mirror === true) notes.push("mirrored requests are left out");
  if (spec.analysis.sessionAffinity !== undefined)
    notes.push("session affinity is left out: each request is drawn anew");
  if (spec.suspend === true) notes.push("spec.suspend is taken as false");
  if (spec.skipAnalysis === true) notes.push("spec.skipAnalysis promotes every release without a look");
  return notes;
}
