import { expect, test } from "vitest";
import type { CanaryStatus } from "#api";
import { createAnnouncements } from "./announcements.ts";
import { canary } from "./rehearsal-objects.ts";

const inStatus = (changes: Partial<CanaryStatus> = {}) => ({
  ...canary,
  metadata: { name: "web", namespace: "shop", uid: "1" },
  status: { phase: "Waiting" as const, canaryWeight: 0, failedChecks: 0, iterations: 0, ...changes },
});
const message = "skipping canary run as object is suspended";

test("announcements: what lasts is told once, until phase, weight or revision change", () => {
  const told = createAnnouncements();
  const isNews = (changes?: Partial<CanaryStatus>) => told.isNews(inStatus(changes), message);
  expect([isNews(), isNews(), isNews({ failedChecks: 1 })]).toEqual([true, false, false]);
  expect([isNews({ canaryWeight: 10 }), isNews({ canaryWeight: 10 })]).toEqual([true, false]);
  expect(isNews({ canaryWeight: 10, lastAppliedSpec: "s2" })).toBe(true);
  expect(isNews({ phase: "Progressing", canaryWeight: 10, lastAppliedSpec: "s2" })).toBe(true);
  told.forget("shop/web");
  expect(isNews({ phase: "Progressing", canaryWeight: 10, lastAppliedSpec: "s2" })).toBe(true);
});

test("announcements: different messages stand beside each other, within a bound", () => {
  const told = createAnnouncements();
  const news = Array.from({ length: 50 }, (_, index) => told.isNews(inStatus(), `message ${index}`));
  expect(new Set(news)).toEqual(new Set([true]));
  expect(told.isNews(inStatus(), "message 0")).toBe(true);
});
