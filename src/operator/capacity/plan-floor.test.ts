import { expect, test } from "vitest";
import type { KubeObject } from "#api";
import { isObject } from "#base";
import { FLOOR_ANNOTATION, readLease } from "../scalers/index.ts";
import { boundsOf, type FloorPlan, heldFloor, ownMinimum, planFloor, planRelease } from "./plan-floor.ts";

const us = { canaryUid: "us", isGone: (uid: string) => uid === "gone" };

function hpa(spec: object, lease?: object | string): KubeObject {
  return scalerOf("HorizontalPodAutoscaler", { maxReplicas: 10, ...spec }, lease);
}

function scalerOf(kind: string, spec: object, lease?: object | string): KubeObject {
  const text = typeof lease === "string" ? lease : JSON.stringify(lease);
  const annotations = { note: "user's", ...(lease === undefined ? {} : { [FLOOR_ANNOTATION]: text }) };
  return { apiVersion: "v1", kind, metadata: { name: "web", uid: "u1", resourceVersion: "7", annotations }, spec };
}

const leaseOf = (before: number | null, floor: number, canary = "us") => ({
  canary,
  field: "minReplicas",
  before,
  floor,
});

/** What the object is after a plan, as a merge patch is applied. Source: RFC 7386. */
function after(object: KubeObject, plan: FloorPlan): KubeObject {
  if (plan.kind !== "patch") return object;
  return merged(object, plan.body) as KubeObject;
}

