import type { Canary, KubeObject, OwnerReference } from "#api";
import { deepEqual, isObject } from "#base";
import { primaryScalerName } from "./hpa.ts";

/** A KEDA ScaledObject, as far as a twin of it needs. Source: KEDA, `keda.sh/v1alpha1`. */
export interface ScaledObject extends KubeObject {
  readonly spec: {
    readonly scaleTargetRef?: Readonly<Record<string, unknown>>;
    readonly minReplicaCount?: number;
    readonly maxReplicaCount?: number;
    readonly advanced?: Readonly<Record<string, unknown>>;
    readonly triggers?: readonly Trigger[];
    readonly [field: string]: unknown;
  };
}

interface Trigger {
  readonly name?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

export interface ScaledObjectPlan {
  readonly canary: Canary;
  /** The user's, of the target. */
  readonly source: ScaledObject;
  /** Name of the target. */
  readonly target: string;
  /** Name of the primary. */
  readonly primary: string;
  readonly owner: OwnerReference;
}

/** Holds the number of pods that KEDA keeps while it is paused. Source: KEDA, pausing autoscaling. */
const PAUSED = "autoscaling.keda.sh/paused-replicas";
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * The twin as it is first created. A pause of the source is not the twin's: made while the target rests, it would hold the
 * primary at zero. Source: flagger-spec 3.8; difference: 10.4.28.
 */
export function newPrimaryScaledObject(plan: ScaledObjectPlan): ScaledObject {
  const { source } = plan;
  const { namespace, name = "", annotations } = source.metadata;
  return {
    apiVersion: source.apiVersion,
    kind: source.kind,
    metadata: {
      name: primaryScalerName(name),
      ...(namespace === undefined ? {} : { namespace }),
      labels: copied(source.metadata.labels),
      annotations: copied(annotations),
      ownerReferences: [plan.owner],
    },
    spec: wantedSpec(plan),
  };
}

/** The live twin brought in step; annotations of others stay, which Flagger wipes. */
export function syncedPrimaryScaledObject(live: ScaledObject, plan: ScaledObjectPlan): ScaledObject | undefined {
  const spec = { ...live.spec, ...wantedSpec(plan) };
  const labels = { ...live.metadata.labels, ...copied(plan.source.metadata.labels) };
  const annotations = { ...live.metadata.annotations, ...copied(plan.source.metadata.annotations) };
  const isSame =
    deepEqual(spec, live.spec) &&
    deepEqual(labels, live.metadata.labels ?? {}) &&
    deepEqual(annotations, live.metadata.annotations ?? {});
  return isSame ? undefined : { ...live, metadata: { ...live.metadata, labels, annotations }, spec };
}

/** Pods that it keeps for a canary that starts: KEDA may rest at 0, a canary may not. */
export function scaledObjectMinCount({ spec }: ScaledObject): number {
  return Math.max(1, spec.minReplicaCount ?? 1);
}

/** Merge patch that pauses at no pods, or lets it scale; a pause of somebody else at another number stays. */
export function pausePatch(source: ScaledObject, isPaused: boolean): object | undefined {
  const now = source.metadata.annotations?.[PAUSED];
  if (isPaused === (now === "0")) return undefined;
  return { metadata: { annotations: { [PAUSED]: isPaused ? "0" : null } } };
}

function wantedSpec(plan: ScaledObjectPlan): ScaledObject["spec"] {
  const { source, canary, primary } = plan;
  const override = canary.spec.autoscalerRef?.primaryScalerReplicas;
  return {
    ...source.spec,
    scaleTargetRef: { ...source.spec.scaleTargetRef, name: primary },
    ...(override?.minReplicas === undefined ? {} : { minReplicaCount: override.minReplicas }),
    ...(override?.maxReplicas === undefined ? {} : { maxReplicaCount: override.maxReplicas }),
    ...(source.spec.advanced === undefined ? {} : { advanced: advancedOf(source.spec.advanced) }),
    triggers: (source.spec.triggers ?? []).map((trigger) => primaryTrigger(trigger, plan)),
  };
}

/** Two ScaledObjects must not drive an HPA of one name. */
function advancedOf(advanced: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const hpa = advanced.horizontalPodAutoscalerConfig;
  if (!isObject(hpa) || typeof hpa.name !== "string") return { ...advanced };
  return { ...advanced, horizontalPodAutoscalerConfig: { ...hpa, name: primaryScalerName(hpa.name) } };
}

/** Its query asks about the primary: by the Canary's own text for it, or by replacing the target's name. */
function primaryTrigger(trigger: Trigger, { canary, target, primary }: ScaledObjectPlan): Trigger {
  const query = trigger.metadata?.query;
  if (query === undefined) return trigger;
  const queries = canary.spec.autoscalerRef?.primaryScalerQueries;
  const own = Object.keys(queries ?? {}).length > 0;
  const named = trigger.name === undefined ? undefined : queries?.[trigger.name];
  const rewritten = own ? (named ?? query) : renamed(query, target, primary);
  return { ...trigger, metadata: { ...trigger.metadata, query: rewritten } };
}

/** Replaces the target's name, and that of its canary copy, where it stands as a word; the primary's own name stays. */
function renamed(query: string, target: string, primary: string): string {
  const name = target.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return query.replaceAll(new RegExp(`(?<!\\w)${name}(?:-canary|-primary)?(?!\\w)`, "g"), primary);
}

function copied(map: Readonly<Record<string, string>> | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(map ?? {}).filter(
      ([key]) => !key.includes("toolkit.fluxcd.io") && key !== PAUSED && key !== LAST_APPLIED,
    ),
  );
}
