import type { HorizontalPodAutoscaler, KubeObject } from "#api";
import type { CapacityObservation, CopyCapacity, ScalerObservation, WorkloadObservation } from "#rollout";
import {
  boundsOf,
  configuredFloor,
  type CopyName,
  type CopyTimes,
  floorTriggerIndex,
  heldFloor,
  podsForLoad,
  protectedCount,
  quotaRoom,
} from "../capacity/index.ts";
import type { Snapshot } from "./read.ts";

/** Times that this process has seen of a Canary's pods. */
export type PodTimesSeen = Readonly<Record<CopyName, CopyTimes>>;

/** What is known of the capacity of both copies. */
export function observeCapacity(
  snapshot: Snapshot,
  of: Readonly<Record<CopyName, WorkloadObservation | undefined>> & { readonly times: PodTimesSeen },
): CapacityObservation {
  const { workload, capacity } = snapshot;
  const budgets = capacity.budgets();
  const copy = (name: CopyName): CopyCapacity => ({
    servingCount: capacity.endpoints[name]?.size,
    scaler: observeScaler(name, snapshot),
    protectedCount: protectedCount(budgets, {
      labels: podLabels(name === "primary" ? workload?.primary : workload?.target),
      desiredCount: of[name]?.desiredCount ?? 0,
    }),
    ...of.times[name],
  });
  return {
    primary: copy("primary"),
    canary: copy("canary"),
    quotaPodCount: quotaRoom(capacity.quotas(), workload?.template),
  };
}

/** The autoscaler of a copy: the user's own for the canary, its twin for the primary. */
export function scalerOf(copy: CopyName, { scaler }: Pick<Snapshot, "scaler">): KubeObject | undefined {
  return copy === "canary" ? scaler?.source : scaler?.primary;
}

/** The HPA that scales a copy in the end; undefined while KEDA has none. */
function hpaOf(copy: CopyName, snapshot: Pick<Snapshot, "scaler" | "capacity">): HorizontalPodAutoscaler | undefined {
  const object = scalerOf(copy, snapshot);
  if (object === undefined) return undefined;
  // The kind says what it is.
  return object.kind === "ScaledObject" ? snapshot.capacity.generated[copy] : (object as HorizontalPodAutoscaler);
}

function observeScaler(copy: CopyName, snapshot: Snapshot): ScalerObservation | undefined {
  const object = scalerOf(copy, snapshot);
  if (object === undefined) return undefined;
  const { ownMin, max } = boundsOf(object);
  const hpa = hpaOf(copy, snapshot);
  const trigger = floorTriggerIndex(object, { canary: snapshot.names.canary, copy });
  // KEDA names the metrics of a trigger by its position. Source: keda-hpa-spec 5.
  const isOurs = (name: string): boolean => trigger !== undefined && name.startsWith(`s${trigger}-`);
  return {
    name: `${object.kind === "ScaledObject" ? "scaledobject" : "hpa"} ${object.metadata.name ?? ""}`,
    minCount: ownMin,
    maxCount: max,
    floorCount: floorInForce(copy, snapshot),
    podsForLoad: hpa === undefined ? undefined : podsForLoad(hpa, isOurs),
  };
}

/** The floor that is held and seen in force: what KEDA was told counts when its HPA has it. Source: keda-hpa-spec 21. */
export function floorInForce(
  copy: CopyName,
  snapshot: Pick<Snapshot, "canary" | "names" | "scaler" | "capacity">,
): number | undefined {
  const object = scalerOf(copy, snapshot);
  if (object === undefined) return undefined;
  if (floorTriggerIndex(object, { canary: snapshot.names.canary, copy }) !== undefined)
    return configuredFloor(snapshot.capacity.floorConfig, copy);
  const floor = heldFloor(object, snapshot.canary.metadata.uid ?? "");
  const hpa = hpaOf(copy, snapshot);
  if (floor === undefined || hpa === undefined || hpa === object) return floor;
  return (hpa.spec.minReplicas ?? 1) >= floor ? floor : undefined;
}

function podLabels(object: KubeObject | undefined): Readonly<Record<string, string>> | undefined {
  const { template } = (object?.spec ?? {}) as { template?: { metadata?: { labels?: Record<string, string> } } };
  return template?.metadata?.labels;
}
