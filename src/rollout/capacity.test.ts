import { expect, test } from "vitest";
import {
  analysing,
  commandsOf,
  decideScene,
  loaded,
  messagesOf,
  NOW_MS,
  routedWeight,
  type Scene,
  scaledCopy,
  servedAt,
  unknownCapacity,
  unknownCopy,
  value,
} from "./scene.ts";

function floorsOf(scene: Scene): Record<string, number | undefined> {
  return Object.fromEntries(
    commandsOf(decideScene(scene), "set-floor").map(({ copy, replicaCount }) => [copy, replicaCount]),
  );
}

test("advance: waits until the canary has the ready pods of the next step; no failed check (wait-capacity)", () => {
  const ready = decideScene(analysing);
  expect(ready.label).toBe("advance");
  const short = decideScene({
    ...analysing,
    target: { desiredCount: 4, readyCount: 3, availableCount: 3 },
    analysis: { canaryReadyThreshold: 50 },
  });
  expect(short.label).toBe("wait-capacity");
  expect(routedWeight(short)).toBe(20);
  expect(short.status).toMatchObject({ canaryWeight: 20, failedChecks: 0 });
  expect(short.status.conditions).toContainEqual(
    expect.objectContaining({ type: "CapacityReady", status: "False", reason: "WaitingForPods" }),
  );
  expect(short.explanation.sentence).toBe(
    "Holding at 20%: the canary has 3 of the 4 ready pods that 30% of the traffic needs",
  );
});

test("wait-capacity: while the pods of the next step start, the checks of the present one go on", () => {
  const starting: Scene = { ...analysing, target: { desiredCount: 5, readyCount: 3, availableCount: 3 } };
  const { label, explanation } = decideScene(starting);
  expect(label).toBe("wait-capacity");
  expect(explanation.sentence).toContain("3 of the 4 ready pods");
  const judged: Scene = {
    ...starting,
    analysis: { metrics: [{ name: "request-success-rate", thresholdRange: { min: 99 } }] },
  };
  expect(decideScene({ ...judged, answers: { "metric/0/builtin": value(10) } }).label).toBe("halt");
  // Fewer than its present share needs, or than the first step will: its pods are waited for before anything is asked.
  expect(decideScene({ ...judged, target: { desiredCount: 5, readyCount: 2, availableCount: 2 } }).label).toBe(
    "wait-canary",
  );
  const first: Scene = { ...judged, status: { phase: "Progressing", canaryWeight: 0 } };
  expect(decideScene({ ...first, target: { desiredCount: 5, readyCount: 1, availableCount: 1 } }).label).toBe(
    "wait-canary",
  );
});

test("advance: a pod that is ready and not yet an endpoint does not count", () => {
  const capacity = { ...loaded, canary: { ...loaded.canary, servingCount: 3 } };
  expect(decideScene({ ...analysing, observation: { capacity } }).label).toBe("wait-capacity");
});

test("wait-capacity: goes on as soon as the pods are ready, without the rest of the interval, after its checks", () => {
  const conditions = [{ type: "CapacityReady", status: "False" as const, lastTransitionTime: at(-3000) }];
  const waiting: Scene = {
    ...analysing,
    status: { ...analysing.status, lastTransitionTime: at(-3000), conditions },
    observation: { capacity: loaded, lastTickMs: NOW_MS - 3000 },
    analysis: { interval: "60s", metrics: [{ name: "request-success-rate", thresholdRange: { min: 99 } }] },
  };
  expect(decideScene(waiting).label).toBe("ask-checks");
  const good = decideScene({ ...waiting, answers: { "metric/0/builtin": value(100) } });
  expect(good.label).toBe("advance");
  expect(good.status.conditions?.some(({ type }) => type === "CapacityReady")).toBe(false);
  // A check that fails meanwhile counts once: the next is due an interval later.
  const bad = decideScene({ ...waiting, answers: { "metric/0/builtin": value(10) } });
  expect(bad.label).toBe("halt");
  expect(bad.status.conditions?.some(({ type }) => type === "CapacityReady")).toBe(false);
});

