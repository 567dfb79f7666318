import { expect, test } from "vitest";
import { canaryOf } from "./scene.ts";
import { INTENT_ANNOTATION, PAUSE_ANNOTATION, readIntent, readPause } from "./intent.ts";

const canaryWith = (annotations: Record<string, string>) =>
  canaryOf({ metadata: { name: "web", namespace: "shop", annotations } });

test("readIntent: action, who, why, when and revision", () => {
  const written = { action: "abort", by: "ann", why: "pages", at: "2026-01-01T00:00:00Z", revision: "s1" };
  expect(readIntent(canaryWith({ [INTENT_ANNOTATION]: JSON.stringify(written) }))).toEqual(written);
  expect(readIntent(canaryWith({}))).toBeUndefined();
});

test.each([
  ["no JSON", "abort", "must be a JSON object"],
  ["an unknown action", '{"action":"explode"}', 'received "explode"'],
  ["no action", "{}", "received undefined"],
  ["a list", "[]", "must be a JSON object"],
])("readIntent: %s is told", (_, text, message) => {
  expect(readIntent(canaryWith({ [INTENT_ANNOTATION]: text }))).toContain(message);
});

test("readPause: whatever the annotation says, it holds", () => {
  expect(readPause(canaryWith({ [PAUSE_ANNOTATION]: '{"by":"ann","why":"lunch","at":"t"}' }))).toEqual({
    by: "ann",
    why: "lunch",
    at: "t",
  });
  expect(readPause(canaryWith({ [PAUSE_ANNOTATION]: "true" }))).toEqual({ by: "", why: "", at: "" });
  expect(readPause(canaryWith({}))).toBeUndefined();
});
