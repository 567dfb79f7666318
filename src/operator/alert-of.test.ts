import { expect, test } from "vitest";
import { alertOf } from "./alert-of.ts";
import { canaryWith } from "./rehearsal-objects.ts";

const command = {
  kind: "alert",
  severity: "info",
  message: "New revision detected, progressing canary analysis.",
  hasMetadata: true,
  isStanding: false,
  isTerminal: false,
} as const;
const released = { ...canaryWith({}), metadata: { name: "web", namespace: "shop" } };

test("alertOf: cluster, target and settings, in the order shown", () => {
  expect(alertOf(command, released, "eu").fields).toEqual([
    { title: "Cluster", value: "eu" },
    { title: "Target", value: "Deployment/web.shop" },
    { title: "Failed checks threshold", value: "2" },
    { title: "Progress deadline", value: "60s" },
    { title: "Traffic routing", value: "Weight step: 50 max: 50" },
  ]);
  expect(alertOf({ ...command, hasMetadata: false }, released, "").fields).toEqual([]);
  expect(alertOf({ ...command, reason: "why" }, released, "").reason).toBe("why");
});

test.each([
  [{ stepWeight: 0, stepWeights: [1, 2, 10] }, "Weight steps: 1,2,10 max: 50"],
  [{ iterations: 5 }, "Blue/Green"],
  [{ iterations: 5, match: [{ headers: {} }] }, "A/B Testing"],
])("alertOf: traffic routing of %j", (analysis, value) => {
  const fields = alertOf(command, { ...released, ...canaryWith({}, analysis) }, "").fields;
  expect(fields.at(-1)).toEqual({ title: "Traffic routing", value });
});