test("rollback-capacity: says which pods were missing and what kept them", () => {
  const capacity = { ...loaded, canary: scaledCopy({ podsForLoad: 2, maxCount: 2 }) };
  const late = decideScene({
    ...analysing,
    target: { desiredCount: 2 },
    status: {
      ...analysing.status,
      conditions: [{ type: "CapacityReady", status: "False", lastTransitionTime: at(-61_000) }],
    },
    spec: { capacity: { deadline: "1m" } },
    observation: { capacity },
  });
  expect(late.label).toBe("rollback-capacity");
  expect(late.explanation.sentence).toContain(
    "the canary has 2 of the 3 ready pods (hpa web allows at most 2) that 30%",
  );
  expect(late.status).toMatchObject({ phase: "Failed", canaryWeight: 0 });
});

test("coupling: observe computes and holds nothing, off computes nothing", () => {
  const short: Scene = { ...analysing, target: { desiredCount: 2 } };
  const observed = decideScene({ ...short, spec: { capacity: { coupling: "observe" } } });
  expect(observed.label).toBe("advance");
  expect(observed.explanation.capacity?.canaryNext.count).toBe(4);
  expect(commandsOf(observed, "set-floor")).toEqual([]);
  const off = decideScene({ ...short, spec: { capacity: { coupling: "off" } } });
  expect(off.label).toBe("advance");
  expect(off.explanation.capacity).toBeUndefined();
});

test("coupling: a floor that is left from before is given back when the coupling goes", () => {
  const held = { ...loaded, primary: scaledCopy({ floorCount: 9 }) };
  for (const coupling of ["observe", "off"] as const)
    expect(floorsOf({ ...analysing, spec: { capacity: { coupling } }, observation: { capacity: held } })).toEqual({
      primary: undefined,
    });
});

test("floors: the canary is ahead of its next step, the primary keeps a reserve for what may come back", () => {
  // 10 pods of load: 80% of it are 8, and 40% (after the step to 30) need 4.4 with headroom.
  expect(floorsOf(analysing)).toEqual({ primary: 8, canary: 5 });
  const kinds = decideScene(analysing).commands.map(({ kind }) => kind);
  expect(kinds.indexOf("set-floor")).toBeLessThan(kinds.indexOf("set-routes"));
  expect(floorsOf({ ...analysing, spec: { capacity: { reservePercent: 50, headroomPercent: 0 } } })).toEqual({
    primary: 5,
    canary: 4,
  });
});

test("floors: one that is about right stays, a rising need raises it, and the autoscaler's bounds hold", () => {
  const at = (floorCount: number): Scene => ({
    ...analysing,
    observation: {
      capacity: { ...loaded, primary: scaledCopy({ floorCount, podsForLoad: 8, maxCount: 20 }) },
      lastTickMs: NOW_MS - 1000,
    },
  });
  expect("primary" in floorsOf(at(10))).toBe(false);
  expect(floorsOf(at(7)).primary).toBe(8);
  expect(floorsOf(at(19)).primary).toBe(8);
  // The metrics of a step that was just taken are not believed when they ask for less.
  const stepped = { ...at(19), observation: { ...at(19).observation, lastTickMs: undefined } };
  expect(decideScene(stepped).label).toBe("advance");
  expect("primary" in floorsOf(stepped)).toBe(false);
  const bounded = { ...loaded, primary: scaledCopy({ podsForLoad: 8, maxCount: 6 }) };
  expect(floorsOf({ ...analysing, observation: { capacity: bounded } }).primary).toBe(6);
});

test("floors: between releases there are none, but for the window and its end in steps", () => {
  const status = (agoMs: number) => ({
    phase: "Succeeded" as const,
    lastPromotedSpec: "s-new",
    lastTransitionTime: at(-agoMs),
    capacity: { reserveCount: 12 },
  });
  const scene = (agoMs: number, floorCount: number): Scene => ({
    status: status(agoMs),
    target: { desiredCount: 0, readyCount: 0 },
    spec: { capacity: { reserveWindow: "5m" } },
    observation: { capacity: { ...loaded, primary: scaledCopy({ floorCount }) } },
  });
  expect(floorsOf(scene(60_000, 12))).toEqual({});
  expect(decideScene(scene(60_000, 12)).wakeAtMs).toBe(NOW_MS + 240_000);
  expect(floorsOf(scene(301_000, 12))).toEqual({ primary: 9 });
  expect(floorsOf(scene(361_000, 9))).toEqual({ primary: 7 });
  const over = decideScene(scene(1_200_000, 3));
  expect(commandsOf(over, "set-floor")).toEqual([{ kind: "set-floor", copy: "primary", replicaCount: undefined }]);
  expect(over.status.capacity).toBeUndefined();
  // Whatever a crash left behind is given back when nothing is released.
  expect(
    floorsOf({
      status: { phase: "Initialized" },
      target: { desiredCount: 0, readyCount: 0 },
      observation: { capacity: { ...loaded, canary: scaledCopy({ floorCount: 7 }) } },
    }),
  ).toEqual({ canary: undefined });
});

