import type { ConfigMap, KubeObject } from "#api";
import { isObject } from "#base";
import { FLOOR_ANNOTATION } from "../scalers/index.ts";

/**
 * Floors by a trigger: a ScaledObject that reads a number of a ConfigMap is floored by writing that number, and is itself left
 * alone, which Git may own. Plans, and never writes. Source: keda-hpa-spec 15.10, 20.B.13, 20.B.20, 22 option 2.
 */

export type CopyName = "primary" | "canary";

/** Name of the ConfigMap that holds the floors of a Canary's copies, under the keys `primary` and `canary`. */
export function floorConfigName(canary: string): string {
  return `${canary}-floor`;
}

/** 0-based position of the trigger by which a ScaledObject takes the floor of a copy; undefined when it has none. */
export function floorTriggerIndex(
  scaler: KubeObject,
  of: { readonly canary: string; readonly copy: CopyName },
): number | undefined {
  if (scaler.kind !== "ScaledObject") return undefined;
  const triggers: unknown = isObject(scaler.spec) ? scaler.spec.triggers : undefined;
  const index = (Array.isArray(triggers) ? triggers : []).findIndex((trigger: unknown) => {
    const metadata = isObject(trigger) && trigger.type === "kubernetes-resource" ? trigger.metadata : undefined;
    return (
      isObject(metadata) &&
      metadata.resourceKind === "ConfigMap" &&
      metadata.resourceName === floorConfigName(of.canary) &&
      metadata.key === of.copy
    );
  });
  return index < 0 ? undefined : index;
}

/** The floor that a ConfigMap holds a copy at; undefined when it holds none. */
export function configuredFloor(config: ConfigMap | undefined, copy: CopyName): number | undefined {
  const text = config?.data?.[copy];
  return text !== undefined && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}

export type FloorConfigPlan =
  | { readonly kind: "none" }
  | { readonly kind: "create"; readonly object: ConfigMap }
  /** A merge patch, made from one version of one object. */
  | { readonly kind: "patch"; readonly body: object };

export interface FloorConfigWish {
  readonly namespace: string;
  readonly canary: string;
  readonly canaryUid: string;
  readonly copy: CopyName;
  /** Undefined for none. */
  readonly floor: number | undefined;
}

/**
 * Writes the floor of a copy; none is 0. The ConfigMap is never without a number: a trigger that cannot be read keeps the
 * autoscaler from shrinking. For that reason it also is not owned by the Canary, with which it would be deleted.
 */
export function planFloorConfig(live: ConfigMap | undefined, wish: FloorConfigWish): FloorConfigPlan {
  const value = String(wish.floor ?? 0);
  const annotation = JSON.stringify({ canary: wish.canaryUid });
  if (live === undefined)
    return {
      kind: "create",
      object: {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: {
          name: floorConfigName(wish.canary),
          namespace: wish.namespace,
          annotations: { [FLOOR_ANNOTATION]: annotation },
        },
        data: { primary: "0", canary: "0", [wish.copy]: value },
      },
    };
  const { primary = "0", canary = "0" } = live.data ?? {};
  const data = { primary, canary, [wish.copy]: value };
  const isSame = live.data?.primary === data.primary && live.data?.canary === data.canary;
  // Somebody's ConfigMap without a floor in it needs no mark of ours.
  const isMarked = live.metadata.annotations?.[FLOOR_ANNOTATION] === annotation || wish.floor === undefined;
  return isSame && isMarked
    ? { kind: "none" }
    : patchOf(live, isMarked ? {} : { [FLOOR_ANNOTATION]: annotation }, data);
}

/** UID of the Canary that a ConfigMap's floors are of; undefined when none wrote any. */
export function floorConfigHolder(config: KubeObject): string | undefined {
  const text = config.kind === "ConfigMap" ? config.metadata.annotations?.[FLOOR_ANNOTATION] : undefined;
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) && typeof value.canary === "string" ? value.canary : undefined;
  } catch {
    return undefined;
  }
}

/** Ends all floors of a ConfigMap whose Canary is gone. */
export function planFloorConfigRelease(live: ConfigMap): FloorConfigPlan {
  return patchOf(live, { [FLOOR_ANNOTATION]: null }, { primary: "0", canary: "0" });
}

function patchOf(live: ConfigMap, annotations: object, data: object): FloorConfigPlan {
  const { uid, resourceVersion } = live.metadata;
  return { kind: "patch", body: { metadata: { uid, resourceVersion, annotations }, data } };
}
