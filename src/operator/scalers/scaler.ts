import {
  type Canary,
  type HorizontalPodAutoscaler,
  type KubeObject,
  type OwnerReference,
  type Resource,
  resources,
} from "#api";
import { newPrimaryScaler, primaryScalerName, syncedPrimaryScaler } from "./hpa.ts";
import {
  newPrimaryScaledObject,
  pausePatch,
  type ScaledObject,
  scaledObjectMinCount,
  syncedPrimaryScaledObject,
} from "./scaled-object.ts";

/** The autoscaler of a Canary's target and its twin for the primary, whatever their kind. Plans, and never writes. */
export interface Scaler {
  readonly resource: Resource;
  readonly source: KubeObject | undefined;
  readonly primary: KubeObject | undefined;
  /** Pods that it keeps at least; undefined without it. */
  readonly minCount: number | undefined;
  /** The twin as it is first created. */
  newPrimary(): KubeObject | undefined;
  /** The live twin brought in step with the source; undefined when it is. */
  syncedPrimary(): KubeObject | undefined;
  /** Merge patch of the source after which it lets a target without pods be (or scales it); undefined when it does. */
  hold(isHeld: boolean): object | undefined;
}

/** Reads the autoscaler that a Canary names; undefined when it names none, or a kind that is not kept in step. */
export function readScaler(
  of: { readonly canary: Canary; readonly primary: string; readonly owner: OwnerReference },
  get: <T extends KubeObject>(resource: Resource, name: string) => T | undefined,
): Scaler | undefined {
  const resource = scalerResource(of.canary);
  const name = of.canary.spec?.autoscalerRef?.name;
  if (resource === undefined || name === undefined) return undefined;
  const both = <T extends KubeObject>(): { source: T | undefined; primary: T | undefined } => ({
    source: get<T>(resource, name),
    primary: get<T>(resource, primaryScalerName(name)),
  });
  const about = { canary: of.canary, owner: of.owner, primary: of.primary };
  if (resource === resources.scaledObjects) {
    const { source, primary } = both<ScaledObject>();
    const plan = source === undefined ? undefined : { ...about, source, target: targetNameOf(of.canary) };
    return {
      resource,
      source,
      primary,
      minCount: source === undefined ? undefined : scaledObjectMinCount(source),
      newPrimary: () => (plan === undefined ? undefined : newPrimaryScaledObject(plan)),
      syncedPrimary: () =>
        plan === undefined || primary === undefined ? undefined : syncedPrimaryScaledObject(primary, plan),
      hold: (isHeld) => (source === undefined ? undefined : pausePatch(source, isHeld)),
    };
  }
  const { source, primary } = both<HorizontalPodAutoscaler>();
  const plan = source === undefined ? undefined : { ...about, source };
  return {
    resource,
    source,
    primary,
    minCount: source === undefined ? undefined : (source.spec.minReplicas ?? 1),
    newPrimary: () => (plan === undefined ? undefined : newPrimaryScaler(plan)),
    syncedPrimary: () => (plan === undefined || primary === undefined ? undefined : syncedPrimaryScaler(primary, plan)),
    // Kubernetes itself leaves a target without pods alone.
    hold: () => undefined,
  };
}

/** The kind that a Canary's autoscaler is of; undefined without one, and for a kind that is not kept in step. */
export function scalerResource(canary: Canary): Resource | undefined {
  const kind = canary.spec?.autoscalerRef?.kind;
  if (kind === "HorizontalPodAutoscaler") return resources.horizontalPodAutoscalers;
  return kind === "ScaledObject" ? resources.scaledObjects : undefined;
}

function targetNameOf(canary: Canary): string {
  return canary.spec.targetRef.name;
}