test("promote: the primary gets no more traffic than its ready pods serve, and the rest as they come", () => {
  const promoting = (readyCount: number): Scene => ({
    status: { phase: "Promoting", canaryWeight: 50 },
    target: { desiredCount: 6 },
    primary: { desiredCount: readyCount, isPromoted: true },
    observation: {
      capacity: {
        ...loaded,
        primary: scaledCopy({ podsForLoad: 5, maxCount: 20 }),
        canary: scaledCopy({ podsForLoad: 5 }),
      },
    },
  });
  const waiting = decideScene(promoting(5));
  expect(waiting.label).toBe("wait-primary-capacity");
  expect(routedWeight(waiting)).toBe(50);
  expect(waiting.explanation.sentence).toContain("it has 5 of the 11 ready pods that all of it needs");
  expect(commandsOf(waiting, "set-floor")).toContainEqual({ kind: "set-floor", copy: "primary", replicaCount: 11 });
  const part = decideScene(promoting(9));
  expect(part.label).toBe("promotion-shift");
  expect(routedWeight(part)).toBe(19);
  expect(decideScene(promoting(11)).label).toBe("finalise");
});

test("promote: after the deadline the primary's own readiness is enough, and that is said", () => {
  const late = decideScene({
    status: { phase: "Promoting", canaryWeight: 50, lastTransitionTime: at(-120_000) },
    spec: { capacity: { deadline: "1m" } },
    primary: { desiredCount: 2, isPromoted: true },
    observation: { capacity: { ...loaded, primary: scaledCopy({ podsForLoad: 5, maxCount: 20 }) } },
  });
  expect(late.label).toBe("finalise");
  expect(messagesOf(late)[0]).toContain("promotion after its capacity deadline, though it has 2 of the");
});

const rollingBack = (readyCount: number, changes: Scene = {}): Scene => ({
  ...analysing,
  status: { phase: "Progressing", canaryWeight: 80, failedChecks: 3 },
  target: { desiredCount: 9 },
  primary: { desiredCount: 12, readyCount, availableCount: readyCount },
  observation: {
    capacity: {
      ...loaded,
      primary: scaledCopy({ podsForLoad: 2, maxCount: 20 }, { podStartMs: 19_000 }),
      canary: scaledCopy({ podsForLoad: 8 }),
    },
  },
  ...changes,
});

test("rollback: as much as the primary's ready pods serve goes back at once, the rest as they come (return-traffic)", () => {
  expect(decideScene(rollingBack(12)).status).toMatchObject({ phase: "Failed", canaryWeight: 0 });
  const part = decideScene(rollingBack(6));
  expect(part.status).toMatchObject({ phase: "Failed", canaryWeight: 40 });
  expect(routedWeight(part)).toBe(40);
  expect(messagesOf(part)).toContain(
    "Routing 60% of web.shop back to primary, which has no more ready capacity; way back: 60% in 1s, 100% in 20s",
  );
  // The canary keeps the pods for what it still serves, whose floor is kept until then.
  expect(commandsOf(part, "scale-target")).toEqual([]);
  const on = (readyCount: number) =>
    decideScene({ ...rollingBack(readyCount), status: { ...part.status, lastTransitionTime: at(-2000) } });
  expect(on(6).label).toBe("return-traffic");
  expect(routedWeight(on(6))).toBe(40);
  expect(routedWeight(on(8))).toBe(20);
  const whole = on(10);
  expect(whole.status).toMatchObject({ phase: "Failed", canaryWeight: 0 });
  expect(whole.status.conditions).toContainEqual(expect.objectContaining({ type: "Draining", reason: "RolledBack" }));
});

