import { type ConfigMap, type KubeObject, type Resource, resources } from "#api";
import { readLease } from "../scalers/index.ts";
import { floorConfigHolder, planFloorConfigRelease } from "./floor-trigger.ts";
import { type FloorPlan, planRelease } from "./plan-floor.ts";
import { releasedAnnotations, restHolders } from "./rest-mark.ts";

/** What was written on objects of others for a Canary, and is taken back when it has no use any more. Plans, and never writes. */

const kinds: readonly Resource[] = [resources.horizontalPodAutoscalers, resources.scaledObjects, resources.configMaps];

/** The kind of an object that can bear a mark of ours; undefined for any other. */
export function markedResource({ kind }: KubeObject): Resource | undefined {
  return kinds.find((resource) => resource.kind === kind);
}

/** UIDs of the Canaries that have written on an object. */
export function holdersOf(object: KubeObject): readonly string[] {
  const floor = floorHolder(object);
  return [...new Set([...(floor === undefined ? [] : [floor]), ...restHolders(object)])];
}

function floorHolder(object: KubeObject): string | undefined {
  if (object.kind === "ConfigMap") return floorConfigHolder(object);
  const reading = readLease(object);
  return reading.kind === "held" ? reading.lease.canary : undefined;
}

/** How a Canary stands to an object that it has written on. */
export type Holding = "uses" | "other" | "gone";

/**
 * Takes back a floor of a Canary that is gone or names another autoscaler now, and the rest of a target whose Canary is
 * gone: what stays of either would hold pods that nobody asked for, or keep them away for ever.
 */
export function planSweep(object: KubeObject, holdingOf: (canaryUid: string) => Holding): FloorPlan {
  const floor = floorHolder(object);
  const returned = floor === undefined || holdingOf(floor) === "uses" ? undefined : returnedFloor(object, floor);
  const released = releasedAnnotations(object, (uid) => holdingOf(uid) === "gone");
  if (returned === undefined && Object.keys(released).length === 0) return { kind: "none" };
  const { metadata, ...others } = (returned ?? {}) as { readonly metadata?: { readonly annotations?: object } };
  const { uid, resourceVersion } = object.metadata;
  const annotations = { ...metadata?.annotations, ...released };
  return { kind: "patch", body: { ...others, metadata: { uid, resourceVersion, annotations } } };
}

function returnedFloor(object: KubeObject, holder: string): object | undefined {
  // The kind says what it is.
  const plan = object.kind === "ConfigMap" ? planFloorConfigRelease(object as ConfigMap) : planRelease(object, holder);
  return plan.kind === "patch" ? plan.body : undefined;
}
