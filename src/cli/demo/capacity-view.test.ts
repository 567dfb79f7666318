import { expect, test } from "vitest";
import { renderCapacityFrame } from "./capacity-view.ts";
import { COLUMN_COUNT, COLUMN_MS, createHistory } from "./history.ts";
import { takeSnapshot } from "./snapshot.ts";
import { type Frame, isNews, renderLine } from "./view.ts";

function deployment(name: string, ready: number, desired = ready) {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas: desired,
      selector: {},
      template: { spec: { containers: [{ name: "app", image: "podinfo:6.4.1" }] } },
    },
    status: { readyReplicas: ready },
  };
}

function scaler(floor?: number) {
  const annotations = floor === undefined ? {} : { "serin.dev/floor": JSON.stringify({ canary: "1", floor }) };
  return { apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject", metadata: { name: "app", annotations } };
}

interface Scene {
  readonly elapsedMs?: number;
  readonly total?: number;
  readonly late?: number;
  readonly weight?: number;
  readonly canaryReady?: number;
  readonly conditions?: readonly object[];
}

function frameOf({ elapsedMs = 0, total = 0, late = 0, weight = 30, canaryReady = 2, conditions = [] }: Scene): Frame {
  const route = [
    { destination: { host: "app-primary" }, weight: 100 - weight },
    { destination: { host: "app-canary" }, weight },
  ];
  return {
    title: "Rollout of app, load ramp",
    elapsedMs,
    snapshot: takeSnapshot({
      canary: {
        apiVersion: "flagger.app/v1beta1",
        kind: "Canary",
        metadata: { name: "app" },
        spec: { analysis: { threshold: 5 } },
        status: {
          phase: "Progressing",
          conditions,
          capacity: {
            method: "autoscaler",
            podsForAll: 5.25,
            wayBack: "80% in 1s, 100% in 9s",
            primary: { ready: 4, need: 4 },
            canary: { ready: 2, need: 3, next: 4 },
          },
        },
      },
      virtualService: {
        apiVersion: "networking.istio.io/v1beta1",
        kind: "VirtualService",
        metadata: { name: "app" },
        spec: { http: [{ route }] },
      },
      primary: deployment("app-primary", 4),
      target: deployment("app", canaryReady, 4),
      rates: new Map([["app", { requestsPerSecond: 12.5, successPercent: 100, p99Ms: 230 }]]),
      verdicts: [],
      scalers: { primary: scaler(5), canary: scaler() },
      lastEvent: "",
    }),
    load: { total, failed: 0, late, byVersion: {}, lastFailure: undefined },
    decisions: ["12:00:01 one", "12:00:02 two", "12:00:03 three", "12:00:04 four"],
  };
}

test("renderCapacityFrame: pods, need, next step and floor of both copies, and how it came to be, within 23 lines of 80", () => {
  const history = createHistory();
  for (let second = 0; second <= 200; second++)
    history.add(
      frameOf({
        elapsedMs: second * 1000,
        total: second * 10 + Math.max(0, second - 100) * 30,
        weight: second < 90 ? 0 : 40,
      }),
    );
  const lines = renderCapacityFrame(frameOf({ total: 900, late: 7 }), history.columns(), 80);
  expect(lines.length).toBeLessThanOrEqual(23);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  const text = lines.join("\n");
  expect(text).toMatch(/primary +6\.4\.1 +4 +4 +4 +- +5 /);
  expect(text).toMatch(/canary +6\.4\.1 +4 +2 +3 +4 +- +12\.5 +100% +230 ms/);
  expect(text).toContain("900 requests, 7 later than 500 ms, 0 failed");
  expect(text).toContain("all      5.3 pods (autoscaler); back 80% in 1s, 100% in 9s");
  expect(text).toMatch(/weight {10}·+▄+$/m);
  expect(text).toMatch(/canary ready {4}2{60}$/m);
  expect(text).not.toContain("one");
});

test("renderCapacityFrame: what a step waits for stands where the way back did", () => {
  const conditions = [{ type: "CapacityReady", status: "False", message: "canary has 2 of 4 pods" }];
  const text = renderCapacityFrame(frameOf({ conditions }), [], 80).join("\n");
  expect(text).toContain("waiting  canary has 2 of 4 pods");
  expect(text).not.toContain("back 80%");
});

test("renderLine, isNews: needs and floors in whole pods are news, their fractions are not", () => {
  const frame = frameOf({});
  expect(renderLine(frame)).toContain("primary needs 4 next - floor 5 | canary needs 3 next 4 floor -");
  const { capacity } = frame.snapshot;
  if (capacity === undefined) throw new Error("the frame has no capacity");
  const withCapacity = (change: object): Frame => ({
    ...frame,
    snapshot: { ...frame.snapshot, capacity: { ...capacity, ...change } },
  });
  expect(isNews(frame, withCapacity({ podsForAll: 5.3 }))).toBe(false);
  expect(isNews(frame, withCapacity({ primary: { ...capacity.primary, floor: 6 } }))).toBe(true);
});

test("createHistory: a column a stretch with what came in it, the latest only, and sums over all", () => {
  const history = createHistory();
  for (let ms = 0; ms <= 4 * COLUMN_MS; ms += 500)
    history.add(frameOf({ elapsedMs: ms, total: ms / 100, late: ms >= 2 * COLUMN_MS ? 3 : 0 }));
  expect(history.columns()).toHaveLength(4);
  expect(history.columns().map(({ badCount }) => badCount)).toEqual([0, 3, 0, 0]);
  expect(history.columns()[0]).toMatchObject({
    requestsPerSecond: 10,
    weightPercent: 30,
    canary: { ready: 2, need: 3 },
  });
  // 4 pods of the primary and 4 of the canary, of which 2 were ready and 3 needed, for 12 s.
  expect(history.totals()).toEqual({
    podMinutes: 1.6,
    maxReady: { primary: 4, canary: 2 },
    shortSeconds: { primary: 0, canary: 12 },
    failed: 0,
    late: 3,
  });
  for (let count = 5; count < 200; count++) history.add(frameOf({ elapsedMs: count * COLUMN_MS }));
  expect(history.columns()).toHaveLength(COLUMN_COUNT);
});

test("createHistory: a copy without traffic is not short of pods", () => {
  const history = createHistory();
  for (const elapsedMs of [0, 1000]) history.add(frameOf({ elapsedMs, weight: 0, canaryReady: 0 }));
  expect(history.totals().shortSeconds.canary).toBe(0);
});
