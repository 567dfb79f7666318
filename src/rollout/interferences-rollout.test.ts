import { expect, test } from "vitest";
import {
  analysing,
  commandsOf,
  decideScene,
  loaded,
  NOW_MS,
  routedWeight,
  type Scene,
  scaledCopy,
  servedAt,
  value,
} from "./scene.ts";

/** Interferences between a release and autoscalers that a decision must withstand. Source: keda-hpa-spec 20, 34 to 38. */

test("interference 34: an autoscaler moves replicas in the middle of a step → neither a new revision nor an unready copy", () => {
  // More pods than the step needs are on their way.
  const growing = { desiredCount: 7, replicaCount: 7, updatedCount: 7, readyCount: 4, availableCount: 4 };
  const late = { status: "False", reason: "ProgressDeadlineExceeded" };
  expect(decideScene({ ...analysing, target: growing }).label).toBe("advance");
  expect(decideScene({ ...analysing, target: { ...growing, progressing: late } }).label).toBe("advance");
  // Larger than asked for is not unfinished either, and fewer than needed is waited for.
  expect(
    decideScene({
      ...analysing,
      target: { desiredCount: 4, replicaCount: 6, updatedCount: 6, readyCount: 6, availableCount: 6 },
    }).label,
  ).toBe("advance");
  expect(decideScene({ ...analysing, target: { ...growing, readyCount: 3, availableCount: 3 } }).label).toBe(
    "wait-capacity",
  );
  // The primary's autoscaler may be moving when it has to take everything.
  const promoting = (readyCount: number): Scene => ({
    ...analysing,
    status: { phase: "Promoting", canaryWeight: 20 },
    primary: {
      desiredCount: 15,
      replicaCount: 15,
      updatedCount: 15,
      readyCount,
      availableCount: readyCount,
      isPromoted: true,
    },
  });
  expect(decideScene(promoting(12)).label).toBe("finalise");
  expect(decideScene(promoting(10)).label).toBe("wait-primary");
});

test("interference 35: pods that have just become ready are slow → their figures are not judged, for a warm-up at most", () => {
  const metrics = [{ name: "request-duration", thresholdRange: { max: 500 } }];
  const scene = (youngestAgoMs: number, tickAgoMs: number): Scene => ({
    ...analysing,
    analysis: { interval: "10s", metrics },
    spec: { capacity: { warmUp: "30s" } },
    status: { ...analysing.status, lastTransitionTime: new Date(NOW_MS - tickAgoMs).toISOString() },
    observation: {
      capacity: { ...loaded, canary: { ...loaded.canary, youngestReadyMs: NOW_MS - youngestAgoMs } },
      lastTickMs: NOW_MS - tickAgoMs,
    },
    answers: { "metric/0/builtin": value(900) },
  });
  const cold = decideScene(scene(5000, 12_000));
  expect(cold).toMatchObject({ label: "wait-warm-up", status: { failedChecks: 0 } });
  expect(cold.wakeAtMs).toBe(NOW_MS - 5000 + 30_000 - 0);
  expect(decideScene(scene(31_000, 12_000)).label).toBe("halt");
  // New pods for ever do not keep a bad version from being judged.
  expect(decideScene(scene(5000, 45_000)).label).toBe("halt");
});

test("interference 36: the primary's total moves while the canary stays → its need follows at each look, with slack", () => {
  const at = (podsForLoad: number, floorCount: number) =>
    commandsOf(
      decideScene({
        ...analysing,
        status: { ...analysing.status, lastTransitionTime: new Date(NOW_MS - 61_000).toISOString() },
        observation: {
          lastTickMs: NOW_MS - 1000,
          capacity: {
            ...loaded,
            primary: scaledCopy({ podsForLoad, maxCount: 40, floorCount: 40 }),
            canary: scaledCopy({ podsForLoad: podsForLoad / 4, floorCount, maxCount: 20 }),
          },
        },
      }),
      "set-floor",
    ).filter(({ copy }) => copy === "canary");
  // 30% of 10 pods with headroom are 4; of 20 they are 7.
  expect(at(8, 4)).toEqual([]);
  expect(at(16, 4)).toEqual([{ kind: "set-floor", copy: "canary", replicaCount: 7 }]);
  expect(at(8, 5)).toEqual([]);
  expect(at(8, 8)).toEqual([{ kind: "set-floor", copy: "canary", replicaCount: 4 }]);
  // Without an autoscaler of its own the canary is sized by us, from the same need.
  const own = decideScene({
    ...analysing,
    spec: { capacity: { requestsPerPod: 10 } },
    observation: { capacity: { ...loaded, canary: { ...loaded.canary, scaler: undefined } } },
    answers: { served: servedAt(200, 20) },
  });
  expect(commandsOf(own, "scale-target")).toEqual([{ kind: "scale-target", replicaCount: 7 }]);
});

test("interference 37: a workload is handed over to its copy → the copy is as large before the old one goes", () => {
  const booting = (primaryReadyCount: number): Scene => ({
    status: { phase: "Initializing" },
    target: { desiredCount: 10 },
    primary: { desiredCount: primaryReadyCount, matchesTarget: true },
    observation: { capacity: { ...loaded, primary: scaledCopy({ maxCount: 20 }) } },
    answers: { providers: { kind: "providers" } },
  });
  const waiting = decideScene(booting(3));
  expect(waiting.label).toBe("bootstrap-wait");
  expect(waiting.explanation.sentence).toContain("it has 3 of the 10 ready pods of the target");
  expect(commandsOf(waiting, "set-floor")).toEqual([{ kind: "set-floor", copy: "primary", replicaCount: 10 }]);
  expect(commandsOf(waiting, "scale-target")).toEqual([]);
  expect(routedWeight(waiting)).toBeUndefined();
  const done = decideScene(booting(10));
  expect(done.label).toBe("bootstrap-done");
  // The target's pods go later, when requests in flight have ended.
  expect(commandsOf(done, "scale-target")).toEqual([]);
});

test("interference 38: a release that failed leaves the canary at zero → the next one wakes it before anything else", () => {
  const failed: Scene = {
    status: { phase: "Failed", lastAppliedSpec: "s-bad" },
    target: { desiredCount: 0, readyCount: 0, replicaCount: 0, updatedCount: 0, availableCount: 0 },
    primary: { desiredCount: 12 },
    observation: { capacity: loaded, scalerMinCount: 2 },
  };
  const again = decideScene(failed);
  expect(again.label).toBe("start");
  // 10% of 8 pods are one; the autoscaler's own bound is 2.
  expect(commandsOf(again, "scale-target")).toEqual([{ kind: "scale-target", replicaCount: 2 }]);
  expect(commandsOf(again, "set-floor")).toEqual([{ kind: "set-floor", copy: "primary", replicaCount: 8 }]);
});
