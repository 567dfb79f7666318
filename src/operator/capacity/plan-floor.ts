import type { KubeObject } from "#api";
import { isObject } from "#base";
import { boundFieldsOf, FLOOR_ANNOTATION, type FloorLease, readLease, specWithoutFloor } from "../scalers/index.ts";

/**
 * A floor is a lease on an autoscaler: the annotation tells what was there before, and one write changes it together with
 * the field. Plans, and never writes. Source: docs/design/0005-capacity.md, Leases; keda-hpa-spec 21, 22.
 */

/** Bounds of an autoscaler in pods. */
export interface ScalerBounds {
  /** As its owner wants it: what a lease keeps, while the field still is what the lease wrote. */
  readonly ownMin: number;
  /** As it is now. */
  readonly min: number;
  readonly max: number;
}

export function boundsOf(scaler: KubeObject): ScalerBounds {
  const fields = boundFieldsOf(scaler);
  const min = numberAt(scaler, fields.min) ?? fields.minByDefault;
  return {
    ownMin: ownMinimum(scaler) ?? fields.minByDefault,
    min,
    max: Math.max(min, numberAt(scaler, fields.max) ?? fields.maxByDefault),
  };
}

/** The lower bound that its owner wrote, under a lease or not; undefined when they wrote none. */
export function ownMinimum(scaler: KubeObject): number | undefined {
  return numberIn(specWithoutFloor(scaler), boundFieldsOf(scaler).min);
}

/** The floor that a Canary holds the autoscaler at; undefined when it holds none, and when somebody wrote over it. */
export function heldFloor(scaler: KubeObject, canaryUid: string): number | undefined {
  const reading = readLease(scaler);
  if (reading.kind !== "held" || reading.lease.canary !== canaryUid) return undefined;
  return numberAt(scaler, reading.lease.field) === reading.lease.floor ? reading.lease.floor : undefined;
}

export type FloorPlan =
  /** Nothing to write. */
  | { readonly kind: "none" }
  /** A merge patch. Names the version that it was made from, so that neither a later one nor a new object is changed. */
  | { readonly kind: "patch"; readonly body: object }
  /** Left alone: whose it is, or what was there before, is not known. */
  | { readonly kind: "refused"; readonly why: "unreadable" | "foreign" };

/**
 * Raises the lower bound to what is wanted, at most to the upper bound; gives the lease back when the autoscaler's own lower
 * bound is enough. `isGone` tells whether a Canary is gone, whose lease then is taken over with what it remembers; `written`
 * is what this process wrote last, in case that somebody took the annotation away.
 */
export function planFloor(
  scaler: KubeObject,
  wanted: number,
  of: { readonly canaryUid: string; readonly isGone: (canaryUid: string) => boolean; readonly written?: FloorLease },
): FloorPlan {
  const known = withLease(scaler, of.written);
  const plan = planKnownFloor(known, wanted, of);
  if (known === scaler || plan.kind !== "none") return plan;
  // In force, and only this process knows.
  return patchOf(scaler, known.metadata.annotations?.[FLOOR_ANNOTATION] ?? null, undefined);
}

function planKnownFloor(
  scaler: KubeObject,
  wanted: number,
  of: { readonly canaryUid: string; readonly isGone: (canaryUid: string) => boolean },
): FloorPlan {
  const reading = readLease(scaler);
  if (reading.kind === "unreadable") return { kind: "refused", why: "unreadable" };
  const isForeign = reading.kind === "held" && reading.lease.canary !== of.canaryUid;
  if (isForeign && !of.isGone(reading.lease.canary)) return { kind: "refused", why: "foreign" };
  const { ownMin, max } = boundsOf(scaler);
  const floor = Math.min(wanted, max);
  if (floor <= ownMin) return reading.kind === "none" ? { kind: "none" } : givenBack(scaler, reading.lease);
  if (!isForeign && reading.kind === "held" && heldFloor(scaler, of.canaryUid) === floor) return { kind: "none" };
  const field = boundFieldsOf(scaler).min;
  const lease: FloorLease = { canary: of.canaryUid, field, before: ownMinimum(scaler) ?? null, floor };
  return patchOf(scaler, JSON.stringify(lease), { [field]: floor });
}

/**
 * The autoscaler with its lease, when somebody took away the annotation alone: without it the floor would be taken for what
 * the owner wants, and stay for ever. `written` is what this process wrote last.
 */
function withLease(scaler: KubeObject, written: FloorLease | undefined): KubeObject {
  if (written === undefined || readLease(scaler).kind !== "none") return scaler;
  if (numberAt(scaler, written.field) !== written.floor) return scaler;
  const { metadata } = scaler;
  const annotations = { ...metadata.annotations, [FLOOR_ANNOTATION]: JSON.stringify(written) };
  return { ...scaler, metadata: { ...metadata, annotations } };
}

/** Gives a Canary's lease back: what was before returns, if the field still is what was applied. */
export function planRelease(live: KubeObject, canaryUid: string, written?: FloorLease): FloorPlan {
  const scaler = withLease(live, written);
  const reading = readLease(scaler);
  if (reading.kind === "unreadable") return { kind: "refused", why: "unreadable" };
  if (reading.kind === "none" || reading.lease.canary !== canaryUid) return { kind: "none" };
  return givenBack(scaler, reading.lease);
}

function givenBack(scaler: KubeObject, lease: FloorLease): FloorPlan {
  const isOurs = numberAt(scaler, lease.field) === lease.floor;
  // What somebody wrote in between stays; so does an upper bound that came below what was before.
  return patchOf(scaler, null, isOurs ? { [lease.field]: returned(scaler, lease.before) } : undefined);
}

function returned(scaler: KubeObject, before: number | null): number | null {
  const max = numberAt(scaler, boundFieldsOf(scaler).max);
  return before === null || max === undefined ? before : Math.min(before, max);
}

function patchOf(scaler: KubeObject, annotation: string | null, spec: object | undefined): FloorPlan {
  const { uid, resourceVersion } = scaler.metadata;
  const metadata = { uid, resourceVersion, annotations: { [FLOOR_ANNOTATION]: annotation } };
  return { kind: "patch", body: { metadata, ...(spec === undefined ? {} : { spec }) } };
}

function numberAt(scaler: KubeObject, field: string): number | undefined {
  return numberIn(isObject(scaler.spec) ? scaler.spec : {}, field);
}

function numberIn(spec: Readonly<Record<string, unknown>>, field: string): number | undefined {
  const value = spec[field];
  return typeof value === "number" ? value : undefined;
}
