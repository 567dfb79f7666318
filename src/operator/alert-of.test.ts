import { expect, test } from "vitest";
import { alertOf } from "./alert-of.ts";
import { canaryWith } from "./rehearsal-objects.ts";

test("alertOf: facts of the Canary where the decision asks for them, and the reason", () => {
  const command = {
    kind: "alert",
    severity: "info",
    message: "New revision detected, progressing canary analysis.",
    hasMetadata: true,
    isStanding: false,
    isTerminal: false,
  } as const;
  const canary = { ...canaryWith({}), metadata: { name: "web", namespace: "shop" } };
  expect(alertOf(command, canary).fields[0]).toEqual({ title: "Target", value: "Deployment/web.shop" });
  expect(alertOf({ ...command, hasMetadata: false }, canary).fields).toEqual([]);
  expect(alertOf({ ...command, reason: "why" }, canary)).toMatchObject({ reason: "why", isTerminal: false });
});
