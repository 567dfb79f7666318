import { expect, test } from "vitest";
import type { ConfigMap, KubeObject } from "#api";
import { FLOOR_ANNOTATION } from "../scalers/index.ts";
import {
  configuredFloor,
  floorConfigHolder,
  floorTriggerIndex,
  planFloorConfig,
  planFloorConfigRelease,
} from "./floor-trigger.ts";

const trigger = { resourceKind: "ConfigMap", resourceName: "web-floor", key: "canary", targetValue: "1" };

function scaledObject(metadata: object, type = "kubernetes-resource"): KubeObject {
  const triggers = [{ type: "cron", metadata: {} }, null, { type, metadata }];
  return { apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject", metadata: { name: "web" }, spec: { triggers } };
}

test("floorTriggerIndex: the trigger on the Canary's ConfigMap and the copy's key, and no other", () => {
  const of = { canary: "web", copy: "canary" } as const;
  expect(floorTriggerIndex(scaledObject(trigger), of)).toBe(2);
  for (const other of [{ resourceKind: "Secret" }, { resourceName: "shop-floor" }, { key: "primary" }])
    expect(floorTriggerIndex(scaledObject({ ...trigger, ...other }), of)).toBeUndefined();
  expect(floorTriggerIndex(scaledObject(trigger, "metrics-api"), of)).toBeUndefined();
  expect(floorTriggerIndex({ ...scaledObject(trigger), kind: "HorizontalPodAutoscaler" }, of)).toBeUndefined();
  expect(floorTriggerIndex({ ...scaledObject(trigger), spec: null }, of)).toBeUndefined();
});

const wish = { namespace: "shop", canary: "web", canaryUid: "us", copy: "canary", floor: 6 } as const;
const mark = JSON.stringify({ canary: "us" });

function configOf(data: Record<string, string>, annotations: Record<string, string> = {}): ConfigMap {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "web-floor", uid: "u", resourceVersion: "3", annotations },
    data,
  };
}

test("planFloorConfig: a ConfigMap that is missing is made with both keys, and without an owner", () => {
  expect(planFloorConfig(undefined, wish)).toEqual({
    kind: "create",
    object: {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "web-floor", namespace: "shop", annotations: { [FLOOR_ANNOTATION]: mark } },
      data: { primary: "0", canary: "6" },
    },
  });
});

test("planFloorConfig: one key changes, the other stays; what is there is not written again", () => {
  const live = configOf({ primary: "4", canary: "0", note: "x" });
  expect(planFloorConfig(live, wish)).toEqual({
    kind: "patch",
    body: {
      metadata: { uid: "u", resourceVersion: "3", annotations: { [FLOOR_ANNOTATION]: mark } },
      data: { primary: "4", canary: "6" },
    },
  });
  const done = configOf({ primary: "4", canary: "6" }, { [FLOOR_ANNOTATION]: mark });
  expect(planFloorConfig(done, wish)).toEqual({ kind: "none" });
  expect(planFloorConfig(done, { ...wish, floor: undefined })).toMatchObject({
    kind: "patch",
    body: { data: { primary: "4", canary: "0" } },
  });
  expect(planFloorConfig(configOf({ primary: "0", canary: "0" }), { ...wish, floor: undefined })).toEqual({
    kind: "none",
  });
});

test("configuredFloor: a positive whole number, anything else is none", () => {
  expect(configuredFloor(configOf({ canary: "6" }), "canary")).toBe(6);
  for (const text of ["0", "", "-1", "6.5", "x", "99999999999"])
    expect(configuredFloor(configOf({ canary: text }), "canary")).toBeUndefined();
  expect(configuredFloor(undefined, "canary")).toBeUndefined();
});

test("planFloorConfigRelease: both floors end, and the mark goes", () => {
  const live = configOf({ primary: "4", canary: "6" }, { [FLOOR_ANNOTATION]: mark });
  expect(floorConfigHolder(live)).toBe("us");
  expect(floorConfigHolder(configOf({}, { [FLOOR_ANNOTATION]: "{" }))).toBeUndefined();
  expect(planFloorConfigRelease(live)).toMatchObject({
    body: { metadata: { annotations: { [FLOOR_ANNOTATION]: null } }, data: { primary: "0", canary: "0" } },
  });
});
