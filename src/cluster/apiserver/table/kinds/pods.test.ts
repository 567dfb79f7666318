import type { KubeObject } from "#api";
import { expect, test } from "vitest";
import { podPrinter } from "./pods.ts";

const nowMs = Date.parse("2026-01-01T01:00:00Z");

interface PodParts {
  readonly spec?: object;
  readonly status: object;
  readonly metadata?: object;
}

/** READY, STATUS and RESTARTS of a pod. */
function shown({ spec, status, metadata }: PodParts): readonly unknown[] {
  const pod: KubeObject = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", creationTimestamp: "2026-01-01T00:00:00Z", ...metadata },
    spec: { containers: [{ name: "a" }, { name: "b" }], ...spec },
    status,
  };
  return podPrinter.cells(pod, nowMs).slice(1, 4);
}

const running = (restartCount = 0, rest: object = {}): object => ({
  ready: true,
  restartCount,
  state: { running: {} },
  ...rest,
});
const waiting = (reason: string): object => ({ ready: false, restartCount: 0, state: { waiting: { reason } } });
const ended = (exitCode: number, rest: object = {}): object => ({
  ready: false,
  restartCount: 0,
  state: { terminated: { exitCode, ...rest } },
});
const restarted = { lastState: { terminated: { exitCode: 1, finishedAt: "2026-01-01T00:59:55Z" } } };

test("a pod's status is its phase, or the reason of the first container that is not well", () => {
  expect(shown({ status: { phase: "Pending" } })).toEqual(["0/2", "Pending", "0"]);
  expect(shown({ status: { phase: "Running", containerStatuses: [running(), running()] } })).toEqual([
    "2/2",
    "Running",
    "0",
  ]);
  expect(
    shown({
      status: { phase: "Running", containerStatuses: [waiting("CrashLoopBackOff"), ended(1, { reason: "Error" })] },
    }),
  ).toEqual(["0/2", "CrashLoopBackOff", "0"]);
  expect(shown({ status: { phase: "Failed", containerStatuses: [ended(3)] } })[1]).toBe("ExitCode:3");
  expect(shown({ status: { phase: "Failed", containerStatuses: [ended(0, { signal: 9 })] } })[1]).toBe("Signal:9");
  expect(shown({ status: { phase: "Failed", reason: "Evicted" } })[1]).toBe("Evicted");
});

test("restarts say how long ago the last one was", () => {
  expect(shown({ status: { phase: "Running", containerStatuses: [running(1, restarted), running(2)] } })[2]).toBe(
    "3 (5s ago)",
  );
});

test("a completed container does not make a running pod complete", () => {
  const containerStatuses = [ended(0, { reason: "Completed" }), running()];
  const conditions = [{ type: "Ready", status: "True" }];
  expect(shown({ status: { phase: "Running", containerStatuses } })[1]).toBe("NotReady");
  expect(shown({ status: { phase: "Running", containerStatuses, conditions } })[1]).toBe("Running");
});

test("init containers show their progress, sidecars count as containers", () => {
  const initContainers = [{ name: "i" }, { name: "s", restartPolicy: "Always" }];
  const done = { name: "i", ...ended(0) };
  const statusOf = (...initContainerStatuses: object[]): PodParts => ({
    spec: { initContainers },
    status: { phase: "Pending", initContainerStatuses },
  });
  expect(shown(statusOf({ name: "i", ...running() }))).toEqual(["0/3", "Init:0/2", "0"]);
  expect(shown(statusOf({ name: "i", ...waiting("ErrImagePull") }))[1]).toBe("Init:ErrImagePull");
  expect(shown(statusOf({ name: "i", ...ended(2) }))[1]).toBe("Init:ExitCode:2");
  expect(shown(statusOf(done, { name: "s", started: true, ...running(1) }))).toEqual(["1/3", "Pending", "1"]);
});

test("a pod that goes away is Terminating, unless its node is lost or it has ended", () => {
  const metadata = { deletionTimestamp: "2026-01-01T00:59:59Z" };
  expect(shown({ metadata, status: { phase: "Running" } })[1]).toBe("Terminating");
  expect(shown({ metadata, status: { phase: "Running", reason: "NodeLost" } })[1]).toBe("Unknown");
  expect(shown({ metadata, status: { phase: "Succeeded" } })[1]).toBe("Succeeded");
});
