import fc from "fast-check";
import { expect, test } from "vitest";
import type { KubeObject } from "#api";
import { keepFloor, readLease, specWithoutFloor } from "./floor-lease.ts";
import { mergeDifference } from "./merge-difference.ts";

function leased(text: string, spec: object): KubeObject {
  const metadata = { name: "a", annotations: { "serin.dev/floor": text } };
  return { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", metadata, spec };
}

test.each([
  "",
  "{",
  "null",
  "[]",
  '"x"',
  '{"canary":"u","field":"minReplicas"}',
  '{"canary":"u","field":"minReplicas","floor":"6"}',
  '{"canary":"u","field":"minReplicas","floor":6,"before":"2"}',
  '{"canary":"u","field":"minReplicas","floor":6.5}',
  '{"canary":"u","field":"minReplicaCount","floor":6}',
  '{"canary":"u","field":"maxReplicas","floor":6}',
])("readLease: %s is none that could be read, and bounds nothing", (text) => {
  const object = leased(text, { minReplicas: 6 });
  expect(readLease(object)).toEqual({ kind: "unreadable", text });
  expect(specWithoutFloor(object)).toEqual({ minReplicas: 6 });
  expect(keepFloor(object, { minReplicas: 2 })).toEqual({ spec: { minReplicas: 2 }, lease: undefined });
});

test("specWithoutFloor: what was there before, or what somebody has written since", () => {
  const lease = '{"canary":"u","field":"minReplicas","before":2,"floor":6}';
  expect(specWithoutFloor(leased(lease, { minReplicas: 6 }))).toEqual({ minReplicas: 2 });
  expect(specWithoutFloor(leased(lease, { minReplicas: 4 }))).toEqual({ minReplicas: 4 });
  const none = '{"canary":"u","field":"minReplicas","before":null,"floor":6}';
  expect(specWithoutFloor(leased(none, { minReplicas: 6, maxReplicas: 9 }))).toEqual({ maxReplicas: 9 });
});

test("readLease: what KEDA copies from a ScaledObject onto its HPA is no lease of the HPA", () => {
  const copy = leased('{"canary":"u","field":"minReplicas","before":1,"floor":6}', { minReplicas: 6 });
  const ownerReferences = [
    { apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject", name: "a", uid: "s", controller: true },
  ];
  const made = { ...copy, metadata: { ...copy.metadata, ownerReferences } };
  expect(readLease(made)).toEqual({ kind: "none" });
  expect(specWithoutFloor(made)).toEqual({ minReplicas: 6 });
});

test("keepFloor: keys that others put into the lease stay", () => {
  const noted = leased('{"canary":"u","field":"minReplicas","before":2,"floor":6,"by":"x"}', { minReplicas: 6 });
  const { lease = "" } = keepFloor(noted, { minReplicas: 3 });
  expect(JSON.parse(lease)).toEqual({ canary: "u", field: "minReplicas", before: 3, floor: 6, by: "x" });
  expect(JSON.parse(keepFloor(noted, {}).lease ?? "")).toMatchObject({ before: null });
});

const count = fc.integer({ min: 0, max: 20 });

test("keepFloor: never lowers the field but to the upper bound, never crosses the bounds, and is done after one write", () => {
  fc.assert(
    fc.property(count, count, count, count, (floor, before, min, extra) => {
      const max = Math.max(1, min) + extra;
      const live = leased(JSON.stringify({ canary: "u", field: "minReplicas", before, floor }), { minReplicas: floor });
      const wanted = { minReplicas: min, maxReplicas: max };
      const kept = keepFloor(live, wanted);
      expect(kept.spec.minReplicas).toBe(Math.min(Math.max(floor, min), max));
      const text = kept.lease ?? JSON.stringify({ canary: "u", field: "minReplicas", before, floor });
      const next = leased(text, kept.spec);
      expect(keepFloor(next, wanted)).toEqual({ spec: kept.spec, lease: undefined });
      // Given back, the object has what its source asks for, or more.
      expect(specWithoutFloor(next).minReplicas).toBe(min);
    }),
    { seed: 5 },
  );
});

test("mergeDifference: the patch makes one of the other, and says nothing that is so already", () => {
  const from = { a: 1, gone: 2, in: { x: 1, y: { z: 1 } }, list: [1, 2] };
  const to = { a: 1, in: { x: 1, y: { z: 2 } }, list: [2], more: { b: 1 } };
  expect(mergeDifference(from, to)).toEqual({ gone: null, in: { y: { z: 2 } }, list: [2], more: { b: 1 } });
  expect(mergeDifference(from, structuredClone(from))).toBeUndefined();
  expect(mergeDifference({ a: { b: 1 } }, { a: 1 })).toEqual({ a: 1 });
});