test("rollback: a canary without ready pods, or whose answers mostly fail, loses all traffic at once", () => {
  const metrics = [{ name: "request-success-rate", thresholdRange: { min: 99 } }];
  const broken = rollingBack(6, {
    analysis: { metrics },
    status: { phase: "Progressing", canaryWeight: 80, failedChecks: 2 },
    answers: { "metric/0/builtin": value(20) },
  });
  expect(decideScene(broken).label).toBe("rollback-check-failed");
  expect(decideScene(broken).status.canaryWeight).toBe(0);
  const gone = rollingBack(6, { target: { desiredCount: 9, readyCount: 0, availableCount: 0 } });
  expect(routedWeight(decideScene(gone))).toBe(0);
});

test("rollback: what is left goes back after a minute, whatever the primary has", () => {
  const conditions = [
    { type: "Draining", status: "True" as const, reason: "ReturningTraffic", lastTransitionTime: at(-61_000) },
  ];
  const late = decideScene({ ...rollingBack(6), status: { phase: "Failed", canaryWeight: 40, conditions } });
  expect(late.label).toBe("return-traffic");
  expect(late.status.canaryWeight).toBe(0);
});

test("rollback: a load that only requests told is remembered until all of it is back (return-traffic)", () => {
  const crowded: Scene = {
    ...analysing,
    status: { phase: "Progressing", canaryWeight: 80, failedChecks: 3, capacity: { requestsPerSecond: 400 } },
    spec: { capacity: { requestsPerPod: 40 } },
    target: { desiredCount: 9 },
    primary: { desiredCount: 6 },
    observation: { capacity: unknownCapacity },
  };
  const part = decideScene(crowded);
  expect(part.status).toMatchObject({ phase: "Failed", canaryWeight: 40 });
  // Nothing asks for requests any more.
  const next = decideScene({ ...crowded, status: { ...part.status, lastTransitionTime: at(-2000) }, answers: {} });
  expect(next.label).toBe("return-traffic");
  expect(routedWeight(next)).toBe(40);
});

test("rollback: the primary that has just got everything back keeps four fifths of it, however small its reserve was", () => {
  const last = rollingBack(12, {
    spec: { capacity: { reservePercent: 30 } },
    status: {
      phase: "Failed",
      canaryWeight: 20,
      capacity: { reserveCount: 3 },
      conditions: [{ type: "Draining", status: "True", reason: "ReturningTraffic", lastTransitionTime: at(-9000) }],
    },
    observation: {
      capacity: {
        ...loaded,
        primary: scaledCopy({ podsForLoad: 2, maxCount: 20, floorCount: 11 }),
        canary: scaledCopy({ podsForLoad: 8, floorCount: 3 }),
      },
    },
  });
  expect(floorsOf(last)).toEqual({ primary: 8, canary: undefined });
  const after = (agoMs: number): Scene => ({
    ...last,
    status: { ...decideScene(last).status, lastTransitionTime: at(-agoMs) },
  });
  expect(floorsOf(after(59_000)).primary).toBe(8);
  expect(decideScene(after(59_000)).wakeAtMs).toBe(NOW_MS + 1000);
  // Its autoscaler sees the load by then.
  expect(floorsOf(after(60_000)).primary).toBe(3);
});

test("rollback: another revision gets nothing of what was left on the one that was rejected", () => {
  const conditions = [
    { type: "Draining", status: "True" as const, reason: "ReturningTraffic", lastTransitionTime: at(-9000) },
  ];
  const scene = rollingBack(6, { status: { phase: "Failed", canaryWeight: 40, conditions } });
  expect(routedWeight(decideScene(scene))).toBe(40);
  const target = { desiredCount: 9, templateHash: "s-newer" };
  expect(decideScene({ ...scene, target })).toMatchObject({ label: "return-traffic", status: { canaryWeight: 0 } });
});

