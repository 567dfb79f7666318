import { expect, test } from "vitest";
import type { KubeObject } from "#api";
import { autoscaler } from "../rehearsal-objects.ts";
import { loadId, wakesOf } from "./wakes.ts";

/** Which changes make an operator look at a Canary: of thousands of steady ones, each look costs. */

function hpaAt(utilization: number, more: object = {}): KubeObject {
  const current = { type: "Resource", resource: { name: "cpu", current: { averageUtilization: utilization } } };
  const status = {
    currentReplicas: 4,
    currentMetrics: [current],
    conditions: [{ type: "ScalingActive", status: "True" }],
  };
  const metadata = { name: "web", namespace: "shop", resourceVersion: String(utilization) };
  return { ...autoscaler, metadata, status, ...more };
}

function modified(object: KubeObject, old: KubeObject): readonly string[] {
  return wakesOf(object, { type: "modified", object, old });
}

test("wakesOf: a status tick of an HPA wakes nobody who is steady, and who moves traffic only when its whole pods change", () => {
  expect(modified(hpaAt(81), hpaAt(80.5))).toEqual([]);
  expect(modified(hpaAt(120), hpaAt(80))).toEqual([loadId("shop", "web")]);
});

test("wakesOf: bounds, annotations and conditions of an HPA wake all who depend on it", () => {
  const id = "shop/HorizontalPodAutoscaler/web";
  const other = { ...autoscaler.spec, minReplicas: 5 };
  expect(modified(hpaAt(80, { spec: other }), hpaAt(80))).toContain(id);
  const annotations = { "serin.dev/floor": "{}" };
  expect(modified(hpaAt(80, { metadata: { name: "web", namespace: "shop", annotations } }), hpaAt(80))).toContain(id);
  const conditions = [{ type: "ScalingActive", status: "False" }];
  expect(modified(hpaAt(80, { status: { currentReplicas: 4, conditions } }), hpaAt(80))).toContain(id);
});

test("wakesOf: an object that comes or goes matters, also when nothing in it differs", () => {
  const object = hpaAt(80);
  expect(wakesOf(object, { type: "deleted", object, old: object })).toContain("shop/HorizontalPodAutoscaler/web");
  expect(wakesOf(object, { type: "added", object, old: undefined })).toContain("shop/HorizontalPodAutoscaler/web");
});

test("wakesOf: an EndpointSlice is told by its Service, and only when its endpoints change", () => {
  const labels = { "kubernetes.io/service-name": "web-primary" };
  const slice = (ready: boolean): KubeObject => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "web-primary-x1", namespace: "shop", labels },
    endpoints: [{ addresses: ["10.0.0.1"], conditions: { ready } }],
  });
  expect(modified(slice(true), slice(false))).toEqual(["shop/EndpointSlice/web-primary"]);
  expect(modified(slice(true), slice(true))).toEqual([]);
});

test("wakesOf: budgets and quotas, whose status changes with every pod, wake nobody; any other kind does", () => {
  const of = (kind: string): KubeObject => ({ apiVersion: "v1", kind, metadata: { name: "a", namespace: "shop" } });
  expect(modified(of("PodDisruptionBudget"), of("PodDisruptionBudget"))).toEqual([]);
  expect(modified(of("ResourceQuota"), of("ResourceQuota"))).toEqual([]);
  expect(modified(of("Deployment"), of("Deployment"))).toEqual(["shop/Deployment/a"]);
});
