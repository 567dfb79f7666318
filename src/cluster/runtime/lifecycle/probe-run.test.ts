import { expect, test } from "vitest";
import type { ProbePlan } from "./pod-plan.ts";
import { absorbProbe, beginProbe, probeDueMs, sendProbe } from "./probe-run.ts";

const PLAN: ProbePlan = {
  kind: "liveness",
  initialDelayMs: 3000,
  periodMs: 10_000,
  timeoutMs: 1000,
  successThreshold: 1,
  failureThreshold: 3,
  graceMs: undefined,
};

test("beginProbe, sendProbe: the first after the initial delay, then in the rhythm of the period", () => {
  const begun = beginProbe(PLAN, 0);
  expect(probeDueMs(begun)).toBe(3000);
  const sent = sendProbe(begun, 3000);
  expect(probeDueMs(sent)).toBe(Number.POSITIVE_INFINITY);
  expect(probeDueMs(absorbProbe(sent, true, 3050).run)).toBe(13_000);
});

test("sendProbe: periods that passed unused are not made up for", () => {
  const late = sendProbe(beginProbe(PLAN, 0), 34_000);
  expect(probeDueMs(absorbProbe(late, true, 34_010).run)).toBe(43_000);
});

test("absorbProbe: thresholds count consecutive results and report each turn once", () => {
  let run = beginProbe({ ...PLAN, successThreshold: 2 }, 0);
  const turns: (string | undefined)[] = [];
  for (const [index, isSuccess] of [true, true, true, false, false, true, false, false, false, false].entries()) {
    const atMs = 3000 + index * 10_000;
    const outcome = absorbProbe(sendProbe(run, atMs), isSuccess, atMs);
    run = outcome.run;
    turns.push(outcome.turned);
  }
  expect(turns).toEqual([
    undefined,
    "passing",
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    "failing",
    undefined,
  ]);
});

test("absorbProbe: early probes are for readiness alone, double their pause and end with the first success", () => {
  const readiness: ProbePlan = { ...PLAN, kind: "readiness", initialDelayMs: 0, periodMs: 1000 };
  let run = beginProbe(readiness, 0);
  const sentMs: number[] = [];
  for (let count = 0; count < 5; count++) {
    const dueMs = probeDueMs(run);
    sentMs.push(dueMs);
    run = absorbProbe(sendProbe(run, dueMs), false, dueMs).run;
  }
  expect(sentMs).toEqual([0, 100, 300, 700, 1000]);
  // Three of the five were early: two failures of three are counted.
  expect(run.isPassing).toBeUndefined();
  const passed = absorbProbe(sendProbe(run, probeDueMs(run)), true, 2000).run;
  expect(passed.isPassing).toBe(true);
  expect(passed.earlyAtMs).toBeUndefined();
});