test("promotion-failed: the canary gets no more than its ready pods serve while the primary's old ones serve the rest", () => {
  const stuckAt = (primaryReady: number, canaryReady: number): Scene => ({
    status: { phase: "Promoting", canaryWeight: 50 },
    target: { desiredCount: canaryReady },
    primary: {
      desiredCount: 8,
      updatedCount: 2,
      readyCount: primaryReady,
      progressing: { status: "False", reason: "ProgressDeadlineExceeded" },
    },
    observation: {
      capacity: {
        ...loaded,
        primary: scaledCopy({ podsForLoad: 5, maxCount: 20 }),
        canary: scaledCopy({ podsForLoad: 5, maxCount: 20 }),
      },
    },
  });
  const weights = [
    [6, 6],
    [6, 5],
    [6, 4],
    [6, 12],
    [4, 6],
    [0, 6],
  ].map(([primary = 0, canary = 0]) => decideScene(stuckAt(primary, canary)).status.canaryWeight);
  expect(weights).toEqual([60, 50, 50, 100, 100, 100]);
  const failed = decideScene(stuckAt(6, 6));
  expect(failed).toMatchObject({ label: "promotion-failed", status: { phase: "Failed" } });
  expect(failed.explanation.sentence).toContain("traffic stays where pods are ready");
  // The next revision begins with what the canary has, until the primary is well.
  const fix = (primary: Scene["primary"]): Scene => ({
    ...stuckAt(6, 6),
    status: { ...failed.status, lastTransitionTime: at(-60_000) },
    target: { desiredCount: 6, templateHash: "s-newer" },
    ...(primary === undefined ? {} : { primary }),
  });
  expect(decideScene(fix(undefined))).toMatchObject({ label: "start", status: { canaryWeight: 60 } });
  expect(decideScene(fix({ desiredCount: 12 }))).toMatchObject({ label: "start", status: { canaryWeight: 0 } });
});

test("skip-analysis: in the middle of a run the canary keeps its traffic until the primary is ready for it", () => {
  const skipped = decideScene({
    ...analysing,
    status: { phase: "Progressing", canaryWeight: 80 },
    target: { desiredCount: 9 },
    primary: { desiredCount: 4 },
    spec: { skipAnalysis: true },
  });
  expect(skipped).toMatchObject({ label: "skip-analysis", status: { phase: "Promoting", canaryWeight: 80 } });
  expect(routedWeight(skipped)).toBe(80);
});

test("need: declared by the user, from the requests that were counted", () => {
  const scene: Scene = {
    ...analysing,
    spec: { capacity: { requestsPerPod: 25, headroomPercent: 0 } },
    answers: { served: servedAt(400, 20) },
  };
  const { capacity, sentence } = decideScene(scene).explanation;
  expect(capacity).toMatchObject({ method: "declared", requestsPerSecond: 400, podsForAll: 16 });
  expect(sentence).toBe("Holding at 20%: the canary has 4 of the 5 ready pods that 30% of the traffic needs");
});

test("need: learned version by version, the canary's own as soon as it is known", () => {
  const learned = [
    { revision: "s-old", requestsPerPod: 50, deviation: 0, sampleCount: 9 },
    { revision: "s-new", requestsPerPod: 20, deviation: 0, sampleCount: 9 },
  ];
  const scene: Scene = {
    ...analysing,
    status: { ...analysing.status, capacity: { learned } },
    observation: {
      capacity: { ...loaded, primary: scaledCopy({ maxCount: 20 }), canary: scaledCopy({ maxCount: 20 }) },
    },
    answers: { served: servedAt(400, 20) },
  };
  const { capacity } = decideScene(scene).explanation;
  expect(capacity).toMatchObject({ method: "learned", podsForAll: 8 });
  expect(capacity?.canaryNext).toMatchObject({ bareCount: 6, count: 7 });
});

test("need: a tick learns from both copies, but not from cold pods", () => {
  const scene = (youngestReadyMs: number): Scene => ({
    ...analysing,
    spec: { capacity: { warmUp: "30s" } },
    observation: { capacity: { ...loaded, canary: { ...loaded.canary, youngestReadyMs } } },
    answers: { served: servedAt(400, 20) },
  });
  expect(decideScene(scene(NOW_MS - 60_000)).status.capacity?.learned).toEqual([
    { revision: "s-old", requestsPerPod: 40, deviation: 0, sampleCount: 1 },
    { revision: "s-new", requestsPerPod: 40, deviation: 0, sampleCount: 1 },
  ]);
  expect(decideScene(scene(NOW_MS - 5000)).status.capacity?.learned).toHaveLength(1);
});

