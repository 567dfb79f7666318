import type { KubeObject } from "#api";
import { isObject } from "#base";
import { namesOf } from "#rollout";
import { copiedAnnotations, copiedLabels } from "./copied-metadata.ts";
import { specWithoutFloor } from "./floor-lease.ts";
import { primaryTrigger, type Trigger } from "./triggers.ts";
import { primaryScalerName, type Twin, type TwinPlan, withBounds } from "./twin.ts";

/**
 * Whether KEDA may take all pods away while no trigger is active: at a lower bound of 0, and at any with an idle count.
 * Source: keda-hpa-spec 2, 7 (4c).
 */
export function maySleep(object: KubeObject): boolean {
  const { minReplicaCount = 0, idleReplicaCount } = specWithoutFloor(object);
  return minReplicaCount === 0 || typeof idleReplicaCount === "number";
}

/**
 * The primary's ScaledObject: the same rules, measured on the primary. Whatever fields there are come along.
 *
 * While something is released it does not sleep: a primary without pods is no place to come back to. Source: keda-hpa-spec 20.10.
 */
export function scaledObjectTwin(source: KubeObject, plan: TwinPlan): Twin {
  const { advanced, ...own } = withBounds(source, plan.canary);
  const spec = {
    ...own,
    scaleTargetRef: { ...(isObject(own.scaleTargetRef) ? own.scaleTargetRef : {}), name: plan.primary },
    ...(isObject(advanced) ? { advanced: twinAdvanced(advanced) } : {}),
    triggers: twinTriggers(own.triggers, plan),
  };
  return {
    source,
    owner: plan.owner,
    labels: copiedLabels(source),
    annotations: copiedAnnotations(source, { hasHpaName: hpaNameOf(advanced) !== undefined }),
    spec: plan.isReleasing ? awake(spec) : spec,
  };
}

function awake(spec: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { idleReplicaCount: _, ...others } = spec;
  const { minReplicaCount } = spec;
  return { ...others, minReplicaCount: Math.max(1, typeof minReplicaCount === "number" ? minReplicaCount : 0) };
}

/**
 * Two ScaledObjects must not drive an HPA of one name. And none of ours writes a count of long ago back when it goes: the
 * primary keeps the pods that it has. Source: keda-hpa-spec 12, 20.21.
 */
function twinAdvanced(advanced: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { restoreToOriginalReplicaCount: _, ...others } = advanced;
  const hpa = advanced.horizontalPodAutoscalerConfig;
  const name = hpaNameOf(advanced);
  if (!isObject(hpa) || name === undefined) return others;
  return { ...others, horizontalPodAutoscalerConfig: { ...hpa, name: primaryScalerName(name) } };
}

function hpaNameOf(advanced: unknown): string | undefined {
  const hpa = isObject(advanced) ? advanced.horizontalPodAutoscalerConfig : undefined;
  return isObject(hpa) && typeof hpa.name === "string" && hpa.name !== "" ? hpa.name : undefined;
}

function twinTriggers(triggers: unknown, plan: TwinPlan): unknown {
  if (!Array.isArray(triggers)) return triggers ?? [];
  const { target, primary, canary } = plan;
  const { apexService: service, namespace } = namesOf(canary);
  const queries = canary.spec.autoscalerRef?.primaryScalerQueries ?? {};
  const about = { target, primary, service, namespace, canary: canary.metadata.name ?? "", queries };
  return triggers.map((entry: unknown) => (isTrigger(entry) ? primaryTrigger(entry, about) : entry));
}

function isTrigger(entry: unknown): entry is Trigger {
  return isObject(entry) && typeof entry.type === "string";
}
