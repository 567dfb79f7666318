import { expect, test } from "vitest";
import type { Canary } from "#api";
import { alertingCanary } from "./alert-scene.ts";
import { alertFields } from "./fields.ts";

test.each<[Partial<Canary["spec"]["analysis"]>, string | undefined]>([
  [{ stepWeight: 10, maxWeight: 50 }, "Weight step: 10 max: 50"],
  [{ stepWeight: 10 }, "Weight step: 10 max: 0"],
  [{ stepWeights: [1, 2, 10], maxWeight: 80 }, "Weight steps: 1,2,10 max: 80"],
  [{ iterations: 10 }, "Blue/Green"],
  [{ iterations: 10, match: [{ headers: {} }] }, "A/B Testing"],
  [{}, undefined],
])("alertFields: %j is routed by %s", (analysis, routing) => {
  const { spec } = alertingCanary([]);
  const fields = alertFields(alertingCanary([], { spec: { ...spec, analysis } }));
  expect(fields).toEqual([
    { title: "Target", value: "Deployment/podinfo.default" },
    { title: "Failed checks threshold", value: "1" },
    { title: "Progress deadline", value: "600s" },
    ...(routing === undefined ? [] : [{ title: "Traffic routing", value: routing }]),
  ]);
});