function merged(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

test("planFloor: annotation and field are one patch, which names the object and the version it was made from", () => {
  expect(planFloor(hpa({ minReplicas: 2 }), 6, us)).toEqual({
    kind: "patch",
    body: {
      metadata: {
        uid: "u1",
        resourceVersion: "7",
        annotations: { [FLOOR_ANNOTATION]: JSON.stringify(leaseOf(2, 6)) },
      },
      spec: { minReplicas: 6 },
    },
  });
});

test("planFloor: a raise keeps what was before, a lower floor too, and what is in force is not written again", () => {
  const raised = hpa({ minReplicas: 6 }, leaseOf(2, 6));
  expect(planFloor(raised, 6, us)).toEqual({ kind: "none" });
  for (const wanted of [8, 4]) {
    const next = after(raised, planFloor(raised, wanted, us));
    expect(readLease(next)).toEqual({ kind: "held", lease: leaseOf(2, wanted) });
    expect(next.spec).toMatchObject({ minReplicas: wanted });
  }
});

test("planFloor: bounded by the upper bound; a floor that its own lower bound holds needs no lease", () => {
  expect(after(hpa({ minReplicas: 2 }), planFloor(hpa({ minReplicas: 2 }), 99, us)).spec).toMatchObject({
    minReplicas: 10,
  });
  expect(planFloor(hpa({ minReplicas: 4 }), 4, us)).toEqual({ kind: "none" });
  const raised = hpa({ minReplicas: 6 }, leaseOf(4, 6));
  const back = after(raised, planFloor(raised, 3, us));
  expect(back.spec).toMatchObject({ minReplicas: 4 });
  expect(readLease(back)).toEqual({ kind: "none" });
});

test("planFloor: what somebody wrote in between is what returns", () => {
  const edited = hpa({ minReplicas: 4 }, leaseOf(2, 6));
  expect(boundsOf(edited).ownMin).toBe(4);
  const next = after(edited, planFloor(edited, 6, us));
  expect(readLease(next)).toEqual({ kind: "held", lease: leaseOf(4, 6) });
  const above = hpa({ minReplicas: 9 }, leaseOf(2, 6));
  const kept = after(above, planFloor(above, 6, us));
  expect([kept.spec, readLease(kept).kind]).toEqual([{ maxReplicas: 10, minReplicas: 9 }, "none"]);
});

test("planFloor: a lease of another Canary is left alone, one of a Canary that is gone is taken over", () => {
  expect(planFloor(hpa({ minReplicas: 6 }, leaseOf(2, 6, "other")), 8, us)).toEqual({
    kind: "refused",
    why: "foreign",
  });
  const abandoned = hpa({ minReplicas: 6 }, leaseOf(2, 6, "gone"));
  const taken = after(abandoned, planFloor(abandoned, 6, us));
  expect(readLease(taken)).toEqual({ kind: "held", lease: leaseOf(2, 6) });
});

test.each([
  "",
  "{",
  "[]",
  "null",
  '"x"',
  "{}",
  JSON.stringify({ ...leaseOf(2, 6), before: "2" }),
  `${"[".repeat(9999)}`,
])("planFloor, planRelease: an annotation that is not readable is left alone (%#)", (text) => {
  const garbled = hpa({ minReplicas: 6 }, text);
  expect(planFloor(garbled, 8, us)).toEqual({ kind: "refused", why: "unreadable" });
  expect(planRelease(garbled, "us")).toEqual({ kind: "refused", why: "unreadable" });
  expect(ownMinimum(garbled)).toBe(6);
  expect(heldFloor(garbled, "us")).toBeUndefined();
});

test("planRelease: what was before returns, a field that was absent goes, notes of others stay", () => {
  const raised = hpa({ minReplicas: 6 }, leaseOf(2, 6));
  const back = after(raised, planRelease(raised, "us"));
  expect(back.spec).toEqual({ maxReplicas: 10, minReplicas: 2 });
  expect(back.metadata.annotations).toEqual({ note: "user's" });
  const bare = hpa({ minReplicas: 6 }, leaseOf(null, 6));
  expect(after(bare, planRelease(bare, "us")).spec).toEqual({ maxReplicas: 10 });
});

test("planRelease: only what was applied is taken back, and never above the upper bound", () => {
  const edited = hpa({ minReplicas: 3 }, leaseOf(2, 6));
  const back = after(edited, planRelease(edited, "us"));
  expect([back.spec, readLease(back).kind]).toEqual([{ maxReplicas: 10, minReplicas: 3 }, "none"]);
  const narrowed = hpa({ maxReplicas: 6, minReplicas: 6 }, leaseOf(5, 6));
  expect(after(narrowed, planRelease(narrowed, "us")).spec).toEqual({ maxReplicas: 6, minReplicas: 5 });
  const below = hpa({ maxReplicas: 4, minReplicas: 6 }, leaseOf(5, 6));
  expect(after(below, planRelease(below, "us")).spec).toEqual({ maxReplicas: 4, minReplicas: 4 });
  expect(planRelease(hpa({ minReplicas: 6 }, leaseOf(2, 6, "other")), "us")).toEqual({ kind: "none" });
  expect(planRelease(hpa({ minReplicas: 2 }), "us")).toEqual({ kind: "none" });
});

test("planFloor: of a ScaledObject, whose field may be absent and whose upper bound is 100 by default", () => {
  const source = scalerOf("ScaledObject", { idleReplicaCount: 0 });
  const raised = after(source, planFloor(source, 150, us));
  expect(raised.spec).toEqual({ idleReplicaCount: 0, minReplicaCount: 100 });
  expect(boundsOf(raised)).toEqual({ ownMin: 0, min: 100, max: 100 });
  expect(after(raised, planRelease(raised, "us")).spec).toEqual({ idleReplicaCount: 0 });
});

test("planFloor and planRelease: any sequence of raises ends where it began", () => {
  for (const before of [undefined, 1, 3]) {
    const start = hpa(before === undefined ? {} : { minReplicas: before });
    let object = start;
    for (const wanted of [5, 2, 9, 99, 5, 0, 7]) object = after(object, planFloor(object, wanted, us));
    expect(after(object, planRelease(object, "us"))).toEqual(start);
  }
});

test("planFloor and planRelease: an annotation that somebody took away alone is known to who wrote it", () => {
  const written = leaseOf(2, 6);
  const stripped = hpa({ minReplicas: 6 });
  const again = after(stripped, planFloor(stripped, 6, { ...us, written }));
  expect(readLease(again)).toEqual({ kind: "held", lease: written });
  expect(after(stripped, planRelease(stripped, "us", written)).spec).toMatchObject({ minReplicas: 2 });
  const raised = after(stripped, planFloor(stripped, 8, { ...us, written }));
  expect(readLease(raised)).toEqual({ kind: "held", lease: leaseOf(2, 8) });
  const edited = hpa({ minReplicas: 5 });
  expect(planRelease(edited, "us", written), "somebody wrote the field too").toEqual({ kind: "none" });
});
