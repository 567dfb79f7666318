import type { KubeObject } from "#api";
import { isObject } from "#base";

/** The floor under an autoscaler: journal and change stand on the object itself. See docs/design/0005-capacity.md. */

export const FLOOR_ANNOTATION = "serin.dev/floor";

/** What the annotation holds. */
export interface FloorLease {
  /** UID of the Canary that holds the floor. */
  readonly canary: string;
  /** The field of the spec that was raised. */
  readonly field: string;
  /** The object's own value, which returns with the lease; absent or null where it stated none. */
  readonly before?: number | null;
  readonly floor: number;
}

/** The fields that bound the replicas of a kind of autoscaler. */
export interface BoundFields {
  readonly min: string;
  readonly max: string;
}

type Spec = Readonly<Record<string, unknown>>;

/** Reads the lease on an autoscaler; undefined without one, and for a text that is none. */
export function readLease(object: KubeObject): FloorLease | undefined {
  const text = object.metadata.annotations?.[FLOOR_ANNOTATION];
  if (text === undefined) return undefined;
  const value = parse(text);
  if (!isObject(value) || typeof value.canary !== "string" || typeof value.field !== "string") return undefined;
  const { canary, field, before, floor } = value;
  if (typeof floor !== "number" || !Number.isInteger(floor)) return undefined;
  if (before !== undefined && before !== null && typeof before !== "number") return undefined;
  return { canary, field, floor, ...(before === undefined ? {} : { before }) };
}

/**
 * The spec as its owner means it: a field that holds our floor has what it had before. A value that somebody else has written
 * since is theirs.
 */
export function specWithoutFloor(object: KubeObject): Spec {
  const spec = isObject(object.spec) ? object.spec : {};
  const lease = readLease(object);
  if (lease === undefined || spec[lease.field] !== lease.floor) return spec;
  const { [lease.field]: _, ...others } = spec;
  return typeof lease.before === "number" ? { ...others, [lease.field]: lease.before } : others;
}

/**
 * A wanted spec for an object that may be under a lease, and the annotation that goes with it in one write (undefined when
 * it stays as it is).
 *
 * The leased field is never lowered, but to an upper bound that came down: two bounds that cross are refused by every API
 * server. What the owner wants of it becomes `before`.
 */
export function keepFloor(
  live: KubeObject,
  wanted: Spec,
  fields: BoundFields,
): { readonly spec: Spec; readonly lease: string | undefined } {
  const lease = readLease(live);
  if (lease === undefined) return { spec: wanted, lease: undefined };
  const now = isObject(live.spec) ? live.spec[lease.field] : undefined;
  if (lease.field !== fields.min) return { spec: { ...wanted, [lease.field]: now }, lease: undefined };
  const before = numberOf(wanted[fields.min]);
  const max = numberOf(wanted[fields.max]) ?? Number.POSITIVE_INFINITY;
  const value = Math.min(Math.max(numberOf(now) ?? 0, before ?? 0), max);
  const floor = Math.min(lease.floor, max);
  const isSame = (lease.before ?? undefined) === before && lease.floor === floor;
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
