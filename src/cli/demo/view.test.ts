import { expect, test } from "vitest";
import { canaryWeight, takeSnapshot } from "./snapshot.ts";
import { type Frame, isNews, renderFrame, renderLine } from "./view.ts";

const virtualService = {
  apiVersion: "networking.istio.io/v1beta1",
  kind: "VirtualService",
  metadata: { name: "app" },
  spec: {
    http: [
      {
        route: [
          { destination: { host: "app-primary" }, weight: 70 },
          { destination: { host: "app-canary" }, weight: 30 },
        ],
      },
    ],
  },
};

function deployment(name: string, tag: string, ready: number) {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: { replicas: 2, selector: {}, template: { spec: { containers: [{ name: "app", image: `podinfo:${tag}` }] } } },
    status: { readyReplicas: ready },
  };
}

const frame: Frame = {
  title: "demo",
  elapsedMs: 12_300,
  snapshot: takeSnapshot({
    canary: {
      apiVersion: "flagger.app/v1beta1",
      kind: "Canary",
      metadata: { name: "app" },
      spec: { analysis: { threshold: 5 } },
      status: { phase: "Progressing", failedChecks: 1 },
    },
    virtualService,
    primary: deployment("app-primary", "6.4.0", 2),
    target: deployment("app", "6.4.1", 1),
    rates: new Map([
      ["app-primary", { requestsPerSecond: 75, successPercent: 100, p99Ms: 4 }],
      ["app", { requestsPerSecond: 25, successPercent: 80.5, p99Ms: undefined }],
    ]),
    verdicts: [],
    scalers: undefined,
    lastEvent: "Advance",
  }),
  load: { total: 100, failed: 2, late: 0, byVersion: {}, lastFailure: "HTTP 500 from 6.4.1" },
  decisions: ["12:00:01 Advance app.ns canary weight 30"],
};

test("takeSnapshot: weight asked and share served are two numbers", () => {
  expect(frame.snapshot).toMatchObject({ weightPercent: 30, servedPercent: 25, failedChecks: 1, threshold: 5 });
  expect(canaryWeight(virtualService, "other")).toBeUndefined();
});

test("renderFrame: shows both copies, the checks and the decision, and fits the width", () => {
  const text = renderFrame(frame, 100).join("\n");
  for (const part of [
    "30% asked",
    "25% measured",
    "1 of 5 failed",
    "6.4.0",
    "80.5%",
    "2 failed (last: HTTP 500 from 6.4.1)",
    "Advance app.ns",
  ])
    expect(text).toContain(part);
  for (const line of renderFrame(frame, 40)) expect(line.length).toBeLessThanOrEqual(40);
});

test("renderLine, isNews: a line a change, none for rates alone", () => {
  expect(renderLine(frame)).toContain("weight 30% served 25%");
  const faster = { ...frame, snapshot: { ...frame.snapshot, servedPercent: 26 } };
  expect(isNews(frame, faster)).toBe(false);
  expect(isNews(frame, { ...frame, snapshot: { ...frame.snapshot, weightPercent: 40 } })).toBe(true);
});

test("renderFrame: a sequential analysis shows each metric between stop and go", () => {
  const verdict = { metric: "request-success-rate", stopShare: 0.25, bound: 0.02, goal: 0.005 };
  const judged = { ...frame, snapshot: { ...frame.snapshot, verdicts: [verdict] } };
  const lines = renderFrame(judged, 100);
  expect(lines).toContain("  request-success-rate stop ░░░░░░░░░███│█████████░░░ go  excess ≤ 2.00%, needs 0.50%");
  expect(renderLine(judged)).toContain("| last look: request-success-rate excess ≤ 2.00%, needs 0.50% |");
});
