import type { Canary, CanaryAnalysis, CanaryMetric, CanaryWebhook, CanaryWebhookType } from "#api";
import { err, isObject, ok, type Problem, parseDuration, type Result } from "#base";
import { type CapacitySettings, readCapacity } from "./capacity-settings.ts";
import { evidenceTickMs, readSequential, sequentialNotices, type SequentialSettings } from "./sequential-settings.ts";
import { specProblems, missingParts } from "./spec-problems.ts";
import { noticesOf, type Strategy, strategyOf } from "./strategy.ts";

/** What a Canary asks for, with every default filled in and every value checked. */
export interface RolloutSettings {
  readonly intervalMs: number;
  /** Time between two looks while a canary is on trial: the interval, or less when evidence is collected. */
  readonly tickMs: number;
  /** How the copies are compared; undefined when failed checks are counted. */
  readonly sequential: SequentialSettings | undefined;
  /** Failed checks that end a run. */
  readonly threshold: number;
  readonly strategy: Strategy;
  /** What shifts traffic: the Canary's own, else the operator's. */
  readonly provider: string;
  /** Whether anything can shift traffic; with the provider `kubernetes` the Service always leads to the primary. */
  readonly hasRoutes: boolean;
  /** Step of the way back to the primary after promotion; 0 goes back at once. */
  readonly promotionStep: number;
  /** Names of the cookies that keep a client with its copy; undefined when it may change. */
  readonly affinity: { readonly cookieName: string; readonly primaryCookieName?: string } | undefined;
  readonly primaryReadyPercent: number;
  readonly canaryReadyPercent: number;
  readonly progressDeadlineMs: number;
  readonly capacity: CapacitySettings;
  readonly skipsAnalysis: boolean;
  readonly metrics: readonly CanaryMetric[];
  readonly webhooks: readonly CanaryWebhook[];
  /** What the spec asks for and cannot have, and what is done instead; told at the start of each run. */
  readonly notices: readonly string[];
}

/** Limits that the operator's flags set. */
export interface SettingsLimits {
  /** Shorter analysis intervals are raised to it. Source: flagger-spec 1.3, 10 s. */
  readonly minIntervalMs: number;
  /** `-mesh-provider`, for Canaries that name none; absent means istio. */
  readonly defaultProvider?: string;
  /** `-no-cross-namespace-refs`. */
  readonly forbidsForeignNamespaces?: boolean;
}

export type ReadSettings = Result<RolloutSettings, readonly Problem[]>;

const DEFAULT_INTERVAL_MS = 60_000;
const DEFAULT_PROGRESS_DEADLINE_SECONDS = 600;

/** What specs were read as, by the object: a spec is never changed in place. */
const known = new WeakMap<object, ReadOnce>();

interface ReadOnce {
  readonly namespace: string | undefined;
  readonly limits: SettingsLimits;
  readonly settings: ReadSettings;
}

/**
 * Reads a Canary's spec into settings, or into every problem that it has; once for as long as the spec is the same object, as a
 * release is looked at again and again.
 *
 * Source: flagger-spec 1.1 to 1.4. Flagger's schema lets fractions, wrong orders and unusable combinations through and
 * its controller then stalls; here each is a problem with its path and its fix.
 */
export function readSettings(canary: Canary, limits: SettingsLimits): ReadSettings {
  const spec: unknown = canary.spec;
  if (!isObject(spec)) return settingsOf(canary, limits);
  const { namespace } = canary.metadata;
  const found = known.get(spec);
  if (found !== undefined && found.namespace === namespace && areSame(found.limits, limits)) return found.settings;
  const settings = settingsOf(canary, limits);
  known.set(spec, { namespace, limits, settings });
  return settings;
}

function areSame(a: SettingsLimits, b: SettingsLimits): boolean {
  return (
    a.minIntervalMs === b.minIntervalMs &&
    a.defaultProvider === b.defaultProvider &&
    a.forbidsForeignNamespaces === b.forbidsForeignNamespaces
  );
}

function settingsOf(canary: Canary, limits: SettingsLimits): ReadSettings {
  const missing = missingParts(canary);
  if (missing.length > 0) return err(missing);
  const { analysis } = canary.spec;
  const provider = canary.spec.provider || limits.defaultProvider || "istio";
  const problems = specProblems(canary, { provider, ...limits });
  if (problems.length > 0) return err(problems);
  const progressDeadlineMs = (canary.spec.progressDeadlineSeconds ?? DEFAULT_PROGRESS_DEADLINE_SECONDS) * 1000;
  const intervalMs = Math.max(limits.minIntervalMs, durationOr(analysis.interval, DEFAULT_INTERVAL_MS));
  const sequential = readSequential(canary, provider);
  return ok({
    intervalMs,
    tickMs: sequential === undefined ? intervalMs : evidenceTickMs(intervalMs),
    sequential,
    threshold: Math.max(1, analysis.threshold ?? 1),
    strategy: strategyOf(analysis, provider),
    provider,
    hasRoutes: provider !== "kubernetes",
    promotionStep: analysis.stepWeightPromotion ?? 0,
    affinity: affinityOf(analysis),
    primaryReadyPercent: analysis.primaryReadyThreshold ?? 100,
    canaryReadyPercent: analysis.canaryReadyThreshold ?? 100,
    progressDeadlineMs,
    capacity: readCapacity(canary, progressDeadlineMs),
    skipsAnalysis: canary.spec.skipAnalysis === true,
    metrics: analysis.metrics ?? [],
    webhooks: analysis.webhooks ?? [],
    notices: [...noticesOf(analysis, provider), ...sequentialNotices(analysis, provider)],
  });
}

/** The webhooks of a type, in the order of the spec; no type means `rollout`. */
export function hooksOf(settings: RolloutSettings, type: Exclude<CanaryWebhookType, "">): readonly CanaryWebhook[] {
  return settings.webhooks.filter((hook) => (hook.type || "rollout") === type);
}

function affinityOf({ sessionAffinity }: CanaryAnalysis): RolloutSettings["affinity"] {
  if (sessionAffinity === undefined) return undefined;
  const { cookieName, primaryCookieName } = sessionAffinity;
  return { cookieName, ...(primaryCookieName ? { primaryCookieName } : {}) };
}

function durationOr(text: string | undefined, defaultMs: number): number {
  const parsed = parseDuration(text ?? "");
  return parsed.ok ? parsed.value : defaultMs;
}
