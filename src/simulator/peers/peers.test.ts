import { expect, test } from "vitest";
import { ISTIO_BOUNDS_MS, type ServiceStep } from "../traffic/index.ts";
import { argo, argoSettings } from "./argo.ts";
import { flagger, FLAGGER_DEFAULT, FLAGGER_TUNED } from "./flagger.ts";
import type { Judge } from "./judge.ts";
import { kayenta, KAYENTA_50, KAYENTA_FAST } from "./kayenta.ts";
import { zTest } from "./z-test.ts";

const STEP_MS = 10_000;

interface Copy {
  readonly total: number;
  readonly bad?: number;
  /** All of its requests take longer than 250 ms, and none longer than 500. */
  readonly isSlow?: boolean;
}

function copyOf({ total, bad = 0, isSlow = false }: Copy): ServiceStep["canary"] {
  const above = ISTIO_BOUNDS_MS.map((bound) => (bound <= (isSlow ? 250 : 25) ? total : 0));
  return { total, bad, above };
}

/** Feeds steps until there is a verdict. */
function judge(start: Judge, canary: (endMs: number) => Copy, primary: Copy = { total: 1000, bad: 5 }) {
  let now = start;
  let endMs = 0;
  const weights: number[] = [];
  while (now.verdict === "running" && endMs < 3_600_000) {
    endMs += STEP_MS;
    if (weights.at(-1) !== now.weightPercent) weights.push(now.weightPercent);
    now = now.after({ canary: copyOf(canary(endMs)), primary: copyOf(primary) }, endMs);
  }
  return { verdict: now.verdict, seconds: endMs / 1000, weights };
}

const good = (): Copy => ({ total: 1000, bad: 5 });

test("flagger: five checks to the top, and a run of failures ends one tick after the threshold", () => {
  expect(judge(flagger(FLAGGER_DEFAULT), good)).toEqual({
    verdict: "promoted",
    seconds: 300,
    weights: [10, 20, 30, 40, 50],
  });
  expect(judge(flagger(FLAGGER_TUNED), good)).toMatchObject({ seconds: 180, weights: [1, 2, 5, 10, 25, 50] });
  expect(judge(flagger(FLAGGER_DEFAULT), () => ({ total: 100, bad: 2 }))).toEqual({
    verdict: "rolled-back",
    seconds: 360,
    weights: [10],
  });
});

test("flagger: no requests fail a check, and a check that passes forgives none", () => {
  expect(judge(flagger(FLAGGER_DEFAULT), () => ({ total: 0 }))).toMatchObject({ verdict: "rolled-back", seconds: 360 });
  // Every other minute is bad: failures at 60, 180, 300, 420 s, and the top is reached first.
  const everyOther = (endMs: number): Copy => ({ total: 100, bad: Math.ceil(endMs / 60_000) % 2 === 1 ? 5 : 0 });
  expect(judge(flagger(FLAGGER_DEFAULT), everyOther)).toEqual({
    verdict: "rolled-back",
    seconds: 600,
    weights: [10, 20, 30, 40, 50],
  });
});

test("argo: steps go on while measurements fail, until one more than the limit has", () => {
  const bad = (): Copy => ({ total: 100, bad: 2 });
  expect(judge(argo(argoSettings(0)), bad)).toEqual({ verdict: "rolled-back", seconds: 60, weights: [10] });
  expect(judge(argo(argoSettings(3)), bad)).toEqual({
    verdict: "rolled-back",
    seconds: 240,
    weights: [10, 20, 30, 40],
  });
  expect(judge(argo(argoSettings(0)), () => ({ total: 0 }))).toMatchObject({ verdict: "rolled-back" });
  expect(judge(argo(argoSettings(0)), good)).toMatchObject({ verdict: "promoted", seconds: 300 });
});

test("zTest: errors and slow requests beyond the critical value end the run at that step", () => {
  expect(judge(zTest(), good)).toMatchObject({ verdict: "promoted", seconds: 300 });
  expect(judge(zTest(), () => ({ total: 1000, bad: 20 }))).toMatchObject({ verdict: "rolled-back", seconds: 10 });
  const isSlow = true;
  expect(judge(zTest(), () => ({ total: 10, isSlow }))).toMatchObject({ verdict: "rolled-back", seconds: 10 });
});

test("kayenta: ten points of which eight are bad fail, seven pass, as its judge has it", () => {
  const badUntil = (endMs: number) => (now: number) => ({ total: 1000, bad: now <= endMs ? 500 : 5 });
  expect(judge(kayenta(KAYENTA_50), badUntil(480_000))).toMatchObject({ verdict: "rolled-back", seconds: 600 });
  expect(judge(kayenta(KAYENTA_50), good)).toMatchObject({ verdict: "promoted", seconds: 3000, weights: [10] });
});

test("kayenta: constant points of both copies are judged, few of them as good and many as what they are", () => {
  const lone = judge(kayenta({ ...KAYENTA_FAST, pointMs: 60_000 }), () => ({ total: 1000, isSlow: true }));
  expect(lone.seconds).toBeGreaterThan(60);
  expect(lone.verdict).toBe("rolled-back");
  expect(judge(kayenta(KAYENTA_FAST), () => ({ total: 0 }))).toMatchObject({ verdict: "rolled-back", seconds: 60 });
});
