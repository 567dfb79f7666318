import type { KubeObject } from "#api";
import { isObject } from "#base";

/** Pods of one copy as its traffic needs them; undefined where nothing is said of it. */
export interface CopyNeed {
  /** Pods that its share of the traffic needs. */
  readonly need: number | undefined;
  /** Pods that the next step needs, where that is another number. */
  readonly next: number | undefined;
  /** Pods that its autoscaler is held at. */
  readonly floor: number | undefined;
}

/** What the operator says of traffic and pods. */
export interface CapacitySnapshot {
  readonly podsForAll: number | undefined;
  /** What the need was told by. */
  readonly method: string | undefined;
  readonly wayBack: string | undefined;
  /** What a step waits for; undefined while none does. */
  readonly waiting: string | undefined;
  readonly primary: CopyNeed;
  readonly canary: CopyNeed;
}

/** Annotation that a floor is written with. Source: docs/design/0005-capacity.md. */
const FLOOR = "serin.dev/floor";

/** Reads the Canary's status and the leases on the copies' autoscalers. */
export function capacityOf(sources: {
  readonly canary: KubeObject | undefined;
  readonly primaryScaler: KubeObject | undefined;
  readonly canaryScaler: KubeObject | undefined;
}): CapacitySnapshot {
  const status = isObject(sources.canary?.status) ? sources.canary.status : {};
  const capacity = isObject(status.capacity) ? status.capacity : {};
  return {
    podsForAll: numberOf(capacity.podsForAll),
    method: textOf(capacity.method),
    wayBack: textOf(capacity.wayBack),
    waiting: waitingOf(status.conditions),
    primary: needOf(capacity.primary, sources.primaryScaler),
    canary: needOf(capacity.canary, sources.canaryScaler),
  };
}

function needOf(value: unknown, scaler: KubeObject | undefined): CopyNeed {
  const copy = isObject(value) ? value : {};
  return { need: numberOf(copy.need), next: numberOf(copy.next), floor: floorOf(scaler) };
}

function floorOf(scaler: KubeObject | undefined): number | undefined {
  const text = scaler?.metadata.annotations?.[FLOOR];
  if (text === undefined) return undefined;
  try {
    const lease: unknown = JSON.parse(text);
    return isObject(lease) ? numberOf(lease.floor) : undefined;
  } catch {
    // Somebody else's text.
    return undefined;
  }
}

function waitingOf(conditions: unknown): string | undefined {
  for (const condition of Array.isArray(conditions) ? conditions : []) {
    if (isObject(condition) && condition.type === "CapacityReady" && condition.status === "False")
      return textOf(condition.message);
  }
  return undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
