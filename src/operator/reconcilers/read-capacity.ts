import {
  type Canary,
  type ConfigMap,
  type HorizontalPodAutoscaler,
  type KubeObject,
  type Resource,
  resources,
} from "#api";
import type { RolloutNames } from "#rollout";
import { floorConfigName, generatedHpaName } from "../capacity/index.ts";
import type { Scaler } from "../scalers/index.ts";
import type { Views } from "../views/index.ts";

type Copies<T> = Readonly<Record<"primary" | "canary", T>>;

/** What bears on the capacity of a Canary's copies, beside their workloads and autoscalers. */
export interface CapacityObjects {
  /** Ready endpoints of the copy's Service; undefined while there is no list of them. */
  readonly endpoints: Copies<ReadonlySet<string> | undefined>;
  /** The HPA that KEDA keeps for the copy's ScaledObject. */
  readonly generated: Copies<HorizontalPodAutoscaler | undefined>;
  /** Holds floors for ScaledObjects with a trigger on it. */
  readonly floorConfig: ConfigMap | undefined;
  /** Of the namespace; listed when asked for. */
  budgets(): readonly KubeObject[];
  quotas(): readonly KubeObject[];
}

/** Kinds that tell more about capacity, and that a release can do without. */
const optional: readonly Resource[] = [
  resources.endpointSlices,
  resources.podDisruptionBudgets,
  resources.resourceQuotas,
];

/** Kinds to offer to open for a Canary; none when it couples nothing. */
export function capacityResources(canary: Canary): readonly Resource[] {
  return canary.spec?.capacity?.coupling === "off" ? [] : optional;
}

/** Reads from the local copies only. */
export function readCapacity(
  views: Views,
  of: { readonly names: RolloutNames; readonly scaler: Scaler | undefined },
): CapacityObjects {
  const { names, scaler } = of;
  const { namespace } = names;
  // A target that is a Service leads to whatever pods it selects: the pods of a copy are nobody's to count.
  const readyOf = (service: string) =>
    names.targetKind === "Service" ? undefined : views.endpoints.readyAddresses(namespace, service);
  const generated = (object: KubeObject | undefined): HorizontalPodAutoscaler | undefined =>
    object?.kind === "ScaledObject" ? views.autoscalers.get({ namespace, name: generatedHpaName(object) }) : undefined;
  return {
    endpoints: { primary: readyOf(names.primaryService), canary: readyOf(names.canaryService) },
    generated: { primary: generated(scaler?.primary), canary: generated(scaler?.source) },
    floorConfig: views.configMaps.get({ namespace, name: floorConfigName(names.canary) }),
    budgets: () => views.of(resources.podDisruptionBudgets)?.list(namespace) ?? [],
    quotas: () => views.of(resources.resourceQuotas)?.list(namespace) ?? [],
  };
}

/** Whether a Canary of that UID is known; asked about leases that are not one's own, which are rare. */
export function hasCanary(uid: string, namespace: string, views: Pick<Views, "canaries">): boolean {
  return views.canaries.list(namespace).some(({ metadata }) => metadata.uid === uid);
}