test("need: nothing is learned while the window of the requests reaches back to another weight", () => {
  const scene: Scene = {
    ...analysing,
    analysis: { interval: "5s" },
    status: { ...analysing.status, lastTransitionTime: at(-9000) },
    answers: { served: servedAt(400, 20) },
  };
  expect(decideScene(scene).status.capacity?.learned).toBeUndefined();
});

test("need: what was learned before does not outweigh what the autoscalers see now by more than half", () => {
  const learned = [{ revision: "s-old", requestsPerPod: 10, deviation: 0, sampleCount: 9 }];
  const scene: Scene = {
    ...analysing,
    status: { ...analysing.status, capacity: { learned } },
    answers: { served: servedAt(400, 20) },
  };
  expect(decideScene(scene).explanation.capacity).toMatchObject({ method: "learned", podsForAll: 15 });
});

test("need: without any measure it is the size that the user chose, for fixed replicas as for an autoscaler in an outage", () => {
  const fixed = decideScene({
    status: { phase: "Progressing", canaryWeight: 40 },
    target: { desiredCount: 4, readyCount: 2, availableCount: 2 },
    primary: { desiredCount: 4 },
    analysis: { canaryReadyThreshold: 50 },
  });
  expect(fixed.explanation.capacity).toMatchObject({ method: "size", podsForAll: 4 });
  // The user calls half of the pods ready enough.
  expect(fixed.label).toBe("advance");
  const outage = decideScene({
    ...analysing,
    status: { ...analysing.status, capacity: { podsForAll: 14 } },
    observation: { capacity: { ...loaded, primary: scaledCopy({ maxCount: 20 }), canary: scaledCopy() } },
  });
  expect(outage.explanation.capacity).toMatchObject({ method: "size", podsForAll: 14 });
});

test("need: a canary of fixed replicas is made as large as its share needs, and never smaller", () => {
  const scene = (desiredCount: number): Scene => ({
    status: { phase: "Progressing", canaryWeight: 40 },
    target: { desiredCount },
    primary: { desiredCount: 8 },
    observation: { capacity: unknownCapacity },
  });
  expect(commandsOf(decideScene(scene(2)), "scale-target")).toEqual([{ kind: "scale-target", replicaCount: 4 }]);
  expect(commandsOf(decideScene(scene(7)), "scale-target")).toEqual([]);
});

test("need: the status tells it, and the way back", () => {
  const capacity = { ...loaded, primary: { ...loaded.primary, podStartMs: 19_000 } };
  expect(decideScene({ ...analysing, observation: { capacity } }).status.capacity).toMatchObject({
    method: "autoscaler",
    podsForAll: 10,
    primary: { ready: 12, need: 8 },
    canary: { ready: 4, need: 4, next: 5 },
    wayBack: "100% in 1s",
    reserveCount: 8,
  });
});

test("need: nothing is said of a core Service, of a provider that routes nothing, and without a primary", () => {
  expect(
    decideScene({ ...analysing, spec: { provider: "kubernetes" }, analysis: { iterations: 3 } }).explanation.capacity,
  ).toBeUndefined();
  expect(decideScene({ ...analysing, target: { kind: "Service" } }).explanation.capacity).toBeUndefined();
});

test("need: one number for each copy of an A/B test, by the share that was measured", () => {
  const scene: Scene = {
    ...analysing,
    status: { phase: "Progressing", iterations: 1, canaryWeight: 100, servedWeight: 10 },
    analysis: { iterations: 5, match: [{ headers: { a: { exact: "b" } } }] },
    observation: {
      capacity: { ...loaded, primary: scaledCopy({ podsForLoad: 9, maxCount: 20 }), canary: { ...unknownCopy } },
    },
  };
  expect(decideScene(scene).explanation.capacity).toMatchObject({ podsForAll: 10, canaryNow: { count: 2 } });
});

function at(offsetMs: number): string {
  return new Date(NOW_MS + offsetMs).toISOString();
}
