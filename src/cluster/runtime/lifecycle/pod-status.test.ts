import { expect, test } from "vitest";
import type { Pod } from "#api";
import { beginPod } from "./begin-pod.ts";
import { planPod } from "./pod-plan.ts";
import { earlierRuns, podStatus } from "./pod-status.ts";
import { step } from "./step.ts";

const NOW_MS = Date.parse("2026-01-01T00:00:10Z");
const POD: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "shop", uid: "u1" },
  spec: { containers: [{ name: "app", image: "app:1" }] },
};
const FACTS = { podIp: "127.10.1.1", hostIp: "127.10.0.1", conditions: [], readinessGates: [], nowMs: NOW_MS };

function runningState(): Parameters<typeof podStatus>[0] {
  const begun = step(beginPod(planPod(POD), { nowMs: NOW_MS }), { type: "tick" }, NOW_MS).state;
  return step(begun, { type: "started", container: "app", run: 1, containerId: "process://7" }, NOW_MS).state;
}

test("podStatus: the whole status of a running pod", () => {
  const since = { lastTransitionTime: "2026-01-01T00:00:10Z", status: "True" };
  expect(podStatus(runningState(), FACTS)).toEqual({
    phase: "Running",
    conditions: [
      { type: "Initialized", ...since },
      { type: "Ready", ...since },
      { type: "ContainersReady", ...since },
      { type: "PodScheduled", ...since },
    ],
    hostIP: "127.10.0.1",
    podIP: "127.10.1.1",
    podIPs: [{ ip: "127.10.1.1" }],
    startTime: "2026-01-01T00:00:10Z",
    containerStatuses: [
      {
        name: "app",
        image: "app:1",
        imageID: "app:1",
        ready: true,
        restartCount: 0,
        started: true,
        containerID: "process://7",
        state: { running: { startedAt: "2026-01-01T00:00:10Z" } },
        lastState: {},
      },
    ],
  });
});

test("podStatus: a transition time is kept while the condition's status stays", () => {
  const old = { lastTransitionTime: "2025-12-31T00:00:00Z" };
  const conditions = [
    { type: "Ready", status: "True", ...old },
    { type: "ContainersReady", status: "False", ...old },
  ] as const;
  const status = podStatus(runningState(), { ...FACTS, conditions });
  const times = Object.fromEntries((status.conditions ?? []).map((item) => [item.type, item.lastTransitionTime]));
  expect(times.Ready).toBe("2025-12-31T00:00:00Z");
  expect(times.ContainersReady).toBe("2026-01-01T00:00:10Z");
});

test("podStatus: readiness gates that others set hold Ready back", () => {
  const readinessGates = ["example.com/lb"];
  const missing = podStatus(runningState(), { ...FACTS, readinessGates });
  expect(missing.conditions?.find(({ type }) => type === "Ready")).toMatchObject({
    status: "False",
    reason: "ReadinessGatesNotReady",
  });
  const conditions = [{ type: "example.com/lb", status: "True" }] as const;
  const set = podStatus(runningState(), { ...FACTS, readinessGates, conditions });
  expect(set.conditions?.find(({ type }) => type === "Ready")?.status).toBe("True");
});

test("earlierRuns: a container that ran was killed, one that had ended keeps its end, one that never ran is left out", () => {
  const base = { image: "app:1", imageID: "", ready: false };
  const pod: Pod = {
    ...POD,
    status: {
      containerStatuses: [
        { ...base, name: "ran", restartCount: 1, state: { running: { startedAt: "2026-01-01T00:00:00Z" } } },
        { ...base, name: "ended", restartCount: 4, state: { waiting: {} }, lastState: { terminated: { exitCode: 3 } } },
        { ...base, name: "never", restartCount: 0, state: { waiting: { reason: "ContainerCreating" } } },
      ],
    },
  };
  const runs = earlierRuns(pod, NOW_MS);
  expect([...runs].map(([name, { restartCount, last }]) => [name, restartCount, last.exitCode])).toEqual([
    ["ran", 1, 137],
    ["ended", 4, 3],
  ]);
});
