import type { HorizontalPodAutoscaler, KubeObject } from "#api";
import { deepEqual } from "#base";
import { podsForLoad } from "../capacity/index.ts";
import { scaledBy } from "../scalers/index.ts";
import { type ChangeHandler, serviceOf } from "../views/index.ts";

/**
 * Names, as `namespace/kind/name`, of what a change of an object is a change of to Canaries; none when it does not matter.
 *
 * An autoscaler writes its status every 15 s, an endpoint controller a slice for every probe that changes: of thousands of
 * steady Canaries each would be looked at for nothing. What a budget or a quota says is read at the next look.
 */
export function wakesOf(object: KubeObject, change: Parameters<ChangeHandler<KubeObject>>[1]): readonly string[] {
  const { namespace = "", name = "" } = object.metadata;
  const id = `${namespace}/${object.kind}/${name}`;
  const old = change.type === "modified" ? change.old : undefined;
  switch (object.kind) {
    case "HorizontalPodAutoscaler":
    case "ScaledObject":
      if (old === undefined || hasOtherWish(object, old))
        return [id, loadId(namespace, name), ...[object, old].flatMap((one) => scaledIds(namespace, one))];
      return hasOtherLoad(object, old) ? [loadId(namespace, name)] : [];
    case "EndpointSlice": {
      const service = serviceOf(object);
      if (service === undefined || (old !== undefined && deepEqual(old.endpoints, object.endpoints))) return [];
      return [`${namespace}/EndpointSlice/${service}`];
    }
    case "PodDisruptionBudget":
    case "ResourceQuota":
      return [];
    default:
      return [id];
  }
}

/** Of who wants to know what an HPA's metrics ask for, which a steady Canary does not. */
export function loadId(namespace: string, hpa: string): string {
  return `${namespace}/load of HorizontalPodAutoscaler/${hpa}`;
}

function scaledIds(namespace: string, scaler: KubeObject | undefined): string[] {
  const scaled = scaler === undefined ? undefined : scaledBy(scaler);
  return scaled === undefined ? [] : [`${namespace}/${scaledId(scaled)}`];
}

/** Of who depends on what scales a workload. */
export function scaledId({ kind, name }: { readonly kind: string; readonly name: string }): string {
  return `scaled ${kind}/${name}`;
}

/** Whether anything but the figures of the status changed. */
function hasOtherWish(object: KubeObject, old: KubeObject): boolean {
  const wish = ({
    metadata: { labels, annotations, deletionTimestamp, ownerReferences },
    spec,
    status,
  }: KubeObject) => {
    const { conditions = [] } = (status ?? {}) as { conditions?: readonly { type?: string; status?: string }[] };
    return { labels, annotations, deletionTimestamp, ownerReferences, spec, told: conditions.map(conditionText) };
  };
  return !deepEqual(wish(object), wish(old));
}

function conditionText({ type, status }: { readonly type?: string; readonly status?: string }): string {
  return `${type} ${status}`;
}

/** Whether its metrics ask for another number of whole pods. */
function hasOtherLoad(object: KubeObject, old: KubeObject): boolean {
  if (object.kind !== "HorizontalPodAutoscaler") return false;
  const pods = (hpa: KubeObject): number => Math.ceil(podsForLoad(hpa as HorizontalPodAutoscaler) ?? -1);
  return pods(object) !== pods(old);
}
