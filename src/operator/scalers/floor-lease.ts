import { controllerOf, type KubeObject } from "#api";
import { isObject } from "#base";

/** The floor under an autoscaler: journal and change stand on the object itself. See docs/design/0005-capacity.md, Leases. */

export const FLOOR_ANNOTATION = "serin.dev/floor";

/** What the annotation holds. */
export interface FloorLease {
  /** UID of the Canary that holds the floor. */
  readonly canary: string;
  /** The field of the spec that was raised. */
  readonly field: string;
  /** The object's own value, which returns with the lease; null, or absent in the text, where it stated none. */
  readonly before: number | null;
  readonly floor: number;
}

/** What an autoscaler's annotation says. */
export type LeaseReading =
  | { readonly kind: "none" }
  | { readonly kind: "held"; readonly lease: FloorLease }
  /** Somebody else wrote it, or garbled it: what was there before is not known. */
  | { readonly kind: "unreadable"; readonly text: string };

/** The fields that bound the replicas of a kind of autoscaler, in pods. */
export interface BoundFields {
  readonly min: string;
  readonly max: string;
  readonly minByDefault: number;
  readonly maxByDefault: number;
}

/** Source: keda-hpa-spec 18.1. */
const HPA_BOUNDS: BoundFields = { min: "minReplicas", max: "maxReplicas", minByDefault: 1, maxByDefault: 1 };
/** Source: keda-hpa-spec 2. */
const SCALED_OBJECT_BOUNDS: BoundFields = {
  min: "minReplicaCount",
  max: "maxReplicaCount",
  minByDefault: 0,
  maxByDefault: 100,
};

export function boundFieldsOf({ kind }: Pick<KubeObject, "kind">): BoundFields {
  return kind === "ScaledObject" ? SCALED_OBJECT_BOUNDS : HPA_BOUNDS;
}

type Spec = Readonly<Record<string, unknown>>;

/** Reads the lease of an autoscaler. What KEDA copied from a ScaledObject onto its HPA is no lease of the HPA. */
export function readLease(scaler: KubeObject): LeaseReading {
  const text = scaler.metadata.annotations?.[FLOOR_ANNOTATION];
  if (text === undefined || controllerOf(scaler)?.kind === "ScaledObject") return { kind: "none" };
  const lease = leaseOf(parse(text));
  return lease?.field === boundFieldsOf(scaler).min ? { kind: "held", lease } : { kind: "unreadable", text };
}

function leaseOf(value: unknown): FloorLease | undefined {
  if (!isObject(value)) return undefined;
  const { canary, field, before = null, floor } = value;
  if (typeof canary !== "string" || typeof field !== "string" || !isCount(floor)) return undefined;
  return before === null || isCount(before) ? { canary, field, before, floor } : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

/**
 * The spec as its owner means it: a field that holds our floor has what it had before. A value that somebody else has written
 * since is theirs.
 */
export function specWithoutFloor(object: KubeObject): Spec {
  const spec = isObject(object.spec) ? object.spec : {};
  const reading = readLease(object);
  if (reading.kind !== "held") return spec;
  const { field, before, floor } = reading.lease;
  if (spec[field] !== floor) return spec;
  const { [field]: _, ...others } = spec;
  return before === null ? others : { ...others, [field]: before };
}

/**
 * A wanted spec for an object that may be under a lease, and the annotation that goes with it in one write (undefined when
 * it stays as it is).
 *
 * The leased field is never lowered, but to an upper bound that came down: two bounds that cross are refused by every API
 * server. What the owner wants of it becomes `before`.
 */
export function keepFloor(live: KubeObject, wanted: Spec): { readonly spec: Spec; readonly lease: string | undefined } {
  const reading = readLease(live);
  if (reading.kind !== "held") return { spec: wanted, lease: undefined };
  const { lease } = reading;
  const fields = boundFieldsOf(live);
  const now = isObject(live.spec) ? live.spec[lease.field] : undefined;
  const before = numberOf(wanted[fields.min]);
  const max = numberOf(wanted[fields.max]) ?? Number.POSITIVE_INFINITY;
  const value = Math.min(Math.max(numberOf(now) ?? 0, before ?? 0), max);
  const floor = Math.min(lease.floor, max);
  const isSame = lease.before === (before ?? null) && lease.floor === floor;
  const { annotations = {} } = live.metadata;
  return {
    spec: { ...wanted, [lease.field]: value },
    lease: isSame ? undefined : changed(annotations[FLOOR_ANNOTATION] ?? "", { before: before ?? null, floor }),
  };
}

/** The text with other numbers; what else stands in it stays. */
function changed(text: string, numbers: { readonly before: number | null; readonly floor: number }): string {
  const value = parse(text);
  return JSON.stringify({ ...(isObject(value) ? value : {}), ...numbers });
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
